//! `docharbor audit`: reads the record of every call; works on files alone, beside a server or not.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use docharbor_domain::OrganizationId;
use serde_json::{Map, Value};

use super::Existing;
use crate::audit::{
    ChainKey, Follower, Position, Report, check, commands_directory, directory, each_record,
};
use crate::configuration::{DEFAULT_DATA_DIRECTORY, value};
use crate::data_directory::DataDirectory;
use crate::environment::Environment;
use crate::exit::{Failure, print};
use crate::flags::StoreFlags;

/// As often a follower looks for new records.
const FOLLOW_TICK: Duration = Duration::from_millis(250);

/// The record of every call that this server answered
#[derive(Subcommand)]
pub(crate) enum Audit {
    Tail(Tail),
    Export(Export),
    Check(Check),
}

/// Print the last records, one a line
#[derive(Args)]
pub(crate) struct Tail {
    /// The data directory; its server may be running
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    /// Go on with new records as they come
    #[arg(short, long)]
    follow: bool,
    /// Print the whole records, as JSON
    #[arg(long)]
    json: bool,
    /// How many records to begin with
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 10)]
    lines: usize,
    /// Only records about the site of this id
    #[arg(long, value_name = "ID", value_parser = value::organization_id)]
    organization_id: Option<OrganizationId>,
}

/// Print records as a CloudTrail file, {"Records":[…]}
#[derive(Args)]
pub(crate) struct Export {
    /// The data directory; its server may be running
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    /// Leave out what was before this moment: 2026-11-24 or 2026-11-24T12:00:00Z
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    from: Option<String>,
    /// Leave out what was at this moment or after it
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    to: Option<String>,
    /// Only records about the site of this id
    #[arg(long, value_name = "ID", value_parser = value::organization_id)]
    organization_id: Option<OrganizationId>,
}

/// Check that no record was changed, removed or put in; exit code 1 when one was
#[derive(Args)]
pub(crate) struct Check {
    /// The data directory; its server may be running
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    /// A record the log must hold, as an earlier check printed it: NUMBER:HASH
    #[arg(long, value_name = "RECORD", value_parser = position)]
    holds: Option<Position>,
    #[command(flatten)]
    store: StoreFlags,
}

impl Audit {
    pub(super) async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        match self {
            Self::Tail(tail) => tail.run().await,
            Self::Export(export) => export.run(),
            Self::Check(check) => check.run(environment),
        }
    }
}

impl Tail {
    async fn run(self) -> Result<ExitCode, Failure> {
        let data = DataDirectory::open(&self.directory)?;
        let mut followers =
            [directory(data.path()), commands_directory(data.path())].map(Follower::new);
        let records = self.new_records(&mut followers)?;
        let skipped = records.len().saturating_sub(self.lines);
        self.show(records.into_iter().skip(skipped))?;
        if !self.follow {
            return Ok(ExitCode::SUCCESS);
        }
        let mut ticks = tokio::time::interval(FOLLOW_TICK);
        loop {
            ticks.tick().await;
            let records = self.new_records(&mut followers)?;
            self.show(records.into_iter())?;
        }
    }

    /// What is new of the site that is meant, in the order of time.
    fn new_records(&self, followers: &mut [Follower]) -> Result<Vec<Map<String, Value>>, Failure> {
        let mut records = Vec::new();
        for follower in followers {
            records.extend(follower.new_records().map_err(|error| unreadable(&error))?);
        }
        records.retain(|record| is_about(record, self.organization_id.as_ref()));
        let time = |record: &Map<String, Value>| record.get("eventTime").map(Value::to_string);
        records.sort_by_cached_key(time);
        Ok(records)
    }

    fn show(&self, records: impl Iterator<Item = Map<String, Value>>) -> Result<(), Failure> {
        let line = |record: Map<String, Value>| {
            if self.json { Value::Object(record).to_string() } else { line_of(&record) }
        };
        let text: String = records.map(|record| line(record) + "\n").collect();
        if text.is_empty() { Ok(()) } else { print(&text) }
    }
}

/// When, who, what, how it went, from where, and the id by which the log has more.
fn line_of(record: &Map<String, Value>) -> String {
    let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
    let identity = record.get("userIdentity").and_then(Value::as_object);
    let who = ["arn", "principalId", "invokedBy", "accountId"]
        .iter()
        .find_map(|name| identity?.get(*name)?.as_str().filter(|text| !text.is_empty()));
    let outcome = record.get("errorCode").and_then(Value::as_str).unwrap_or("ok");
    format!(
        "{} {} {} {outcome} {} {}",
        text("eventTime"),
        who.unwrap_or("-"),
        text("eventName"),
        text("sourceIPAddress"),
        text("requestID"),
    )
}

