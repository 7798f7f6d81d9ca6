//! `docharbor notify`: who is told of events, and what became of the telling.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use docharbor_site::DeliveryState;
use serde_json::json;

use super::Existing;
use crate::configuration::DEFAULT_DATA_DIRECTORY;
use crate::environment::Environment;
use crate::exit::{Failure, print};
use crate::flags::SiteFlags;
use crate::wiring;

/// Notifications: who is told of events, and what became of it
#[derive(Subcommand)]
pub(crate) enum Notify {
    List(List),
    Log(Log),
    Resend(Resend),
}

/// Print the subscriptions of a site, a line of JSON for each
#[derive(Args)]
pub(crate) struct List {
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    #[command(flatten)]
    site: SiteFlags,
}

/// Print the latest deliveries, newest first, a line of JSON for each
#[derive(Args)]
pub(crate) struct Log {
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    /// Only deliveries of this state
    #[arg(long, value_enum)]
    state: Option<State>,
    /// How many at the most
    #[arg(long, value_name = "NUMBER", default_value = "100",
          value_parser = clap::value_parser!(i64).range(1..=100_000))]
    limit: i64,
    #[command(flatten)]
    site: SiteFlags,
}

/// Send once more what was given up, and print how many deliveries that are
#[derive(Args)]
pub(crate) struct Resend {
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    /// Only the message of this id, to all it was for, delivered or not
    #[arg(long, value_name = "ID")]
    message: Option<String>,
    #[command(flatten)]
    site: SiteFlags,
}

/// What became of a delivery.
#[derive(Clone, Copy, ValueEnum)]
enum State {
    /// To be tried, for the first time or again
    Due,
    /// Taken by the receiver
    Sent,
    /// Given up
    Dead,
}

impl Notify {
    pub(super) async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        match self {
            Self::List(list) => list.run(environment).await,
            Self::Log(log) => log.run(environment).await,
            Self::Resend(resend) => resend.run(environment).await,
        }
    }
}

impl List {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let subscriptions = wiring::list_subscriptions(configuration, directory, master_key);
        for subscription in subscriptions.await? {
            print(&format!("{}\n", json!(subscription)))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Log {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let state = self.state.map(|state| match state {
            State::Due => DeliveryState::Due,
            State::Sent => DeliveryState::Sent,
            State::Dead => DeliveryState::Dead,
        });
        let deliveries =
            wiring::list_deliveries(configuration, directory, master_key, state, self.limit);
        for delivery in deliveries.await? {
            print(&format!("{}\n", json!(delivery)))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Resend {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let count = wiring::resend(configuration, directory, master_key, self.message).await?;
        print(&format!("{count}\n"))?;
        Ok(ExitCode::SUCCESS)
    }
}
