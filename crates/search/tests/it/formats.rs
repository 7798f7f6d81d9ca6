//! Good documents: the text that a reader finds in them and the pictures that show them.

use docharbor_search::extract::{Reason, Thumbnails};
use image::{DynamicImage, ImageFormat};

use crate::corpus;
use crate::support::{extract, reason, words};

fn sides(thumbnails: &Thumbnails) -> [u32; 3] {
    [&thumbnails.small, &thumbnails.small_hq, &thumbnails.large]
        .map(|bytes| jpeg(bytes))
        .map(|picture| picture.width().max(picture.height()))
}

fn jpeg(bytes: &[u8]) -> DynamicImage {
    image::load_from_memory_with_format(bytes, ImageFormat::Jpeg).unwrap()
}

#[tokio::test]
async fn every_format_gives_its_text_and_three_pictures() {
    for (name, bytes, word) in corpus::one_of_each() {
        let extracted = extract(name, &bytes).await.unwrap();
        let text = extracted.text;
        assert_eq!(
            text.as_deref().map(|text| text.contains("harbor")),
            word.map(|_| true),
            "{name}: {text:?}"
        );
        let [small, small_hq, large] = sides(&extracted.thumbnails.expect(name));
        assert!(small <= 100 && small_hq <= 250 && large <= 750, "{name}");
        assert!(small <= small_hq && small_hq <= large, "{name}");
    }
}

#[tokio::test]
async fn a_picture_keeps_its_proportions_and_colours() {
    let bytes = corpus::picture(1200, 300, ImageFormat::Png);
    let thumbnails = extract("a.png", &bytes).await.unwrap().thumbnails.unwrap();
    assert_eq!(sides(&thumbnails), [100, 250, 750]);
    let large = jpeg(&thumbnails.large).to_rgb8();
    assert_eq!(large.height(), 188);
    assert!(200 < large.get_pixel(10, 50).0[0] && 200 < large.get_pixel(700, 50).0[2]);
}

#[tokio::test]
async fn a_photo_stands_upright() {
    // An Exif segment that says: turn it to the right.
    let exif =
        b"\xff\xe1\0\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let bytes = corpus::picture(400, 100, ImageFormat::Jpeg);
    let (start, rest) = bytes.split_at(2);
    let photo = [start, exif, rest].concat();
    let thumbnails = extract("a.jpg", &photo).await.unwrap().thumbnails.unwrap();
    let large = jpeg(&thumbnails.large);
    assert_eq!((large.width(), large.height()), (100, 400));
}

#[tokio::test]
async fn a_page_of_text_is_black_on_white() {
    for (name, bytes) in
        [("a.txt", b"harbor ".repeat(500)), ("a.pdf", corpus::pdf(&["harbor harbor harbor"]))]
    {
        let large = jpeg(&extract(name, &bytes).await.unwrap().thumbnails.unwrap().large);
        let grey = large.to_luma8();
        assert!(grey.pixels().any(|pixel| pixel.0[0] < 100), "{name}: nothing is written");
        let white = grey.pixels().filter(|pixel| 240 < pixel.0[0]).count();
        assert!(grey.pixels().len() / 2 < white, "{name}: the page is dark");
    }
}

#[tokio::test]
async fn a_pdf_is_read_page_by_page() {
    let pdf = corpus::pdf(&["One fine day", "the harbor", "froze"]);
    assert_eq!(words("a.pdf", &pdf).await, "One fine day the harbor froze");
}

#[tokio::test]
async fn encodings_reach_the_index_as_text() {
    let (bytes, _, _) = encoding_rs::SHIFT_JIS.encode("四半期報告書を提出してください。");
    assert_eq!(words("a.txt", &bytes).await, "四半期報告書を提出してください。");
    // Nobody can tell this one from another by its bytes: what it declares decides.
    let (letter, _, _) = encoding_rs::ISO_8859_15.encode("Un œuf à 5 €");
    let html = [b"<meta charset=iso-8859-15><p>", &letter[..]].concat();
    assert_eq!(words("a.html", &html).await, "Un œuf à 5 €");
    let xml = [b"<?xml version='1.0' encoding='iso-8859-15'?> ", &letter[..]].concat();
    assert!(words("a.xml", &xml).await.ends_with("Un œuf à 5 €"));
    let wide: Vec<u8> = "Grüße".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(words("a.txt", &wide).await, "Grüße");
}

#[tokio::test]
async fn what_is_no_document_is_not_extractable() {
    assert_eq!(reason("a.exe", b"MZ").await, Reason::UnknownFormat);
    for name in ["a.pdf", "a.docx", "a.rtf", "a.svg", "a.png", "a.txt"] {
        assert_eq!(reason(name, b"\0nonsense").await, Reason::Damaged, "{name}");
        assert_eq!(reason(name, b"").await, Reason::Damaged, "{name}");
    }
    assert_eq!(reason("a.zip.docx", &corpus::zip(&[("x", b"y")])).await, Reason::Damaged);
}
