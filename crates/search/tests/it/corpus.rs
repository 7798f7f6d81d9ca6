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
