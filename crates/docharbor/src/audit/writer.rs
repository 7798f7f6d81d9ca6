//! The one thread that writes the log, in batches.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use docharbor_server::audit::{AuditRecord, Unrecorded, iso_8601};
use docharbor_server::request_id::RequestIds;
use docharbor_site::Clock;
use rustix::fs::FallocateFlags;
use rustix::io::Errno;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::chain::{ChainKey, Position};
use super::files::{commands_directory, day_of, directory, moment, names, next_name};
use super::head::{Found, Head};
use super::queue::{Message, Queue};
use super::recovery::resume;
use super::{AuditSettings, COMMANDS_RECORDED};

/// As often the head is written, and a log that cannot be written is tried again.
const TICK: Duration = Duration::from_secs(1);
const TICK_MS: i64 = 1000;

/// A batch is not gathered beyond this.
const BATCH_MAX_BYTES: usize = 1024 * 1024;

/// While the log cannot be written, records are kept up to this; of more, only the number.
const KEPT_MAX_BYTES: usize = 16 * 1024 * 1024;

/// So much room is taken on the disk before it is needed: when no more is to be had, what is being
/// answered can still be recorded, and nothing new is begun.
const AHEAD_BYTES: u64 = 256 * 1024;

/// The open log.
pub(super) struct Writer {
    directory: PathBuf,
    key: ChainKey,
    settings: AuditSettings,
    clock: Arc<dyn Clock>,
    is_healthy: Arc<AtomicBool>,
    event_ids: RequestIds,
    begins: Position,
    /// After the last record in the file.
    written: Position,
    /// After the last record in `unwritten`.
    at: Position,
    file: Option<OpenFile>,
    /// Lines that are not known to be in the file.
    unwritten: Vec<u8>,
    /// Whether the file has lines that are not known to be on the disk.
    is_unsynced: bool,
    lost: u64,
    head: Option<Head>,
    head_written_ms: i64,
    tried_ms: i64,
    /// Whether the last attempt to write failed.
    is_stuck: bool,
    /// The log of commands, where this is the server's.
    commands: Option<Commands>,
    commands_read_ms: i64,
    waiting: Vec<oneshot::Sender<Result<(), Unrecorded>>>,
}

struct Commands {
    directory: PathBuf,
    /// How far it reached when this log last said so.
    seen: Option<Position>,
}

struct OpenFile {
    file: File,
    name: String,
    length: u64,
    /// Up to here the disk has room for it.
    reserved: u64,
}

impl Writer {
    /// Opens the log where it ended, and writes down that it did.
    pub(super) fn open(
        data_directory: &Path,
        key: ChainKey,
        settings: AuditSettings,
        clock: Arc<dyn Clock>,
        is_healthy: Arc<AtomicBool>,
    ) -> io::Result<Self> {
        let (mut writer, state) = Self::resume(directory(data_directory), key, settings, clock)?;
        writer.is_healthy = is_healthy;
        writer.commands =
            Some(Commands { directory: commands_directory(data_directory), seen: None });
        writer.note("AuditLogOpened", &json!({ "log": state }));
        // A full disk must not keep a server from starting: it can still answer and delete.
        writer.flush();
        Ok(writer)
    }

    /// Finds where the log ended and how it was found, and writes nothing.
    pub(super) fn resume(
        directory: PathBuf,
        key: ChainKey,
        settings: AuditSettings,
        clock: Arc<dyn Clock>,
    ) -> io::Result<(Self, Value)> {
        DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        let resumed = resume(&directory, &key)?;
        let file = match &resumed.file {
            None => None,
            Some((name, length)) => {
                let file = OpenOptions::new().write(true).open(directory.join(name))?;
                Some(OpenFile { file, name: name.clone(), length: *length, reserved: *length })
            }
        };
        let writer = Self {
            directory,
            key,
            settings,
            clock,
            is_healthy: Arc::new(AtomicBool::new(true)),
            event_ids: RequestIds::new(),
            begins: resumed.begins,
            written: resumed.at.clone(),
            at: resumed.at,
            is_unsynced: file.is_some(),
            file,
            unwritten: Vec::new(),
            lost: 0,
            head: None,
            head_written_ms: 0,
            tried_ms: 0,
            is_stuck: false,
            commands: None,
            commands_read_ms: 0,
            waiting: Vec::new(),
        };
        Ok((writer, resumed.state))
    }

    /// Writes one record and ends. A log that was not found as it was left says so before it.
    pub(super) fn append_alone(mut self, record: &AuditRecord, state: &Value) -> io::Result<()> {
        if !state.is_string() {
            self.note("AuditLogOpened", &json!({ "log": state }));
        }
        if !self.append(record) {
            return Err(io::Error::other("a record could not be made"));
        }
        self.try_flush()?;
        self.sync()?;
        self.write_head()
    }

