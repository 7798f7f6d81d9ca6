//! Looking into a thousand office documents: how busy it keeps a core, and what the API notices of it.

use std::io::{Cursor, Write as _};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::Connection as Database;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::client::{Connection, block_on};
use crate::deliveries::p99;
use crate::report::{Figure, Goal};
use crate::site::{Site, Uploader};
use crate::{Outcome, Settings};

const DOCUMENTS: u32 = 1_000;
/// Some 40 kB of text.
const LINES: u32 = 450;
const WORDS_OF_LINE: u32 = 10;
const LINES_OF_PAGE: usize = 50;

/// How long looking into all of them may take.
const PATIENCE: Duration = Duration::from_mins(10);
const GLANCE: Duration = Duration::from_millis(20);

const OFF: [&str; 2] = ["--extraction", "off"];
const ON: [&str; 2] = ["--extraction", "on"];

const WAITING: &str = "SELECT COUNT(*) FROM extraction WHERE due_ms IS NOT NULL";
/// Documents that gave text: a picture alone would be no proof that somebody read them.
const EXTRACTED: &str = "
    SELECT COUNT(*) FROM extraction x
      JOIN search_entry e ON e.organization_id = x.organization_id
           AND e.resource_id = x.document_id AND e.version_id = x.version_id AND e.kind = 'VERSION'
     WHERE x.state = 'EXTRACTED' AND e.content_tokens LIKE '%harbour%'";

pub(crate) fn run(settings: &Settings, figures: &mut Vec<Figure>) -> Outcome<()> {
    let mut site = Site::start_with(settings, &OFF)?;
    let root = site.new_root_folder()?;
    let first = upload_all(&site, &root)?;
    let path = format!("/api/v1/documents/{first}");
    let (mut cores, mut beside, mut idle) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=settings.rounds {
        site = begin(site)?;
        let (seconds, busy) = busy(&site)?;
        let alone = p99(&site, &path)?;
        site = begin(site)?;
        let together = p99_beside(&site, &path)?;
        let pace = f64::from(DOCUMENTS) / seconds;
        eprintln!(
            "bench: extraction round {round}: {pace:.0} documents/s, {busy:.2} cores; p99 \
             {together:.0} µs beside it against {alone:.0} µs"
        );
        if round > 0 {
            cores.push(busy);
            beside.push(together);
            idle.push(alone);
        }
    }
    let (name, goal) = ("cores kept busy by extraction", Goal::AtLeast(0.9));
    figures.push(Figure { name, unit: "cores", ours: cores, baseline: Vec::new(), goal });
    let (name, goal) = ("GetDocument beside extraction, p99", Goal::RatioAtMost(2.0));
    figures.push(Figure { name, unit: "µs", ours: beside, baseline: idle, goal });
    site.stop_and_verify()
}

/// Starts the server anew when nothing was looked into yet.
fn begin(site: Site) -> Outcome<Site> {
    // While it is off nobody has a document in hand, which would not be tried again for minutes.
    let site = site.again_with(&OFF)?;
    site.reindex()?;
    site.again_with(&ON)
}

/// How long it takes to look into all documents while nothing else is asked for, in seconds, and how
/// much of that the processes that did so had of a core.
fn busy(site: &Site) -> Outcome<(f64, f64)> {
    let waiting = Waiting { database: site.database()? };
    let (began, before) = (Instant::now(), site.running.children_cpu_seconds()?);
    waiting.until_done()?;
    let seconds = began.elapsed().as_secs_f64();
    Ok((seconds, (site.running.children_cpu_seconds()? - before) / seconds))
}

/// The p99 of a read while there are documents to look into.
fn p99_beside(site: &Site, path: &str) -> Outcome<f64> {
    let waiting = Waiting { database: site.database()? };
    let before = waiting.count(WAITING)?;
    let together = p99(site, path)?;
    let after = waiting.count(WAITING)?;
    if after == before || after == 0 {
        return Err("looking into documents did not go on for as long as the API was asked".into());
    }
    waiting.until_done()?;
    Ok(together)
}

/// Uploads all documents, and tells the id of the first.
fn upload_all(site: &Site, root: &str) -> Outcome<String> {
    block_on(async {
        let mut connection = Connection::open(site.address).await?;
        let mut first = None;
        for number in 0..DOCUMENTS {
            let (extension, content) = document(number)?;
            let uploader = Uploader { site, folder: root, content: &content };
            let name = format!("document-{number}.{extension}");
            let stored = uploader.upload(&mut connection, &name).await?;
            first.get_or_insert(stored.document_id);
        }
        first.ok_or_else(|| "there are no documents".to_owned())
    })
}

