//! Starts the real binary and stops what it started.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

/// Longer than any deadline of the server, so that only one that never acts fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// The binary, without the settings of whoever runs the tests.
pub(crate) fn docharbor(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_docharbor"));
    command.env_clear().current_dir(directory).stdin(Stdio::null());
    command
}

/// Runs a command that ends by itself.
pub(crate) fn run(directory: &Path, arguments: &[&str]) -> Output {
    docharbor(directory).args(arguments).output().unwrap()
}

/// A server that runs; killed when dropped.
pub(crate) struct Server {
    child: Child,
    log: BufReader<ChildStderr>,
    /// The line that says it is ready.
    pub(crate) ready: serde_json::Value,
}

impl Server {
    /// Starts a server on a free port and waits until it is ready.
    pub(crate) fn start(directory: &Path, arguments: &[&str]) -> Self {
        let mut command = docharbor(directory);
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
        Self::start_with(command)
    }

    /// Starts a server that may only have `files_max` files and connections open.
    pub(crate) fn start_short_of_files(directory: &Path, files_max: u32) -> Self {
        let mut command = Command::new("sh");
        command
            .current_dir(directory)
            .env_clear()
            .args(["-c", &format!("ulimit -n {files_max} && exec \"$@\""), "sh"])
            .args([env!("CARGO_BIN_EXE_docharbor"), "serve", "--listen", "127.0.0.1:0"]);
        Self::start_with(command)
    }

    fn start_with(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut server = Self { child, log, ready: serde_json::Value::Null };
        server.ready = server.wait_for("ready");
        server
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        self.ready["endpoint"].as_str().unwrap().strip_prefix("http://").unwrap()
    }

    /// A connection that fails rather than wait for ever.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The whole answer to a GET.
    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = self.connect();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn signal(&self, name: &str) {
        let script = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
    }

    /// Reads the log until a line's message begins with `message`, and gives that line.
    pub(crate) fn wait_for(&mut self, message: &str) -> serde_json::Value {
        let mut before = String::new();
        loop {
            let mut line = String::new();
            let count = self.log.read_line(&mut line).unwrap();
            assert_ne!(count, 0, "ended without {message:?}: {before}");
            let value: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if value["message"].as_str().unwrap_or_default().starts_with(message) {
                return value;
            }
            before.push_str(&line);
        }
    }

    /// Waits for the end; gives the exit status and the rest of the log.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let mut log = String::new();
        self.log.read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap(), log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which is no error here.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
