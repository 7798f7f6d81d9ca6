//! `docharbor convert`: becomes the office program for one document. The server's, not a person's.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use docharbor_search::extract::{Confinement, OfficeFormat, convert};

/// The exit code for a format or a confinement that is unknown.
const USAGE: u8 = 2;

/// Turn the document in a directory into a PDF beside it, locked in
#[derive(Args)]
pub(crate) struct Convert {
    #[arg(value_name = "PROGRAM")]
    program: PathBuf,
    #[arg(value_name = "DIRECTORY")]
    directory: PathBuf,
    #[arg(value_name = "FORMAT")]
    format: String,
    #[arg(value_name = "CONFINEMENT")]
    confinement: String,
}

impl Convert {
    /// To be called by a process of one thread: only that one is locked in.
    pub(crate) fn run(&self) -> ExitCode {
        match (OfficeFormat::named(&self.format), Confinement::named(&self.confinement)) {
            (Some(format), Some(confinement)) => {
                convert(&self.program, &self.directory, format, confinement)
            }
            _ => ExitCode::from(USAGE),
        }
    }
}
