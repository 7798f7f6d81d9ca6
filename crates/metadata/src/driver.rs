//! One transaction, two databases: everything above writes its SQL once.
//!
//! An operation is an async function over `&mut Tx` that awaits nothing but the transaction's own
//! statements. On SQLite it is polled once, so awaiting anything else fails it; on PostgreSQL it
//! may run again from its beginning, so it must have no effect but its statements.

#[cfg(test)]
mod conformance;
mod error;
mod postgres;
mod schema;
mod sqlite;
mod tx;

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use error::StoreError;
#[cfg(test)]
pub(crate) use sqlite::with_functions;
pub(crate) use tx::{ByEngine, Lock};
pub use tx::{Inserted, Tx};

/// What an operation gives back: its future, which may borrow the transaction and the input.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What the one who opens a store decides.
#[derive(Clone)]
pub struct Options {
    /// Called when SQLite can no longer tell what is on the disk. It must log and end the process:
    /// going on could lose what was acknowledged. No later change succeeds if it returns.
    pub on_fatal: Arc<dyn Fn(&StoreError) + Send + Sync>,
}

impl Default for Options {
    /// Ends the process with status 1.
    fn default() -> Self {
        Self { on_fatal: Arc::new(|_| std::process::exit(1)) }
    }
}

/// The metadata store. Clones share one set of connections.
#[derive(Clone)]
pub struct Metadata {
    engine: Engine,
    counters: Arc<Counters>,
}

#[derive(Clone)]
enum Engine {
    Sqlite(Arc<sqlite::Store>),
    Postgres(postgres::Store),
}

/// What has been done so far.
#[derive(Default)]
struct Counters {
    statements: AtomicU64,
    commits: AtomicU64,
}

impl Metadata {
    /// Opens a SQLite database, makes it if it is not there, and migrates it. Blocks.
    pub fn open_sqlite(path: &Path, options: Options) -> Result<Self, StoreError> {
        Self::sqlite(path, options, sqlite::Access::CreateAndMigrate)
    }

    /// Opens a SQLite database a server may have open too, to read and change it. Blocks.
    ///
    /// Fails with `Missing` if it is not there, and with `OlderSchema` rather than migrate it.
    pub fn open_sqlite_existing(path: &Path, options: Options) -> Result<Self, StoreError> {
        Self::sqlite(path, options, sqlite::Access::Existing)
    }

    /// Opens a SQLite database a server may have open too, only to read it. Blocks.
    pub fn open_sqlite_read_only(path: &Path, options: Options) -> Result<Self, StoreError> {
        Self::sqlite(path, options, sqlite::Access::ReadOnly)
    }

    fn sqlite(path: &Path, options: Options, access: sqlite::Access) -> Result<Self, StoreError> {
        let counters = Arc::<Counters>::default();
        let store = sqlite::Store::open(path, options, access, &counters)?;
        Ok(Self { engine: Engine::Sqlite(Arc::new(store)), counters })
    }

    /// Opens a PostgreSQL database and migrates it; nodes that start at once take turns.
    ///
    /// Connections are not encrypted yet: a URL with `sslmode=require` is refused.
    pub async fn open_postgres(url: &str) -> Result<Self, StoreError> {
        let counters = Arc::<Counters>::default();
        let store = postgres::Store::open(url, &counters, false).await?;
        Ok(Self { engine: Engine::Postgres(store), counters })
    }

    /// Opens a PostgreSQL database for a command that looks at everything and may take its time.
    pub async fn open_postgres_patient(url: &str) -> Result<Self, StoreError> {
        let counters = Arc::<Counters>::default();
        let store = postgres::Store::open(url, &counters, true).await?;
        Ok(Self { engine: Engine::Postgres(store), counters })
    }

    /// Runs an operation that changes state, as one transaction.
    ///
    /// `Ok` is answered after the commit is durable; `Err` and a panic undo everything the
    /// operation did. A caller who stops waiting does not stop it. Ends within 10 s; on SQLite what
    /// has not begun when its caller is told that it takes too long never has an effect.
    pub async fn write<I, T, E, F>(&self, input: I, operation: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        match &self.engine {
            Engine::Sqlite(store) => store.write(input, operation).await,
            Engine::Postgres(store) => store.run(postgres::Access::Write, input, operation).await,
        }
    }

    /// Runs an operation that changes nothing, on one consistent snapshot. Ends within 10 s.
    pub async fn read<I, T, E, F>(&self, input: I, operation: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        match &self.engine {
            Engine::Sqlite(store) => store.read(input, operation).await,
            Engine::Postgres(store) => store.run(postgres::Access::Read, input, operation).await,
        }
    }

    /// As `read`, for an operation that reads a few rows by their keys.
    pub async fn look_up<I, T, E, F>(&self, input: I, operation: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        match &self.engine {
            Engine::Sqlite(store) => store.look_up(input, operation).await,
            Engine::Postgres(store) => store.run(postgres::Access::Read, input, operation).await,
        }
    }

    /// How many statements operations have run so far.
    pub fn statements(&self) -> u64 {
        self.counters.statements.load(Ordering::Relaxed)
    }

    /// How many transactions with changes were committed so far; on SQLite one may hold many.
    pub fn commits(&self) -> u64 {
        self.counters.commits.load(Ordering::Relaxed)
    }

    /// Whether the store answers now.
    pub async fn ping(&self) -> Result<(), StoreError> {
        if let Engine::Sqlite(store) = &self.engine {
            store.writer_alive()?;
        }
        self.read((), |tx, ()| Box::pin(tx.ping())).await
    }

    /// Lets running changes end, refuses new ones and closes the connections.
    pub async fn close(&self) -> Result<(), StoreError> {
        match &self.engine {
            Engine::Sqlite(store) => store.close().await,
            Engine::Postgres(store) => {
                store.close();
                Ok(())
            }
        }
    }

    /// What the database itself finds wrong with its storage: one text per finding, best none.
    ///
    /// PostgreSQL answers for its own storage; here it is only asked whether it answers.
    pub async fn integrity_check(&self) -> Result<Vec<String>, StoreError> {
        match &self.engine {
            Engine::Sqlite(store) => store.integrity_check().await,
            Engine::Postgres(_) => self.ping().await.map(|()| Vec::new()),
        }
    }
}
