//! Where a log goes on that was written before, whatever ended the writing.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use super::chain::{ChainKey, Position};
use super::files::{Lines, names};
use super::head::{Found, Head};

/// Where the log goes on.
#[derive(Debug)]
pub(super) struct Resumed {
    /// Before the first record that is kept.
    pub(super) begins: Position,
    /// After the last record.
    pub(super) at: Position,
    /// The file to append to and its length; a new one is begun where there is none.
    pub(super) file: Option<(String, u64)>,
    /// How it was found, for the record that says so.
    pub(super) state: Value,
}

/// The good lines at the beginning of a file.
struct Scanned {
    before: Option<Position>,
    after: Option<Position>,
    good_bytes: u64,
    all_bytes: u64,
}

/// Finds the end of the log. What a crash left unfinished is set aside; what is damaged is left as
/// it is, for `audit check` to show, and the log goes on in a new file.
pub(super) fn resume(directory: &Path, key: &ChainKey) -> io::Result<Resumed> {
    let names = names(directory)?;
    let head = match Head::read(directory, key)? {
        Found::Missing if names.is_empty() => {
            let at = Position::start();
            return Ok(Resumed { begins: at.clone(), at, file: None, state: json!("new") });
        }
        Found::Head(head) => Some(head),
        Found::Changed | Found::Missing => None,
    };
    let Some(head) = head else { return without_head(directory, key, &names) };
    let mut aside = 0;
    for name in names.iter().rev() {
        let path = directory.join(name);
        let scanned = scan(&path, key)?;
        let reached = scanned.after.clone().unwrap_or_else(|| head.ends.clone());
        let is_torn = scanned.good_bytes < scanned.all_bytes;
        let reaches_head = reached.sequence >= head.ends.sequence
            && (reached.sequence > head.ends.sequence || reached == head.ends);
        // Nothing that head knows of was still being written, so this is no tear.
        if !reaches_head {
            return Ok(damaged(head, reached, "the log does not reach as far as its head says"));
        }
        if is_torn {
            aside += scanned.all_bytes - scanned.good_bytes;
            set_aside(directory, name, scanned.good_bytes)?;
        }
        if let Some(at) = scanned.after {
            let file = Some((name.clone(), scanned.good_bytes));
            return Ok(Resumed { begins: head.begins, at, file, state: continued(aside) });
        }
        // A file in which no line got finished is one that was never begun.
        std::fs::remove_file(&path)?;
    }
    if head.ends == head.begins {
        let at = head.ends;
        return Ok(Resumed { begins: head.begins, at, file: None, state: continued(aside) });
    }
    let at = head.ends.clone();
    Ok(damaged(head, at, "all files of the log are gone"))
}

fn continued(aside: u64) -> Value {
    if aside == 0 {
        return json!("continued");
    }
    tracing::warn!(bytes = aside, "the last line of the audit was not finished and is set aside");
    json!({ "continuedAfterBytesSetAside": aside })
}

fn damaged(head: Head, reached: Position, why: &str) -> Resumed {
    tracing::error!(why, remedy = "docharbor audit check DIR", "the audit log is damaged");
    let at = if reached.sequence > head.ends.sequence { reached } else { head.ends };
    Resumed { begins: head.begins, at, file: None, state: json!({ "damaged": why }) }
}

/// Without a head nobody knows what is missing; the log goes on after the last line that is good,
/// and says that it did.
fn without_head(directory: &Path, key: &ChainKey, names: &[String]) -> io::Result<Resumed> {
    let mut begins = None;
    let mut at = None;
    for name in names {
        let scanned = scan(&directory.join(name), key)?;
        begins = begins.or(scanned.before);
        at = scanned.after.or(at);
    }
    let begins = begins.unwrap_or_else(Position::start);
    let at = at.unwrap_or_else(Position::start);
    let head = Head { begins, ends: at.clone() };
    Ok(damaged(head, at, "the file head is missing or has been changed"))
}

fn scan(path: &Path, key: &ChainKey) -> io::Result<Scanned> {
    let all_bytes = path.metadata()?.len();
    let mut scanned = Scanned { before: None, after: None, good_bytes: 0, all_bytes };
    let mut lines = Lines::open(path, 0)?;
    while let Some(line) = lines.next()? {
        let Some(link) = key.open(&line.bytes).filter(|_| line.is_complete) else { break };
        if scanned.after.as_ref().is_some_and(|after| *after != link.before) {
            break;
        }
        if scanned.before.is_none() {
            scanned.before = Some(link.before);
        }
        scanned.after = Some(link.after);
        scanned.good_bytes += u64::try_from(line.bytes.len()).unwrap_or(u64::MAX) + 1;
    }
    Ok(scanned)
}

/// Moves what follows the good lines of a file into a file of its own.
fn set_aside(directory: &Path, name: &str, good_bytes: u64) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(directory.join(name))?;
    let mut rest = Vec::new();
    file.seek(SeekFrom::Start(good_bytes))?;
    file.read_to_end(&mut rest)?;
    let aside = directory.join(format!("{name}.unfinished-{good_bytes}"));
    let mut kept =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(aside)?;
    kept.write_all(&rest)?;
    kept.sync_data()?;
    file.set_len(good_bytes)?;
    file.sync_data()?;
    File::open(directory)?.sync_all()
}
