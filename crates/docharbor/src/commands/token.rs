//! `docharbor token`: bearer tokens for people's programs.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::Existing;
use crate::configuration::{DEFAULT_DATA_DIRECTORY, value};
use crate::environment::Environment;
use crate::exit::{Failure, print};
use crate::flags::SiteFlags;
use crate::wiring::{self, TokenScope};

/// Bearer tokens with which a program acts as a user
#[derive(Subcommand)]
pub(crate) enum Token {
    Create(Create),
}

/// Make a token and print it, and nothing else
#[derive(Args)]
pub(crate) struct Create {
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    /// Name of the user the token acts for
    #[arg(long, value_name = "NAME")]
    user: String,
    /// What the token allows
    #[arg(long, value_enum, value_delimiter = ',', default_value = "read,write")]
    scopes: Vec<TokenScope>,
    /// How long the token works
    #[arg(long, value_name = "DURATION", default_value = "12h", value_parser = value::duration)]
    expires: Duration,
    #[command(flatten)]
    site: SiteFlags,
}

impl Token {
    pub(super) async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let Self::Create(create) = self;
        create.run(environment).await
    }
}

impl Create {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let token = wiring::create_token(
            &existing.configuration,
            &existing.directory,
            &existing.master_key,
            &self.user,
            &self.scopes,
            self.expires,
        )
        .await?;
        print(&format!("{}\n", token.expose()))?;
        Ok(ExitCode::SUCCESS)
    }
}
