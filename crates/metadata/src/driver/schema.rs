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

    /// Two deliveries, in the order of their ids and not of their events.
    const DELIVERED: &str = "
        INSERT INTO notification_subscription (organization_id, id, endpoint, protocol, status,
                                               base_url, creator, created_ms)
        VALUES ('d-1', 's', 'https://hook.example/', 'HTTPS', 'CONFIRMED', '', 'ann', 1);
        INSERT INTO delivery (organization_id, subscription_id, event_id, state, attempts, due_ms,
                              created_ms, changed_ms, last_error)
        VALUES ('d-1', 's', 'a', 'DEAD', 16, 7, 2, 8, 'status 500'),
               ('d-1', 's', 'b', 'SENT', 1, 5, 1, 6, NULL);";

    const DELIVERIES: &str = "
        SELECT event_id,
               state || ' ' || attempts || ' ' || due_ms || ' ' || created_ms || ' ' || changed_ms
                     || ' ' || COALESCE(last_error, 'well')
          FROM delivery WHERE organization_id = 'd-1' ORDER BY created_ms";

    const KEPT: [(&str, &str); 2] = [("b", "SENT 1 5 1 6 well"), ("a", "DEAD 16 7 2 8 status 500")];

    /// What a SQLite database of a schema holds, read once it was brought up to date.
    fn sqlite_from(version: i32, holds: &str, read: &str) -> Vec<(String, String)> {
        let mut connection = Connection::open_in_memory().unwrap();
        let target = Target::Version(version);
        sqlite::migrations::runner().set_target(target).run(&mut connection).unwrap();
        connection.execute_batch(holds).unwrap();
        migrate_sqlite(&mut connection).unwrap();
        let mut statement = connection.prepare(read).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// The same of a PostgreSQL database.
    async fn postgres_from(version: i32, holds: &str, read: &str) -> Vec<(String, String)> {
        let url = Cluster::shared().fresh_database();
        let (mut client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        let target = Target::Version(version);
        let runner = postgres::migrations::runner().set_target(target);
        runner.run_async(&mut client).await.unwrap();
        client.batch_execute(holds).await.unwrap();
        migrate_postgres(&mut client).await.unwrap();
        let rows = client.query(read, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    fn owned(rows: [(&str, &str); 2]) -> Vec<(String, String)> {
        rows.map(|(one, other)| (one.to_owned(), other.to_owned())).to_vec()
    }

    #[tokio::test]
    async fn a_site_of_the_first_schema_is_brought_up_to_date() {
        assert_eq!(sqlite_from(1, FIRST, CREATORS), owned(EXPECTED));
        assert_eq!(postgres_from(1, FIRST, CREATORS).await, owned(EXPECTED));
    }

    #[tokio::test]
    async fn deliveries_are_kept_when_they_are_put_in_the_order_of_their_events() {
        assert_eq!(sqlite_from(8, DELIVERED, DELIVERIES), owned(KEPT));
        assert_eq!(postgres_from(8, DELIVERED, DELIVERIES).await, owned(KEPT));
    }
}
