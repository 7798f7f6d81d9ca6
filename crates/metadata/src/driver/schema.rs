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

#[cfg(test)]
mod tests {
    use docharbor_testkit::postgres::Cluster;
    use refinery::Target;
    use tokio_postgres::NoTls;

    use super::*;

    /// A folder, and a document that ann began and bob added a version to, as the first schema has
    /// them.
    const FIRST: &str = "
        INSERT INTO resource (organization_id, id, kind, owner_id, name, name_key, state,
                              next_ordinal, item_count, created_ms, modified_ms)
        VALUES ('d-1', 'folder', 'FOLDER', 'ann', 'f', 'f', 'LIVE', 0, 1, 1, 1),
               ('d-1', 'document', 'DOCUMENT', 'ann', 'd', 'd', 'LIVE', 2, 0, 1, 1);
        INSERT INTO version (organization_id, document_id, id, ordinal, status, name, content_type,
                             creator, charged_bytes, created_ms, modified_ms)
        VALUES ('d-1', 'document', '2', 1, 'ACTIVE', 'd', '', 'bob', 1, 2, 2),
               ('d-1', 'document', '1', 0, 'ACTIVE', 'd', '', 'ann', 1, 1, 1);";

    const CREATORS: &str =
        "SELECT id, creator FROM resource WHERE organization_id = 'd-1' ORDER BY id";

    const EXPECTED: [(&str, &str); 2] = [("document", "ann"), ("folder", "")];

    #[test]
    fn a_sqlite_site_of_the_first_schema_is_brought_up_to_date() {
        let mut connection = Connection::open_in_memory().unwrap();
        sqlite::migrations::runner().set_target(Target::Version(1)).run(&mut connection).unwrap();
        connection.execute_batch(FIRST).unwrap();
        migrate_sqlite(&mut connection).unwrap();
        let mut statement = connection.prepare(CREATORS).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let rows: Vec<(String, String)> = rows.map(Result::unwrap).collect();
        assert_eq!(rows, EXPECTED.map(|(id, creator)| (id.to_owned(), creator.to_owned())));
    }

    #[tokio::test]
    async fn a_postgres_site_of_the_first_schema_is_brought_up_to_date() {
        let url = Cluster::shared().fresh_database();
        let (mut client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        postgres::migrations::runner()
            .set_target(Target::Version(1))
            .run_async(&mut client)
            .await
            .unwrap();
        client.batch_execute(FIRST).await.unwrap();
        migrate_postgres(&mut client).await.unwrap();
        let rows = client.query(CREATORS, &[]).await.unwrap();
        let rows: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert_eq!(rows, EXPECTED.map(|(id, creator)| (id.to_owned(), creator.to_owned())));
    }
}
