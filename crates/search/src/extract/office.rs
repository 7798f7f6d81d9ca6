//! The text of office files: XML inside a zip archive.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Cursor, Read};

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::TEXT_MAX_BYTES;

/// Files in an archive; more are no office document.
const ENTRIES_MAX: usize = 10_000;
/// What an archive may grow to.
const INFLATED_MAX_BYTES: u64 = 128 * 1024 * 1024;
/// How many bytes one byte of the archive may become, beyond [`INFLATED_FREE_BYTES`] of each file.
const RATIO_MAX: u64 = 200;
const INFLATED_FREE_BYTES: u64 = 1024 * 1024;
/// The longest run of text without a tag, and the longest tag.
const EVENT_MAX_BYTES: u64 = 8 * 1024 * 1024;

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// Takes the text out. None when it is no office file that is known.
pub(super) fn text(bytes: &[u8]) -> Option<String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    if ENTRIES_MAX < archive.len() {
        return None;
    }
    let names: Vec<String> =
        archive.file_names().filter_map(Result::ok).map(Cow::into_owned).collect();
    let parts = parts(&names);
    let mut text = Text::default();
    let mut left = INFLATED_MAX_BYTES;
    for name in &parts {
        if text.is_full() || left == 0 {
            break;
        }
        left -= read_part(&mut archive, name, left, &mut text);
    }
    (!parts.is_empty()).then_some(text.out)
}

/// The files of the archive that hold text, in the order of reading.
fn parts(names: &[String]) -> Vec<String> {
    let mut parts: Vec<(u64, u64, &String)> = Vec::new();
    for name in names {
        let stem = name.strip_suffix(".xml").unwrap_or_default();
        let digits = stem.trim_start_matches(|c: char| !c.is_ascii_digit());
        let number: u64 = digits.parse().unwrap_or_default();
        let kind = stem.strip_suffix(digits).unwrap_or_default();
        let order = match kind {
            "content" | "word/document" | "xl/sharedStrings" => 0,
            "ppt/slides/slide" | "xl/worksheets/sheet" => 1,
            "word/header" | "ppt/notesSlides/notesSlide" => 2,
            "word/footer" | "word/footnotes" | "word/endnotes" | "xl/comments" => 3,
            _ => continue,
        };
        parts.push((order, number, name));
    }
    parts.sort_unstable();
    parts.into_iter().map(|(_, _, name)| name.clone()).collect()
}

/// Reads one file and answers how much it grew to.
fn read_part(archive: &mut Archive<'_>, name: &str, left: u64, text: &mut Text) -> u64 {
    let Ok(file) = archive.by_name(name) else { return 0 };
    let by_ratio = file.compressed_size().saturating_mul(RATIO_MAX) + INFLATED_FREE_BYTES;
    let limit = left.min(by_ratio);
    let mut file = BufReader::new(file.take(limit));
    // A file that is damaged or goes on beyond the limit gives what stands before.
    text.read(&mut file);
    limit - file.get_ref().limit()
}

/// Text as it is put together from the events of XML.
#[derive(Default)]
struct Text {
    out: String,
    /// How many elements with text are open around the current place.
    depth: usize,
    /// The cell at hand refers to a text that is listed elsewhere.
    is_reference: bool,
}

impl Text {
    fn is_full(&self) -> bool {
        TEXT_MAX_BYTES <= self.out.len()
    }

    fn read(&mut self, xml: &mut impl BufRead) {
        (self.depth, self.is_reference) = (0, false);
        let mut reader = Reader::from_reader(Bounded { inner: xml, left: EVENT_MAX_BYTES });
        reader.config_mut().check_end_names = false;
        reader.config_mut().allow_unmatched_ends = true;
        let mut buffer = Vec::new();
        while !self.is_full() {
            buffer.clear();
            reader.get_mut().left = EVENT_MAX_BYTES;
            match reader.read_event_into(&mut buffer) {
                Ok(Event::Start(element)) => self.start(&element),
                Ok(Event::Empty(element)) => {
                    self.start(&element);
                    self.end(element.local_name().as_ref());
                }
                Ok(Event::End(element)) => self.end(element.local_name().as_ref()),
                Ok(Event::Text(text)) => self.push(&text.xml10_content()),
                Ok(Event::CData(text)) => self.push(&text.xml10_content()),
                Ok(Event::GeneralRef(entity)) => {
                    // Entities that the document declares itself are left out: nobody needs them,
                    // and a few of them can stand for a billion characters.
                    if let Ok(Some(character)) = entity.resolve_char_ref() {
                        self.push(character.encode_utf8(&mut [0; 4]));
                    } else if let Some(text) = resolve_xml_entity(&entity) {
                        self.push(text);
                    }
                }
                Ok(Event::Eof) | Err(_) => return,
                Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => {}
            }
        }
    }

