//! `docharbor reindex`: makes everything anew that was taken out of documents.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::Existing;
use crate::configuration::DEFAULT_DATA_DIRECTORY;
use crate::environment::Environment;
use crate::exit::{Failure, print};
use crate::flags::StoreFlags;
use crate::wiring;

/// Make text and thumbnails of all documents anew; the server does it, now or when it next runs
#[derive(Args)]
pub(crate) struct Reindex {
    /// The data directory of the server, which may be running
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    #[command(flatten)]
    store: StoreFlags,
}

impl Reindex {
    pub(super) async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.store, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let versions = wiring::reindex(configuration, directory, master_key).await?;
        print(&format!("{versions} versions will be looked into anew\n"))?;
        Ok(ExitCode::SUCCESS)
    }
}
