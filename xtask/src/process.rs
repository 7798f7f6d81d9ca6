//! Child processes that neither outlive this one nor run for ever.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What `timeout` answers when it had to stop its child.
const TIMED_OUT: i32 = 124;

/// A command that is stopped with its children after `limit_secs`, or when this process ends.
pub(crate) fn bounded(program: impl AsRef<OsStr>, limit_secs: u32) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig=TERM", "--", "timeout", "--kill-after=20s"]);
    command.arg(format!("{limit_secs}s")).arg(program).stdin(Stdio::null());
    command
}

/// Runs `command` with its output on the terminal. Anything but success is an error.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| not_started(command, &error))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(TIMED_OUT) => Err(format!("stopped at its time limit: {}", shown(command))),
        Some(code) => Err(format!("exit code {code}: {}", shown(command))),
        None => Err(format!("{status}: {}", shown(command))),
    }
}

/// Runs `command` and returns what it printed. Anything but success is an error.
pub(crate) fn read(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| not_started(command, &error))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}: {}\n{}", output.status, shown(command), stderr.trim_end()));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("not UTF-8: {}", shown(command)))
}

/// Whether `command` can be started and succeeds; what it prints is thrown away.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Where a program is on the `PATH`, system directories included.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

/// Whether this process is root, from the owner of its own `/proc` entry.
pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    Path::new("/proc/self").metadata().is_ok_and(|metadata| metadata.uid() == 0)
}

fn not_started(command: &Command, error: &std::io::Error) -> String {
    format!("cannot start {}: {error}", shown(command))
}

/// The command as a person would type it, without the wrapping of [`bounded`].
fn shown(command: &Command) -> String {
    let mut words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    if words.iter().take(4).any(|word| word == "timeout") {
        words.drain(..6);
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_runs_too_long_is_stopped_and_named() {
        let error = run(bounded("sleep", 1).arg("60")).unwrap_err();
        assert_eq!(error, "stopped at its time limit: sleep 60");
    }

    #[test]
    fn a_command_that_fails_says_its_code() {
        let error = run(bounded("sh", 10).args(["-c", "exit 7"])).unwrap_err();
        assert_eq!(error, "exit code 7: sh -c exit 7");
    }

    #[test]
    fn a_program_nobody_has_is_not_found() {
        assert_eq!(which("docharbor-no-such-program"), None);
        assert!(which("sh").is_some());
    }
}