/// A document of one of five formats, unlike any other.
fn document(number: u32) -> Outcome<(&'static str, Vec<u8>)> {
    let lines = lines(number);
    let (extension, file, open, close, before, behind) = match number % 5 {
        0 => (
            "docx",
            "word/document.xml",
            "<w:document>",
            "</w:document>",
            "<w:p><w:t>",
            "</w:t></w:p>",
        ),
        1 => ("xlsx", "xl/sharedStrings.xml", "<sst>", "</sst>", "<si><t>", "</t></si>"),
        2 => ("pptx", "ppt/slides/slide1.xml", "<p:sld>", "</p:sld>", "<a:p><a:t>", "</a:t></a:p>"),
        3 => ("odt", "content.xml", "<office:text>", "</office:text>", "<text:p>", "</text:p>"),
        _ => return Ok(("pdf", pdf(&lines).map_err(|error| error.to_string())?)),
    };
    let inner = lines.join(&format!("{behind}{before}"));
    let zipped = zipped(file, format!("{open}{before}{inner}{behind}{close}").as_bytes());
    Ok((extension, zipped.map_err(|error| error.to_string())?))
}

/// Lines of words, of which every document has others.
fn lines(document: u32) -> Vec<String> {
    const WORDS: [&str; 16] = [
        "harbour", "ship", "freight", "quay", "tide", "crane", "manifest", "customs", "pilot",
        "anchor", "cargo", "lighter", "berth", "ledger", "signal", "storm",
    ];
    let word = |line: u32, place: u32| {
        let at = document * 7 + line * 13 + place * (1 + line % 5);
        let word = WORDS.iter().cycle().nth((at % 16) as usize).unwrap_or(&"");
        format!("{word}{}", at % 97)
    };
    let line = |line| (0..WORDS_OF_LINE).map(|place| word(line, place)).collect::<Vec<_>>();
    (0..LINES).map(|number| line(number).join(" ")).collect()
}

fn zipped(name: &str, bytes: &[u8]) -> zip::result::ZipResult<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    writer.start_file(name, options)?;
    writer.write_all(bytes)?;
    Ok(writer.finish()?.into_inner())
}

/// A PDF of pages that are written with a typewriter.
fn pdf(lines: &[String]) -> std::io::Result<Vec<u8>> {
    let pages: Vec<&[String]> = lines.chunks(LINES_OF_PAGE).collect();
    // Before the pages there are three objects, and each page is two.
    let kids: Vec<_> = (0..pages.len()).map(|page| format!("{} 0 R", 4 + 2 * page)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>"
            .to_owned(),
    ];
    for (number, page) in pages.iter().enumerate() {
        let text = page.join(") Tj T* (");
        let content = format!("BT /F 8 Tf 15 TL 36 800 Td ({text}) Tj ET");
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {} 0 R /Resources << \
             /Font << /F 3 0 R >> >> >>",
            5 + 2 * number
        ));
        let length = content.len();
        objects.push(format!("<< /Length {length} >>\nstream\n{content}\nendstream"));
    }
    let (mut pdf, mut offsets) = (b"%PDF-1.4\n".to_vec(), Vec::new());
    for (number, object) in (1..).zip(&objects) {
        writeln!(offsets, "{:010} 00000 n ", pdf.len())?;
        write!(pdf, "{number} 0 obj\n{object}\nendobj\n")?;
    }
    let (xref, size) = (pdf.len(), objects.len() + 1);
    write!(pdf, "xref\n0 {size}\n0000000000 65535 f \n")?;
    pdf.extend(offsets);
    write!(pdf, "trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{xref}\n%%EOF\n")?;
    Ok(pdf)
}

/// What waits to be looked into, as the server's database has it.
struct Waiting {
    database: Database,
}

impl Waiting {
    fn count(&self, query: &str) -> Outcome<u32> {
        let found = self.database.query_row(query, [], |row| row.get(0));
        found.map_err(|error| error.to_string())
    }

    /// Waits until everything was looked into, and gave something.
    fn until_done(&self) -> Outcome<()> {
        let began = Instant::now();
        while self.count(WAITING)? != 0 {
            if PATIENCE < began.elapsed() {
                return Err("looking into documents does not come to an end".to_owned());
            }
            sleep(GLANCE);
        }
        match self.count(EXTRACTED)? {
            DOCUMENTS => Ok(()),
            some => Err(format!("only {some} of {DOCUMENTS} documents gave text")),
        }
    }
}