impl Export {
    fn run(self) -> Result<ExitCode, Failure> {
        let data = DataDirectory::open(&self.directory)?;
        let mut out = io::BufWriter::new(io::stdout().lock());
        let mut export = || {
            let mut separator = "{\"Records\":[";
            let mut take = |record: Map<String, Value>| -> io::Result<()> {
                let time = record.get("eventTime").and_then(Value::as_str).unwrap_or_default();
                // Moments of one form compare as texts, and a day is the beginning of its moments.
                let is_meant = self.from.as_deref().is_none_or(|from| time >= from)
                    && self.to.as_deref().is_none_or(|to| time < to)
                    && is_about(&record, self.organization_id.as_ref());
                if is_meant {
                    write!(out, "{separator}\n{}", Value::Object(record))?;
                    separator = ",";
                }
                Ok(())
            };
            for directory in [directory(data.path()), commands_directory(data.path())] {
                each_record::<io::Error>(&directory, &mut take)?;
            }
            let opening = if separator == "," { "" } else { separator };
            writeln!(out, "{opening}\n]}}")?;
            out.flush()
        };
        export().map_err(|error| {
            Failure::failed(
                "The records cannot be exported",
                error,
                "let the user of this process read DIR/audit, and give stdout a reader with room",
            )
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Check {
    fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.store, environment)?;
        let key = ChainKey::new(existing.master_key.bytes());
        let data = existing.directory.path();
        let checked = |directory: &Path, elsewhere: &[Position]| {
            check(directory, &key, elsewhere, self.holds.as_ref())
                .map_err(|error| unreadable(&error))
        };
        let mut report = checked(&directory(data), &[])?;
        let commands = commands_directory(data);
        let has_commands = commands.exists() || !report.commands.is_empty();
        let of_commands = has_commands.then(|| checked(&commands, &report.commands)).transpose()?;
        let all = || std::iter::once(&report).chain(&of_commands);
        if let Some(wanted) = &self.holds
            && all().all(|report| report.broken.is_none() && !report.has_wanted)
        {
            let text = format!("record {} with that hash is not in the log", wanted.sequence);
            report.broken = Some(text);
        }
        let is_whole = std::iter::once(&report).chain(&of_commands).all(|r| r.broken.is_none());
        let text = of_commands.as_ref().map(text_of).unwrap_or_default();
        let lines = text.lines().map(|line| format!("commands: {line}\n"));
        print(&(text_of(&report) + &lines.collect::<String>()))?;
        Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Whether a record is about a site, where one is meant.
fn is_about(record: &Map<String, Value>, organization: Option<&OrganizationId>) -> bool {
    let Some(id) = organization else { return true };
    let ends = format!(":organization/{id}");
    let resources = record.get("resources").and_then(Value::as_array);
    resources
        .into_iter()
        .flatten()
        .filter_map(|resource| resource.get("ARN")?.as_str())
        .any(|arn| arn.ends_with(&ends))
}

fn text_of(report: &Report) -> String {
    let unfinished = if report.unfinished_bytes > 0 {
        "the last line is not finished: it is being written, or the server was killed\n"
    } else {
        ""
    };
    let verdict = match (&report.broken, &report.last) {
        (Some(what), _) => format!("broken: {what}"),
        (None, Some(last)) => format!("unbroken up to {}:{}", last.sequence, last.hash),
        (None, None) => "unbroken".to_owned(),
    };
    format!("{} records in {} files\n{unfinished}{verdict}\n", report.records, report.files)
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::failed(
        "The audit log cannot be read",
        error,
        "let the user of this process read DIR/audit",
    )
}

/// A moment, as far as it is written out.
fn moment(text: &str) -> Result<String, &'static str> {
    const FORM: &[u8] = b"0000-00-00T00:00:00Z";
    let fits = text.bytes().zip(FORM).all(|(byte, form)| match form {
        b'0' => byte.is_ascii_digit(),
        form => byte == *form,
    });
    if fits && matches!(text.len(), 10 | 20) {
        Ok(text.to_owned())
    } else {
        Err("write a day or a moment in UTC: 2026-11-24 or 2026-11-24T12:00:00Z")
    }
}

fn position(text: &str) -> Result<Position, &'static str> {
    let parts = text.split_once(':').and_then(|(number, hash)| {
        Some(Position { sequence: number.parse().ok()?, hash: hash.to_owned() })
    });
    parts.ok_or("write what a check printed: NUMBER:HASH")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_day_or_a_second() {
        for right in ["2026-11-24", "2026-11-24T12:00:00Z"] {
            assert_eq!(moment(right).as_deref(), Ok(right));
        }
        for wrong in ["", "2026", "2026-11-24T", "24.11.2026", "2026-11-24T12:00:00+01:00"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }
}
