//! What the tests run in the sandboxes: the real thing, attempts to get out, and bad behaviour.
//!
//! It is also run in place of an office program; what it is to do there stands in the document.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use docharbor_search::extract::{Confinement, Format, OfficeFormat, convert, enter_sandbox, serve};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Resource, getrlimit};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

/// Says that an attempt succeeded.
const ESCAPED: &[u8] = b"escaped";

/// In a document, what stands before the words for an office program.
const COMMAND: &str = "{\\*\\probe ";

/// A page that is wider than high, which no page of text is.
const PAGE: &str = "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages \
                    /Kids [3 0 R] /Count 1 >>\nendobj\n3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox \
                    [0 0 400 200] >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    obey(&words)
}

fn obey(words: &[&str]) -> ExitCode {
    match words {
        ["refused", wall, rest @ ..] => match refuse(wall) {
            Some(()) => obey(rest),
            None => ExitCode::from(2),
        },
        ["convert", program, directory, format, confinement] => {
            match (OfficeFormat::named(format), Confinement::named(confinement)) {
                (Some(format), Some(confinement)) => {
                    convert(Path::new(program), Path::new(directory), format, confinement)
                }
                _ => ExitCode::from(2),
            }
        }
        ["--headless", .., document] => match office(Path::new(document)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        ["extract", format, confinement] => {
            match (Format::named(format), Confinement::named(confinement)) {
                (Some(format), Some(confinement)) => serve(format, confinement),
                _ => ExitCode::from(2),
            }
        }
        ["attempt", what, argument, "unlocked"] => report(attempt(what, argument)),
        ["attempt", what, argument, confinement] => match locked(confinement) {
            Some(()) => report(attempt(what, argument)),
            None => ExitCode::from(78),
        },
        ["misbehave", how, ..] => report(misbehave(how)),
        ["stay", address] => report(stay(address)),
        _ => ExitCode::from(2),
    }
}

fn locked(confinement: &str) -> Option<()> {
    enter_sandbox(Confinement::named(confinement)?).ok()
}

/// Makes this kernel one that does not offer a wall.
fn refuse(wall: &str) -> Option<()> {
    let call = match wall {
        "landlock" => libc::SYS_landlock_create_ruleset,
        "seccomp" => libc::SYS_seccomp,
        _ => return None,
    };
    let absent = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let rules = BTreeMap::from([(call, vec![])]);
    let arch = std::env::consts::ARCH.try_into().ok()?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, absent, arch).ok()?;
    let filter: BpfProgram = filter.try_into().ok()?;
    seccompiler::apply_filter(&filter).ok()
}

/// Does what the document says, and makes a page where that succeeds.
fn office(document: &Path) -> io::Result<()> {
    let text = fs::read_to_string(document)?;
    let command = text.split_once(COMMAND).and_then(|(_, rest)| rest.split_once('}'));
    let words: Vec<&str> = command.map(|(words, _)| words.split(' ').collect()).unwrap_or_default();
    match words.as_slice() {
        ["print"] => {}
        ["link", target] => {
            return std::os::unix::fs::symlink(target, document.with_extension("pdf"));
        }
        ["hard-link", target] => return fs::hard_link(target, document.with_extension("pdf")),
        ["chmod"] => fs::set_permissions(document, fs::Permissions::from_mode(0o666))?,
        ["again", ..] => restart(document),
        ["leave", address] => leave_behind(address)?,
        ["swell", bytes] => swell(&document.with_extension("large"), bytes)?,
        ["misbehave", how] => misbehave_at(how, document)?,
        [what, argument] => attempt(what, argument)?,
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    }
    fs::write(document.with_extension("pdf"), PAGE)
}

/// Asks to be started again, once.
fn restart(document: &Path) {
    if File::create_new(document.with_extension("started")).is_ok() {
        std::process::exit(81);
    }
}

/// Starts another one that stays, and ends before it.
fn leave_behind(address: &str) -> io::Result<()> {
    let mut other = Command::new(std::env::current_exe()?)
        .args(["stay", address])
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = other.stdout.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
    stdout.read_exact(&mut [0])
}

/// Keeps a connection open until it is ended.
fn stay(address: &str) -> io::Result<()> {
    let _connection = TcpStream::connect(address)?;
    io::stdout().write_all(b"!")?;
    io::stdout().flush()?;
    misbehave("hang")
}

/// Writes one file of so many bytes.
fn swell(path: &Path, bytes: &str) -> io::Result<()> {
    let mut left: usize = bytes.parse().map_err(io::Error::other)?;
    let mut file = File::create(path)?;
    while left != 0 {
        let part = left.min(1 << 20);
        file.write_all(&vec![0; part])?;
        left -= part;
    }
    Ok(())
}

/// Uses up what there is, a little more than is allowed, and then waits for the end.
fn misbehave_at(how: &str, document: &Path) -> io::Result<()> {
    let bytes = vec![0; 16 << 20];
    let count = match how {
        "fill" | "hide" => 17,
        "litter" => 2_001,
        "nest" => 2,
        how => return misbehave(how),
    };
    for number in 0..count {
        let path = document.with_extension(number.to_string());
        match how {
            "litter" => drop(File::create(path)?),
            "nest" => fs::create_dir_all(path.join("d/".repeat(1_500)))?,
            "fill" => fs::write(path, &bytes)?,
            // What is removed again takes room for as long as it is open.
            _ => {
                let mut file = File::create(&path)?;
                file.write_all(&bytes)?;
                fs::remove_file(path)?;
                std::mem::forget(file);
            }
        }
    }
    misbehave("hang")
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
        "read" => fs::read(argument).map(drop),
        "write" => File::create(argument).map(drop),
        "empty" => File::options().read(true).custom_flags(libc::O_TRUNC).open(argument).map(drop),
        "empty-by-mode-3" => {
            // Neither reading nor writing by its name, and yet it truncates.
            let flags = OFlags::from_bits_retain(3) | OFlags::TRUNC;
            Ok(rustix::fs::open(argument, flags, Mode::empty()).map(drop)?)
        }
        "processor" => match getrlimit(Resource::Cpu).current {
            Some(seconds) if Ok(seconds) == argument.parse() => Ok(()),
            _ => Err(io::ErrorKind::Other.into()),
        },
        "list" => fs::read_dir("/").map(drop),
        "connect" => TcpStream::connect(argument).map(drop),
        "datagram" => UdpSocket::bind("127.0.0.1:0").map(drop),
        "socket" => UnixStream::pair().map(drop),
        "unix" => UnixStream::connect(argument).map(drop),
        "unix-datagram" => UnixDatagram::unbound()?.send_to(b"x", argument).map(drop),
        "execute" => Command::new("/bin/true").spawn().map(drop),
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
        "hang" => loop {
            std::thread::park();
        },
        "burn" => {
            enter_sandbox(Confinement::Required).map_err(io::Error::other)?;
            misbehave("spin")
        }
        "flood" => loop {
            stdout.write_all(&[b'T'; 4_096])?;
        },
        "lie" => stdout.write_all(b"T\xff\xff\xff\xff<html>"),
        "grow" => {
            enter_sandbox(Confinement::Required).map_err(io::Error::other)?;
            misbehave("hoard")
        }
        "hoard" => {
            let mut memory = Vec::new();
            loop {
                memory.push(vec![1_u8; 1 << 20]);
            }
        }
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}
