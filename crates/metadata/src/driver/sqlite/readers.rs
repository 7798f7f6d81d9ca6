//! Connections that only read, used on blocking threads.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    BoxFuture, Counters, StoreError, Tx, autocommit, fault, open_reader, run_fixed, run_once,
};
use crate::driver::tx::Connection;

/// How many operations read at once; more wait.
const READERS: u32 = 4;

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

    /// Runs something on a connection, on a blocking thread.
    pub(super) async fn read<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
    {
        let turn = self.turn().await?;
        let shared = Arc::clone(&self.shared);
        let running = tokio::task::spawn_blocking(move || {
            let answer = shared.with_connection(operation);
            drop(turn);
            answer
        });
        match tokio::time::timeout(self.answer_wait, running).await {
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
