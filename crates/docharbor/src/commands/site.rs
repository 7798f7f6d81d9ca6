//! `docharbor site`: several sites on one server.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use docharbor_domain::OrganizationId;
use docharbor_site::NewOrganization;
use serde_json::json;

use super::Existing;
use crate::configuration::{DEFAULT_DATA_DIRECTORY, value};
use crate::environment::Environment;
use crate::exit::{Failure, print};
use crate::flags::StoreFlags;
use crate::wiring;

/// Sites of one server: organizations that see nothing of each other
#[derive(Subcommand)]
pub(crate) enum Site {
    Create(Create),
    List(List),
    Alias(Alias),
}

/// Make a further site, and print its id and its root access key as JSON
#[derive(Args)]
pub(crate) struct Create {
    /// The data directory of the server, which may be running
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    /// Id of the new site [default: random]
    #[arg(long, value_name = "ID", value_parser = value::organization_id)]
    organization_id: Option<OrganizationId>,
    /// Short name of the new site, for people and for --organization-id
    #[arg(long, value_name = "NAME")]
    alias: Option<String>,
    #[command(flatten)]
    store: StoreFlags,
}

/// Print each site as a line of JSON, the first one first
#[derive(Args)]
pub(crate) struct List {
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    #[command(flatten)]
    store: StoreFlags,
}

/// Give a site a short name, or another one
#[derive(Args)]
pub(crate) struct Alias {
    /// Id or alias of the site
    #[arg(value_name = "ID")]
    site: String,
    /// The new short name: 1 to 63 of a-z, 0-9 and hyphens
    #[arg(value_name = "NAME")]
    name: String,
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    #[command(flatten)]
    store: StoreFlags,
}

impl Site {
    pub(super) async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        match self {
            Self::Create(create) => create.run(environment).await,
            Self::List(list) => list.run(environment).await,
            Self::Alias(alias) => alias.run(environment).await,
        }
    }
}

impl Create {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.store, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let wanted = NewOrganization { id: self.organization_id, alias: self.alias };
        let root =
            wiring::create_organization(configuration, directory, master_key, wanted).await?;
        let line = json!({
            "OrganizationId": root.organization_id,
            "AccessKeyId": root.access_key_id,
            "SecretAccessKey": root.secret_access_key.expose(),
        });
        print(&format!("{line}\n"))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.store, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let views = wiring::list_organizations(configuration, directory, master_key).await?;
        let lines = views.into_iter().map(|view| {
            let line = json!({
                "OrganizationId": view.organization.id,
                "Alias": view.organization.alias,
                "AccountId": view.organization.account_id,
                "Users": view.users,
            });
            format!("{line}\n")
        });
        print(&lines.collect::<String>())?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Alias {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.store, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        wiring::set_alias(configuration, directory, master_key, &self.site, &self.name).await?;
        Ok(ExitCode::SUCCESS)
    }
}
