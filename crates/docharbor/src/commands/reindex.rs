//! `docharbor reindex`: mends what searches look through, and has text and thumbnails made anew.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::Existing;
use crate::configuration::DEFAULT_DATA_DIRECTORY;
use crate::environment::Environment;
use crate::exit::{Failure, print};
use crate::flags::StoreFlags;
use crate::wiring::{self, Reindexed};

/// How a command ends that did not do all that it was asked.
const PARTLY_DONE: u8 = 3;

/// Put into the search index what is missing or wrong in it, and have lost text and thumbnails made
/// anew, which the server does, now or when it next runs; what is sound stays as it is
#[derive(Args)]
pub(crate) struct Reindex {
    /// The data directory; its server may be running
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    /// Look for each entry by its words, too, and have text and thumbnails of all documents made anew;
    /// exit code 3 where extraction is off
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    store: StoreFlags,
}

impl Reindex {
    pub(super) async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.store, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let done = wiring::reindex(configuration, directory, master_key, self.all).await?;
        let Reindexed { entries, versions_queued, is_extracting } = done;
        print(&format!("{entries} entries of the index mended\n"))?;
        print(&format!("{versions_queued} versions will be looked into\n"))?;
        if !is_extracting {
            print(
                "extraction is off: that waits until it is on, and what documents gave stays as it is\n",
            )?;
        }
        let is_all_done = is_extracting || !self.all;
        Ok(if is_all_done { ExitCode::SUCCESS } else { ExitCode::from(PARTLY_DONE) })
    }
}
