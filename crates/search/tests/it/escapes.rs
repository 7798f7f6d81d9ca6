//! Attempts to get out of the sandbox: each succeeds outside it, and ends the process inside.

use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output};

use crate::support::program;

fn attempt(what: &str, argument: &str, lock: &str) -> Output {
    Command::new(program()).args(["attempt", what, argument, lock]).output().unwrap()
}

#[test]
fn whoever_tries_to_get_out_dies() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("written");
    let file = file.to_str().unwrap();
    let attempts = [
        ("open", ""),
        ("write", file),
        ("list", ""),
        ("connect", address.as_str()),
        ("datagram", ""),
        ("socket", ""),
        ("execute", ""),
        ("thread", ""),
        ("signal", ""),
    ];
    for (what, argument) in attempts {
        let outside = attempt(what, argument, "unlocked");
        assert_eq!(outside.stdout, b"escaped", "{what} proves nothing: {outside:?}");
        std::fs::remove_file(file).ok();
        let inside = attempt(what, argument, "required");
        assert_eq!(inside.status.signal(), Some(libc::SIGSYS), "{what}: {inside:?}");
        assert_eq!(inside.stdout, b"", "{what}");
        assert!(!std::fs::exists(file).unwrap(), "{what}");
    }
}

/// seccomp alone would stop most of these; each must be stopped by Landlock alone as well.
#[test]
fn one_wall_holds_without_the_other() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("written");
    let file = file.to_str().unwrap();
    for (what, argument) in [
        ("open", ""),
        ("write", file),
        ("list", ""),
        ("connect", address.as_str()),
        ("execute", ""),
    ] {
        let without = |wall| {
            let words = ["refused", wall, "attempt", what, argument, "what-there-is"];
            Command::new(program()).args(words).output().unwrap()
        };
        let inside = without("seccomp");
        assert_eq!((inside.status.code(), &inside.stdout[..]), (Some(1), &b""[..]), "{what}");
        let inside = without("landlock");
        assert_eq!(inside.status.signal(), Some(libc::SIGSYS), "{what}: {inside:?}");
        assert!(!std::fs::exists(file).unwrap(), "{what}");
    }
}

#[test]
fn an_open_file_that_was_left_over_cannot_be_read() {
    let inside = attempt("descriptor", "", "unlocked");
    assert_eq!(inside.status.signal(), Some(libc::SIGSYS), "{inside:?}");
}
