//! What the child says: frames of a tag, a length and bytes, taken apart by a parent that believes
//! none of it.

use std::io::{self, Write};

use super::{Extracted, TEXT_MAX_BYTES, Thumbnails};

/// The largest picture that is taken from the child.
const THUMBNAIL_MAX_BYTES: usize = 2 * 1024 * 1024;

/// More than this is never read from the child.
pub(super) const OUTPUT_MAX_BYTES: usize = TEXT_MAX_BYTES + 3 * THUMBNAIL_MAX_BYTES + 64 * 1024;

/// A piece of text, to be put behind the pieces before it.
const TEXT: u8 = b'T';
/// A picture, the three sizes in the order of [`Thumbnails`].
const PICTURE: u8 = b'P';
/// The child came to the end of the document.
const END: u8 = b'E';

/// How every JPEG begins.
const JPEG: [u8; 3] = [0xff, 0xd8, 0xff];

/// The child's side. Text beyond what one document may have is dropped.
pub(super) struct Sink<W> {
    out: W,
    text_bytes: usize,
}

impl<W: Write> Sink<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, text_bytes: 0 }
    }

    /// Whether more text would be dropped.
    pub(super) fn is_full(&self) -> bool {
        self.text_bytes == TEXT_MAX_BYTES
    }

    /// Hands over text at once, so that it is there if the child comes no further.
    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        let room = TEXT_MAX_BYTES - self.text_bytes;
        let text = text.get(..text.floor_char_boundary(room)).unwrap_or_default();
        if text.is_empty() {
            // A character that no longer fits ends the text.
            self.text_bytes = if room < 4 { TEXT_MAX_BYTES } else { self.text_bytes };
            return Ok(());
        }
        self.text_bytes += text.len();
        self.frame(TEXT, text.as_bytes())
    }

    pub(super) fn thumbnails(&mut self, thumbnails: &Thumbnails) -> io::Result<()> {
        self.frame(PICTURE, &thumbnails.small)?;
        self.frame(PICTURE, &thumbnails.small_hq)?;
        self.frame(PICTURE, &thumbnails.large)
    }

    pub(super) fn end(&mut self) -> io::Result<()> {
        self.frame(END, &[])
    }

    fn frame(&mut self, tag: u8, bytes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        self.out.write_all(&[tag])?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(bytes)?;
        self.out.flush()
    }
}

/// What the parent heard.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) extracted: Extracted,
    /// Whether the child came to the document's end.
    pub(super) is_whole: bool,
}

/// Takes apart what the child wrote, as far as it makes sense.
pub(super) fn heard(mut output: &[u8]) -> Heard {
    let mut text = String::new();
    let mut pictures = Vec::new();
    let mut is_whole = false;
    while let Some((tag, bytes)) = next(&mut output) {
        match tag {
            TEXT if text.len() + bytes.len() <= TEXT_MAX_BYTES => match str::from_utf8(bytes) {
                Ok(piece) => text.push_str(piece),
                Err(_) => break,
            },
            PICTURE if bytes.len() <= THUMBNAIL_MAX_BYTES && bytes.starts_with(&JPEG) => {
                pictures.push(bytes.to_vec());
            }
            END if bytes.is_empty() => {
                is_whole = true;
                break;
            }
            _ => break,
        }
    }
    let thumbnails = <[Vec<u8>; 3]>::try_from(pictures).ok();
    let thumbnails =
        thumbnails.map(|[small, small_hq, large]| Thumbnails { small, small_hq, large });
    let text = (!text.trim().is_empty()).then_some(text);
    Heard { extracted: Extracted { text, thumbnails }, is_whole }
}

fn next<'a>(output: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (tag, rest) = output.split_first()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (bytes, rest) = rest.split_at_checked(length)?;
    *output = rest;
    Some((*tag, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut Sink<&mut Vec<u8>>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut Sink::new(&mut out));
        out
    }

    #[test]
    fn what_is_said_is_heard() {
        let picture = |byte| [&JPEG[..], &[byte]].concat();
        let thumbnails = Thumbnails { small: picture(1), small_hq: picture(2), large: picture(3) };
        let output = written(|sink| {
            sink.text("one ").unwrap();
            sink.thumbnails(&thumbnails).unwrap();
            sink.text("two").unwrap();
            sink.end().unwrap();
        });
        let extracted =
            Extracted { text: Some("one two".to_owned()), thumbnails: Some(thumbnails) };
        assert_eq!(heard(&output), Heard { extracted, is_whole: true });
    }

    #[test]
    fn text_ends_at_the_limit_between_two_characters() {
        let long = "ü".repeat(TEXT_MAX_BYTES);
        let output = written(|sink| {
            sink.text("x").unwrap();
            sink.text(&long).unwrap();
            sink.text("ü").unwrap();
            assert!(sink.is_full());
        });
        let text = heard(&output).extracted.text.unwrap();
        assert_eq!(text.len(), TEXT_MAX_BYTES - 1);
    }

    #[test]
    fn a_child_that_talks_nonsense_is_not_believed() {
        let nothing = Heard::default();
        for output in [
            &b""[..],
            b"T",
            b"T\xff\xff\xff\xffabc",
            b"T\x02\0\0\0\xff\xfe",
            b"P\x04\0\0\0<htm",
            b"E\x01\0\0\0x",
            b"?\0\0\0\0",
        ] {
            assert_eq!(heard(output), nothing, "{output:?}");
        }
    }
}
