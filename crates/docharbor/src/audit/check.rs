//! `docharbor audit check`: whether the log is as it was written, from its first line to its end.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use serde_json::Value;

use super::COMMANDS_RECORDED;
use super::chain::{ChainKey, Position};
use super::files::{Lines, names};
use super::head::{Found, Head};

/// What a check found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// How many files there are.
    pub(crate) files: usize,
    /// How many records were found good.
    pub(crate) records: u64,
    /// The last of them.
    pub(crate) last: Option<Position>,
    /// Bytes of a last line that is being written, or was when the server was killed.
    pub(crate) unfinished_bytes: usize,
    /// Whether it holds the record that was asked for.
    pub(crate) has_wanted: bool,
    /// What it says about how far the log of commands reached.
    pub(crate) commands: Vec<Position>,
    /// The first thing that is not as it was written.
    pub(crate) broken: Option<String>,
}

/// Checks a log; its server may be writing it. It must hold the records that another log knows of,
/// if it still reaches back to them. Says as well whether it holds the record `wanted`.
pub(crate) fn check(
    directory: &Path,
    key: &ChainKey,
    elsewhere: &[Position],
    wanted: Option<&Position>,
) -> io::Result<Report> {
    // The head first: the files are ahead of it, never behind.
    let head = Head::read(directory, key)?;
    let names = names(directory)?;
    let mut report = Report { files: names.len(), ..Report::default() };
    let head = match head {
        Found::Head(head) => head,
        Found::Changed => return Ok(report.broken_by("head: it has been changed")),
        Found::Missing if names.is_empty() => return Ok(report.broken_by("there is no audit log")),
        Found::Missing => return Ok(report.broken_by("head: it is missing")),
    };
    let known = [&head.begins, &head.ends].into_iter().chain(elsewhere);
    let known = known.map(|at| (at.sequence, at.hash.clone())).collect();
    let commands = Vec::new();
    let mut checker =
        Checker { key, head: &head, known, wanted, has_wanted: false, commands, at: None };
    for (index, name) in names.iter().enumerate() {
        let is_newest = index + 1 == names.len();
        let mut lines = match Lines::open(&directory.join(name), 0) {
            Ok(lines) => lines,
            Err(error) if error.kind() == io::ErrorKind::NotFound && checker.at.is_none() => {
                continue;
            }
            Err(error) => return Err(error),
        };
        let mut number = 0_u64;
        while let Some(line) = lines.next()? {
            number += 1;
            if !line.is_complete && is_newest {
                report.unfinished_bytes = line.bytes.len();
                break;
            }
            let taken =
                if line.is_complete { checker.take(&line.bytes) } else { Err(CHANGED.to_owned()) };
            if let Err(what) = taken {
                return Ok(report.broken_by(&format!("{name}, line {number}: {what}")));
            }
            report.records += 1;
        }
        report.last.clone_from(&checker.at);
    }
    report.has_wanted = checker.has_wanted;
    report.broken = checker.end().err();
    report.commands = checker.commands;
    Ok(report)
}

const CHANGED: &str = "it is not as it was written";

impl Report {
    fn broken_by(mut self, what: &str) -> Self {
        self.broken = Some(what.to_owned());
        self
    }
}

struct Checker<'a> {
    key: &'a ChainKey,
    head: &'a Head,
    /// What the head and another log know of.
    known: BTreeSet<(u64, String)>,
    wanted: Option<&'a Position>,
    has_wanted: bool,
    commands: Vec<Position>,
    at: Option<Position>,
}

impl Checker<'_> {
    fn take(&mut self, line: &[u8]) -> Result<(), String> {
        let opened = self.key.open(line).ok_or(CHANGED)?;
        match &self.at {
            Some(at) if opened.before != *at => {
                return Err(format!(
                    "record {} stands after record {}, to which it is not tied",
                    opened.after.sequence, at.sequence
                ));
            }
            None if opened.before.sequence > self.head.begins.sequence => {
                return Err(format!(
                    "it is record {}, and the records from {} on are missing",
                    opened.after.sequence,
                    self.head.begins.sequence + 1
                ));
            }
            Some(_) | None => {}
        }
        for seen in [&opened.before, &opened.after] {
            let of_number = (seen.sequence, String::new())..(seen.sequence + 1, String::new());
            if self.known.range(of_number).any(|(_, hash)| *hash != seen.hash) {
                return Err(format!("record {} is not the one that was known", seen.sequence));
            }
        }
        self.commands.extend(commands_in(line));
        self.has_wanted |= self.wanted == Some(&opened.after);
        self.at = Some(opened.after);
        Ok(())
    }

    fn end(&self) -> Result<(), String> {
        let last = self.at.as_ref().map_or(self.head.begins.sequence, |at| at.sequence);
        match self.known.last() {
            Some((end, _)) if last < *end => {
                Err(format!("the end is missing: records {} to {end}", last + 1))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// How far the log of commands reached, in a record that says so.
fn commands_in(line: &[u8]) -> Option<Position> {
    // Few are, and taking a line apart takes time.
    let name = COMMANDS_RECORDED.as_bytes();
    if !line.windows(name.len()).any(|window| window == name) {
        return None;
    }
    let line: Value = serde_json::from_slice(line).ok()?;
    let record = &line["record"];
    if record["eventName"] != COMMANDS_RECORDED {
        return None;
    }
    let data = &record["additionalEventData"];
    let hash = data["hash"].as_str()?.to_owned();
    Some(Position { sequence: data["sequence"].as_u64()?, hash })
}
