//! How a command ends: its exit code, and an error that says what, why and what to do next.

use std::fmt::{self, Display};
use std::io::Write as _;
use std::process::ExitCode;

/// A command that did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    why: String,
    next: String,
    code: u8,
}

impl Failure {
    /// Something failed: exit code 1.
    pub(crate) fn failed(what: impl Display, why: impl Display, next: impl Display) -> Self {
        Self::new(1, what, why, next)
    }

    /// The command was given something it cannot use: exit code 2.
    pub(crate) fn usage(what: impl Display, why: impl Display, next: impl Display) -> Self {
        Self::new(2, what, why, next)
    }

    /// The system gives the process no more threads.
    pub(crate) fn no_threads(error: std::io::Error) -> Self {
        Self::failed(
            "The process cannot start its threads",
            error,
            "raise the limits on processes and open files (ulimit -u, ulimit -n)",
        )
    }

    fn new(code: u8, what: impl Display, why: impl Display, next: impl Display) -> Self {
        Self { what: what.to_string(), why: why.to_string(), next: next.to_string(), code }
    }

    /// Tells the person on stderr and gives the process its exit code.
    pub(crate) fn report(&self) -> ExitCode {
        // With stderr closed there is nobody left to tell; the exit code still says it.
        writeln!(std::io::stderr(), "{self}").ok();
        ExitCode::from(self.code)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}\n  why:  {}\n  next: {}", self.what, self.why, self.next)
    }
}

/// Writes to stdout what a command was asked for.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| {
        Failure::failed("The result cannot be written to stdout", error, "give stdout a reader")
    })
}
