//! What the tests run in the sandbox: the real thing, attempts to get out, and bad behaviour.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode};

use docharbor_search::extract::{Confinement, Format, enter_sandbox, serve};

/// Says that an attempt succeeded.
const ESCAPED: &[u8] = b"escaped";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["extract", format, confinement] => {
            match (Format::named(format), Confinement::named(confinement)) {
                (Some(format), Some(confinement)) => serve(format, confinement),
                _ => ExitCode::from(2),
            }
        }
        ["attempt", what, argument, "unlocked"] => report(attempt(what, argument)),
        ["attempt", what, argument, "locked"] => match enter_sandbox(Confinement::Required) {
            Ok(()) => report(attempt(what, argument)),
            Err(_) => ExitCode::from(78),
        },
        ["misbehave", how, ..] => report(misbehave(how)),
        _ => ExitCode::from(2),
    }
}

fn report(result: io::Result<()>) -> ExitCode {
    match result.and_then(|()| io::stdout().write_all(ESCAPED)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Does what the sandbox is there to forbid.
fn attempt(what: &str, argument: &str) -> io::Result<()> {
    match what {
        "open" => File::open("/etc/passwd").map(drop),
        "write" => File::create(argument).map(drop),
        "list" => std::fs::read_dir("/").map(drop),
        "connect" => TcpStream::connect(argument).map(drop),
        "datagram" => UdpSocket::bind("127.0.0.1:0").map(drop),
        "socket" => UnixStream::pair().map(drop),
        "execute" => Command::new("/bin/true").status().map(drop),
        "thread" => std::thread::Builder::new().spawn(|| ()).map(drop),
        "signal" => {
            let pid = rustix::process::getppid().ok_or(io::ErrorKind::NotFound)?;
            rustix::process::test_kill_process(pid).map_err(io::Error::from)
        }
        "descriptor" => {
            // Somebody else's descriptor, as one might be left open: reading it is forbidden too.
            let mut inherited = File::open("/etc/passwd")?;
            enter_sandbox(Confinement::Required).map_err(io::Error::other)?;
            inherited.read_exact(&mut [0]).map(drop)
        }
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// Behaves as a child would that a document has taken over, or that does not come to an end.
fn misbehave(how: &str) -> io::Result<()> {
    let mut stdout = io::stdout();
    match how {
        "spin" => loop {
            std::hint::spin_loop();
        },
        "flood" => loop {
            stdout.write_all(&[b'T'; 4_096])?;
        },
        "lie" => stdout.write_all(b"T\xff\xff\xff\xff<html>"),
        "grow" => {
            enter_sandbox(Confinement::Required).map_err(io::Error::other)?;
            let mut memory = Vec::new();
            loop {
                memory.push(vec![1_u8; 1 << 20]);
            }
        }
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}
