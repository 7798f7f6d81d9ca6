//! Documents made to hurt: each ends, within its limits, in an ordinary result.

use std::time::Duration;

use docharbor_search::extract::{
    Confinement, ExtractError, Extracted, Fault, ProcessExtractor, Reason, TEXT_MAX_BYTES,
};
use image::ImageFormat;
use rustix::process::{Resource, getrlimit};

use crate::corpus;
use crate::support::{extract, extract_with, program};

/// Sixteen of them, so that two letters hold the noise of one byte.
const LETTERS: &[u8; 16] = b"abcdefghijklmnop";

/// Numbers that are the same in every run.
struct Random(u64);

impl Default for Random {
    fn default() -> Self {
        Self(0x2545_f491_4f6c_dd1d)
    }
}

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }
}

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

/// A file may grow to two hundred times its size and a mebibyte, and what stands behind that is not read.
#[tokio::test]
async fn how_far_a_file_may_grow_depends_on_its_size() {
    let filler = format!("<!--{}-->", " ".repeat(1024 * 1024)).repeat(20);
    let mut random = Random::default();
    for (noise_bytes, is_read) in [(320_000, true), (40_000, false)] {
        let noise: String =
            (0..noise_bytes).map(|_| char::from(LETTERS[random.below(16)])).collect();
        let body = format!("<!--{noise}-->{filler}{}", corpus::paragraph("harbor"));
        let docx = corpus::docx(&body);
        let inflated = body.len() - 1024 * 1024;
        assert_eq!(inflated < 200 * docx.len(), is_read, "{} bytes of {}", docx.len(), body.len());
        let text = outcome("far.docx", &docx).await.ok().and_then(|found| found.text);
        assert_eq!(text.is_some_and(|text| text.contains("harbor")), is_read);
    }
}

#[tokio::test]
async fn an_archive_that_lies_about_its_files_gains_nothing() {
    let honest = corpus::docx(&corpus::paragraph(&"harbor ".repeat(100_000)));
    let name = b"word/document.xml";
    for (at_local, at_central) in [(18, 20), (22, 24)] {
        for size in [0_u32, 1, 0x7fff_ffff, 0xffff_fffe] {
            let mut lying = honest.clone();
            // Once before the file, and once in the directory.
            let places: Vec<usize> =
                (0..lying.len() - name.len()).filter(|at| lying[*at..].starts_with(name)).collect();
            let [local, central] = places[..] else { panic!("{places:?}") };
            for at in [local - 30 + at_local, central - 46 + at_central] {
                lying[at..at + 4].copy_from_slice(&size.to_le_bytes());
            }
            outcome("lying.docx", &lying).await.ok();
        }
    }
}

