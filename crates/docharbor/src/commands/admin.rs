//! `docharbor admin`: ways in for the operator, where nobody can sign in.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Existing, secret_from_stdin};
use crate::configuration::DEFAULT_DATA_DIRECTORY;
use crate::environment::Environment;
use crate::exit::{Failure, print};
use crate::flags::SiteFlags;
use crate::secret::Secret;
use crate::wiring;

/// The first administrator, and passwords that were forgotten
#[derive(Subcommand)]
pub(crate) enum Admin {
    SetupLink(SetupLink),
    Create(Create),
    ResetPassword(ResetPassword),
}

/// Print the link with which the first administrator is made, while there is none
#[derive(Args)]
pub(crate) struct SetupLink {
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    #[command(flatten)]
    site: SiteFlags,
}

/// Make a user who administers the site, with a password read from stdin, and print the user's id
#[derive(Args)]
pub(crate) struct Create {
    /// Name of the user
    #[arg(value_name = "NAME")]
    user: String,
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    /// Make up a password, and print it instead of the id
    #[arg(long)]
    generate: bool,
    #[command(flatten)]
    site: SiteFlags,
}

/// Give a user another password, read from stdin, and end every session of theirs
#[derive(Args)]
pub(crate) struct ResetPassword {
    /// Name of the user
    #[arg(value_name = "NAME")]
    user: String,
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    /// Make up a password and print it, and nothing else
    #[arg(long)]
    generate: bool,
    #[command(flatten)]
    site: SiteFlags,
}

impl Admin {
    pub(super) async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        match self {
            Self::SetupLink(setup_link) => setup_link.run(environment).await,
            Self::Create(create) => create.run(environment).await,
            Self::ResetPassword(reset_password) => reset_password.run(environment).await,
        }
    }
}

impl SetupLink {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let token = wiring::setup_token(configuration, directory, master_key).await?;
        let public_url = configuration.public_url.clone();
        let url = public_url.or_else(|| directory.announced()).ok_or_else(|| {
            Failure::failed(
                "The setup link cannot be printed",
                "no server runs on these data, so nobody knows its address",
                "start it, docharbor serve DIR, or name the address with DOCHARBOR_PUBLIC_URL",
            )
        })?;
        print(&format!("{}\n", wiring::setup_link(&url, &token)))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Create {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let password = new_password(self.generate)?;
        let user = &self.user;
        let id =
            wiring::create_administrator(configuration, directory, master_key, user, &password)
                .await?;
        let printed = if self.generate { password.expose() } else { id.as_str() };
        print(&format!("{printed}\n"))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl ResetPassword {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let password = new_password(self.generate)?;
        let user = &self.user;
        wiring::reset_password(configuration, directory, master_key, user, &password).await?;
        if self.generate {
            print(&format!("{}\n", password.expose()))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A password that is made up, or the one that is piped in.
fn new_password(is_made_up: bool) -> Result<Secret, Failure> {
    if is_made_up {
        return Ok(wiring::random_password());
    }
    let next = "pipe it in, in UTF-8, or let one be made up with --generate";
    secret_from_stdin("The password", next)
}
