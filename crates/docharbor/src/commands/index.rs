//! `docharbor index`: puts into the index of searches what is missing in it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::Existing;
use crate::configuration::DEFAULT_DATA_DIRECTORY;
use crate::environment::Environment;
use crate::exit::{Failure, print};
use crate::flags::StoreFlags;
use crate::wiring;

/// Put everything into the search index that is missing in it, and print how much it was
#[derive(Args)]
pub(crate) struct Index {
    /// The data directory; its server may be running
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    #[command(flatten)]
    store: StoreFlags,
}

impl Index {
    pub(super) async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.store, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let indexed = wiring::index_missing(configuration, directory, master_key).await?;
        print(&format!("{indexed}\n"))?;
        Ok(ExitCode::SUCCESS)
    }
}
