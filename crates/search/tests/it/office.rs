//! Office files as an office program prints them: LibreOffice, and one that means harm.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use docharbor_search::extract::{
    Confinement, ExtractError, Extracted, OfficeProgram, ProcessExtractor, Reason,
};
use image::ImageFormat;
use tempfile::TempDir;

use crate::corpus;
use crate::support::{extract, extract_with, extractor, program};

/// Where Debian has it.
const LIBREOFFICE: &str = "/usr/bin/soffice";
/// Longer than any test of one document may take: nothing here ends because of it.
const LONG: Duration = Duration::from_mins(10);
/// How long something is waited for that must happen.
const PATIENCE: Duration = Duration::from_mins(1);

/// An extractor with an office program, and the directory in which that works.
struct Bench {
    directory: TempDir,
    extractor: ProcessExtractor,
}

impl Bench {
    fn new(office: &Path, helper: &[&str], wall_clock_max: Duration) -> Self {
        assert!(office.exists(), "{} is not there: cargo xtask test installs it", office.display());
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("office");
        let office = OfficeProgram::new(office, helper, place).unwrap();
        let office = office.with_wall_clock_max(wall_clock_max);
        Self { directory, extractor: extractor().with_office(office) }
    }

    fn libreoffice() -> Self {
        Self::new(Path::new(LIBREOFFICE), &["convert"], LONG)
    }

    fn probe() -> Self {
        Self::new(&program(), &["convert"], LONG)
    }

    fn place(&self) -> PathBuf {
        self.directory.path().join("office")
    }

    async fn extract(&self, name: &str, bytes: &[u8]) -> Result<Extracted, ExtractError> {
        let extracted = extract_with(&self.extractor, name, bytes).await;
        let left = fs::read_dir(self.place()).unwrap().count();
        assert_eq!(left, 0, "{name} left something behind");
        extracted
    }

    /// Whether the probe, told to do something, made a page; its document's text is there anyhow.
    async fn has_page(&self, command: &str) -> bool {
        let extracted = self.extract("a.rtf", ordering(command).as_bytes()).await.unwrap();
        assert_eq!(extracted.text.as_deref().map(str::trim), Some("harbor"), "{command}");
        is_wide(&extracted)
    }
}

/// A document that says what the probe is to do, which is no part of its text.
fn ordering(command: &str) -> String {
    format!("{{\\rtf1\\ansi harbor{{\\*\\probe {command}}}\\par}}")
}

/// Whether the picture is wider than high, as no picture of text is.
fn is_wide(extracted: &Extracted) -> bool {
    let large = &extracted.thumbnails.as_ref().unwrap().large;
    let picture = image::load_from_memory_with_format(large, ImageFormat::Jpeg).unwrap();
    picture.height() < picture.width()
}

/// How much of the picture is red, in percent.
fn red_percent(extracted: &Extracted) -> usize {
    let large = &extracted.thumbnails.as_ref().unwrap().large;
    let picture = image::load_from_memory_with_format(large, ImageFormat::Jpeg).unwrap().to_rgb8();
    let is_red = |pixel: &&image::Rgb<u8>| {
        let [red, green, blue] = pixel.0;
        200 < red && green < 60 && blue < 60
    };
    picture.pixels().filter(is_red).count() * 100 / picture.pixels().len()
}

/// What LibreOffice makes of a file, outside of every sandbox.
fn converted(directory: &Path, from: &str, to: &str) -> Vec<u8> {
    // What it takes a page of the web for decides what it can make of it.
    let is_web = from == "sheet.html";
    let reader = if is_web { "--infilter=HTML (StarCalc)" } else { "--headless" };
    let profile = format!("-env:UserInstallation=file://{}", directory.join("profile").display());
    let status = Command::new(LIBREOFFICE)
        .args(["--headless", &profile, reader, "--convert-to", to, "--outdir"])
        .arg(directory.join("made"))
        .arg(directory.join(from))
        .output()
        .unwrap();
    assert!(status.status.success(), "{from} to {to}: {status:?}");
    let ending = to.split_once(':').map_or(to, |(ending, _)| ending);
    fs::read(directory.join("made").join(Path::new(from).with_extension(ending))).unwrap()
}

