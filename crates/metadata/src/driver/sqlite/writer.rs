//! The one thread that writes: many operations, one commit, then all the answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::ffi;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::{
    BoxFuture, Counters, Options, StoreError, Tx, autocommit, code, fault, run_fixed, run_once,
};
use crate::driver::tx::Connection;

/// How many operations wait for the thread; more wait for a place.
const QUEUE: usize = 1024;

/// How many operations one commit holds.
const BATCH: usize = 256;

/// How long an operation waits for a place in the queue.
const QUEUE_WAIT: Duration = Duration::from_secs(2);

/// How long a caller waits for their operation to begin after that.
const BEGIN_WAIT: Duration = Duration::from_secs(5);

/// How long a caller waits for an operation that began to end.
const END_WAIT: Duration = Duration::from_secs(3);

/// The way to the thread.
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
}

enum Message {
    Run(Box<dyn Queued>),
    Close(oneshot::Sender<Result<(), StoreError>>),
}

/// An operation on its way through the thread.
trait Queued: Send {
    /// Takes the operation on. False when its caller has given up: it must not have an effect.
    fn begin(&self) -> bool;
    /// Runs it, keeps the answer, and says whether its changes are to be kept.
    fn run(&mut self, tx: &mut Tx) -> bool;
    /// Gives the answer `run` kept.
    fn answer(self: Box<Self>);
    /// Gives this answer instead.
    fn refuse(self: Box<Self>, error: StoreError);
}

struct Operation<I, T, E, F> {
    input: I,
    run: F,
    /// Taken by the thread that runs the operation or by the caller who gives up, never by both.
    taken: Arc<AtomicBool>,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<I, T, E, F> Queued for Operation<I, T, E, F>
where
    I: Send,
    T: Send,
    E: From<StoreError> + Send,
    F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, E>> + Send,
{
    fn begin(&self) -> bool {
        !self.taken.swap(true, Ordering::AcqRel)
    }

    fn run(&mut self, tx: &mut Tx) -> bool {
        let result = run_once(tx, &self.input, &self.run);
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    // A caller who no longer waits for the answer has dropped the other end.
    fn answer(self: Box<Self>) {
        if let Some(result) = self.result {
            drop(self.answer.send(result));
        }
    }

    fn refuse(self: Box<Self>, error: StoreError) {
        drop(self.answer.send(Err(error.into())));
    }
}

impl Writer {
    pub(super) fn start(
        connection: rusqlite::Connection,
        options: Options,
        counters: &Arc<Counters>,
    ) -> Result<Self, StoreError> {
        let (queue, queued) = mpsc::channel(QUEUE);
        let thread = Thread {
            tx: Tx::new(Connection::Sqlite(connection), Arc::clone(counters)),
            options,
            counters: Arc::clone(counters),
        };
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || thread.work(queued))
            .map_err(|e| StoreError::Open(format!("no thread: {e}")))?;
        Ok(Self { queue })
    }

    pub(super) async fn write<I, T, E, F>(&self, input: I, operation: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        let (answer, mut answered) = oneshot::channel();
        let taken = Arc::new(AtomicBool::new(false));
        let operation =
            Operation { input, run: operation, taken: Arc::clone(&taken), result: None, answer };
        self.send(Message::Run(Box::new(operation))).await?;
        let mut answer = tokio::time::timeout(BEGIN_WAIT, &mut answered).await;
        if answer.is_err() && taken.swap(true, Ordering::AcqRel) {
            answer = tokio::time::timeout(END_WAIT, answered).await;
        }
        match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(stopped().into()),
            Err(_) => Err(StoreError::Unavailable("a change takes too long".to_owned()).into()),
        }
    }

    pub(super) fn alive(&self) -> Result<(), StoreError> {
        if self.queue.is_closed() { Err(stopped()) } else { Ok(()) }
    }

    pub(super) async fn close(&self) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(Message::Close(answer)).await?;
        answered.await.map_err(|_| stopped())?
    }

    async fn send(&self, message: Message) -> Result<(), StoreError> {
        match self.queue.try_send(message) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(stopped()),
            Err(TrySendError::Full(message)) => self
                .queue
                .send_timeout(message, QUEUE_WAIT)
                .await
                .map_err(|_| StoreError::Unavailable("too many changes are waiting".to_owned())),
        }
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("it is closed".to_owned())
}

/// What the thread owns.
struct Thread {
    tx: Tx,
    options: Options,
    counters: Arc<Counters>,
}

/// What the thread does after a batch.
enum Next {
    Go,
    Close(oneshot::Sender<Result<(), StoreError>>),
    Stop,
}

/// Why a batch was not committed.
struct Lost {
    error: StoreError,
    /// Whether it is unknown what the disk holds now.
    fatal: bool,
}

impl Lost {
    fn undone(error: StoreError) -> Self {
        Self { error, fatal: false }
    }

    fn fatal(error: StoreError) -> Self {
        Self { error, fatal: true }
    }
}

