//! The files of the log: their names in the order of time, and their lines.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use docharbor_server::audit::iso_8601;
use serde_json::{Map, Value};

const ENDING: &str = ".jsonl";

/// `2026-11-24T021600Z-0001`
const STEM_CHARS: usize = 23;

/// Files that one second can begin.
const PER_SECOND_MAX: u32 = 9999;

/// Where the log of a data directory is.
pub(crate) fn directory(data_directory: &Path) -> PathBuf {
    data_directory.join("audit")
}

/// Where the log of the commands is that changed a data directory's data.
pub(crate) fn commands_directory(data_directory: &Path) -> PathBuf {
    data_directory.join("audit-commands")
}

/// A moment as it stands in names; in the order of letters it is in the order of time.
pub(super) fn moment(time_ms: i64) -> String {
    iso_8601(time_ms).replace(':', "")
}

/// The name of a file that begins now, after every name there is: a clock that was set back must
/// not put the new file before the old ones.
pub(super) fn next_name(time_ms: i64, newest: Option<&str>) -> io::Result<String> {
    let first = format!("{}-0001{ENDING}", moment(time_ms));
    let Some(newest) = newest.filter(|newest| **newest >= *first) else { return Ok(first) };
    let (moment, rest) = newest.split_at(STEM_CHARS - 5);
    let number: u32 = rest.get(1..5).and_then(|number| number.parse().ok()).unwrap_or(0);
    if number >= PER_SECOND_MAX {
        return Err(io::Error::other("too many audit files began in one second"));
    }
    Ok(format!("{moment}-{:04}{ENDING}", number + 1))
}

/// The day on which a file began.
pub(super) fn day_of(name: &str) -> &str {
    name.get(..10).unwrap_or(name)
}

/// The names of the log's files, oldest first.
pub(crate) fn names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if is_name(&name) {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn is_name(name: &str) -> bool {
    name.strip_suffix(ENDING).is_some_and(|stem| stem.len() == STEM_CHARS && stem.is_ascii())
}

/// One line of a file.
pub(super) struct Line {
    /// Its bytes without the line feed.
    pub(super) bytes: Vec<u8>,
    /// Whether it ends with a line feed, as every line does that was written to its end.
    pub(super) is_complete: bool,
}

/// The lines of a file, from an offset on.
pub(super) struct Lines(BufReader<File>);

impl Lines {
    pub(super) fn open(path: &Path, offset: u64) -> io::Result<Self> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self(BufReader::new(file)))
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        if self.0.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        let is_complete = bytes.last() == Some(&b'\n');
        if is_complete {
            bytes.pop();
        }
        Ok(Some(Line { bytes, is_complete }))
    }
}

/// The CloudTrail record in a line, without regard to its seal.
fn record_of(line: &[u8]) -> Option<Map<String, Value>> {
    let mut line: Map<String, Value> = serde_json::from_slice(line).ok()?;
    match line.remove("record")? {
        Value::Object(record) => Some(record),
        _ => None,
    }
}

/// Hands over every record of the log, oldest first, until `take` fails.
pub(crate) fn each_record<E: From<io::Error>>(
    directory: &Path,
    mut take: impl FnMut(Map<String, Value>) -> Result<(), E>,
) -> Result<(), E> {
    for name in names(directory)? {
        let mut lines = match Lines::open(&directory.join(&name), 0) {
            Ok(lines) => lines,
            // The server removes what is older than the retention.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        while let Some(line) = lines.next()? {
            if let Some(record) = record_of(&line.bytes) {
                take(record)?;
            }
        }
    }
    Ok(())
}

/// Reads what is appended to the log while it is being written.
pub(crate) struct Follower {
    directory: PathBuf,
    name: Option<String>,
    offset: u64,
}

impl Follower {
    /// Begins before the first record.
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory, name: None, offset: 0 }
    }

    /// The records that are new since the last call.
    pub(crate) fn new_records(&mut self) -> io::Result<Vec<Map<String, Value>>> {
        let mut records = Vec::new();
        // Listed first: what is written to a file after its successor was seen does not exist.
        let names = names(&self.directory)?;
        self.read_current(&mut records)?;
        let is_later = |name: &&String| self.name.as_ref().is_none_or(|current| *name > current);
        let later: Vec<String> = names.iter().filter(is_later).cloned().collect();
        for name in later {
            self.name = Some(name);
            self.offset = 0;
            self.read_current(&mut records)?;
        }
        Ok(records)
    }

    fn read_current(&mut self, records: &mut Vec<Map<String, Value>>) -> io::Result<()> {
        let Some(name) = &self.name else { return Ok(()) };
        let mut lines = match Lines::open(&self.directory.join(name), self.offset) {
            Ok(lines) => lines,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        while let Some(line) = lines.next()? {
            if !line.is_complete {
                break;
            }
            self.offset += u64::try_from(line.bytes.len()).unwrap_or(u64::MAX) + 1;
            records.extend(record_of(&line.bytes));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_sorts_after_every_other_whatever_the_clock_says() {
        let first = next_name(1_000_000_000_000, None).unwrap();
        assert_eq!(first, "2001-09-09T014640Z-0001.jsonl");
        assert!(is_name(&first));
        assert_eq!(day_of(&first), "2001-09-09");
        let second = next_name(1_000_000_000_000, Some(&first)).unwrap();
        assert_eq!(second, "2001-09-09T014640Z-0002.jsonl");
        let back = next_name(0, Some(&second)).unwrap();
        assert_eq!(back, "2001-09-09T014640Z-0003.jsonl");
        assert_eq!(
            next_name(1_000_000_001_000, Some(&back)).unwrap(),
            "2001-09-09T014641Z-0001.jsonl"
        );
    }
}
