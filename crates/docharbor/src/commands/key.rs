//! `docharbor key`: access keys for programs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Existing;
use crate::configuration::DEFAULT_DATA_DIRECTORY;
use crate::environment::Environment;
use crate::exit::{Failure, print};
use crate::flags::SiteFlags;
use crate::wiring;

/// Access keys for programs
#[derive(Subcommand)]
pub(crate) enum Key {
    Create(Create),
    List(List),
    Delete(Delete),
}

/// Print the permanent access keys of a site as JSON, a line for each
#[derive(Args)]
pub(crate) struct List {
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    #[command(flatten)]
    site: SiteFlags,
}

/// Delete an access key; it and the sessions begun with it end at once
#[derive(Args)]
pub(crate) struct Delete {
    /// Id of the key
    #[arg(value_name = "KEY")]
    key: String,
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    #[command(flatten)]
    site: SiteFlags,
}

/// Make an access key and print it as JSON
#[derive(Args)]
pub(crate) struct Create {
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    /// What the key is called in lists
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// IAM policy that limits the key [default: everything is allowed]
    #[arg(long, value_name = "FILE.json")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    site: SiteFlags,
}

impl Key {
    pub(super) async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        match self {
            Self::Create(create) => create.run(environment).await,
            Self::List(list) => list.run(environment).await,
            Self::Delete(delete) => delete.run(environment).await,
        }
    }
}

impl Create {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let policy = self.policy.as_deref().map(read_policy).transpose()?;
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let key = wiring::create_key(
            &existing.configuration,
            &existing.directory,
            &existing.master_key,
            self.name.as_deref(),
            policy.as_deref(),
        )
        .await?;
        let line = json!({
            "AccessKeyId": key.access_key_id,
            "SecretAccessKey": key.secret_access_key.expose(),
        });
        print(&format!("{line}\n"))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        for key in wiring::list_keys(configuration, directory, master_key).await? {
            print(&format!("{}\n", json!(key)))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Delete {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        wiring::delete_key(configuration, directory, master_key, &self.key).await?;
        Ok(ExitCode::SUCCESS)
    }
}

pub(super) fn read_policy(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(
            format!("The policy {} cannot be read", path.display()),
            error,
            "name a file with an IAM policy in JSON",
        )
    })
}
