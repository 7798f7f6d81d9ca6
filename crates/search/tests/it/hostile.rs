//! Documents made to hurt: each ends, within its limits, in an ordinary result.

use std::fmt::Write as _;
use std::time::Duration;

use docharbor_search::extract::{
    Confinement, ExtractError, Extracted, Fault, ProcessExtractor, Reason, TEXT_MAX_BYTES,
};
use image::ImageFormat;
use rustix::process::{Resource, getrlimit};

use crate::corpus;
use crate::support::{extract, extract_with, program};

/// What a document came to; anything that is not an ordinary result fails the test.
async fn outcome(name: &str, bytes: &[u8]) -> Result<Extracted, Reason> {
    match extract(name, bytes).await {
        Ok(extracted) => {
            assert!(extracted.text.as_ref().is_none_or(|text| text.len() <= TEXT_MAX_BYTES));
            Ok(extracted)
        }
        Err(ExtractError::NotExtractable { reason }) => Err(reason),
        Err(ExtractError::Fault(fault)) => panic!("{name} ended in a fault: {fault:?}"),
    }
}

#[tokio::test]
async fn a_zip_bomb_is_cut_short() {
    let zeros = vec![b' '; 64 * 1024 * 1024];
    let bomb = corpus::zip(&[("word/document.xml", &zeros)]);
    assert!(bomb.len() < 100 * 1024);
    assert_eq!(outcome("bomb.docx", &bomb).await, Err(Reason::Damaged));

    let text = corpus::paragraph(&"bomb ".repeat(8_000_000));
    let bomb = corpus::docx(&text);
    let extracted = outcome("text.docx", &bomb).await;
    assert!(extracted.is_err() || extracted.unwrap().text.unwrap().starts_with("bomb"));
}

#[tokio::test]
async fn an_archive_in_an_archive_is_not_opened() {
    let mut bomb = corpus::zip(&[("zeros", &vec![0; 10_000_000])]);
    for _ in 0..5 {
        bomb = corpus::zip(&[("content.xml", &bomb), ("word/document.xml", &bomb)]);
    }
    assert_eq!(outcome("nested.docx", &bomb).await, Err(Reason::Damaged));
}

#[tokio::test]
async fn an_archive_of_too_many_files_is_refused() {
    let names: Vec<String> = (0..10_001).map(|n| format!("ppt/slides/slide{n}.xml")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    assert_eq!(outcome("many.pptx", &corpus::zip(&files)).await, Err(Reason::Damaged));
}

#[tokio::test]
async fn entities_do_not_multiply() {
    let mut entities = "<!ENTITY l0 \"lol\">".to_owned();
    for level in 1..10 {
        let ten = format!("&l{};", level - 1).repeat(10);
        write!(entities, "<!ENTITY l{level} \"{ten}\">").unwrap();
    }
    let laughs =
        format!("<?xml version=\"1.0\"?><!DOCTYPE w [{entities}]><w:p><w:t>ha &l9;</w:t></w:p>");
    let docx = corpus::zip(&[("word/document.xml", laughs.as_bytes())]);
    assert_eq!(outcome("laughs.docx", &docx).await.unwrap().text.unwrap().trim(), "ha");
    let svg = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE svg [{entities}]>\
         <svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><desc>&l9;</desc></svg>"
    );
    outcome("laughs.svg", svg.as_bytes()).await.unwrap_err();
}

#[tokio::test]
async fn deep_nesting_is_an_ordinary_result() {
    let depth = 1_000_000;
    let deep = format!("{}<w:t>deep</w:t>", "<w:p>".repeat(depth));
    outcome("deep.docx", &corpus::docx(&deep)).await.ok();
    let svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>{}{}</svg>",
        "<g>".repeat(depth),
        "</g>".repeat(depth)
    );
    outcome("deep.svg", svg.as_bytes()).await.unwrap_err();
    let html = format!("{}deep", "<div>".repeat(depth));
    assert!(outcome("deep.html", html.as_bytes()).await.unwrap().text.unwrap().ends_with("deep"));
    let pdf = corpus::pdf_of(&[
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("{}{}", "[".repeat(depth), "]".repeat(depth)),
    ]);
    outcome("deep.pdf", &pdf).await.unwrap_err();
}

