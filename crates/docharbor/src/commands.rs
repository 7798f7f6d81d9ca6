//! The command line: one file for each verb.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod dev;
mod env;
mod key;
mod serve;
mod token;
mod verify;

use crate::environment::Environment;
use crate::exit::Failure;

/// An open, self-hosted server for the Amazon WorkDocs API
#[derive(Parser)]
#[command(name = "docharbor", version, after_help = SETTINGS_HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const SETTINGS_HELP: &str = "\
Each flag --some-name of serve is also the environment variable DOCHARBOR_SOME_NAME and the key
some_name in docharbor.toml. Secrets have no flag of their own (DOCHARBOR_ADMIN_PASSWORD,
DOCHARBOR_ROOT_SECRET_ACCESS_KEY, DOCHARBOR_MASTER_KEY) and may be given as files (…_FILE).
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 partly done.";

#[derive(Subcommand)]
pub(crate) enum Command {
    Serve(serve::Serve),
    Env(env::Env),
    Dev(dev::Dev),
    #[command(subcommand)]
    Key(key::Key),
    #[command(subcommand)]
    Token(token::Token),
    Verify(verify::Verify),
}

pub(crate) async fn run(command: Command, environment: &Environment) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve(serve) => serve.run(environment).await,
        Command::Env(env) => env.run(environment).await,
        Command::Dev(dev) => dev.run().await,
        Command::Key(key) => key.run(environment).await,
        Command::Token(token) => token.run(environment).await,
        Command::Verify(verify) => verify.run(environment).await,
    }
}
