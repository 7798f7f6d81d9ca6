//! `docharbor group`: groups of the built-in directory, which no API makes.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Existing;
use crate::configuration::DEFAULT_DATA_DIRECTORY;
use crate::environment::Environment;
use crate::exit::{Failure, print};
use crate::flags::SiteFlags;
use crate::wiring::{self, Change};

/// Groups of users, with which folders and documents can be shared
#[derive(Subcommand)]
pub(crate) enum Group {
    Create(Create),
    List(List),
    Delete(Delete),
    AddMember(Membership),
    RemoveMember(Membership),
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
    site: SiteFlags,
}

/// Print every group as a line of JSON
#[derive(Args)]
pub(crate) struct List {
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    #[command(flatten)]
    site: SiteFlags,
}

/// Delete a group, and with it what was shared with it
#[derive(Args)]
pub(crate) struct Delete {
    /// Name or id of the group
    #[arg(value_name = "GROUP")]
    group: String,
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    #[command(flatten)]
    site: SiteFlags,
}

/// A user, or another group with all its members, in a group
#[derive(Args)]
pub(crate) struct Membership {
    /// Name or id of the group
    #[arg(value_name = "GROUP")]
    group: String,
    /// Name or id of the user or of the other group
    #[arg(value_name = "MEMBER")]
    member: String,
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    #[command(flatten)]
    site: SiteFlags,
}

impl Group {
    pub(super) async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        match self {
            Self::Create(create) => create.run(environment).await,
            Self::List(list) => list.run(environment).await,
            Self::Delete(delete) => delete.run(environment).await,
            Self::AddMember(member) => member.run(Change::Begins, environment).await,
            Self::RemoveMember(member) => member.run(Change::Ends, environment).await,
        }
    }
}

impl Create {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let id = wiring::create_group(configuration, directory, master_key, &self.name).await?;
        print(&format!("{id}\n"))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        for group in wiring::list_groups(configuration, directory, master_key).await? {
            print(&format!("{}\n", serde_json::json!(group)))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Delete {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        wiring::delete_group(configuration, directory, master_key, &self.group).await?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Membership {
    async fn run(self, change: Change, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let (group, member) = (&self.group, &self.member);
        wiring::change_group_member(configuration, directory, master_key, change, group, member)
            .await?;
        Ok(ExitCode::SUCCESS)
    }
}
