//! The transaction an operation works in.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Counters, StoreError, postgres, sqlite};
use crate::value::{Row, Value};

/// A transaction. Whoever made it begins and ends it; an operation only runs statements.
pub struct Tx {
    pub(super) connection: Connection,
    counters: Arc<Counters>,
    fault: Option<Fault>,
}

pub(super) enum Connection {
    Sqlite(rusqlite::Connection),
    Postgres(postgres::Connection),
}

/// What a statement that failed means for the transaction it ran in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Another transaction was in the way; the operation will succeed when it runs again.
    Retry,
    /// The transaction cannot be committed.
    Final,
}

/// A statement that cannot be the same on both engines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByEngine {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

/// How firmly `row_locked` holds the row until the transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lock {
    /// Nobody else may change, delete or lock the row.
    Update,
    /// As `Update`, but others may still refer to the row's key.
    NoKeyUpdate,
    /// Nobody else may delete the row; all who hold it so do not wait for each other.
    KeyShare,
}

/// How an insertion met the unique keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// The row is there.
    Yes,
    /// Another row has one of its keys; nothing was changed.
    Duplicate,
}

impl Tx {
    pub(super) fn new(connection: Connection, counters: Arc<Counters>) -> Self {
        Self { connection, counters, fault: None }
    }

    /// Whether the arguments of a statement have to be SQLite's, where the engines differ.
    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.connection, Connection::Sqlite(_))
    }

    /// The statement for this engine.
    pub(crate) fn of_engine(&self, statement: &ByEngine) -> &'static str {
        match self.connection {
            Connection::Sqlite(_) => statement.sqlite,
            Connection::Postgres(_) => statement.postgres,
        }
    }

    /// Has the joins of this transaction's further statements made in the order they are written in, as
    /// SQLite makes every CROSS JOIN. PostgreSQL takes a table for empty until its rows were counted,
    /// and three such tables may be joined by looking at every three of their rows.
    pub(crate) async fn join_as_written(&mut self) -> Result<(), StoreError> {
        const AS_WRITTEN: &str = "SELECT set_config('join_collapse_limit', '1', TRUE),
                                         set_config('from_collapse_limit', '1', TRUE)";
        match self.connection {
            Connection::Sqlite(_) => Ok(()),
            Connection::Postgres(_) => self.rows(AS_WRITTEN, &[]).await.map(drop),
        }
    }

    /// Runs a statement and gives the number of rows it changed.
    pub(crate) async fn execute(
        &mut self,
        sql: &'static str,
        args: &[Value],
    ) -> Result<u64, StoreError> {
        self.counters.statements.fetch_add(1, Ordering::Relaxed);
        let changed = match &mut self.connection {
            Connection::Sqlite(connection) => sqlite::execute(connection, sql, args),
            Connection::Postgres(connection) => connection.execute(sql, args).await,
        };
        self.noted(changed)
    }

    /// Runs a statement and gives its first row.
    pub(crate) async fn row(
        &mut self,
        sql: &'static str,
        args: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        let rows = self.rows(sql, args).await?;
        Ok(rows.into_iter().next())
    }

    /// Runs a statement and gives all its rows; the statement bounds how many.
    pub(crate) async fn rows(
        &mut self,
        sql: &'static str,
        args: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        self.query(sql, "", args).await
    }

    /// Reads a row and holds it until the transaction ends.
    ///
    /// SQLite has one writer at a time, so there nothing needs to be held.
    pub(crate) async fn row_locked(
        &mut self,
        lock: Lock,
        sql: &'static str,
        args: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        let clause = match (&self.connection, lock) {
            (Connection::Sqlite(_), _) => "",
            (Connection::Postgres(_), Lock::Update) => " FOR UPDATE",
            (Connection::Postgres(_), Lock::NoKeyUpdate) => " FOR NO KEY UPDATE",
            (Connection::Postgres(_), Lock::KeyShare) => " FOR KEY SHARE",
        };
        let rows = self.query(sql, clause, args).await?;
        Ok(rows.into_iter().next())
    }

    /// Runs an `INSERT … VALUES …` of one row that may meet a row with the same unique key.
    ///
    /// A lost race leaves the transaction as it was before and usable; every other violation of a
    /// constraint is a fault. A savepoint would do the same for two more round trips.
    pub(crate) async fn insert_unique(
        &mut self,
        sql: &'static str,
        args: &[Value],
    ) -> Result<Inserted, StoreError> {
        self.counters.statements.fetch_add(1, Ordering::Relaxed);
        let whole = format!("{sql} ON CONFLICT DO NOTHING");
        let changed = match &mut self.connection {
            Connection::Sqlite(connection) => sqlite::execute(connection, &whole, args),
            Connection::Postgres(connection) => connection.execute(&whole, args).await,
        };
        match self.noted(changed)? {
            0 => Ok(Inserted::Duplicate),
            _ => Ok(Inserted::Yes),
        }
    }

    pub(super) async fn ping(&mut self) -> Result<(), StoreError> {
        self.row("SELECT COUNT(*) FROM refinery_schema_history", &[]).await.map(drop)
    }

    async fn query(
        &mut self,
        sql: &'static str,
        clause: &'static str,
        args: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        self.counters.statements.fetch_add(1, Ordering::Relaxed);
        let rows = match &mut self.connection {
            Connection::Sqlite(connection) => sqlite::rows(connection, sql, args),
            Connection::Postgres(connection) => connection.rows(sql, clause, args).await,
        };
        self.noted(rows)
    }

    // PostgreSQL refuses to go on after a failed statement and answers a later COMMIT with a silent
    // rollback. Noting the fault here makes both engines refuse the commit, whatever the operation
    // made of the error.
    fn noted<T>(&mut self, result: Result<T, Failure>) -> Result<T, StoreError> {
        result.map_err(|failure| {
            self.fault = Some(failure.fault);
            failure.error
        })
    }

    /// Takes the last fault noted, and makes the transaction ready for the next operation.
    pub(super) fn take_fault(&mut self) -> Option<Fault> {
        self.fault.take()
    }
}

/// A failed statement.
pub(super) struct Failure {
    pub(super) fault: Fault,
    pub(super) error: StoreError,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { fault: Fault::Final, error }
    }
}

/// The fault of an operation that answers success although a statement of its failed.
pub(super) fn swallowed() -> StoreError {
    StoreError::Internal("an operation went on after one of its statements failed".to_owned())
}
