//! `docharbor token`: bearer tokens for people's programs.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{Existing, secret_from_stdin};
use crate::configuration::{DEFAULT_DATA_DIRECTORY, value};
use crate::environment::Environment;
use crate::exit::{Failure, print};
use crate::flags::SiteFlags;
use crate::secret::Secret;
use crate::wiring::{self, TokenScope};

/// Bearer tokens with which a program acts as a user
#[derive(Subcommand)]
pub(crate) enum Token {
    Create(Create),
    List(List),
    Revoke(Revoke),
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

/// Print every token that works as a line of JSON, without its text
#[derive(Args)]
pub(crate) struct List {
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    /// Only the tokens of the user of this name
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    #[command(flatten)]
    site: SiteFlags,
}

/// End a token, from the next request on
#[derive(Args)]
pub(crate) struct Revoke {
    /// Id of the token, or its text; - reads either from stdin, where other users cannot see it
    #[arg(value_name = "ID|TOKEN|-")]
    token: String,
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    #[command(flatten)]
    site: SiteFlags,
}

impl Token {
    pub(super) async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        match self {
            Self::Create(create) => create.run(environment).await,
            Self::List(list) => list.run(environment).await,
            Self::Revoke(revoke) => revoke.run(environment).await,
        }
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

impl List {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let user = self.user.as_deref();
        for token in wiring::list_tokens(configuration, directory, master_key, user).await? {
            print(&format!("{}\n", serde_json::json!(token)))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Revoke {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let token = match self.token.as_str() {
            "-" => secret_from_stdin("The token", "pipe it in, or give its id")?,
            _ => Secret::new(self.token),
        };
        wiring::revoke_token(configuration, directory, master_key, &token).await?;
        Ok(ExitCode::SUCCESS)
    }
}
