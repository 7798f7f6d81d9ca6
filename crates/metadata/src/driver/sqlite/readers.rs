//! Connections that only read, used on blocking threads.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    BoxFuture, Counters, StoreError, Tx, autocommit, fault, open_reader, run_fixed, run_once,
};
use crate::driver::tx::Connection;

/// How many operations read at once; more wait.
const READERS: u32 = 4;

/// Steps of a statement between two looks at whether anybody still waits for it.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// How long an operation waits for a connection.
const TURN_WAIT: Duration = Duration::from_secs(2);

/// How long a request waits for an answer, its turn not counted.
pub(super) const ANSWER_WAIT: Duration = Duration::from_secs(7);

/// How long a command waits that looks at everything, as verify does.
pub(super) const PATIENT_ANSWER_WAIT: Duration = Duration::from_hours(24);

/// The connections, opened when first needed.
pub(super) struct Readers {
    turns: Arc<Semaphore>,
    shared: Arc<Shared>,
    answer_wait: Duration,
}

struct Shared {
    path: PathBuf,
    counters: Arc<Counters>,
    idle: Mutex<Vec<Tx>>,
}

impl Readers {
    pub(super) fn new(path: &Path, counters: &Arc<Counters>, answer_wait: Duration) -> Self {
        Self {
            answer_wait,
            turns: Arc::new(Semaphore::new(READERS as usize)),
            shared: Arc::new(Shared {
                path: path.to_owned(),
                counters: Arc::clone(counters),
                idle: Mutex::default(),
            }),
        }
    }

    /// Runs something on a connection, on a blocking thread. When nobody waits for the answer any
    /// more, the statement that runs is broken off, and the connection is there for others.
    pub(super) async fn read<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
    {
        let turn = self.turn().await?;
        let shared = Arc::clone(&self.shared);
        let caller = Waiting::default();
        let given_up = Arc::clone(&caller.given_up);
        let running = tokio::task::spawn_blocking(move || {
            let answer = shared.with_connection(|tx| while_awaited(tx, given_up, operation));
            drop(turn);
            answer
        });
        let answer = tokio::time::timeout(self.answer_wait, running).await;
        drop(caller);
        match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(e)) => Err(StoreError::Internal(e.to_string()).into()),
            Err(_) => Err(StoreError::Unavailable("a read takes too long".to_owned()).into()),
        }
    }

    /// What SQLite finds wrong with the file, on a connection of its own: on one that was used before, the
    /// index of words is checked by what the connection remembers of it, which others may have changed.
    pub(super) async fn integrity_check(&self) -> Result<Vec<String>, StoreError> {
        let path = self.shared.path.clone();
        self.read(move |_used| integrity_check(&open_reader(&path)?)).await
    }

    /// Runs something that reads a few rows by their keys, on the thread it is called on: handing it
    /// to another thread would cost more than the reading.
    pub(super) async fn look_up<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnOnce(&mut Tx) -> Result<T, E>,
    {
        let _turn = self.turn().await?;
        self.shared.with_connection(operation)
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let turns = Arc::clone(&self.turns);
        if let Ok(turn) = Arc::clone(&turns).try_acquire_owned() {
            return Ok(turn);
        }
        match tokio::time::timeout(TURN_WAIT, turns.acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) => Err(StoreError::Unavailable("it is closed".to_owned())),
            Err(_) => Err(StoreError::Unavailable("too many reads at once".to_owned())),
        }
    }

    /// Waits for running reads, at most as long as one may take, and closes the connections.
    pub(super) async fn close(&self) {
        let all = tokio::time::timeout(ANSWER_WAIT, self.turns.acquire_many(READERS)).await;
        self.turns.close();
        drop(all);
        self.shared.idle().clear();
    }
}

