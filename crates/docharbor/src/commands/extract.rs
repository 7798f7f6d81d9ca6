//! `docharbor extract`: looks into one document that nobody vouches for. The server's, not a person's.

use std::process::ExitCode;

use clap::Args;
use docharbor_search::extract::{Confinement, Format, serve};

/// The exit code for a format or a confinement that is unknown.
const USAGE: u8 = 2;

/// Read a document from stdin and write its text and thumbnails to stdout, in the server's own form
#[derive(Args)]
pub(crate) struct Extract {
    #[arg(value_name = "FORMAT")]
    format: String,
    #[arg(value_name = "CONFINEMENT")]
    confinement: String,
}

impl Extract {
    /// To be called by a process of one thread: only that one is locked in.
    pub(crate) fn run(&self) -> ExitCode {
        match (Format::named(&self.format), Confinement::named(&self.confinement)) {
            (Some(format), Some(confinement)) => serve(format, confinement),
            _ => ExitCode::from(USAGE),
        }
    }
}