    /// Writes until it is told to close, or until nobody can tell it anything any more.
    pub(super) fn run(mut self, queue: &Queue) {
        loop {
            let (messages, is_open) = queue.take(TICK);
            let mut close = None;
            for message in messages {
                match message {
                    Message::Record { record, done, _slot } => self.take(&record, done),
                    Message::Close(done) => close = Some(done),
                }
                if self.unwritten.len() >= BATCH_MAX_BYTES {
                    self.flush();
                }
            }
            self.note_commands();
            self.flush();
            if close.is_some() || !is_open {
                queue.close();
                for message in queue.take(Duration::ZERO).0 {
                    if let Message::Record { record, done, _slot } = message {
                        self.take(&record, done);
                    }
                }
                self.end();
                if let Some(done) = close {
                    // Whoever asked may have given up waiting.
                    done.send(()).ok();
                }
                return;
            }
        }
    }

    fn end(mut self) {
        self.note("AuditLogClosed", &json!({}));
        let closed = self.try_flush().and_then(|()| self.sync()).and_then(|()| self.write_head());
        if let Err(error) = closed {
            tracing::error!(%error, "the last audit records could not be written");
        }
    }

    fn now_ms(&self) -> i64 {
        self.clock.now().as_millis()
    }

    fn take(
        &mut self,
        record: &AuditRecord,
        done: Option<oneshot::Sender<Result<(), Unrecorded>>>,
    ) {
        if self.unwritten.len() <= KEPT_MAX_BYTES && self.append(record) {
            self.waiting.extend(done);
            return;
        }
        self.lost += 1;
        if let Some(done) = done {
            done.send(Err(Unrecorded)).ok();
        }
    }

    fn append(&mut self, record: &AuditRecord) -> bool {
        match self.key.append(&mut self.unwritten, &self.at, record.event()) {
            Ok(at) => self.at = at,
            Err(error) => {
                tracing::error!(%error, "an audit record could not be made");
                return false;
            }
        }
        true
    }

    /// Appends a record of the log's own.
    fn note(&mut self, name: &str, data: &Value) {
        let id = self.event_ids.next();
        let record = AuditRecord::of_the_log(name, self.now_ms(), id.as_str(), data);
        self.append(&record);
    }

    /// Says how far the log of commands has come, so that nobody can remove it unseen.
    fn note_commands(&mut self) {
        let now_ms = self.now_ms();
        let Some(commands) = &mut self.commands else { return };
        if (now_ms - self.commands_read_ms).abs() < TICK_MS {
            return;
        }
        self.commands_read_ms = now_ms;
        // What is damaged there is for `audit check` to show.
        let Ok(Found::Head(head)) = Head::read(&commands.directory, &self.key) else { return };
        if commands.seen.as_ref() != Some(&head.ends) {
            let data = json!({ "sequence": head.ends.sequence, "hash": head.ends.hash });
            commands.seen = Some(head.ends);
            self.note(COMMANDS_RECORDED, &data);
        }
    }

    /// Writes what there is, and tells those who wait whether it worked. What failed is not tried
    /// again for every call.
    fn flush(&mut self) {
        let now_ms = self.now_ms();
        let is_too_soon = (now_ms - self.tried_ms).abs() < TICK_MS;
        if self.is_stuck && is_too_soon {
            for waiting in self.waiting.drain(..) {
                waiting.send(Err(Unrecorded)).ok();
            }
            return;
        }
        self.tried_ms = now_ms;
        let written = self.try_flush();
        self.is_stuck = written.is_err();
        let result = written.as_ref().map_err(|_| Unrecorded).copied();
        // Without these no further change is begun; those whose records are on the disk are done.
        let health = written.and_then(|()| self.reserve()).and_then(|()| self.keep_head());
        if let Err(error) = &health
            && self.is_healthy.swap(false, Ordering::Relaxed)
        {
            tracing::error!(
                %error,
                remedy = "make room on the disk of DIR/audit, and let the server write to it",
                "the audit log cannot be written: calls that change something are refused"
            );
        }
        if health.is_ok() && !self.is_healthy.swap(true, Ordering::Relaxed) {
            tracing::info!("the audit log can be written again");
        }
        for waiting in self.waiting.drain(..) {
            // A client that went away does not wait any more.
            waiting.send(result).ok();
        }
    }

