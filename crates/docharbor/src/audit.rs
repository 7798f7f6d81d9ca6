//! The audit log: files to which records are only appended, each sealed to the one before it.

mod chain;
mod check;
mod command;
mod files;
mod head;
mod queue;
mod recovery;
mod writer;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use docharbor_server::audit::{AuditLog, AuditRecord, Unrecorded};
use docharbor_site::Clock;
use futures::future::BoxFuture;
use tokio::sync::{Semaphore, oneshot};

pub(crate) use chain::{ChainKey, Position};
pub(crate) use check::{Report, check};
pub(crate) use command::CommandLog;
pub(crate) use files::{Follower, commands_directory, directory, each_record};
use queue::{Message, Queue};
use writer::Writer;

/// The event by which the server's log says how far that of the commands reached.
const COMMANDS_RECORDED: &str = "CommandsRecorded";

/// Records on their way to the writer; more wait at their doors.
const QUEUE_MAX: usize = 4096;

/// What can be set about the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AuditSettings {
    /// Whether there is a log at all.
    pub(crate) is_on: bool,
    /// How long records are kept.
    pub(crate) retention: Duration,
    /// A file that has grown to this size is followed by the next.
    pub(crate) file_max_bytes: u64,
}

/// The log of one server, written by a thread of its own.
pub(crate) struct FileLog {
    queue: Arc<Queue>,
    slots: Arc<Semaphore>,
    is_healthy: Arc<AtomicBool>,
}

impl FileLog {
    /// Opens the log in the data directory, or makes it, and begins to write.
    pub(crate) fn open(
        data_directory: &Path,
        key: ChainKey,
        settings: AuditSettings,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let is_healthy = Arc::new(AtomicBool::new(true));
        let writer = Writer::open(data_directory, key, settings, clock, Arc::clone(&is_healthy))?;
        let queue = Arc::new(Queue::new());
        let served = Arc::clone(&queue);
        std::thread::Builder::new().name("audit".to_owned()).spawn(move || writer.run(&served))?;
        Ok(Self { queue, slots: Arc::new(Semaphore::new(QUEUE_MAX)), is_healthy })
    }

    /// Writes what was taken so far, and ends the log.
    pub(crate) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.push(Message::Close(done)).is_ok() {
            // A writer that is gone has nothing left to write.
            closed.await.ok();
        }
    }
}

impl Drop for FileLog {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl AuditLog for FileLog {
    fn takes_changes(&self) -> bool {
        self.is_healthy.load(Ordering::Relaxed)
    }

    fn record(&self, record: AuditRecord) -> BoxFuture<'_, Result<(), Unrecorded>> {
        Box::pin(async move {
            let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Unrecorded)?;
            let (done, written) = oneshot::channel();
            let is_change = record.is_change();
            let message = Message::Record { record, done: is_change.then_some(done), _slot: slot };
            self.queue.push(message)?;
            if is_change { written.await.map_err(|_| Unrecorded)? } else { Ok(()) }
        })
    }
}
