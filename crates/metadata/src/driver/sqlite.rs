//! SQLite: one thread that writes, and connections that only read.

mod readers;
mod writer;

use std::os::unix::fs::OpenOptionsExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use docharbor_domain::SearchQuery;
use rusqlite::config::DbConfig;
use rusqlite::functions::{Context as FunctionContext, FunctionFlags};
use rusqlite::{CachedStatement, Connection, OpenFlags, ffi, types::ValueRef};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use self::readers::{Readers, snapshot};
use self::writer::Writer;
use super::tx::{Connection as TxConnection, Failure, swallowed};
use super::{BoxFuture, Counters, Options, StoreError, Tx, schema};
use crate::value::{Cell, Row, Value, table_of};

/// Before this version a WAL with several connections could be corrupted.
const LIBRARY_VERSION_MIN: i32 = 3_051_003;

/// How long a connection waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// How many prepared statements a connection keeps.
const STATEMENT_CACHE: usize = 256;

/// What the one who opens the file wants with it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    CreateAndMigrate,
    Existing,
    ReadOnly,
}

/// An open SQLite database.
pub(super) struct Store {
    writer: Option<Writer>,
    readers: Arc<Readers>,
    /// The runtime on which it was opened, if on any.
    runtime: Option<Handle>,
}

impl Store {
    pub(super) fn open(
        path: &Path,
        options: Options,
        access: Access,
        counters: &Arc<Counters>,
    ) -> Result<Self, StoreError> {
        refuse_old_library(rusqlite::version_number())?;
        match access {
            Access::CreateAndMigrate => create(path)?,
            Access::Existing | Access::ReadOnly if path.exists() => {}
            Access::Existing | Access::ReadOnly => {
                return Err(StoreError::Missing(path.to_owned()));
            }
        }
        let writer = match access {
            Access::ReadOnly => {
                schema::check_sqlite(&open_reader(path)?)?;
                None
            }
            Access::CreateAndMigrate => {
                let mut connection = open_writer(path)?;
                schema::migrate_sqlite(&mut connection)?;
                Some(Writer::start(connection, options, counters)?)
            }
            Access::Existing => {
                let connection = open_writer(path)?;
                schema::check_sqlite(&connection)?;
                Some(Writer::start(connection, options, counters)?)
            }
        };
        let answer_wait = match access {
            Access::ReadOnly => readers::PATIENT_ANSWER_WAIT,
            Access::CreateAndMigrate | Access::Existing => readers::ANSWER_WAIT,
        };
        let readers = Arc::new(Readers::new(path, counters, answer_wait));
        Ok(Self { writer, readers, runtime: Handle::try_current().ok() })
    }

    pub(super) async fn write<I, T, E, F>(&self, input: I, operation: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        match &self.writer {
            Some(writer) => writer.write(input, operation).await,
            None => Err(StoreError::Internal("opened only to read".to_owned()).into()),
        }
    }

    pub(super) async fn read<I, T, E, F>(&self, input: I, operation: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        let readers = Arc::clone(&self.readers);
        let reading = async move { readers.read(move |tx| snapshot(tx, &input, &operation)).await };
        self.on_own_runtime(reading).await
    }

    pub(super) async fn look_up<I, T, E, F>(&self, input: I, operation: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        let readers = Arc::clone(&self.readers);
        let reading = async move { readers.look_up(|tx| snapshot(tx, &input, &operation)).await };
        self.on_own_runtime(reading).await
    }

    /// Reads on the threads of the runtime on which the store was opened: another one's may stand back, and
    /// would keep a connection and SQLite's locks from requests for as long as others want their core.
    async fn on_own_runtime<T, E>(
        &self,
        reading: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match &self.runtime {
            Some(runtime) if runtime.id() != Handle::current().id() => {
                // A set breaks off what nobody waits for any more.
                let mut one = JoinSet::new();
                one.spawn_on(reading, runtime);
                match one.join_next().await {
                    Some(Ok(answer)) => answer,
                    Some(Err(e)) => Err(StoreError::Internal(e.to_string()).into()),
                    None => Err(StoreError::Internal("a read is gone".to_owned()).into()),
                }
            }
            Some(_) | None => reading.await,
        }
    }

