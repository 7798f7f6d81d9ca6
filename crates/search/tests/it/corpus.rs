//! Files made for the tests, so that none has to be kept.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A zip archive of files.
pub(crate) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in files {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(crate) fn docx(body: &str) -> Vec<u8> {
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><w:document xmlns:w=\"urn:w\"><w:body>{body}\
         </w:body></w:document>"
    );
    zip(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", document.as_bytes())])
}

pub(crate) fn paragraph(text: &str) -> String {
    format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")
}

const SCHEMAS: &str = "http://schemas.openxmlformats.org";

/// A package of Office Open XML with all that other programs ask for: the part that is its main one, the
/// part that this refers to as `r2` if there is one, and what else it refers to.
fn package(kind: &str, main: (&str, &str), other: Option<(&str, &str)>, links: &str) -> Vec<u8> {
    let relationships = format!("<Relationships xmlns=\"{SCHEMAS}/package/2006/relationships\">");
    let office = format!("{SCHEMAS}/officeDocument/2006/relationships");
    let (directory, name) = main.0.split_once('/').unwrap();
    let part = |(path, _): &(&str, &str), kind: &str| {
        format!(
            "<Override PartName=\"/{path}\" ContentType=\"application/vnd.openxmlformats-\
             officedocument.{kind}+xml\"/>"
        )
    };
    let types = format!(
        "<Types xmlns=\"{SCHEMAS}/package/2006/content-types\"><Default Extension=\"rels\" \
         ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>{}{}</Types>",
        part(&main, &format!("{kind}.main")),
        other.map(|other| part(&other, "presentationml.slide")).unwrap_or_default()
    );
    let to_main = format!(
        "{relationships}<Relationship Id=\"r1\" Type=\"{office}/officeDocument\" Target=\"{}\"/>\
         </Relationships>",
        main.0
    );
    let to_other = other.map(|(path, _)| {
        format!("<Relationship Id=\"r2\" Type=\"{office}/slide\" Target=\"/{path}\"/>")
    });
    let from_main =
        format!("{relationships}{}{links}</Relationships>", to_other.unwrap_or_default());
    let at = format!("{directory}/_rels/{name}.rels");
    let mut files = vec![
        ("[Content_Types].xml", types.as_bytes()),
        ("_rels/.rels", to_main.as_bytes()),
        (at.as_str(), from_main.as_bytes()),
        (main.0, main.1.as_bytes()),
    ];
    files.extend(other.map(|(path, text)| (path, text.as_bytes())));
    zip(&files)
}

/// Entities, the last of which stands for a billion words.
pub(crate) fn laughs() -> String {
    let mut entities = "<!ENTITY l0 \"lol\">".to_owned();
    for level in 1..10 {
        let ten = format!("&l{};", level - 1).repeat(10);
        write!(entities, "<!ENTITY l{level} \"{ten}\">").unwrap();
    }
    entities
}

/// A document of a word processor; `links` are relationships.
pub(crate) fn letter(body: &str, links: &str) -> Vec<u8> {
    declared_letter("", body, links)
}

/// The same, with entities of its own.
pub(crate) fn declared_letter(entities: &str, body: &str, links: &str) -> Vec<u8> {
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><!DOCTYPE w [{entities}]><w:document \
         xmlns:w=\"{SCHEMAS}/wordprocessingml/2006/main\" \
         xmlns:r=\"{SCHEMAS}/officeDocument/2006/relationships\" \
         xmlns:wp=\"{SCHEMAS}/drawingml/2006/wordprocessingDrawing\" \
         xmlns:a=\"{SCHEMAS}/drawingml/2006/main\" xmlns:pic=\"{SCHEMAS}/drawingml/2006/picture\"><w:body>\
         {body}</w:body></w:document>"
    );
    package("wordprocessingml.document", ("word/document.xml", &document), None, links)
}

/// A presentation of one slide with a red rectangle, on which stands a word.
pub(crate) fn presentation(word: &str) -> Vec<u8> {
    let names = format!(
        "xmlns:p=\"{SCHEMAS}/presentationml/2006/main\" xmlns:a=\"{SCHEMAS}/drawingml/2006/main\" \
         xmlns:r=\"{SCHEMAS}/officeDocument/2006/relationships\""
    );
    let presentation = format!(
        "<p:presentation {names}><p:sldIdLst><p:sldId id=\"256\" r:id=\"r2\"/></p:sldIdLst><p:sldSz \
         cx=\"9144000\" cy=\"6858000\"/></p:presentation>"
    );
    let slide = format!(
        "<p:sld {names}><p:cSld><p:spTree><p:nvGrpSpPr><p:cNvPr id=\"1\" name=\"\"/><p:cNvGrpSpPr/>\
         <p:nvPr/></p:nvGrpSpPr><p:grpSpPr/><p:sp><p:nvSpPr><p:cNvPr id=\"2\" name=\"r\"/><p:cNvSpPr/>\
         <p:nvPr/></p:nvSpPr><p:spPr><a:xfrm><a:off x=\"500000\" y=\"500000\"/><a:ext cx=\"6000000\" \
         cy=\"5000000\"/></a:xfrm><a:prstGeom prst=\"rect\"><a:avLst/></a:prstGeom><a:solidFill>\
         <a:srgbClr val=\"FF0000\"/></a:solidFill></p:spPr><p:txBody><a:bodyPr/><a:p><a:r><a:t>{word}\
         </a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld></p:sld>"
    );
    let main = ("ppt/presentation.xml", presentation.as_str());
    let other = Some(("ppt/slides/slide1.xml", slide.as_str()));
    package("presentationml.presentation", main, other, "")
}