/// Takes an operation that waits, if one does.
fn next_operation(
    queued: &mut mpsc::Receiver<Message>,
    next: &mut Next,
) -> Option<Box<dyn Queued>> {
    match queued.try_recv() {
        Ok(Message::Run(operation)) => Some(operation),
        Ok(Message::Close(answer)) => {
            *next = Next::Close(answer);
            None
        }
        Err(_) => None,
    }
}

impl Thread {
    fn work(mut self, mut queued: mpsc::Receiver<Message>) {
        while let Some(message) = queued.blocking_recv() {
            let next = match message {
                Message::Run(first) => self.batch(first, &mut queued),
                Message::Close(answer) => Next::Close(answer),
            };
            match next {
                Next::Go => {}
                Next::Close(answer) => {
                    drop(queued);
                    drop(answer.send(self.close()));
                    return;
                }
                Next::Stop => return,
            }
        }
    }

    /// Runs operations until none waits or the batch is full; one commit, then the answers.
    fn batch(&mut self, first: Box<dyn Queued>, queued: &mut mpsc::Receiver<Message>) -> Next {
        let mut done = Vec::new();
        let mut next = Next::Go;
        let committed = catch_unwind(AssertUnwindSafe(|| {
            self.run_batch(first, queued, &mut done, &mut next)?;
            self.commit()
        }))
        .unwrap_or_else(|_| {
            Err(Lost::fatal(StoreError::Internal("the writing thread panicked".to_owned())))
        });
        match committed {
            Ok(()) => done.into_iter().for_each(Queued::answer),
            Err(lost) if lost.fatal => {
                // Nobody has been answered yet, and nobody will be: the callers' ends are dropped
                // only if this returns.
                (self.options.on_fatal)(&lost.error);
                return Next::Stop;
            }
            Err(lost) => {
                for operation in done {
                    operation.refuse(lost.error.clone());
                }
            }
        }
        next
    }

    fn run_batch(
        &mut self,
        first: Box<dyn Queued>,
        queued: &mut mpsc::Receiver<Message>,
        done: &mut Vec<Box<dyn Queued>>,
        next: &mut Next,
    ) -> Result<(), Lost> {
        let begun = run_fixed(&self.tx, "BEGIN IMMEDIATE");
        let mut waiting = Some(first);
        if let Err(e) = begun {
            // Somebody else holds the database. Whoever waits behind has waited as long already.
            done.extend(waiting);
            done.extend(std::iter::from_fn(|| next_operation(queued, next)));
            return Err(Lost::undone(fault(&e, "metadata")));
        }
        while let Some(mut operation) = waiting.take() {
            if operation.begin() {
                let ended = self.run_one(operation.as_mut());
                done.push(operation);
                ended?;
            }
            if done.len() == BATCH {
                break;
            }
            waiting = next_operation(queued, next);
        }
        Ok(())
    }

    fn run_one(&mut self, operation: &mut dyn Queued) -> Result<(), Lost> {
        let steps: &[&'static str] = match run_fixed(&self.tx, "SAVEPOINT operation") {
            Ok(()) if operation.run(&mut self.tx) => &["RELEASE operation"],
            Ok(()) => &["ROLLBACK TO operation", "RELEASE operation"],
            Err(e) => return Err(self.undo(&e)),
        };
        // A full disk or a failing one makes SQLite undo the whole transaction by itself.
        if autocommit(&self.tx) {
            let text = "the database undid a batch of changes".to_owned();
            return Err(Lost::undone(StoreError::Unavailable(text)));
        }
        for step in steps {
            run_fixed(&self.tx, step).map_err(|e| self.undo(&e))?;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Lost> {
        fail::fail_point!("metadata::before_commit");
        match run_fixed(&self.tx, "COMMIT") {
            Ok(()) => {
                self.counters.commits.fetch_add(1, Ordering::Relaxed);
                fail::fail_point!("metadata::after_commit");
                Ok(())
            }
            // After a failed fsync the kernel may drop what it could not write, and a second
            // attempt would succeed without it.
            Err(e) if code(&e) == Some(ffi::SQLITE_IOERR) => {
                Err(Lost::fatal(StoreError::Unavailable(e.to_string())))
            }
            Err(e) => Err(self.undo(&e)),
        }
    }

    /// Undoes the whole batch after an error of the database.
    fn undo(&self, error: &rusqlite::Error) -> Lost {
        let error = match fault(error, "metadata") {
            StoreError::LockTimeout => StoreError::LockTimeout,
            other => StoreError::Unavailable(other.to_string()),
        };
        if autocommit(&self.tx) || run_fixed(&self.tx, "ROLLBACK").is_ok() {
            Lost::undone(error)
        } else {
            Lost::fatal(error)
        }
    }

    /// Moves the whole log into the database file and closes it.
    fn close(self) -> Result<(), StoreError> {
        let Connection::Sqlite(connection) = self.tx.connection else { return Ok(()) };
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        connection.query_row(checkpoint, [], |_| Ok(())).map_err(|e| fault(&e, checkpoint))?;
        connection.close().map_err(|(_, e)| fault(&e, "metadata"))
    }
}
