//! `docharbor application`: programs that may ask users for access.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Existing;
use crate::configuration::DEFAULT_DATA_DIRECTORY;
use crate::environment::Environment;
use crate::exit::{Failure, print};
use crate::flags::SiteFlags;
use crate::wiring::{self, NewApplication, TokenScope};

/// Programs that may ask users for access to their content, at /oauth and with codes
#[derive(Subcommand)]
pub(crate) enum Application {
    Create(Create),
    List(List),
    Delete(Delete),
}

/// Register an application and print it as a line of JSON, with its id
#[derive(Args)]
pub(crate) struct Create {
    /// Name that users are shown
    #[arg(value_name = "NAME")]
    name: String,
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    /// Where users may be sent back to, byte for byte; can be given several times
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// The most it may ask for
    #[arg(long, value_enum, value_delimiter = ',', default_value = "read,write")]
    scopes: Vec<TokenScope>,
    /// Whom to ask about it
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    #[command(flatten)]
    site: SiteFlags,
}

/// Print every application as a line of JSON
#[derive(Args)]
pub(crate) struct List {
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    #[command(flatten)]
    site: SiteFlags,
}

/// Delete an application; its tokens end at once
#[derive(Args)]
pub(crate) struct Delete {
    /// Id of the application
    #[arg(value_name = "APP_ID")]
    id: String,
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    #[command(flatten)]
    site: SiteFlags,
}

impl Application {
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
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let new = NewApplication {
            name: &self.name,
            email: self.email.as_deref(),
            redirect_uris: &self.redirect_uris,
            scopes: &self.scopes,
        };
        let made = wiring::create_application(configuration, directory, master_key, new).await?;
        print(&format!("{}\n", serde_json::json!(made)))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        for listed in wiring::list_applications(configuration, directory, master_key).await? {
            print(&format!("{}\n", serde_json::json!(listed)))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Delete {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        wiring::delete_application(configuration, directory, master_key, &self.id).await?;
        Ok(ExitCode::SUCCESS)
    }
}