/// A table of one red cell.
const RED: &str = "<w:tbl><w:tblPr><w:tblW w:w=\"9000\" w:type=\"dxa\"/></w:tblPr><w:tr><w:trPr>\
                   <w:trHeight w:val=\"6000\"/></w:trPr><w:tc><w:tcPr><w:tcW w:w=\"9000\" w:type=\"dxa\"/>\
                   <w:shd w:val=\"clear\" w:color=\"auto\" w:fill=\"FF0000\"/></w:tcPr><w:p><w:r>\
                   <w:t>harbor</w:t></w:r></w:p></w:tc></w:tr></w:tbl><w:p/>";

#[tokio::test]
async fn the_first_page_is_the_one_that_would_be_printed() {
    let letter = corpus::letter(RED, "");
    let extracted = Bench::libreoffice().extract("a.docx", &letter).await.unwrap();
    assert!(10 < red_percent(&extracted), "{}", red_percent(&extracted));
    assert_eq!(extracted.text.as_deref().map(str::trim), Some("harbor"));
    let without = extract("a.docx", &letter).await.unwrap();
    assert_eq!((red_percent(&without), without.text), (0, extracted.text));
}

#[tokio::test]
async fn every_office_format_shows_its_first_page() {
    let bench = Bench::libreoffice();
    let made = tempfile::tempdir().unwrap();
    let row = format!("<tr>{}</tr>", "<td bgcolor='#ff0000'>harbor</td>".repeat(5));
    let sheet = format!("<table>{}</table>", row.repeat(40));
    fs::write(made.path().join("sheet.html"), sheet).unwrap();
    fs::write(made.path().join("red.docx"), corpus::letter(RED, "")).unwrap();
    fs::write(made.path().join("slides.pptx"), corpus::presentation("harbor")).unwrap();
    for (from, to) in [
        ("red.docx", "odt"),
        ("red.docx", "rtf"),
        ("sheet.html", "xlsx:Calc MS Excel 2007 XML"),
        ("sheet.html", "ods:calc8"),
        ("slides.pptx", "odp:impress8"),
    ] {
        let bytes = converted(made.path(), from, to);
        let name = format!("a.{}", to.split_once(':').map_or(to, |(ending, _)| ending));
        let extracted = bench.extract(&name, &bytes).await.unwrap();
        assert!(10 < red_percent(&extracted), "{name}: {}", red_percent(&extracted));
    }
    let slides = bench.extract("a.pptx", &corpus::presentation("harbor")).await.unwrap();
    assert!(10 < red_percent(&slides));
    assert_eq!(slides.text.as_deref().map(str::trim), Some("harbor"));
}

#[tokio::test]
async fn a_document_calls_nobody() {
    let made = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let letter = corpus::letter(
        &format!("{RED}{}", corpus::linked_picture("r9")),
        &format!(
            "<Relationship Id=\"r9\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/\
             relationships/image\" Target=\"http://127.0.0.1:{port}/a.png\" TargetMode=\"External\"/>"
        ),
    );
    let extracted = Bench::libreoffice().extract("a.docx", &letter).await.unwrap();
    assert!(10 < red_percent(&extracted));
    assert!(listener.accept().is_err(), "the document called");
    // It is the document that would have.
    fs::write(made.path().join("link.docx"), letter).unwrap();
    let answering = std::thread::spawn(move || {
        listener.set_nonblocking(false).unwrap();
        drop(listener.accept().unwrap());
    });
    converted(made.path(), "link.docx", "pdf");
    answering.join().unwrap();
}

#[tokio::test]
async fn a_damaged_document_is_no_worse_off() {
    let bench = Bench::libreoffice();
    assert!(matches!(
        bench.extract("a.docx", b"PK nothing").await,
        Err(ExtractError::NotExtractable { reason: Reason::Damaged })
    ));
    // Nothing that an office program prints, but text all the same.
    let docx = corpus::docx(&corpus::paragraph("harbor"));
    assert_eq!(
        bench.extract("a.docx", &docx).await.unwrap(),
        extract("a.docx", &docx).await.unwrap()
    );
}

