//! `docharbor dev`: a throw-away server for tests.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use crate::configuration::Configuration;
use crate::data_directory::DataDirectory;
use crate::exit::{Failure, print};
use crate::flags::{Flags, ServeFlags, StoreFlags};
use crate::master_key::MasterKey;
use crate::serving::Door;
use crate::signals::Signals;
use crate::{logging, wiring};

/// Run a throw-away server for tests, with demo users, and print one JSON line when it is ready
#[derive(Args)]
pub(crate) struct Dev {
    /// Port on 127.0.0.1; 0 takes any free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// What to log: off, error, warn, info, debug, trace, or levels by target
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    log_level: String,
}

/// The one line on stdout, in this order.
#[derive(Serialize)]
struct ReadyLine<'a> {
    ready: bool,
    endpoint: &'a str,
    organization_id: &'a str,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    token: &'a str,
}

fn line_of(ready: &ReadyLine<'_>) -> Result<String, Failure> {
    serde_json::to_string(ready).map(|line| line + "\n").map_err(|error| {
        Failure::failed("The line cannot be written", error, "report this: it is a defect")
    })
}

impl Dev {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        let temporary =
            tempfile::Builder::new().prefix("docharbor-dev-").tempdir().map_err(|error| {
                Failure::failed(
                    "No temporary directory can be made",
                    error,
                    "point TMPDIR to a directory that the user of this process may write to",
                )
            })?;
        let listen = format!("127.0.0.1:{}", self.port);
        let flags = Flags::of_server(
            StoreFlags::logging_at(self.log_level),
            ServeFlags::listening_on(listen),
        );
        // The surroundings of a test must not change what it tests.
        let configuration = Configuration::of_flags(temporary.path(), flags)?;
        logging::start(configuration.log_level.clone());
        let directory = DataDirectory::create(temporary.path())?;
        let lock = directory.lock()?;
        let master_key = MasterKey::load_or_create(&configuration, &directory, &lock)?;
        let signals = Signals::install()?;
        let door = Door::open(&configuration.listen).await?;
        let running = wiring::start(&configuration, &directory, &master_key).await?;
        let access = wiring::demo_access(&configuration, &directory, &master_key).await?;
        let _announcement = directory.announce(&door.url, &lock)?;
        print(&line_of(&ReadyLine {
            ready: true,
            endpoint: &door.url,
            organization_id: &running.organization_id,
            access_key_id: &access.access_key_id,
            secret_access_key: access.secret_access_key.expose(),
            token: access.token.expose(),
        })?)?;
        door.serve(running, signals).await;
        Ok(ExitCode::SUCCESS)
    }
}