#[tokio::test]
async fn a_picture_that_claims_to_be_huge_is_refused() {
    for side in [65_000_u32, u32::MAX, 29_000] {
        let mut png = corpus::picture(8, 8, ImageFormat::Png);
        for at in [16, 20] {
            png[at..at + 4].copy_from_slice(&side.to_be_bytes());
        }
        let checksum = crc32(&png[12..29]);
        png[29..33].copy_from_slice(&checksum.to_be_bytes());
        assert_eq!(outcome("huge.png", &png).await, Err(Reason::Damaged), "{side}");
    }
    let svg =
        "<svg xmlns='http://www.w3.org/2000/svg' width='1e9' height='1'><rect width='9'/></svg>";
    outcome("huge.svg", svg.as_bytes()).await.ok();
}

/// The checksum of a piece of PNG.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[tokio::test]
async fn a_pdf_without_an_end_ends() {
    let tree = |count: &str, kids: &str| {
        corpus::pdf_of(&[
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            format!("<< /Type /Pages /Count {count} /Kids [{kids}] >>"),
            "<< /Type /Pages /Count 1000000000 /Kids [2 0 R 3 0 R 4 0 R] >>".to_owned(),
            "<< /Type /Page /Parent 3 0 R /MediaBox [0 0 1e30 1e-30] >>".to_owned(),
        ])
    };
    outcome("count.pdf", &tree("4294967295", "4 0 R")).await.ok();
    outcome("cycle.pdf", &tree("3", "2 0 R 3 0 R")).await.ok();
    let same = "4 0 R ".repeat(200_000);
    outcome("same.pdf", &tree("200000", &same)).await.ok();
    // A form that draws itself, and a page of the size of a town.
    let content = "/X Do";
    let own = corpus::pdf_of(&[
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Count 1 /Kids [3 0 R] >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 1e9 1e9] /Contents 4 0 R /Resources << \
         /XObject << /X 4 0 R >> >> >>"
            .to_owned(),
        format!(
            "<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 4 0 R >> \
             >> /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        ),
    ]);
    outcome("own.pdf", &own).await.ok();
}

#[tokio::test]
async fn damaged_files_of_every_format_are_ordinary_results() {
    let mut random: u64 = 0x2545_f491_4f6c_dd1d;
    let mut next = move |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % u64::try_from(below).unwrap()).unwrap()
    };
    for (name, bytes, _) in corpus::one_of_each() {
        for half in [bytes.len() / 2, bytes.len().saturating_sub(1)] {
            outcome(name, &bytes[..half]).await.ok();
        }
        for _ in 0..6 {
            let mut damaged = bytes.clone();
            for _ in 0..=damaged.len() / 50 {
                let at = next(damaged.len());
                damaged[at] = u8::try_from(next(256)).unwrap();
            }
            outcome(name, &damaged).await.ok();
        }
    }
}

#[tokio::test]
async fn a_document_that_is_too_large_is_not_even_read() {
    let bytes = vec![b'x'; 64 * 1024 * 1024 + 1];
    assert_eq!(outcome("large.txt", &bytes).await, Err(Reason::TooLarge));
    let text = outcome("fits.txt", &bytes[1..]).await.unwrap().text.unwrap();
    assert_eq!(text.len(), TEXT_MAX_BYTES);
}

/// A child that does as it likes is an ordinary result, or a fault in bounded time.
#[tokio::test]
async fn a_child_gone_bad_harms_nobody() {
    let child = |how| {
        ProcessExtractor::new(program(), &["misbehave", how], 1, Confinement::Required)
            .with_wall_clock_max(Duration::from_millis(500))
    };
    let of = async |how| extract_with(&child(how), "a.txt", b"x").await;
    assert!(matches!(of("spin").await, Err(ExtractError::Fault(Fault::NoAnswer))));
    let broken = Err(Reason::Broken);
    for how in ["flood", "lie", "nothing"] {
        let reason = match of(how).await {
            Err(ExtractError::NotExtractable { reason }) => Err(reason),
            other => panic!("{how}: {other:?}"),
        };
        assert_eq!(reason, broken as Result<(), _>, "{how}");
    }
    let before = getrlimit(Resource::As);
    let grown = ProcessExtractor::new(program(), &["misbehave", "grow"], 1, Confinement::Required);
    let grown = extract_with(&grown, "a.txt", b"x").await;
    assert!(matches!(grown, Err(ExtractError::NotExtractable { reason: Reason::Broken })));
    assert_eq!(getrlimit(Resource::As), before, "limits are the child's own");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_a_fault() {
    let extractor = ProcessExtractor::new("/nowhere".into(), &[], 1, Confinement::Required);
    let outcome = extract_with(&extractor, "a.txt", b"x").await;
    assert!(matches!(outcome, Err(ExtractError::Fault(Fault::Io(_)))), "{outcome:?}");
}