    /// Takes room for the records to come. Where a file system knows no such thing, records find
    /// out themselves whether there is room.
    fn reserve(&mut self) -> io::Result<()> {
        let Some(open) = &mut self.file else { return Ok(()) };
        if open.reserved >= open.length.saturating_add(AHEAD_BYTES / 2) {
            return Ok(());
        }
        let flags = FallocateFlags::KEEP_SIZE;
        match rustix::fs::fallocate(&open.file, flags, open.length, AHEAD_BYTES) {
            Ok(()) => open.reserved = open.length + AHEAD_BYTES,
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => open.reserved = u64::MAX,
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn try_flush(&mut self) -> io::Result<()> {
        self.write_out()?;
        if self.lost > 0 {
            let lost = std::mem::take(&mut self.lost);
            self.note("AuditRecordsLost", &json!({ "records": lost }));
            self.write_out()?;
        }
        if !self.waiting.is_empty() {
            self.sync()?;
        }
        Ok(())
    }

    /// Writes down once in a while how far the log has come.
    fn keep_head(&mut self) -> io::Result<()> {
        let now_ms = self.now_ms();
        if (now_ms - self.head_written_ms).abs() >= TICK_MS
            && self.head.as_ref().is_none_or(|head| head.ends != self.written)
        {
            self.sync()?;
            self.write_head()?;
        }
        Ok(())
    }

    /// Hands the lines to the operating system. After a failure the same bytes are written to the
    /// same place again, so that no half line stays.
    fn write_out(&mut self) -> io::Result<()> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        if self.head.is_none() {
            // Before the first line: a log that has lines and no head was tampered with.
            self.sync()?;
            self.write_head()?;
            self.remove_old()?;
        }
        self.rotate_if_due()?;
        let Some(open) = &mut self.file else { return Err(io::Error::other("no file is open")) };
        if let Err(error) = open.file.write_all_at(&self.unwritten, open.length) {
            // What remains of a half line is overwritten by the next attempt.
            open.file.set_len(open.length).ok();
            return Err(error);
        }
        open.length += u64::try_from(self.unwritten.len()).unwrap_or(u64::MAX);
        self.unwritten.clear();
        self.written.clone_from(&self.at);
        self.is_unsynced = true;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if let Some(open) = &self.file
            && self.is_unsynced
        {
            open.file.sync_data()?;
            self.is_unsynced = false;
        }
        Ok(())
    }

    /// Begins a new file when there is none, when the day is another, or when the file is full.
    fn rotate_if_due(&mut self) -> io::Result<()> {
        let now_ms = self.now_ms();
        let today = moment(now_ms);
        let is_due = self.file.as_ref().is_none_or(|open| {
            day_of(&open.name) < day_of(&today) || open.length >= self.settings.file_max_bytes
        });
        if !is_due {
            return Ok(());
        }
        self.sync()?;
        if let Some(open) = &self.file {
            // Gives back the room that was taken ahead.
            open.file.set_len(open.length)?;
        }
        let newest = names(&self.directory)?.pop();
        let name = next_name(now_ms, newest.as_deref())?;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.directory.join(&name))?;
        File::open(&self.directory)?.sync_all()?;
        self.file = Some(OpenFile { file, name, length: 0, reserved: 0 });
        self.remove_old()
    }

    fn write_head(&mut self) -> io::Result<()> {
        let head = Head { begins: self.begins.clone(), ends: self.written.clone() };
        if self.head.as_ref() != Some(&head) {
            head.write(&self.directory, &self.key)?;
            self.head = Some(head);
        }
        self.head_written_ms = self.now_ms();
        Ok(())
    }

    /// Removes files whose every record is older than the retention. Where the log begins now is
    /// in the head before they go.
    fn remove_old(&mut self) -> io::Result<()> {
        let retention_ms = i64::try_from(self.settings.retention.as_millis()).unwrap_or(i64::MAX);
        let oldest = moment(self.now_ms().saturating_sub(retention_ms).max(0));
        let names = names(&self.directory)?;
        let followed = names.iter().zip(names.iter().skip(1));
        let (old, kept): (Vec<&String>, Vec<&String>) =
            followed.take_while(|(_, next)| ***next < *oldest).unzip();
        let Some(first_kept) = kept.last() else { return Ok(()) };
        let mut lines = super::files::Lines::open(&self.directory.join(first_kept), 0)?;
        let Some(link) = lines.next()?.and_then(|line| self.key.open(&line.bytes)) else {
            return Ok(());
        };
        self.begins = link.before;
        if let Some(head) = &self.head {
            // How far the log reaches is known only for what is on the disk.
            let head = Head { begins: self.begins.clone(), ends: head.ends.clone() };
            head.write(&self.directory, &self.key)?;
            self.head = Some(head);
        }
        for name in old {
            std::fs::remove_file(self.directory.join(name))?;
        }
        tracing::info!(
            before = iso_8601(self.now_ms() - retention_ms),
            "old audit records removed"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests;