/// A picture that lies elsewhere, for the body of a letter.
pub(crate) fn linked_picture(relationship: &str) -> String {
    format!(
        "<w:p><w:r><w:drawing><wp:inline><wp:extent cx=\"900000\" cy=\"900000\"/><wp:docPr id=\"1\" \
         name=\"p\"/><a:graphic><a:graphicData \
         uri=\"http://schemas.openxmlformats.org/drawingml/2006/picture\"><pic:pic><pic:nvPicPr>\
         <pic:cNvPr id=\"0\" name=\"p\"/><pic:cNvPicPr/></pic:nvPicPr><pic:blipFill><a:blip \
         r:link=\"{relationship}\"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill><pic:spPr>\
         <a:xfrm><a:off x=\"0\" y=\"0\"/><a:ext cx=\"900000\" cy=\"900000\"/></a:xfrm><a:prstGeom \
         prst=\"rect\"><a:avLst/></a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic>\
         </wp:inline></w:drawing></w:r></w:p>"
    )
}

/// A PDF whose page is wider than high.
pub(crate) fn wide_pdf() -> Vec<u8> {
    pdf_of(&[
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Count 1 /Kids [3 0 R] >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 200] >>".to_owned(),
    ])
}

/// A PDF whose pages have one line each.
pub(crate) fn pdf(lines: &[&str]) -> Vec<u8> {
    let mut objects = vec!["<< /Type /Catalog /Pages 2 0 R >>".to_owned(), String::new()];
    let mut kids = String::new();
    for line in lines {
        let content = format!("BT /F 24 Tf 72 700 Td ({line}) Tj ET");
        let number = objects.len() + 1;
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {} 0 R /Resources << \
             /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
            number + 1
        ));
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
        write!(kids, "{number} 0 R ").unwrap();
    }
    if let Some(pages) = objects.get_mut(1) {
        *pages = format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", lines.len());
    }
    pdf_of(&objects)
}

/// A PDF of these objects, the first of them its catalogue.
pub(crate) fn pdf_of(objects: &[String]) -> Vec<u8> {
    let mut pdf = "%PDF-1.4\n".to_owned();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (number, object) in (1..).zip(objects) {
        writeln!(table, "{:010} 00000 n ", pdf.len()).unwrap();
        write!(pdf, "{number} 0 obj\n{object}\nendobj\n").unwrap();
    }
    let size = objects.len() + 1;
    let start = pdf.len();
    write!(pdf, "{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n")
        .unwrap();
    pdf.into_bytes()
}

/// A picture that is red on the left and blue on the right.
pub(crate) fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let picture = RgbImage::from_fn(width, height, |x, _| {
        if x < width / 2 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) }
    });
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A good file of each format, with the word it has to give if it has text.
pub(crate) fn one_of_each() -> Vec<(&'static str, Vec<u8>, Option<&'static str>)> {
    let slide = b"<p:sld><a:p><a:r><a:t>harbor</a:t></a:r></a:p></p:sld>";
    let strings = b"<sst><si><t>harbor</t></si></sst>";
    let sheet = b"<worksheet><row><c t=\"s\"><v>0</v></c><c><v>42</v></c></row></worksheet>";
    let open =
        b"<office:document><text:p>harbor <text:span>x</text:span></text:p></office:document>";
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='200' height='100'>\
                <rect width='100' height='100' fill='red'/></svg>";
    let text = Some("harbor");
    vec![
        ("a.pdf", pdf(&["harbor", "second"]), text),
        ("a.docx", docx(&paragraph("harbor")), text),
        ("a.pptx", zip(&[("ppt/slides/slide1.xml", slide)]), text),
        (
            "a.xlsx",
            zip(&[("xl/sharedStrings.xml", strings), ("xl/worksheets/sheet1.xml", sheet)]),
            text,
        ),
        ("a.odt", zip(&[("content.xml", open)]), text),
        ("a.ods", zip(&[("content.xml", open)]), text),
        ("a.odp", zip(&[("content.xml", open)]), text),
        ("a.rtf", br"{\rtf1\ansi harbor\par}".to_vec(), text),
        ("a.html", b"<h1>harbor</h1><script>no</script>".to_vec(), text),
        ("a.md", b"# harbor\n".to_vec(), text),
        ("a.rs", b"fn harbor() {}\n".to_vec(), text),
        ("a.svg", svg.to_vec(), None),
        ("a.png", picture(1200, 300, ImageFormat::Png), None),
        ("a.jpg", picture(1200, 300, ImageFormat::Jpeg), None),
        ("a.gif", picture(120, 30, ImageFormat::Gif), None),
        ("a.bmp", picture(120, 30, ImageFormat::Bmp), None),
        ("a.tiff", picture(120, 30, ImageFormat::Tiff), None),
        ("a.webp", picture(120, 30, ImageFormat::WebP), None),
    ]
}
