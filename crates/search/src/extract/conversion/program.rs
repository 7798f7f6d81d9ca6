//! The child's side: a process that locks itself in and becomes the office program.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rustix::process::{Signal, set_parent_process_death_signal};

use super::super::child::NO_SANDBOX;
use super::super::sandbox::Confinement;
use super::{OfficeFormat, PROFILE, sandbox};

/// The exit code by which the parent learns that the program could not be started.
pub(super) const NOT_STARTED: u8 = 79;

/// What stands in a file's URL as it is.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Turns the document in a directory into a PDF beside it: becomes the office program, which reads
/// and writes nothing else. Comes back only when that fails.
///
/// To be called by a process of one thread, for only that one is locked in.
pub fn convert(
    program: &Path,
    directory: &Path,
    format: OfficeFormat,
    confinement: Confinement,
) -> ExitCode {
    // A server that is killed takes it along.
    set_parent_process_death_signal(Some(Signal::KILL)).ok();
    // Before the sandbox, in which there is no other directory.
    if std::env::set_current_dir(directory).is_err() {
        return ExitCode::from(NOT_STARTED);
    }
    if sandbox::enter(confinement, program, directory).is_err() {
        return ExitCode::from(NO_SANDBOX);
    }
    let profile = directory.join(PROFILE);
    let profile = percent_encode(profile.as_os_str().as_bytes(), ENCODED);
    // The first page is all that is looked at, and a book has a thousand.
    let first_page = format!(
        "pdf:{}:{{\"PageRange\":{{\"type\":\"string\",\"value\":\"1\"}}}}",
        format.filters.writer
    );
    let _error = Command::new(program)
        .args(["--headless", "--norestore", "--nologo", "--nodefault"])
        .arg(format!("-env:UserInstallation=file://{profile}"))
        .arg(format!("--infilter={}", format.filters.reader))
        .args(["--convert-to", &first_page, "--outdir"])
        .arg(directory)
        .arg(directory.join(format.document()))
        .env_clear()
        .envs([("LC_ALL", "C.UTF-8"), ("SAL_USE_VCLPLUGIN", "svp"), ("MALLOC_ARENA_MAX", "2")])
        .envs(["HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"].map(|name| (name, directory)))
        .exec();
    ExitCode::from(NOT_STARTED)
}
