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

const DOCUMENTS: usize = 1_000;
const PARAGRAPHS: usize = 150;

/// How long looking into all of them may take.
const PATIENCE: Duration = Duration::from_secs(600);
const GLANCE: Duration = Duration::from_millis(20);

const WAITING: &str = "SELECT COUNT(*) FROM extraction WHERE due_ms IS NOT NULL";
const FAILED: &str = "SELECT COUNT(*) FROM extraction WHERE state <> 'EXTRACTED'";
const AGAIN: &str = "DELETE FROM extraction";

pub(crate) fn run(settings: &Settings, figures: &mut Vec<Figure>) -> Outcome<()> {
    let mut site = Site::start_with(settings, &["--extraction", "off"])?;
    let root = site.new_root_folder()?;
    let first = upload_all(&site, &root)?;
    let path = format!("/api/v1/documents/{first}");
    let on = || ["--extraction", "on"].map(str::to_owned).to_vec();
    let (mut cores, mut beside, mut idle) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=settings.rounds {
        // Of each half of a round all is looked into anew.
        site = site.at_rest_with(on(), |database| database.execute_batch(AGAIN))?;
        let waiting = Waiting { database: site.database()? };
        waiting.until_begun()?;
        let (began, before) = (Instant::now(), site.running.children_cpu_seconds()?);
        waiting.until_done()?;
        let seconds = began.elapsed().as_secs_f64();
        let busy = (site.running.children_cpu_seconds()? - before) / seconds;
        let alone = p99(&site, &path)?;
        site = site.at_rest_with(on(), |database| database.execute_batch(AGAIN))?;
        let waiting = Waiting { database: site.database()? };
        waiting.until_begun()?;
        let together = p99(&site, &path)?;
        if waiting.count(WAITING)? == 0 {
            return Err("all was looked into before the API was asked".to_owned());
        }
        waiting.until_done()?;
        eprintln!(
            "bench: extraction round {round}: {seconds:.1} s, {busy:.2} cores; p99 {together:.0} µs \
             beside it against {alone:.0} µs"
        );
        if round > 0 {
            cores.push(busy);
            beside.push(together);
            idle.push(alone);
        }
    }
    let (name, goal) = ("cores that extraction keeps busy", Goal::AtLeast(0.9));
    figures.push(Figure { name, unit: "cores", ours: cores, baseline: Vec::new(), goal });
    let (name, goal) = ("GetDocument beside extraction, p99", Goal::RatioAtMost(2.0));
    figures.push(Figure { name, unit: "µs", ours: beside, baseline: idle, goal });
    site.stop_and_verify()
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

/// A document of one of four formats, unlike any other.
fn document(number: usize) -> Outcome<(&'static str, Vec<u8>)> {
    const WORDS: [&str; 16] = [
        "harbour", "ship", "freight", "quay", "tide", "crane", "manifest", "customs", "pilot",
        "anchor", "cargo", "lighter", "berth", "ledger", "signal", "storm",
    ];
    let (extension, file, open, close, before, behind) = match number % 4 {
        0 => ("docx", "word/document.xml", "<document>", "</document>", "<p><t>", "</t></p>"),
        1 => ("xlsx", "xl/sharedStrings.xml", "<sst>", "</sst>", "<si><t>", "</t></si>"),
        2 => ("pptx", "ppt/slides/slide1.xml", "<sld>", "</sld>", "<p><t>", "</t></p>"),
        _ => ("odt", "content.xml", "<text:text>", "</text:text>", "<text:p>", "</text:p>"),
    };
    let mut text = open.to_owned();
    for paragraph in 0..PARAGRAPHS {
        text.push_str(before);
        for word in 0..30 {
            let at = number * 7 + paragraph * 13 + word * (1 + paragraph % 5);
            text.push_str(WORDS[at % WORDS.len()]);
            text.push_str(&format!("{} ", at % 97));
        }
        text.push_str(behind);
    }
    text.push_str(close);
    Ok((extension, zipped(file, text.as_bytes()).map_err(|error| error.to_string())?))
}

fn zipped(name: &str, bytes: &[u8]) -> zip::result::ZipResult<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    writer.start_file(name, options)?;
    writer.write_all(bytes)?;
    Ok(writer.finish()?.into_inner())
}

/// What waits to be looked into, as the server's database has it.
struct Waiting {
    database: Database,
}

impl Waiting {
    fn count(&self, query: &str) -> Outcome<i64> {
        let found = self.database.query_row(query, [], |row| row.get(0));
        found.map_err(|error| error.to_string())
    }

    /// Waits until the server has found its work.
    fn until_begun(&self) -> Outcome<()> {
        self.until(|| Ok(self.count(WAITING)? > 0))
    }

    fn until_done(&self) -> Outcome<()> {
        self.until(|| Ok(self.count(WAITING)? == 0))?;
        match self.count(FAILED)? {
            0 => Ok(()),
            failed => Err(format!("{failed} documents gave nothing")),
        }
    }

    fn until(&self, is_so: impl Fn() -> Outcome<bool>) -> Outcome<()> {
        let began = Instant::now();
        while !is_so()? {
            if PATIENCE < began.elapsed() {
                return Err("looking into documents does not come to an end".to_owned());
            }
            sleep(GLANCE);
        }
        Ok(())
    }
}