/// One file under ten thousand names: what it grows to is counted again for each.
#[tokio::test]
async fn a_file_of_many_names_is_not_read_for_ever() {
    let slide = format!("<!--{}-->", " ".repeat(1024 * 1024)).repeat(60);
    let one = corpus::zip(&[("ppt/slides/slide00000.xml", slide.as_bytes())]);
    let end = one.len() - 22;
    let start = usize::try_from(u32::from_le_bytes(one[end + 16..end + 20].try_into().unwrap()));
    let start = start.unwrap();
    let entry = &one[start..end];
    let mut many = one[..start].to_vec();
    for number in 0..9_999 {
        let at = many.len() + 46;
        many.extend_from_slice(entry);
        many[at..at + 25].copy_from_slice(format!("ppt/slides/slide{number:05}.xml").as_bytes());
    }
    let length = u32::try_from(many.len() - start).unwrap();
    many.extend_from_slice(&one[end..]);
    let end = many.len() - 22;
    for at in [8, 10] {
        many[end + at..end + at + 2].copy_from_slice(&9_999_u16.to_le_bytes());
    }
    many[end + 12..end + 16].copy_from_slice(&length.to_le_bytes());
    assert_eq!(outcome("many.pptx", &many).await, Err(Reason::Damaged));
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
    let entities = corpus::laughs();
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

#[tokio::test]
async fn every_format_of_pictures_that_claims_to_be_huge_is_refused() {
    // One side is too long in itself, and the other is with what lies in it.
    for side in [65_000_u16, 29_000] {
        for (name, bytes) in huge_pictures(side) {
            assert_eq!(outcome(name, &bytes).await, Err(Reason::Damaged), "{name} {side}");
        }
    }
    let mut webp = corpus::picture(8, 8, ImageFormat::WebP);
    assert_eq!(webp[12..16], *b"VP8L");
    // Both sides have fourteen bits here.
    webp[21..24].fill(0xff);
    webp[24] |= 0x0f;
    assert_eq!(outcome("a.webp", &webp).await, Err(Reason::Damaged));
}

/// Small pictures that say their width and height are this.
fn huge_pictures(side: u16) -> [(&'static str, Vec<u8>); 4] {
    let small = |format| corpus::picture(8, 8, format);
    let mut jpeg = small(ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    for at in [frame + 5, frame + 7] {
        jpeg[at..at + 2].copy_from_slice(&side.to_be_bytes());
    }
    let mut gif = small(ImageFormat::Gif);
    for at in [6, 8] {
        gif[at..at + 2].copy_from_slice(&side.to_le_bytes());
    }
    let mut bmp = small(ImageFormat::Bmp);
    for at in [18, 22] {
        bmp[at..at + 4].copy_from_slice(&u32::from(side).to_le_bytes());
    }
    let tiff = huge_tiff(u32::from(side));
    [("a.jpg", jpeg), ("a.gif", gif), ("a.bmp", bmp), ("a.tiff", tiff)]
}

/// A TIFF that says its width and height are this.
fn huge_tiff(side: u32) -> Vec<u8> {
    let mut tiff = corpus::picture(8, 8, ImageFormat::Tiff);
    assert_eq!(tiff[..4], *b"II*\0");
    let directory = usize::try_from(u32::from_le_bytes(tiff[4..8].try_into().unwrap())).unwrap();
    let entries = usize::from(u16::from_le_bytes([tiff[directory], tiff[directory + 1]]));
    let mut sides = 0;
    for entry in 0..entries {
        let at = directory + 2 + 12 * entry;
        let tag = u16::from_le_bytes([tiff[at], tiff[at + 1]]);
        if matches!(tag, 256 | 257) {
            tiff[at + 2..at + 8].copy_from_slice(&[4, 0, 1, 0, 0, 0]);
            tiff[at + 8..at + 12].copy_from_slice(&side.to_le_bytes());
            sides += 1;
        }
    }
    assert_eq!(sides, 2);
    tiff
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
async fn a_pdf_that_refers_to_itself_ends() {
    let page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R >>".to_owned();
    let with = |catalog: &str, content: &str| {
        corpus::pdf_of(&[
            catalog.to_owned(),
            "<< /Type /Pages /Count 1 /Kids [3 0 R] >>".to_owned(),
            page.clone(),
            content.to_owned(),
            "6 0 R".to_owned(),
            "5 0 R".to_owned(),
        ])
    };
    let catalog = "<< /Type /Catalog /Pages 2 0 R >>";
    let stream = |dictionary: &str| format!("<< {dictionary} >>\nstream\nx 0 4 0\nendstream");
    let objects = stream("/Type /ObjStm /N 9 /First 4 /Extends 4 0 R /Length 7");
    outcome("reference.pdf", &with("5 0 R", &stream("/Length 7"))).await.ok();
    outcome("pages.pdf", &with("<< /Type /Catalog /Pages 5 0 R >>", "4 0 R")).await.ok();
    outcome("length.pdf", &with(catalog, &stream("/Length 4 0 R"))).await.ok();
    outcome("objects.pdf", &with(catalog, &objects)).await.ok();
    // Tables of objects, each of which names itself as the one before.
    let plain = String::from_utf8(with(catalog, &stream("/Length 7"))).unwrap();
    let start = plain.rsplit_once("startxref\n").unwrap().1.split('\n').next().unwrap().to_owned();
    for key in ["/Prev", "/XRefStm"] {
        let trailer = format!("/Root 1 0 R {key} {start} >>");
        outcome("table.pdf", plain.replace("/Root 1 0 R >>", &trailer).as_bytes()).await.ok();
    }
    // A page that another page is the parent of, and so on.
    let parents = corpus::pdf_of(&[
        catalog.to_owned(),
        "<< /Type /Pages /Parent 3 0 R /Count 1 /Kids [3 0 R] >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /Contents [4 0 R 4 0 R] /Resources 3 0 R >>".to_owned(),
        stream("/Length 7 /Filter [/FlateDecode /FlateDecode]"),
    ]);
    outcome("parents.pdf", &parents).await.ok();
}

#[tokio::test]
async fn damaged_files_of_every_format_are_ordinary_results() {
    let mut random = Random::default();
    for (name, bytes, _) in corpus::one_of_each() {
        for half in [bytes.len() / 2, bytes.len().saturating_sub(1)] {
            outcome(name, &bytes[..half]).await.ok();
        }
        for _ in 0..6 {
            let mut damaged = bytes.clone();
            for _ in 0..=damaged.len() / 50 {
                let at = random.below(damaged.len());
                damaged[at] = u8::try_from(random.below(256)).unwrap();
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

/// The real limit, for twenty seconds of a processor.
#[tokio::test]
async fn a_document_that_costs_too_much_time_is_not_extractable() {
    let burning =
        ProcessExtractor::new(program(), &["misbehave", "burn"], 1, Confinement::Required)
            .with_wall_clock_max(Duration::from_mins(10));
    let outcome = extract_with(&burning, "a.txt", b"x").await;
    assert!(
        matches!(outcome, Err(ExtractError::NotExtractable { reason: Reason::TooCostly })),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn without_a_wall_no_document_is_looked_into_unless_that_was_decided() {
    for wall in ["landlock", "seccomp"] {
        let child = |confinement| {
            ProcessExtractor::new(program(), &["refused", wall, "extract"], 1, confinement)
        };
        let outcome = extract_with(&child(Confinement::Required), "a.txt", b"x").await;
        assert!(
            matches!(outcome, Err(ExtractError::Fault(Fault::NoSandbox))),
            "{wall}: {outcome:?}"
        );
        let outcome = extract_with(&child(Confinement::WhatThereIs), "a.txt", b"x").await;
        assert_eq!(outcome.unwrap().text.as_deref(), Some("x"), "{wall}");
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_a_fault() {
    let extractor = ProcessExtractor::new("/nowhere".into(), &[], 1, Confinement::Required);
    let outcome = extract_with(&extractor, "a.txt", b"x").await;
    assert!(matches!(outcome, Err(ExtractError::Fault(Fault::Io(_)))), "{outcome:?}");
}
