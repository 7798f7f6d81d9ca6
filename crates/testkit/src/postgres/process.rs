//! The server's processes: started as a user without rights, and never left behind.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};

use rustix::process::{Pid, Signal, geteuid, kill_process, test_kill_process};
use tempfile::TempDir;

/// How often to try again while what was killed still leaves its memory.
const STARTS_MAX: u32 = 200;

const DIRECTORY_PREFIX: &str = "docharbor-postgres-";

/// A server and its directory.
pub(super) struct Server {
    programs: PathBuf,
    account: Option<Account>,
    port: u16,
    running: Mutex<Option<Running>>,
    directory: TempDir,
}

struct Running {
    pid: Pid,
    /// Ends when the server's last process has.
    ended: mpsc::Receiver<()>,
}

/// Whom the server runs as: it refuses to run as root.
struct Account {
    user_id: u32,
    group_id: u32,
}

impl Server {
    pub(super) fn start() -> Self {
        remove_leftovers();
        let prefix = format!("{DIRECTORY_PREFIX}{}-", std::process::id());
        let directory = TempDir::with_prefix(prefix).expect("a temporary directory");
        let account = geteuid().is_root().then(Account::without_rights);
        if let Some(account) = &account {
            chown(directory.path(), Some(account.user_id), Some(account.group_id))
                .expect("root may give a directory away");
        }
        let mut server =
            Self { programs: programs(), account, port: 0, running: Mutex::new(None), directory };
        server.initialize();
        // Somebody may take the port between our asking for it and the server's.
        let started = (0..STARTS_MAX).any(|_| {
            server.port = free_port();
            server.try_start()
        });
        assert!(started, "PostgreSQL does not start");
        server
    }

    pub(super) fn url(&self) -> String {
        format!("postgres://docharbor@127.0.0.1:{}/postgres", self.port)
    }

    pub(super) fn kill(&self) {
        let running = self.running().take().expect("the server runs");
        kill_process(running.pid, Signal::KILL).expect("our own process");
        // Its children notice by themselves; then the pipe they share closes.
        running.ended.recv().ok();
    }

    pub(super) fn restart(&self) {
        assert!((0..STARTS_MAX).any(|_| self.try_start()), "PostgreSQL does not start again");
    }

    pub(super) fn freeze(&self) {
        for pid in self.processes() {
            kill_process(pid, Signal::STOP).ok();
        }
    }

    pub(super) fn thaw(&self) {
        for pid in self.processes() {
            kill_process(pid, Signal::CONT).ok();
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server's first process, then its children.
    fn processes(&self) -> Vec<Pid> {
        let first = self.running().as_ref().expect("the server runs").pid;
        let children = std::fs::read_dir("/proc").expect("/proc").flatten().filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let status = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let parent: i32 = status.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
            if parent == first.as_raw_nonzero().get() { Pid::from_raw(pid) } else { None }
        });
        std::iter::once(first).chain(children).collect()
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    // A collation unlike the bytes' order shows which statements forget to ask for the bytes'.
    fn initialize(&self) {
        let mut initdb = self.command("initdb");
        initdb
            .arg("--pgdata")
            .arg(self.data())
            .args(["--username=docharbor", "--auth=trust", "--encoding=UTF8", "--no-sync"])
            .args(["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]);
        let done = initdb.output().expect("initdb runs");
        assert!(done.status.success(), "initdb: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn try_start(&self) -> bool {
        let mut postgres = self.command("postgres");
        postgres.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            &format!("unix_socket_directories={}", self.directory.path().display()),
            "fsync=off",
            "full_page_writes=off",
            "synchronous_commit=off",
            "max_connections=200",
            "shared_buffers=32MB",
            "dynamic_shared_memory_type=mmap",
            "log_min_messages=log",
            "log_checkpoints=off",
            "lc_messages=C",
        ] {
            postgres.args(["-c", setting]);
        }
        let (ready, is_ready) = mpsc::channel();
        let (running, ended) = mpsc::channel();
        // The server ends with the thread that started it, so that thread stays.
        std::thread::spawn(move || {
            let child = postgres.stderr(Stdio::piped()).stdout(Stdio::null()).spawn();
            watch(child.expect("PostgreSQL is installed"), &ready);
            drop(running);
        });
        match is_ready.recv() {
            Ok(pid) => {
                *self.running() = Some(Running { pid, ended });
                true
            }
            Err(_) => false,
        }
    }

    // An immediate shutdown gives its shared memory back, which SIGKILL does not.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.arg("--pdeathsig=QUIT");
        if let Some(Account { user_id, group_id }) = &self.account {
            command
                .arg(format!("--reuid={user_id}"))
                .arg(format!("--regid={group_id}"))
                .arg("--clear-groups");
        }
        command.arg("--").arg(self.programs.join(program));
        command.current_dir(self.directory.path()).env_remove("PGDATA").stdin(Stdio::null());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(running) = self.running().take() {
            kill_process(running.pid, Signal::QUIT).ok();
            running.ended.recv().ok();
        }
    }
}

impl Account {
    fn without_rights() -> Self {
        let accounts = std::fs::read_to_string("/etc/passwd").expect("/etc/passwd");
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| {
                let mut fields = accounts
                    .lines()
                    .map(|line| line.split(':'))
                    .find(|fields| fields.clone().next() == Some(name))?
                    .skip(2);
                let user_id = fields.next()?.parse().ok()?;
                let group_id = fields.next()?.parse().ok()?;
                Some(Self { user_id, group_id })
            })
            .expect("a user called postgres or nobody")
    }
}

/// Reads what the server says until it ends; tells when it takes connections.
fn watch(mut child: Child, ready: &mpsc::Sender<Pid>) {
    let pid = Pid::from_child(&child);
    if let Some(said) = child.stderr.take() {
        for line in BufReader::new(said).lines().map_while(Result::ok) {
            if line.contains("database system is ready to accept connections") {
                ready.send(pid).ok();
            }
        }
    }
    drop(child.wait());
}

/// The directory of the newest PostgreSQL that is installed, or what the path finds.
fn programs() -> PathBuf {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = installed
        .filter_map(|entry| Some((version(&entry.path())?, entry.path().join("bin"))))
        .filter(|(_, programs)| programs.join("initdb").exists())
        .max();
    newest.map(|(_, programs)| programs).unwrap_or_default()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on the loopback");
    listener.local_addr().expect("its address").port()
}

/// Removes the directories of test processes that have ended: a shared server outlives every drop.
fn remove_leftovers() {
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| {
            name.strip_prefix(DIRECTORY_PREFIX)?.split('-').next()?.parse::<i32>().ok()
        });
        let ended = owner
            .and_then(Pid::from_raw)
            .is_some_and(|pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH));
        if ended {
            drop(std::fs::remove_dir_all(entry.path()));
        }
    }
}
