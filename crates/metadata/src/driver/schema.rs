//! Migrations: which are known, and whether a database may be used at all.

use refinery::Runner;
use rusqlite::{Connection, OptionalExtension as _};

use super::StoreError;

mod sqlite {
    refinery::embed_migrations!("migrations/sqlite");
}

mod postgres {
    refinery::embed_migrations!("migrations/postgres");
}

const HAS_HISTORY_SQLITE: &str =
    "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'refinery_schema_history'";
const HAS_HISTORY_POSTGRES: &str =
    "SELECT 1 FROM pg_catalog.pg_tables WHERE tablename = 'refinery_schema_history'
     AND schemaname = current_schema()";
const VERSION: &str =
    "SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) FROM refinery_schema_history";

/// Any number will do, as long as every node takes the same one.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_lock(4965012786441)";

/// Brings a SQLite database to the newest schema; refuses one that is newer.
pub(super) fn migrate_sqlite(connection: &mut Connection) -> Result<(), StoreError> {
    let runner = sqlite::migrations::runner();
    refuse_newer(version_sqlite(connection)?, newest(&runner))?;
    runner.run(connection).map(drop).map_err(|e| migration_failed(&e))
}

/// Refuses a SQLite database whose schema is not the newest this program knows.
pub(super) fn check_sqlite(connection: &Connection) -> Result<(), StoreError> {
    let found = version_sqlite(connection)?;
    let known = newest(&sqlite::migrations::runner());
    refuse_newer(found, known)?;
    if found < known { Err(StoreError::OlderSchema { found, known }) } else { Ok(()) }
}

/// Brings a PostgreSQL database to the newest schema; refuses one that is newer.
///
/// Nodes that start at once take turns: the lock is this connection's and ends with it.
pub(super) async fn migrate_postgres(
    client: &mut tokio_postgres::Client,
) -> Result<(), StoreError> {
    let runner = postgres::migrations::runner();
    client.batch_execute(MIGRATION_LOCK).await.map_err(|e| super::postgres::fault(&e))?;
    refuse_newer(version_postgres(client).await?, newest(&runner))?;
    runner.run_async(client).await.map(drop).map_err(|e| migration_failed(&e))
}

fn version_sqlite(connection: &Connection) -> Result<i64, StoreError> {
    let version = || -> rusqlite::Result<i64> {
        let history = connection.query_row(HAS_HISTORY_SQLITE, [], |_| Ok(())).optional()?;
        match history {
            None => Ok(0),
            Some(()) => connection.query_row(VERSION, [], |row| row.get(0)),
        }
    };
    version().map_err(|e| super::sqlite::fault(&e, VERSION))
}

async fn version_postgres(client: &tokio_postgres::Client) -> Result<i64, StoreError> {
    let version = async {
        match client.query_opt(HAS_HISTORY_POSTGRES, &[]).await? {
            None => Ok(0),
            Some(_) => client.query_one(VERSION, &[]).await?.try_get(0),
        }
    };
    version.await.map_err(|e| super::postgres::fault(&e))
}

fn newest(runner: &Runner) -> i64 {
    runner.get_migrations().iter().map(|m| i64::from(m.version())).max().unwrap_or(0)
}

fn refuse_newer(found: i64, known: i64) -> Result<(), StoreError> {
    if known < found { Err(StoreError::NewerSchema { found, known }) } else { Ok(()) }
}

// A migration has no arguments, so its error's text can hold nobody's values.
fn migration_failed(error: &refinery::Error) -> StoreError {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    StoreError::Migration(text)
}
