//! A throw-away PostgreSQL cluster for one run, on a free port of the loopback.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::process;

/// How often to start again when somebody took the port in the meantime.
const ATTEMPTS_MAX: u32 = 5;

/// The user the server runs as when this process is root; numbers, as `setpriv` takes them.
struct Owner {
    uid: String,
    gid: String,
}

/// A running cluster; it and its files are gone when this is dropped.
pub(crate) struct Cluster {
    server: Child,
    directory: PathBuf,
    url: String,
}

impl Cluster {
    /// Makes and starts a cluster. It is not made to survive anything: nothing is flushed.
    pub(crate) fn start() -> Result<Self, String> {
        let binaries = binaries()
            .ok_or("PostgreSQL's server is not installed (Debian: apt-get install postgresql)")?;
        let owner = if process::is_root() { Some(unprivileged_user()?) } else { None };
        let directory = temporary_directory()?;
        let started = Self::start_in(&binaries, owner.as_ref(), &directory);
        if started.is_err() {
            let _ = std::fs::remove_dir_all(&directory);
        }
        started
    }

    fn start_in(binaries: &Path, owner: Option<&Owner>, directory: &Path) -> Result<Self, String> {
        let password = random_hex()?;
        let password_file = directory.join("password");
        let data = directory.join("data");
        std::fs::write(&password_file, &password).map_err(|error| error.to_string())?;
        if let Some(owner) = owner {
            let mut chown = Command::new("chown");
            process::run(
                chown.args(["-R", &format!("{}:{}", owner.uid, owner.gid)]).arg(directory),
            )?;
        }
        let mut initdb = as_user(owner, "TERM", &binaries.join("initdb"));
        initdb.args(["--username=docharbor", "--auth=scram-sha-256", "--encoding=UTF8"]);
        initdb.args(["--locale=C", "--no-sync", "--no-instructions"]);
        initdb.arg(format!("--pwfile={}", password_file.display())).arg("-D").arg(&data);
        process::read(initdb.current_dir(directory))?;

        let mut last_words = String::new();
        for _ in 0..ATTEMPTS_MAX {
            let port = free_port()?;
            match serve(binaries, owner, directory, &data, port) {
                Ok(server) => {
                    let url = format!("postgres://docharbor:{password}@127.0.0.1:{port}/postgres");
                    return Ok(Self { server, directory: directory.to_owned(), url });
                }
                Err(words) => last_words = words,
            }
        }
        Err(format!("PostgreSQL did not start:\n{last_words}"))
    }

    /// Where tests connect, as a superuser: they make databases of their own.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // SIGINT is PostgreSQL's fast shutdown: clients are disconnected, children end with it.
        let pid = self.server.id().to_string();
        let asked = process::succeeds(Command::new("kill").args(["-INT", &pid]));
        if !asked {
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// The newest server programs Debian has installed.
pub(crate) fn binaries() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let major = entry.file_name().to_str()?.parse().ok()?;
            let binaries = entry.path().join("bin");
            binaries.join("postgres").is_file().then_some((major, binaries))
        })
        .collect();
    found.sort();
    found.pop().map(|(_, binaries)| binaries)
}

/// Starts the server and returns once it says that it accepts connections.
fn serve(
    binaries: &Path,
    owner: Option<&Owner>,
    directory: &Path,
    data: &Path,
    port: u16,
) -> Result<Child, String> {
    let mut command = as_user(owner, "KILL", &binaries.join("postgres"));
    command.arg("-D").arg(data).current_dir(directory).env("LC_ALL", "C");
    command.arg("-p").arg(port.to_string());
    for setting in [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "max_connections=300",
        "fsync=off",
        "full_page_writes=off",
        "synchronous_commit=off",
        "lc_messages=C",
        "logging_collector=off",
    ] {
        command.args(["-c", setting]);
    }
    let mut server = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start PostgreSQL: {error}"))?;
    let stderr = server.stderr.take().ok_or("PostgreSQL has no stderr")?;
    let mut lines = BufReader::new(stderr);
    let mut said = String::new();
    loop {
        let before = said.len();
        if lines.read_line(&mut said).unwrap_or(0) == 0 {
            let _ = server.kill();
            let _ = server.wait();
            return Err(said);
        }
        let line = said.get(before..).unwrap_or_default();
        if line.contains("database system is ready to accept connections") {
            break;
        }
    }
    // A full pipe would stop the server; what tests provoke in its log is of no use to anyone.
    std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
    Ok(server)
}

/// A command that runs as `owner` when this is root, and dies when this process does.
fn as_user(owner: Option<&Owner>, death_signal: &str, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if let Some(owner) = owner {
        command.arg(format!("--reuid={}", owner.uid)).arg(format!("--regid={}", owner.gid));
        command.arg("--clear-groups");
    }
    command.arg(format!("--pdeathsig={death_signal}")).arg("--").arg(program);
    command.stdin(Stdio::null());
    command
}

/// PostgreSQL refuses to run as root: the user Debian made for it, or else nobody.
fn unprivileged_user() -> Result<Owner, String> {
    let users = std::fs::read_to_string("/etc/passwd").map_err(|error| error.to_string())?;
    let find = |name: &str| {
        users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find_map(|fields| {
            let [user, _, uid, gid, ..] = fields.as_slice() else { return None };
            (*user == name).then(|| Owner { uid: (*uid).to_owned(), gid: (*gid).to_owned() })
        })
    };
    find("postgres")
        .or_else(|| find("nobody"))
        .ok_or_else(|| "neither user postgres nor nobody exists to run PostgreSQL".to_owned())
}

fn temporary_directory() -> Result<PathBuf, String> {
    let directory = std::env::temp_dir().join(format!("docharbor-postgres-{}", random_hex()?));
    // Its owner alone: the password of the cluster's superuser lies in it.
    let mut private = std::fs::DirBuilder::new();
    private
        .mode(0o700)
        .create(&directory)
        .map_err(|error| format!("{}: {error}", directory.display()))?;
    Ok(directory)
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}

fn random_hex() -> Result<String, String> {
    let mut bytes = [0_u8; 16];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(|error| format!("/dev/urandom: {error}"))?;
    Ok(bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_answers_on_its_port_and_is_gone_after_it_is_dropped() {
        let cluster = Cluster::start().unwrap();
        let directory = cluster.directory.clone();
        let mut psql = Command::new(binaries().unwrap().join("psql"));
        let answer = process::read(psql.args([cluster.url(), "-Atc", "SELECT 41 + 1"])).unwrap();
        assert_eq!(answer.trim(), "42");

        drop(cluster);

        assert!(!directory.exists());
    }
}
