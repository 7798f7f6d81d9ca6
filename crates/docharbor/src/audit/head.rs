//! The file `head`: where the log begins and how far it reaches, sealed like a line.
//!
//! It is written about once a second, and so shows that the end of the log was cut off.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use super::chain::{ChainKey, Position};

const NAME: &str = "head";

/// Where the log begins and how far it reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Before the first record that is kept.
    pub(super) begins: Position,
    /// After a record that is on the disk.
    pub(super) ends: Position,
}

/// What the file holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// What this key sealed.
    Head(Head),
    /// Something else.
    Changed,
    /// There is none.
    Missing,
}

impl Head {
    /// Reads the file.
    pub(super) fn read(directory: &Path, key: &ChainKey) -> io::Result<Found> {
        match std::fs::read_to_string(directory.join(NAME)) {
            Ok(text) => Ok(Self::parse(&text, key).map_or(Found::Changed, Found::Head)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Missing),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Found::Changed),
            Err(error) => Err(error),
        }
    }

    /// Replaces the file: a reader sees the old one or the new one, also after a power cut.
    pub(super) fn write(&self, directory: &Path, key: &ChainKey) -> io::Result<()> {
        let place =
            |position: &Position| json!({ "sequence": position.sequence, "hash": position.hash });
        let body = json!({ "begins": place(&self.begins), "ends": place(&self.ends) }).to_string();
        let seal = key.seal(format!("head|{body}").as_bytes());
        let unfinished = directory.join("head.new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(format!("{body}\n{seal}\n").as_bytes())?;
        file.sync_data()?;
        std::fs::rename(&unfinished, directory.join(NAME))?;
        File::open(directory)?.sync_all()
    }

    fn parse(text: &str, key: &ChainKey) -> Option<Self> {
        let (body, seal) = text.strip_suffix('\n')?.split_once('\n')?;
        if key.seal(format!("head|{body}").as_bytes()) != seal {
            return None;
        }
        let body: Value = serde_json::from_str(body).ok()?;
        let place = |name: &str| {
            let hash = body[name]["hash"].as_str()?.to_owned();
            Some(Position { sequence: body[name]["sequence"].as_u64()?, hash })
        };
        Some(Self { begins: place("begins")?, ends: place("ends")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_read_as_it_was_written_and_every_change_is_seen() {
        let temporary = tempfile::tempdir().unwrap();
        let key = ChainKey::new(&[1; 32]);
        assert_eq!(Head::read(temporary.path(), &key).unwrap(), Found::Missing);
        let ends = Position { sequence: 9, hash: "a".repeat(64) };
        let head = Head { begins: Position::start(), ends };
        head.write(temporary.path(), &key).unwrap();
        assert_eq!(Head::read(temporary.path(), &key).unwrap(), Found::Head(head));
        let path = temporary.path().join(NAME);
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            std::fs::write(&path, changed).unwrap();
            assert_eq!(Head::read(temporary.path(), &key).unwrap(), Found::Changed, "byte {at}");
        }
    }
}