impl Shared {
    fn with_connection<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnOnce(&mut Tx) -> Result<T, E>,
    {
        let idle = self.idle().pop();
        let mut tx = match idle {
            Some(tx) => tx,
            None => {
                Tx::new(Connection::Sqlite(open_reader(&self.path)?), Arc::clone(&self.counters))
            }
        };
        let answer = operation(&mut tx);
        if autocommit(&tx) {
            self.idle().push(tx);
        }
        answer
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Tx>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits for an answer, until it is dropped.
#[derive(Default)]
struct Waiting {
    given_up: Arc<AtomicBool>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.given_up.store(true, Ordering::Relaxed);
    }
}

/// Runs an operation, each statement of which ends with an error once the answer is given up.
fn while_awaited<T, E, F>(tx: &mut Tx, given_up: Arc<AtomicBool>, operation: F) -> Result<T, E>
where
    E: From<StoreError>,
    F: FnOnce(&mut Tx) -> Result<T, E>,
{
    look_at(tx, Some(given_up))?;
    let answer = operation(tx);
    look_at(tx, None)?;
    answer
}

fn look_at(tx: &mut Tx, given_up: Option<Arc<AtomicBool>>) -> Result<(), StoreError> {
    let Connection::Sqlite(connection) = &mut tx.connection else { return Ok(()) };
    let look = given_up.map(|given_up| move || given_up.load(Ordering::Relaxed));
    let set = connection.progress_handler(STEPS_BETWEEN_LOOKS, look);
    set.map_err(|e| fault(&e, "metadata"))
}

/// Runs an operation in a transaction that sees one state of the database throughout.
pub(super) fn snapshot<I, T, E, F>(tx: &mut Tx, input: &I, operation: &F) -> Result<T, E>
where
    E: From<StoreError>,
    F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, E>>,
{
    run_fixed(tx, "BEGIN DEFERRED").map_err(|e| fault(&e, "metadata"))?;
    let answer = run_once(tx, input, operation);
    // A connection that cannot leave its transaction is not used again.
    run_fixed(tx, "ROLLBACK").map_err(|e| fault(&e, "metadata"))?;
    answer
}

/// What SQLite finds wrong with the file.
fn integrity_check(connection: &rusqlite::Connection) -> Result<Vec<String>, StoreError> {
    let found = || {
        connection.execute_batch("BEGIN DEFERRED")?;
        let mut findings = Vec::new();
        let mut check = connection.prepare("PRAGMA integrity_check(100)")?;
        for finding in check.query_map([], |row| row.get::<_, String>(0))? {
            findings.push(finding?);
        }
        findings.retain(|finding| finding != "ok");
        let mut check = connection.prepare("PRAGMA foreign_key_check")?;
        for finding in check.query_map([], |row| {
            let (table, parent) = (row.get::<_, String>(0)?, row.get::<_, String>(2)?);
            Ok(format!("a row of {table} refers to a row of {parent} that is not there"))
        })? {
            findings.push(finding?);
        }
        Ok(findings)
    };
    found().map_err(|e: rusqlite::Error| fault(&e, "PRAGMA integrity_check"))
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    const ENDLESS: &str = "
        WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number)
        SELECT COUNT(*) FROM number";

    fn readers(answer_wait: Duration) -> (tempfile::TempDir, Readers) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("meta.db");
        rusqlite::Connection::open(&path).unwrap();
        let readers = Readers::new(&path, &Arc::default(), answer_wait);
        (directory, readers)
    }

    /// Reads without end; tells when it begins.
    fn read_on(tx: &mut Tx, begun: oneshot::Sender<()>) -> Result<(), StoreError> {
        begun.send(()).ok();
        snapshot(tx, &(), &|tx: &mut Tx, (): &()| {
            Box::pin(async move { tx.rows(ENDLESS, &[]).await.map(drop) })
        })
    }

    async fn all_turns_are_free(readers: &Readers) -> bool {
        let all = readers.turns.acquire_many(READERS);
        tokio::time::timeout(Duration::from_secs(30), all).await.is_ok()
    }

    #[tokio::test]
    async fn a_read_that_nobody_waits_for_ends_and_leaves_its_connection_to_others() {
        let (_directory, readers) = readers(Duration::from_hours(1));
        for _ in 0..READERS {
            let (begun, has_begun) = oneshot::channel();
            let read = readers.read(move |tx| read_on(tx, begun));
            tokio::select! {
                answer = read => panic!("{answer:?}"),
                begun = has_begun => begun.unwrap(),
            }
        }
        assert!(all_turns_are_free(&readers).await);
        let connections = readers.shared.idle().len();
        assert!(connections > 0, "a statement that was broken off costs no connection");
        let count = |tx: &mut Tx| {
            snapshot(tx, &(), &|tx: &mut Tx, (): &()| {
                Box::pin(async move { tx.rows("SELECT 1", &[]).await })
            })
        };
        assert_eq!(readers.read(count).await.unwrap().len(), 1);
        assert_eq!(readers.shared.idle().len(), connections);
    }

    #[tokio::test]
    async fn a_read_that_takes_too_long_is_refused_and_ends() {
        let (_directory, readers) = readers(Duration::from_millis(50));
        let (begun, _) = oneshot::channel();
        let answer = readers.read(move |tx| read_on(tx, begun)).await;
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
        assert!(all_turns_are_free(&readers).await);
    }
}