    pub(super) fn writer_alive(&self) -> Result<(), StoreError> {
        match &self.writer {
            Some(writer) => writer.alive(),
            None => Ok(()),
        }
    }

    pub(super) async fn close(&self) -> Result<(), StoreError> {
        self.readers.close().await;
        match &self.writer {
            Some(writer) => writer.close().await,
            None => Ok(()),
        }
    }

    pub(super) async fn integrity_check(&self) -> Result<Vec<String>, StoreError> {
        self.readers.integrity_check().await
    }
}

fn refuse_old_library(version: i32) -> Result<(), StoreError> {
    if LIBRARY_VERSION_MIN <= version {
        return Ok(());
    }
    Err(StoreError::Open(format!(
        "this program was built with SQLite {version}, which can damage the file; \
         it needs {LIBRARY_VERSION_MIN} or newer"
    )))
}

/// Makes an empty file that only its owner can read. SQLite gives its journals the same rights.
fn create(path: &Path) -> Result<(), StoreError> {
    let made = std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path);
    match made {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(StoreError::Open(format!("{}: {e}", path.display()))),
    }
}

fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    open(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE,
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA mmap_size = 0;
         PRAGMA cell_size_check = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA cache_size = -4096;
         PRAGMA wal_autocheckpoint = 1000;",
    )
}

fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    open(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY,
        "PRAGMA query_only = ON;
         PRAGMA mmap_size = 0;
         PRAGMA cell_size_check = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA cache_size = -2048;
         PRAGMA wal_autocheckpoint = 0;",
    )
}

fn open(path: &Path, flags: OpenFlags, settings: &str) -> Result<Connection, StoreError> {
    let opened = || {
        let connection =
            Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // Or a plan would be made anew whenever a statement is run with other arguments, which
        // costs several times what running it does.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.execute_batch(settings)?;
        with_functions(&connection)?;
        connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
        Ok(connection)
    };
    opened().map_err(|e: rusqlite::Error| StoreError::Open(format!("{}: {e}", path.display())))
}

/// Adds the functions our statements use.
pub(crate) fn with_functions(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("search_score", 3, flags, search_score)
}

/// How well the tokens of a name and of a content match a query, as `SearchQuery` writes it: below
/// zero, the better the lower, and zero where they do not.
fn search_score(given: &FunctionContext<'_>) -> rusqlite::Result<i64> {
    let query =
        given.get_or_create_aux(0, |query| -> Result<_, rusqlite::types::FromSqlError> {
            Ok(SearchQuery::decode(query.as_str()?))
        })?;
    let name = given.get_raw(1).as_str_or_null()?.unwrap_or_default();
    let content = given.get_raw(2).as_str_or_null()?.unwrap_or_default();
    let score = query.as_ref().as_ref().and_then(|query| query.score(name, content));
    Ok(score.map_or(0, |score| -score))
}

/// Polls an operation once: what awaits anything but its transaction is not ready, and fails.
fn run_once<I, T, E, F>(tx: &mut Tx, input: &I, operation: &F) -> Result<T, E>
where
    E: From<StoreError>,
    F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, E>>,
{
    let polled = catch_unwind(AssertUnwindSafe(|| {
        operation(tx, input).as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }));
    let fault = tx.take_fault();
    match polled {
        Ok(Poll::Ready(Ok(_))) if fault.is_some() => Err(swallowed().into()),
        Ok(Poll::Ready(result)) => result,
        Ok(Poll::Pending) => Err(StoreError::Internal(
            "an operation awaited something else inside a transaction".to_owned(),
        )
        .into()),
        Err(_) => Err(panicked().into()),
    }
}

fn panicked() -> StoreError {
    StoreError::Internal("an operation panicked".to_owned())
}

/// Begins, marks and ends transactions.
fn run_fixed(tx: &Tx, sql: &'static str) -> rusqlite::Result<()> {
    match &tx.connection {
        TxConnection::Sqlite(connection) => connection.prepare_cached(sql)?.raw_execute().map(drop),
        TxConnection::Postgres(_) => Ok(()),
    }
}

fn autocommit(tx: &Tx) -> bool {
    match &tx.connection {
        TxConnection::Sqlite(connection) => connection.is_autocommit(),
        TxConnection::Postgres(_) => false,
    }
}

