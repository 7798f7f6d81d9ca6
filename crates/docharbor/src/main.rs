//! The docharbor binary: commands, configuration, and the only wiring.

use std::process::ExitCode;

use clap::Parser as _;
use rustix::process::{Resource, Rlimit, setrlimit};

mod aside;
mod audit;
mod banner;
mod commands;
mod configuration;
#[cfg(feature = "failpoints")]
mod crash_points;
mod data_directory;
mod environment;
mod exit;
mod flags;
mod logging;
mod master_key;
mod secret;
mod serving;
mod shell;
mod signals;
mod wiring;

use commands::Verb;
use environment::Environment;
use exit::Failure;

/// Blocking work is file and database access; more threads than this only queue in the kernel.
const BLOCKING_THREADS_MAX: usize = 64;

const THREAD_STACK_BYTES: usize = 1024 * 1024;

fn main() -> ExitCode {
    no_core_dumps();
    #[cfg(feature = "failpoints")]
    let _armed = crash_points::arm();
    let arguments = commands::Arguments::parse();
    match arguments.verb {
        Verb::Extract(extract) => extract.run(),
        Verb::Convert(convert) => convert.run(),
        Verb::Command(command) => run(command).unwrap_or_else(|failure| failure.report()),
    }
}

/// The memory holds the master key and users' documents, and a core dump would keep both on disk.
fn no_core_dumps() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // Lowering a limit is always allowed, and no reason not to serve where it is not.
    setrlimit(Resource::Core, none).ok();
}

fn run(command: commands::Command) -> Result<ExitCode, Failure> {
    let environment = Environment::of_process()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_stack_size(THREAD_STACK_BYTES)
        .enable_all()
        .build()
        .map_err(Failure::no_threads)?;
    runtime.block_on(commands::run(command, &environment))
}