    fn start(&mut self, element: &BytesStart<'_>) {
        let name = element.local_name();
        match name.as_ref() {
            // A cell of a workbook.
            "c" => {
                self.is_reference = element
                    .try_get_attribute("t")
                    .ok()
                    .flatten()
                    .is_some_and(|kind| kind.value.as_ref() == "s");
            }
            "tab" | "s" => self.gap(if name.as_ref() == "tab" { '\t' } else { ' ' }),
            "br" | "line-break" => self.gap('\n'),
            name if holds_text(element.name().as_ref(), name) => self.depth += 1,
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "t" | "v" => self.depth = self.depth.saturating_sub(1),
            "p" | "h" => {
                self.depth = self.depth.saturating_sub(1);
                self.gap('\n');
            }
            "si" | "row" | "table-row" => self.gap('\n'),
            "c" => {
                self.is_reference = false;
                self.gap('\t');
            }
            _ => {}
        }
    }

    fn push(&mut self, text: &str) {
        if 0 < self.depth && !self.is_reference && !self.is_full() {
            self.out.extend(text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')));
        }
    }

    /// Parts words or lines, once.
    fn gap(&mut self, gap: char) {
        if !self.out.is_empty() && !self.out.ends_with(gap) {
            self.out.push(gap);
        }
    }
}

/// Whether what stands inside the element is text: runs of Office Open XML (`w:t`, `a:t`, `t`, and
/// `v`, the value of a cell), paragraphs and headings of Open Document.
fn holds_text(name: &str, local: &str) -> bool {
    matches!(local, "t" | "v") || matches!(name, "text:p" | "text:h")
}

/// Ends a file of which one piece is too long to be kept in memory.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.left == 0 {
            return Ok(&[]);
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(u64::try_from(amount).unwrap_or(u64::MAX));
        self.inner.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(xml: &str) -> String {
        let mut text = Text::default();
        text.read(&mut xml.as_bytes());
        text.out
    }

    #[test]
    fn runs_paragraphs_and_tabs_are_text() {
        let word = "<w:document><w:p><w:r><w:t>Straße &amp;</w:t><w:tab/><w:t> &#x65e5;</w:t></w:r>\
                    </w:p><w:p><w:delText>gone</w:delText><w:t>two</w:t></w:p></w:document>";
        assert_eq!(of(word), "Straße &\t 日\ntwo\n");
        let writer = "<text:p>one<text:s/><text:span>two</text:span></text:p><x>no</x>";
        assert_eq!(of(writer), "one two\n");
    }

    #[test]
    fn cells_that_refer_to_a_list_are_left_to_the_list() {
        let sheet = "<row><c t=\"s\"><v>0</v></c><c><v>12.5</v></c><c t=\"inlineStr\"><is><t>in</t>\
                     </is></c></row>";
        assert_eq!(of(sheet), "12.5\tin\t\n");
    }

    #[test]
    fn entities_of_the_document_itself_are_nothing() {
        let lol = "<!DOCTYPE w [<!ENTITY lol \"lol\"><!ENTITY l2 \"&lol;&lol;\">]>\
                   <w:p><w:t>a&l2;b</w:t></w:p>";
        assert_eq!(of(lol), "ab\n");
    }

    #[test]
    fn parts_are_read_in_the_order_of_their_numbers() {
        let names =
            ["ppt/slides/slide10.xml", "x.xml", "ppt/slides/slide2.xml", "a/slides/slide1.xml"];
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(parts(&names), ["ppt/slides/slide2.xml", "ppt/slides/slide10.xml"]);
    }
}
