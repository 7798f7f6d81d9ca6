//! The command line: one file for each verb.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use zeroize::Zeroizing;

mod activity;
mod admin;
mod application;
mod audit;
mod convert;
mod dev;
mod directory;
mod env;
mod extract;
mod group;
mod key;
mod notify;
mod policy;
mod reindex;
mod serve;
mod site;
mod token;
mod verify;

use crate::configuration::Configuration;
use crate::data_directory::DataDirectory;
use crate::environment::Environment;
use crate::exit::Failure;
use crate::flags::{Flags, SiteFlags};
use crate::logging;
use crate::master_key::MasterKey;
use crate::secret::Secret;

/// The longest secret that is read, and more than any that is taken.
const SECRET_MAX_BYTES: u64 = 1_024;

/// An open, self-hosted server for the Amazon WorkDocs API
#[derive(Parser)]
#[command(name = "docharbor", version, after_help = SETTINGS_HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What a process can be started for.
#[derive(Subcommand)]
pub(crate) enum Verb {
    #[command(flatten)]
    Command(Command),
    /// Started by the server itself, without a runtime and its threads.
    #[command(hide = true)]
    Extract(extract::Extract),
    /// The same.
    #[command(hide = true)]
    Convert(convert::Convert),
}

const SETTINGS_HELP: &str = "\
Each flag --some-name of serve is also the environment variable DOCHARBOR_SOME_NAME and the key
some_name in docharbor.toml. Secrets have no flag of their own (DOCHARBOR_ADMIN_PASSWORD,
DOCHARBOR_ROOT_SECRET_ACCESS_KEY, DOCHARBOR_NOTIFICATION_SQS_SECRET_ACCESS_KEY,
DOCHARBOR_MASTER_KEY) and may be given as files (…_FILE).
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 partly done.";

#[derive(Subcommand)]
pub(crate) enum Command {
    Serve(Box<serve::Serve>),
    Env(env::Env),
    Dev(dev::Dev),
    #[command(subcommand)]
    Key(key::Key),
    #[command(subcommand)]
    Policy(policy::Policy),
    #[command(subcommand)]
    Token(token::Token),
    #[command(subcommand)]
    Admin(admin::Admin),
    #[command(subcommand)]
    Application(application::Application),
    #[command(subcommand)]
    Group(group::Group),
    #[command(subcommand)]
    Activity(activity::Activity),
    #[command(subcommand)]
    Site(site::Site),
    #[command(subcommand)]
    Directory(directory::Directory),
    #[command(subcommand)]
    Notify(notify::Notify),
    Verify(verify::Verify),
    Reindex(reindex::Reindex),
    #[command(subcommand)]
    Audit(audit::Audit),
}

pub(crate) async fn run(command: Command, environment: &Environment) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve(serve) => serve.run(environment).await,
        Command::Env(env) => env.run(environment).await,
        Command::Dev(dev) => dev.run().await,
        Command::Key(key) => key.run(environment).await,
        Command::Policy(policy) => policy.run(),
        Command::Token(token) => token.run(environment).await,
        Command::Admin(admin) => admin.run(environment).await,
        Command::Application(application) => application.run(environment).await,
        Command::Group(group) => group.run(environment).await,
        Command::Activity(activity) => activity.run(environment).await,
        Command::Site(site) => site.run(environment).await,
        Command::Directory(directory) => directory.run(environment).await,
        Command::Notify(notify) => notify.run(environment).await,
        Command::Verify(verify) => verify.run(environment).await,
        Command::Reindex(reindex) => reindex.run(environment).await,
        Command::Audit(audit) => audit.run(environment).await,
    }
}

/// The data of a server that was started before, for a command that works beside it.
struct Existing {
    configuration: Configuration,
    directory: DataDirectory,
    master_key: MasterKey,
}

impl Existing {
    /// Finds the data and begins to log.
    fn open(
        path: &Path,
        flags: impl Into<SiteFlags>,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let configuration = Configuration::load(path, Flags::of_site(flags), environment)?;
        logging::start(configuration.log_level.clone());
        let directory = DataDirectory::open(path)?;
        let master_key = MasterKey::load(&configuration, &directory)?;
        Ok(Self { configuration, directory, master_key })
    }
}

/// The first line of what is piped in, where other users of the machine cannot see it.
fn secret_from_stdin(what: &str, next: &str) -> Result<Secret, Failure> {
    let mut text = Zeroizing::new(String::new());
    let stdin = std::io::stdin().lock();
    stdin.take(SECRET_MAX_BYTES).read_to_string(&mut text).map_err(|error| {
        Failure::usage(format!("{what} cannot be read from stdin"), error, next)
    })?;
    Ok(Secret::new(text.lines().next().unwrap_or_default().to_owned()))
}
