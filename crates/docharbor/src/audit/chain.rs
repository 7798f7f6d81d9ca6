//! One line of the log: a record, its place, and the seal that ties it to all lines before it.
//!
//! The seal is a keyed BLAKE3 of everything before it in the line, the seal of the line before
//! included. The key is derived from the master key, so that whoever can write to the files alone
//! can neither change a line nor make one.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// What stands between a line's content and its seal, and what ends the line.
const SEAL_BEGINS: &[u8] = b",\"hash\":\"";
const SEAL_ENDS: &[u8] = b"\"}";
const HASH_CHARS: usize = 64;
const SEAL_BYTES: usize = SEAL_BEGINS.len() + HASH_CHARS + SEAL_ENDS.len();

/// The seal of a line, in hexadecimal digits.
pub(crate) type Hash = String;

/// A place between two lines: what the next one must tie to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// The number of the last record; 0 before the first.
    pub(crate) sequence: u64,
    /// Its seal.
    pub(crate) hash: Hash,
}

impl Position {
    /// Before the first record of all.
    pub(crate) fn start() -> Self {
        Self { sequence: 0, hash: "0".repeat(HASH_CHARS) }
    }
}

/// What a line that is whole says of its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) before: Position,
    pub(super) after: Position,
}

/// The key of the seals.
#[derive(Clone)]
pub(crate) struct ChainKey(Zeroizing<[u8; 32]>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Content {
    sequence: u64,
    previous_hash: String,
    #[serde(rename = "record")]
    _record: IgnoredAny,
}

impl ChainKey {
    /// Derives the key.
    pub(crate) fn new(master_key: &[u8; 32]) -> Self {
        Self(Zeroizing::new(blake3::derive_key("docharbor 2026-11 audit log chain", master_key)))
    }

    /// Seals a text that is not a line.
    pub(super) fn seal(&self, text: &[u8]) -> Hash {
        blake3::keyed_hash(&self.0, text).to_hex().to_string()
    }

    /// Appends a record's line, with its end, to `out`, and answers the place after it.
    pub(super) fn append(
        &self,
        out: &mut Vec<u8>,
        before: &Position,
        record: &Map<String, Value>,
    ) -> serde_json::Result<Position> {
        let begins_at = out.len();
        let sequence = before.sequence + 1;
        let head =
            format!("{{\"sequence\":{sequence},\"previousHash\":\"{}\",\"record\":", before.hash);
        out.extend_from_slice(head.as_bytes());
        if let Err(error) = serde_json::to_writer(&mut *out, record) {
            out.truncate(begins_at);
            return Err(error);
        }
        let hash = self.seal(&out[begins_at..]);
        for part in [SEAL_BEGINS, hash.as_bytes(), SEAL_ENDS, b"\n"] {
            out.extend_from_slice(part);
        }
        Ok(Position { sequence, hash })
    }

    /// Reads a line without its end; nothing when it is not one that this key sealed.
    pub(super) fn open(&self, line: &[u8]) -> Option<Link> {
        let (content, seal) = line.split_at_checked(line.len().checked_sub(SEAL_BYTES)?)?;
        let hash = seal.strip_prefix(SEAL_BEGINS)?.strip_suffix(SEAL_ENDS)?;
        let expected = self.seal(content);
        if hash != expected.as_bytes() {
            return None;
        }
        let Content { sequence, previous_hash, .. } =
            serde_json::from_slice(&[content, b"}"].concat()).ok()?;
        Some(Link {
            before: Position { sequence: sequence.checked_sub(1)?, hash: previous_hash },
            after: Position { sequence, hash: expected },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(key: &ChainKey) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        let mut position = Position::start();
        for name in ["a", "b", "c"] {
            let record = Map::from_iter([("eventName".to_owned(), name.into())]);
            position = key.append(&mut out, &position, &record).unwrap();
        }
        out.split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(<[u8]>::to_vec)
            .collect()
    }

    #[test]
    fn each_line_is_tied_to_the_one_before() {
        let key = ChainKey::new(&[7; 32]);
        let links: Vec<Link> = lines(&key).iter().map(|line| key.open(line).unwrap()).collect();
        assert_eq!(links[0].before, Position::start());
        assert_eq!((&links[0].after, &links[1].after), (&links[1].before, &links[2].before));
        assert_eq!(links[2].after.sequence, 3);
    }

    #[test]
    fn a_line_with_any_byte_changed_or_under_another_key_does_not_open() {
        let key = ChainKey::new(&[7; 32]);
        let line = lines(&key).remove(1);
        for at in 0..line.len() {
            for change in [1, 0x20, 0x80] {
                let mut changed = line.clone();
                changed[at] ^= change;
                assert_eq!(key.open(&changed), None, "byte {at}");
            }
        }
        assert_eq!(key.open(&line[1..]), None);
        assert_eq!(key.open(&line[..line.len() - 1]), None);
        assert_eq!(ChainKey::new(&[8; 32]).open(&line), None);
    }
}
