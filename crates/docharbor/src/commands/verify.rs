//! `docharbor verify`: checks every invariant of the data and changes nothing.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::configuration::{Configuration, DEFAULT_DATA_DIRECTORY};
use crate::data_directory::DataDirectory;
use crate::environment::Environment;
use crate::exit::{Failure, print};
use crate::flags::{Flags, StoreFlags};
use crate::logging;
use crate::wiring::{self, Finding};

/// Check every invariant of the data, changing nothing; exit code 1 when something is wrong
#[derive(Args)]
pub(crate) struct Verify {
    /// The data directory; its server may be running
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    /// Read all stored bytes and compare them with their digests, and search for all that is
    /// indexed, by its name and its first words
    #[arg(long)]
    deep: bool,
    /// Print the findings as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreFlags,
}

impl Verify {
    pub(super) async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let flags = Flags::of_store(self.store);
        let configuration = Configuration::load(&self.directory, flags, environment)?;
        logging::start(configuration.log_level.clone());
        let directory = DataDirectory::open(&self.directory)?;
        let findings = wiring::verify(&configuration, &directory, self.deep).await?;
        let text = if self.json {
            format!("{}\n", json!({ "findings": findings }))
        } else {
            text_of(&findings)
        };
        print(&text)?;
        Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn text_of(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { organization, invariant, subject, text: what } in findings {
        let organization = organization.as_deref().unwrap_or("-");
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "{organization}  {invariant}  {subject}  {what}");
    }
    match findings.len() {
        0 => text.push_str("no findings\n"),
        1 => text.push_str("1 finding\n"),
        count => {
            let _infallible = writeln!(text, "{count} findings");
        }
    }
    text
}
