//! The log of commands: a chain of its own, because the server holds the other one.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use docharbor_server::audit::AuditRecord;
use docharbor_site::Clock;
use serde_json::Value;

use super::AuditSettings;
use super::chain::ChainKey;
use super::files::commands_directory;
use super::writer::Writer;

const LOCK: &str = "lock";

/// The log of the commands of one data directory. Commands take turns at writing it.
pub(crate) struct CommandLog {
    data_directory: PathBuf,
    key: ChainKey,
    settings: AuditSettings,
    clock: Arc<dyn Clock>,
    /// How the log was found.
    state: Value,
}

impl CommandLog {
    /// Finds out that a command can be recorded, before it does anything.
    pub(crate) fn open(
        data_directory: &Path,
        key: ChainKey,
        settings: AuditSettings,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let data_directory = data_directory.to_owned();
        let mut log = Self { data_directory, key, settings, clock, state: Value::Null };
        let (_lock, _writer, state) = log.held()?;
        log.state = state;
        Ok(log)
    }

    /// Writes down what a command did; it is on the disk then.
    pub(crate) fn record(&self, record: &AuditRecord) -> io::Result<()> {
        let (_lock, writer, _state) = self.held()?;
        writer.append_alone(record, &self.state)?;
        self.give_to_the_server()
    }

    fn held(&self) -> io::Result<(File, Writer, Value)> {
        let directory = commands_directory(&self.data_directory);
        DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(directory.join(LOCK))?;
        lock.lock()?;
        let clock = Arc::clone(&self.clock);
        let (writer, state) = Writer::resume(directory, self.key.clone(), self.settings, clock)?;
        Ok((lock, writer, state))
    }

    /// What root wrote belongs to whom the data belong to, or a later command of theirs could not
    /// go on with it.
    fn give_to_the_server(&self) -> io::Result<()> {
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        let owner = std::fs::metadata(&self.data_directory)?;
        let directory = commands_directory(&self.data_directory);
        let entries = std::fs::read_dir(&directory)?.map(|entry| Ok(entry?.path()));
        let mut paths = entries.collect::<io::Result<Vec<_>>>()?;
        paths.push(directory);
        for path in paths {
            let have = std::fs::metadata(&path)?;
            if (have.uid(), have.gid()) != (owner.uid(), owner.gid()) {
                chown(&path, Some(owner.uid()), Some(owner.gid()))?;
            }
        }
        Ok(())
    }
}
