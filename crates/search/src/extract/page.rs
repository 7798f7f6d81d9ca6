//! The picture of a text: its first page, as a typewriter would write it.
//!
//! The page is drawn with what draws PDF, because that has fonts. They know the letters of western
//! Europe alone; whatever else there is stands as a dot, which still shows the shape of the text.

use std::io::{self, Write};

use hayro::hayro_syntax::Pdf;

use super::frames::Sink;
use super::pdf;
use super::picture::thumbnails;

const LINES: usize = 64;
const COLUMNS: usize = 86;
const TAB_COLUMNS: usize = 4;
const FONT_POINTS: u32 = 10;
const LEADING_POINTS: u32 = 12;

/// Stands for a character that the font does not have.
const UNKNOWN: u8 = 0xb7;

/// Draws the beginning of a text.
pub(super) fn draw(text: &str, sink: &mut Sink<impl Write>) -> io::Result<()> {
    if text.trim().is_empty() {
        return Ok(());
    }
    let page = pdf::typed(&lines(text), FONT_POINTS, LEADING_POINTS);
    let Ok(pdf) = Pdf::new(page) else { return Ok(()) };
    let Some(page) = pdf.pages().first() else { return Ok(()) };
    let Some(picture) = pdf::draw(page) else { return Ok(()) };
    sink.thumbnails(&thumbnails(&picture)?)
}

fn lines(text: &str) -> Vec<Vec<u8>> {
    let mut lines = vec![Vec::new()];
    for character in text.trim_start_matches('\n').chars() {
        let is_full = lines.last().is_some_and(|line| COLUMNS <= line.len());
        if character == '\n' || is_full {
            lines.push(Vec::new());
        }
        if LINES < lines.len() {
            break;
        }
        let Some(line) = lines.last_mut() else { break };
        match character {
            '\n' => {}
            '\t' => line.resize((line.len() / TAB_COLUMNS + 1) * TAB_COLUMNS, b' '),
            character => line.push(typed(character)),
        }
    }
    lines.truncate(LINES);
    lines
}

fn typed(character: char) -> u8 {
    let mut buffer = [0; 4];
    let (bytes, _, is_unknown) =
        encoding_rs::WINDOWS_1252.encode(character.encode_utf8(&mut buffer));
    match bytes.as_ref() {
        [byte] if !is_unknown => *byte,
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_what_a_page_holds() {
        assert_eq!(lines("\n\na\tü日\nb"), [b"a   \xfc\xb7".to_vec(), b"b".to_vec()]);
        let long = lines(&"x".repeat(1_000_000));
        assert_eq!(long.len(), LINES);
        assert!(long.iter().all(|line| line.len() == COLUMNS));
    }
}