pub(super) fn execute(connection: &Connection, sql: &str, args: &[Value]) -> Result<u64, Failure> {
    let changed = || {
        let mut statement = bound(connection, sql, args)?;
        let changed = statement.raw_execute().map_err(|e| fault(&e, "metadata"))?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    };
    changed().map_err(|e: StoreError| Failure::from(e))
}

pub(super) fn rows(
    connection: &Connection,
    sql: &'static str,
    args: &[Value],
) -> Result<Vec<Row>, Failure> {
    let all = || {
        let mut statement = bound(connection, sql, args)?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(|e| fault(&e, sql))? {
            let mut cells = Vec::with_capacity(columns);
            for index in 0..columns {
                cells.push(cell(row.get_ref(index).map_err(|e| fault(&e, sql))?, sql)?);
            }
            all.push(Row { sql, cells });
        }
        Ok(all)
    };
    all().map_err(|e: StoreError| Failure::from(e))
}

/// Prepares a statement and binds `$n` to the n-th argument, wherever and how often it stands.
fn bound<'c>(
    connection: &'c Connection,
    sql: &str,
    args: &[Value],
) -> Result<CachedStatement<'c>, StoreError> {
    let failed = |e: &rusqlite::Error| fault(e, "metadata");
    let mut statement = connection.prepare_cached(sql).map_err(|e| failed(&e))?;
    let wanted = statement.parameter_count();
    for index in 1..=wanted {
        let number =
            statement.parameter_name(index).and_then(|name| name.get(1..)?.parse::<usize>().ok());
        let arg = number.and_then(|number| args.get(number.checked_sub(1)?));
        match arg {
            Some(Value::Text(text)) => statement.raw_bind_parameter(index, text.as_str()),
            Some(Value::Int(number)) => statement.raw_bind_parameter(index, number),
            Some(Value::NullText | Value::NullInt) => {
                statement.raw_bind_parameter(index, rusqlite::types::Null)
            }
            None => return Err(miscounted(args.len(), wanted)),
        }
        .map_err(|e| failed(&e))?;
    }
    if wanted == args.len() { Ok(statement) } else { Err(miscounted(args.len(), wanted)) }
}

fn miscounted(given: usize, wanted: usize) -> StoreError {
    StoreError::Internal(format!("a statement of {wanted} parameters was given {given}"))
}

fn cell(value: ValueRef<'_>, sql: &'static str) -> Result<Cell, StoreError> {
    let corrupt =
        |reason: &str| StoreError::Corrupt { table: table_of(sql), reason: reason.to_owned() };
    match value {
        ValueRef::Null => Ok(Cell::Null),
        ValueRef::Integer(number) => Ok(Cell::Int(number)),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Ok(Cell::Text(text.to_owned())),
            Err(_) => Err(corrupt("a text is not UTF-8")),
        },
        ValueRef::Real(_) | ValueRef::Blob(_) => Err(corrupt("a column is not TEXT or BIGINT")),
    }
}

/// What an error of SQLite means. Its messages name columns and files, never values.
pub(super) fn fault(error: &rusqlite::Error, sql: &'static str) -> StoreError {
    match code(error) {
        Some(ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED) => StoreError::LockTimeout,
        Some(ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB) => {
            StoreError::Corrupt { table: table_of(sql), reason: error.to_string() }
        }
        Some(
            ffi::SQLITE_IOERR
            | ffi::SQLITE_FULL
            | ffi::SQLITE_NOMEM
            | ffi::SQLITE_CANTOPEN
            | ffi::SQLITE_PROTOCOL
            | ffi::SQLITE_INTERRUPT,
        ) => StoreError::Unavailable(error.to_string()),
        _ => StoreError::Internal(error.to_string()),
    }
}

/// The primary result code of an error that came from SQLite.
fn code(error: &rusqlite::Error) -> Option<i32> {
    error.sqlite_error().map(|e| e.extended_code & 0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_that_can_damage_the_file_is_refused() {
        assert!(refuse_old_library(3_051_002).is_err());
        assert!(refuse_old_library(3_051_003).is_ok());
        assert!(refuse_old_library(rusqlite::version_number()).is_ok());
    }
}
