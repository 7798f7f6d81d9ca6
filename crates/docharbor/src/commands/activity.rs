//! `docharbor activity`: what happened in a site, for people who keep or count it elsewhere.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use docharbor_domain::Timestamp;
use docharbor_wire::EpochSeconds;
use serde_json::json;

use super::Existing;
use crate::configuration::DEFAULT_DATA_DIRECTORY;
use crate::environment::Environment;
use crate::exit::{Failure, print};
use crate::flags::SiteFlags;
use crate::wiring::{self, ActivitySpan, ExportedActivity};

/// What happened to folders and documents
#[derive(Subcommand)]
pub(crate) enum Activity {
    Export(Export),
}

/// Print what happened, newest first
#[derive(Args)]
pub(crate) struct Export {
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    /// The form: a table, or an array of objects
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// Leave out what was before this moment: 2026-11-24 or 2026-11-24T12:00:00Z
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    from: Option<Timestamp>,
    /// Leave out what was at this moment or after it
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    to: Option<Timestamp>,
    #[command(flatten)]
    site: SiteFlags,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Csv,
    Json,
}

impl Activity {
    pub(super) async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        match self {
            Self::Export(export) => export.run(environment).await,
        }
    }
}

impl Export {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let span = ActivitySpan { from: self.from, to: self.to };
        let mut pages =
            wiring::ActivityPages::open(configuration, directory, master_key, span).await?;
        let mut is_first = true;
        while let Some(page) = pages.next().await? {
            print(&match self.format {
                Format::Csv => table(&page, is_first)?,
                Format::Json => objects(&page, is_first),
            })?;
            is_first = false;
        }
        match self.format {
            Format::Csv if is_first => print(&table(&[], true)?)?,
            Format::Csv => {}
            Format::Json => print(if is_first { "[]\n" } else { "\n]\n" })?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A page as lines of CSV, under a line of headings.
fn table(page: &[ExportedActivity], with_headings: bool) -> Result<String, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::failed("The activities cannot be written as CSV", error, "try --format json")
    };
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    if with_headings {
        writer.write_record(ExportedActivity::COLUMNS).map_err(|error| failed(&error))?;
    }
    for activity in page {
        writer.serialize(activity.without_formulas()).map_err(|error| failed(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}

/// A page as elements of an array that began before it and goes on behind it.
fn objects(page: &[ExportedActivity], is_first: bool) -> String {
    let lines = page.iter().map(|activity| json!(activity).to_string());
    let lines: Vec<String> = lines.collect();
    format!("{}{}", if is_first { "[\n" } else { ",\n" }, lines.join(",\n"))
}

fn moment(text: &str) -> Result<Timestamp, &'static str> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    EpochSeconds::parse_iso8601(&whole)
        .map(|moment| Timestamp::from_millis(moment.as_millis()))
        .ok_or("write a day or a moment in UTC: 2026-11-24 or 2026-11-24T12:00:00Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_the_same_headings_with_and_without_rows() {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.serialize(ExportedActivity::default()).unwrap();
        let by_name = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let row = table(&[ExportedActivity::default()], true).unwrap();
        assert_eq!(row, by_name);
        assert_eq!(table(&[], true).unwrap().trim_end(), by_name.lines().next().unwrap());
        assert_eq!(table(&[ExportedActivity::default()], false).unwrap().lines().count(), 1);
    }

    #[test]
    fn a_moment_is_a_day_or_a_second() {
        let day = moment("2026-11-24").unwrap();
        assert_eq!(moment("2026-11-24T00:00:01Z").unwrap(), day.plus_millis(1_000));
        for wrong in ["", "2026", "24.11.2026", "2026-13-01", "now"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }
}
