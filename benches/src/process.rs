//! Processes that a measurement starts, watches and stops.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{Outcome, Settings};

/// How long a process may take to be ready, or to end when it was asked to.
const PATIENCE: Duration = Duration::from_secs(40);

/// The pause between two looks at something that is to happen.
const GLANCE: Duration = Duration::from_micros(500);

/// A process that ends with this one.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Starts a program whose output goes to `log`.
    pub(crate) fn start(command: &Command, log: &Path) -> Outcome<Self> {
        let log = File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
        let also = log.try_clone().map_err(|error| error.to_string())?;
        let mut bound = Command::new("setpriv");
        bound.arg("--pdeathsig=TERM").arg("--").arg(command.get_program());
        bound.args(command.get_args());
        for (key, value) in command.get_envs() {
            bound.env(key, value.unwrap_or_default());
        }
        let child = bound.stdin(Stdio::null()).stdout(also).stderr(log).spawn();
        let child = child.map_err(|error| format!("cannot start {command:?}: {error}"))?;
        Ok(Self { child })
    }

    /// Waits until `ready` gives something, which must not take long.
    pub(crate) fn wait_for<T>(&mut self, ready: impl Fn() -> Option<T>) -> Outcome<T> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(found) = ready() {
                return Ok(found);
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("ended before it was ready: {status}"));
            }
            std::thread::sleep(GLANCE);
        }
        Err("was not ready in time".to_owned())
    }

    /// A line of `/proc/PID/status` that counts memory, in MiB.
    pub(crate) fn memory_mib(&self, name: &str) -> Outcome<f64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.split_whitespace().next())
            .and_then(|kib| kib.parse::<f64>().ok())
            .map(|kib| kib / 1024.0)
            .ok_or_else(|| format!("{path} has no {name}"))
    }

    /// The time that ended children of the process had of a processor, in seconds.
    pub(crate) fn children_cpu_seconds(&self) -> Outcome<f64> {
        /// `USER_HZ`, which Linux fixed for what it tells programs.
        const TICKS_PER_SECOND: f64 = 100.0;
        let path = format!("/proc/{}/stat", self.child.id());
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        // Behind the name, which may hold anything: state is the third field of all, cutime the 16th.
        let fields = text.rsplit_once(')').map(|(_, rest)| rest.split_whitespace());
        let ticks: Option<Vec<f64>> =
            fields.map(|fields| fields.skip(13).take(2).filter_map(|t| t.parse().ok()).collect());
        match ticks.as_deref() {
            Some([user, system]) => Ok((user + system) / TICKS_PER_SECOND),
            _ => Err(format!("{path} has no times of children")),
        }
    }

    /// Asks the process to end, and waits for it.
    pub(crate) fn stop(mut self) -> Outcome<()> {
        if self.ended() { Ok(()) } else { Err("did not end when it was asked to".to_owned()) }
    }

    fn ended(&mut self) -> bool {
        self.terminate();
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            // Nobody to wait for is as good as ended.
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            std::thread::sleep(GLANCE);
        }
        false
    }

    fn terminate(&self) {
        if let Ok(id) = i32::try_from(self.child.id())
            && let Some(pid) = Pid::from_raw(id)
        {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

impl Drop for Running {
    // Asked first: whoever is killed leaves its own children behind.
    fn drop(&mut self) {
        if !self.ended() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A directory on the measured disk that goes away again.
pub(crate) fn directory(settings: &Settings) -> Outcome<TempDir> {
    let failed = |error: std::io::Error| format!("{}: {error}", settings.directory.display());
    std::fs::create_dir_all(&settings.directory).map_err(failed)?;
    spread(&settings.directory).map_err(failed)?;
    tempfile::Builder::new().prefix("bench-").tempdir_in(&settings.directory).map_err(failed)
}

/// Has ext4 place what is made in a directory far apart.
///
/// Without a journal it takes no inode that was freed in the last minutes, and searches long for
/// another: what one measurement deleted would slow the next one down.
fn spread(directory: &Path) -> std::io::Result<()> {
    let opened = File::open(directory)?;
    if let Ok(flags) = ioctl_getflags(&opened) {
        // Other file systems have no such flag, and no such search.
        let _ = ioctl_setflags(&opened, flags | IFlags::TOPDIR);
    }
    Ok(())
}

/// A server of the answer that was captured, without any check: the bare handler.
pub(crate) struct Bare {
    pub(crate) address: SocketAddr,
    _running: Running,
    _directory: TempDir,
}

impl Bare {
    /// Starts a process that gives `answer`, head and body, to every request.
    pub(crate) fn start(settings: &Settings, answer: &[u8]) -> Outcome<Self> {
        let directory = directory(settings)?;
        let file = directory.path().join("answer");
        std::fs::write(&file, answer).map_err(|error| error.to_string())?;
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(own);
        command.arg("bare").arg(&file);
        let log: PathBuf = directory.path().join("log");
        let mut running = Running::start(&command, &log)?;
        let address = running.wait_for(|| {
            let text = std::fs::read_to_string(&log).ok()?;
            text.strip_suffix('\n')?.parse().ok()
        })?;
        Ok(Self { address, _running: running, _directory: directory })
    }
}
