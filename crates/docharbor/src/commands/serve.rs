//! `docharbor serve`: serves until SIGTERM or SIGINT, then drains.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::banner::Banner;
use crate::configuration::{Configuration, DEFAULT_DATA_DIRECTORY};
use crate::data_directory::DataDirectory;
use crate::environment::Environment;
use crate::exit::Failure;
use crate::flags::{Flags, ServeFlags, StoreFlags};
use crate::master_key::MasterKey;
use crate::serving::Door;
use crate::signals::Signals;
use crate::{logging, wiring};

/// Serve until SIGTERM or SIGINT, then finish the requests in flight
#[derive(Args)]
pub(crate) struct Serve {
    /// Where the data is kept; made at the first start
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    #[command(flatten)]
    store: StoreFlags,
    #[command(flatten)]
    server: ServeFlags,
}

impl Serve {
    /// The flags that are settings too.
    pub(crate) fn flags(&self) -> Flags {
        Flags::of_server(self.store.clone(), self.server.clone())
    }

    pub(super) async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let configuration = Configuration::load(&self.directory, self.flags(), environment)?;
        logging::start(configuration.log_level.clone());
        let directory = DataDirectory::create(&self.directory)?;
        let lock = directory.lock()?;
        let master_key = MasterKey::load_or_create(&configuration, &directory, &lock)?;
        let signals = Signals::install()?;
        let door = Door::open(&configuration.listen).await?;
        let public_url = configuration.public_url.clone().unwrap_or_else(|| door.url.clone());
        let running = wiring::start(&configuration, &directory, &master_key).await?;
        let link = running.setup_token.as_ref().map(|token| wiring::setup_link(&public_url, token));
        let link = link.as_deref();
        directory.keep_setup_link(link).map_err(|error| {
            Failure::failed(
                "The setup link cannot be written to the data directory",
                error,
                "let the user of this process write to the data directory",
            )
        })?;
        let announcement = directory.announce(&door.url, &lock)?;
        Banner {
            data_directory: directory.path(),
            is_new: running.is_new,
            sites: running.sites,
            organization_id: &running.organization_id,
            endpoint: &door.url,
            public_url: &public_url,
            setup_link: link,
        }
        .show(environment)?;
        door.serve(running, signals).await;
        drop(announcement);
        Ok(ExitCode::SUCCESS)
    }
}