#[tokio::test]
async fn what_hurts_an_office_program_hurts_nobody() {
    let bench = Bench::new(Path::new(LIBREOFFICE), &["convert"], Duration::from_secs(10));
    let nested = "<w:tbl><w:tr><w:tc><w:p/>".repeat(20_000);
    let ended = "</w:tc></w:tr></w:tbl>".repeat(20_000);
    let harbor = corpus::paragraph("harbor");
    for (name, bytes) in [
        (
            "laughs.docx",
            corpus::declared_letter(&corpus::laughs(), &corpus::paragraph("ha &l9;"), ""),
        ),
        ("bomb.docx", corpus::letter(&corpus::paragraph(&"bomb ".repeat(4_000_000)), "")),
        ("deep.docx", corpus::letter(&format!("{harbor}{nested}{ended}<w:p/>"), "")),
        ("half.docx", corpus::letter(RED, "").split_at(900).0.to_vec()),
        ("groups.rtf", format!("{{\\rtf1 harbor{}", "{\\b ".repeat(500_000)).into_bytes()),
    ] {
        let with = bench.extract(name, &bytes).await.ok().and_then(|found| found.text);
        let without = extract(name, &bytes).await.ok().and_then(|found| found.text);
        assert_eq!(with, without, "{name}");
    }
}

#[tokio::test]
async fn whoever_takes_the_office_program_over_stays_inside() {
    let bench = Bench::probe();
    assert!(bench.has_page("print").await, "nothing would be proved");
    let outside = tempfile::tempdir().unwrap();
    let path = |name: &str| outside.path().join(name).to_str().unwrap().to_owned();
    let secret = path("secret.pdf");
    fs::write(&secret, corpus::pdf(&["secret"])).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let [stream, datagram] = ["stream", "datagram"].map(&path);
    let _listening = UnixListener::bind(&stream).unwrap();
    let _bound = UnixDatagram::bind(&datagram).unwrap();
    let environment = format!("/proc/{}/environ", std::process::id());
    for (what, argument) in [
        ("read", secret.as_str()),
        ("read", &environment),
        ("read", "/proc/self/status"),
        ("open", "-"),
        ("write", &path("written")),
        ("list", "-"),
        ("connect", &address),
        ("datagram", "-"),
        ("unix", &stream),
        ("unix-datagram", &datagram),
        ("execute", "-"),
        ("signal", "-"),
    ] {
        let command = format!("{what} {argument}");
        assert!(succeeds_outside(&command), "{command} proves nothing");
        fs::remove_file(path("written")).ok();
        assert!(!bench.has_page(&command).await, "{command}");
        assert!(!fs::exists(path("written")).unwrap(), "{command}");
    }
    assert!(succeeds_outside("chmod"));
    assert!(!bench.has_page("chmod").await);
}

/// Whether the probe, run as it is, does what it is told.
fn succeeds_outside(command: &str) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let document = directory.path().join("document.rtf");
    fs::write(&document, ordering(command)).unwrap();
    Command::new(program()).arg("--headless").arg(&document).status().unwrap().success()
}

#[tokio::test]
async fn the_page_is_the_office_programs_own() {
    let outside = tempfile::tempdir().unwrap();
    let theirs = outside.path().join("theirs.pdf");
    fs::write(&theirs, corpus::wide_pdf()).unwrap();
    // Neither with the sandbox, in which there are no links, nor without it is one followed.
    let open = ProcessExtractor::new(program(), &["extract"], 1, Confinement::WhatThereIs);
    let place = outside.path().join("office");
    let helper = ["refused", "landlock", "refused", "seccomp", "convert"];
    let open = open.with_office(OfficeProgram::new(&program(), &helper, place).unwrap());
    for linked in ["link", "hard-link"] {
        let command = format!("{linked} {}", theirs.display());
        assert!(succeeds_outside(&command), "{command} proves nothing");
        assert!(!Bench::probe().has_page(&command).await, "{command}");
    }
    let link = ordering(&format!("link {}", theirs.display()));
    assert!(!is_wide(&extract_with(&open, "a.rtf", link.as_bytes()).await.unwrap()));
    let print = ordering("print");
    assert!(is_wide(&extract_with(&open, "a.rtf", print.as_bytes()).await.unwrap()));
}

