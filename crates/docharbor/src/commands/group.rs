//! `docharbor group`: groups of the built-in directory, which no API makes.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Existing;
use crate::configuration::DEFAULT_DATA_DIRECTORY;
use crate::environment::Environment;
use crate::exit::{Failure, print};
use crate::flags::StoreFlags;
use crate::wiring;

/// Groups of users, with which folders and documents can be shared
#[derive(Subcommand)]
pub(crate) enum Group {
    Create(Create),
    AddMember(AddMember),
}

/// Make a group and print its id, and nothing else
#[derive(Args)]
pub(crate) struct Create {
    /// Name of the group
    #[arg(value_name = "NAME")]
    name: String,
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    #[command(flatten)]
    store: StoreFlags,
}

/// Put a user into a group
#[derive(Args)]
pub(crate) struct AddMember {
    /// Name or id of the group
    #[arg(value_name = "GROUP")]
    group: String,
    /// Name or id of the user
    #[arg(value_name = "USER")]
    user: String,
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    #[command(flatten)]
    store: StoreFlags,
}

impl Group {
    pub(super) async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        match self {
            Self::Create(create) => create.run(environment).await,
            Self::AddMember(add_member) => add_member.run(environment).await,
        }
    }
}

impl Create {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.store, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let id = wiring::create_group(configuration, directory, master_key, &self.name).await?;
        print(&format!("{id}\n"))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl AddMember {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.store, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let (group, user) = (&self.group, &self.user);
        wiring::add_group_member(configuration, directory, master_key, group, user).await?;
        Ok(ExitCode::SUCCESS)
    }
}
