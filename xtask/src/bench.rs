//! Builds the server as users build it, and has the bench crate measure it.

use std::process::ExitCode;

use crate::process;
use crate::session::Session;

/// How long all measurements together may take.
const LIMIT_SECS: u32 = 60 * 60;

/// The baseline of large downloads.
const NGINX: &str = "nginx";

/// Runs the measurements that `arguments` name, or all, and prints a table.
///
/// Slow is no failure; what could not be measured is one.
pub(crate) fn run(session: &Session, arguments: &[&str]) -> Result<ExitCode, String> {
    install_nginx()?;
    for package in ["docharbor", "docharbor-bench"] {
        let mut build = session.cargo(LIMIT_SECS);
        process::run(build.args(["build", "--release", "--locked", "-p", package]))?;
    }
    let target = session.target_directory()?;
    let mut bench = session.command(target.join("release/docharbor-bench"), LIMIT_SECS);
    bench.arg("--server").arg(target.join("release/docharbor"));
    bench.arg("--directory").arg(target.join("bench")).args(arguments);
    process::run(&mut bench)?;
    Ok(ExitCode::SUCCESS)
}

fn install_nginx() -> Result<(), String> {
    if process::which(NGINX).is_some() {
        return Ok(());
    }
    if !process::is_root() || process::which("apt-get").is_none() {
        return Err(
            "missing on this machine: nginx\n  as root on Debian: apt-get install nginx".to_owned()
        );
    }
    println!("Installing the Debian package: nginx");
    for arguments in [&["update", "-q"] as &[_], &["install", "-q", "-y", NGINX]] {
        let mut command = process::bounded("apt-get", 15 * 60);
        process::run(command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    Ok(())
}