#[tokio::test]
async fn an_office_program_that_does_not_end_is_ended() {
    for how in ["hang", "spin"] {
        let bench = Bench::new(&program(), &["convert"], Duration::from_millis(500));
        assert!(!bench.has_page(&format!("misbehave {how}")).await, "{how}");
    }
}

/// Each hangs when it has what it wants: only that it took too much ends it within the hour.
#[tokio::test]
async fn an_office_program_that_takes_all_there_is_is_ended() {
    let bench = Bench::new(&program(), &["convert"], Duration::from_hours(1));
    for how in ["fill", "hide", "litter", "nest", "hoard"] {
        assert!(!bench.has_page(&format!("misbehave {how}")).await, "{how}");
    }
}

#[tokio::test]
async fn an_office_program_has_as_much_of_the_processor_and_a_file_as_one_document_needs() {
    let bench = Bench::probe();
    assert!(bench.has_page("processor 40").await);
    assert!(!succeeds_outside("processor 40"));
    assert!(bench.has_page("swell 67108864").await);
    assert!(!bench.has_page("swell 67108865").await);
    assert!(succeeds_outside("swell 67108865"));
}

/// Only where no wall keeps it from starting another one.
#[tokio::test]
async fn what_an_office_program_starts_ends_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let open = ProcessExtractor::new(program(), &["extract"], 1, Confinement::WhatThereIs);
    let place = directory.path().join("office");
    let helper = ["refused", "landlock", "refused", "seccomp", "convert"];
    let open = open.with_office(OfficeProgram::new(&program(), &helper, place).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let command = format!("leave {}", listener.local_addr().unwrap());
    let extracted = extract_with(&open, "a.rtf", ordering(&command).as_bytes()).await;
    assert!(is_wide(&extracted.unwrap()), "nothing was started");
    let (mut connection, _) = listener.accept().unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(connection.read(&mut [0]).expect("it is still there"), 0);
}

#[tokio::test]
async fn an_office_program_is_started_again_when_it_asks_once() {
    assert!(Bench::probe().has_page("again").await);
}

#[tokio::test]
async fn without_a_wall_no_office_program_runs_unless_that_was_decided() {
    for wall in ["landlock", "seccomp"] {
        let helper = ["refused", wall, "convert"];
        let bench = Bench::new(&program(), &helper, LONG);
        assert!(!bench.has_page("print").await, "{wall}");
        let open = ProcessExtractor::new(program(), &["extract"], 1, Confinement::WhatThereIs);
        let office = OfficeProgram::new(&program(), &helper, bench.place()).unwrap();
        let open = open.with_office(office);
        let secret = bench.directory.path().join("secret");
        fs::write(&secret, "secret").unwrap();
        // One wall alone keeps in what it is for.
        for (command, kept_by) in [
            ("print".to_owned(), "nothing"),
            (format!("read {}", secret.display()), "landlock"),
            ("execute -".to_owned(), "seccomp"),
            (format!("empty {}", secret.display()), "both"),
            (format!("empty-by-mode-3 {}", secret.display()), "both"),
        ] {
            let extracted = extract_with(&open, "a.rtf", ordering(&command).as_bytes()).await;
            let is_free = kept_by == "nothing" || kept_by == wall;
            assert_eq!(is_wide(&extracted.unwrap()), is_free, "{command} without {wall}");
            assert_eq!(fs::read_to_string(&secret).unwrap(), "secret", "{command} without {wall}");
        }
    }
}

#[tokio::test]
async fn what_a_crash_left_behind_is_removed_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("office");
    fs::create_dir_all(place.join("7/profile/user")).unwrap();
    fs::write(place.join("7/document.docx"), "x").unwrap();
    OfficeProgram::new(&program(), &["convert"], place.clone()).unwrap();
    assert_eq!(fs::read_dir(place).unwrap().count(), 0);
    let missing =
        OfficeProgram::new(Path::new("/nowhere/soffice"), &[], directory.path().join("x"));
    assert!(missing.is_err());
}
