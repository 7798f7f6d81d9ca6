//! The two migration folders make one schema.

use std::collections::{BTreeMap, BTreeSet};

use docharbor_metadata::{Metadata, Options};
use docharbor_testkit::postgres::Cluster;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// The tables of a database by name, and what both engines can say of them.
type Schema = BTreeMap<String, Table>;

#[derive(Debug, Default, PartialEq)]
struct Table {
    /// Name, type and whether it may be NULL, in order.
    columns: Vec<(String, String, bool)>,
    primary_key: Vec<String>,
    indexes: BTreeMap<String, Index>,
    /// Referring columns, the table referred to, and its columns.
    foreign_keys: BTreeSet<(Vec<String>, String, Vec<String>)>,
}

#[derive(Debug, PartialEq)]
struct Index {
    columns: Vec<String>,
    unique: bool,
    partial: bool,
}

/// Kept by the migrations themselves.
const HISTORY: &str = "refinery_schema_history";

/// The index of words, which each engine keeps in its own way.
const WORDS: &str = "search_text";

#[tokio::test]
async fn both_engines_have_one_schema() {
    let (directory, sqlite) = on_sqlite().await;
    let postgres = on_postgres().await;
    drop(directory);
    assert!(!sqlite.is_empty());
    assert_eq!(
        sqlite.keys().collect::<Vec<_>>(),
        postgres.keys().collect::<Vec<_>>(),
        "one has tables the other has not"
    );
    for (name, table) in &sqlite {
        assert_eq!(table, &postgres[name], "{name}: left is SQLite's, right is PostgreSQL's");
    }
}

#[tokio::test]
async fn the_organization_leads_every_key() {
    let (_directory, schema) = on_sqlite().await;
    // What finds an organization cannot be led by it.
    let exempt = [
        "organization",
        "organization_alias",
        "organization_account",
        "organization_ordinal",
        // Numbered by the engine, because the index of words knows nothing but numbers.
        "search_entry",
        "access_key_id",
        "token_hash",
        "application_id",
        "authorization_code_hash",
        "device_code_hash",
        "web_session_hash",
    ];
    for (name, table) in &schema {
        let keys = table.indexes.iter().map(|(index, key)| (index, &key.columns));
        for (key, columns) in keys.chain([(name, &table.primary_key)]) {
            let led = columns.first().is_some_and(|column| column == "organization_id");
            assert!(led || exempt.contains(&key.as_str()), "{key} of {name}: {columns:?}");
        }
    }
}

#[tokio::test]
async fn postgres_orders_text_by_its_bytes() {
    const OTHERWISE: &str = "
        SELECT table_name || '.' || column_name FROM information_schema.columns
         WHERE table_schema = current_schema() AND table_name <> $1
           AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'";
    let client = migrated_postgres().await;
    let rows = client.query(OTHERWISE, &[&HISTORY]).await.unwrap();
    let columns: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(columns, Vec::<String>::new(), "these need COLLATE \"C\"");
}

fn is_compared(table: &str) -> bool {
    table != HISTORY && !table.starts_with(WORDS)
}

async fn on_sqlite() -> (TempDir, Schema) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("meta.db");
    Metadata::open_sqlite(&path, Options::default()).unwrap().close().await.unwrap();
    let connection = Connection::open(&path).unwrap();
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let tables: Vec<String> = texts(&connection, tables, "");
    let schema = tables.into_iter().filter(|name| is_compared(name)).map(|name| {
        let table = sqlite_table(&connection, &name);
        (name, table)
    });
    let schema = schema.collect();
    (directory, schema)
}

fn sqlite_table(connection: &Connection, name: &str) -> Table {
    let columns = "SELECT name, type, \"notnull\" FROM pragma_table_info($1) ORDER BY cid";
    let mut columns = connection.prepare(columns).unwrap();
    let columns = columns
        .query_map([name], |row| {
            let kind = match row.get::<_, String>(1)?.as_str() {
                "INTEGER" | "INT" | "BIGINT" => "bigint".to_owned(),
                other => other.to_lowercase(),
            };
            Ok((row.get(0)?, kind, !row.get::<_, bool>(2)?))
        })
        .unwrap();
    let primary_key = "SELECT name FROM pragma_table_info($1) WHERE 0 < pk ORDER BY pk";
    Table {
        columns: columns.collect::<Result<_, _>>().unwrap(),
        primary_key: texts(connection, primary_key, name),
        indexes: sqlite_indexes(connection, name),
        foreign_keys: sqlite_foreign_keys(connection, name),
    }
}

fn sqlite_indexes(connection: &Connection, table: &str) -> BTreeMap<String, Index> {
    let indexes =
        "SELECT name, \"unique\", partial FROM pragma_index_list($1) WHERE origin <> 'pk'";
    let mut indexes = connection.prepare(indexes).unwrap();
    let indexes = indexes
        .query_map([table], |row| {
            let name: String = row.get(0)?;
            let columns = "SELECT COALESCE(name, '(…)') FROM pragma_index_info($1) ORDER BY seqno";
            let columns = texts(connection, columns, &name);
            Ok((name, Index { columns, unique: row.get(1)?, partial: row.get(2)? }))
        })
        .unwrap();
    indexes.collect::<Result<_, _>>().unwrap()
}

fn sqlite_foreign_keys(
    connection: &Connection,
    table: &str,
) -> BTreeSet<(Vec<String>, String, Vec<String>)> {
    let ids = "SELECT DISTINCT CAST(id AS TEXT) FROM pragma_foreign_key_list($1)";
    let ids: Vec<String> = texts(connection, ids, table);
    let column = |id: &str, column: &str| {
        let list = format!(
            "SELECT {column} FROM pragma_foreign_key_list($1) WHERE id = {id} ORDER BY seq"
        );
        texts(connection, &list, table)
    };
    let key = |id: &String| {
        (column(id, "\"from\""), column(id, "\"table\"").remove(0), column(id, "\"to\""))
    };
    ids.iter().map(key).collect()
}

fn texts(connection: &Connection, sql: &str, name: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    let given = [name];
    let args = &given[..statement.parameter_count()];
    let rows = statement.query_map(rusqlite::params_from_iter(args), |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

async fn migrated_postgres() -> Client {
    let url = Cluster::shared().fresh_database();
    Metadata::open_postgres(&url).await.unwrap().close().await.unwrap();
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn on_postgres() -> Schema {
    const COLUMNS: &str = "
        SELECT table_name::TEXT, column_name::TEXT, data_type::TEXT, is_nullable = 'YES'
          FROM information_schema.columns WHERE table_schema = current_schema()
         ORDER BY table_name, ordinal_position";
    const INDEXES: &str = "
        SELECT t.relname::TEXT, x.relname::TEXT, i.indisprimary, i.indisunique,
               i.indpred IS NOT NULL,
               ARRAY(SELECT COALESCE(a.attname::TEXT, '(…)')
                       FROM unnest(i.indkey::INT2[]) WITH ORDINALITY AS k(number, place)
                       LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number
                      ORDER BY k.place)
          FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
         WHERE t.relnamespace = current_schema()::REGNAMESPACE AND t.relkind = 'r'";
    const FOREIGN_KEYS: &str = "
        SELECT t.relname::TEXT, f.relname::TEXT,
               ARRAY(SELECT a.attname::TEXT
                       FROM unnest(c.conkey) WITH ORDINALITY AS k(number, place)
                       JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number
                      ORDER BY k.place),
               ARRAY(SELECT a.attname::TEXT
                       FROM unnest(c.confkey) WITH ORDINALITY AS k(number, place)
                       JOIN pg_attribute a ON a.attrelid = f.oid AND a.attnum = k.number
                      ORDER BY k.place)
          FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
          JOIN pg_class f ON f.oid = c.confrelid
         WHERE c.contype = 'f' AND t.relnamespace = current_schema()::REGNAMESPACE";
    let client = migrated_postgres().await;
    let mut schema = Schema::new();
    for row in client.query(COLUMNS, &[]).await.unwrap() {
        let column = (row.get(1), row.get(2), row.get(3));
        schema.entry(row.get(0)).or_default().columns.push(column);
    }
    for row in client.query(INDEXES, &[]).await.unwrap() {
        let table = schema.get_mut(row.get::<_, &str>(0)).unwrap();
        let columns: Vec<String> = row.get(5);
        if row.get(2) {
            table.primary_key = columns;
        } else {
            let index = Index { columns, unique: row.get(3), partial: row.get(4) };
            table.indexes.insert(row.get(1), index);
        }
    }
    for row in client.query(FOREIGN_KEYS, &[]).await.unwrap() {
        let key = (row.get(2), row.get(1), row.get(3));
        schema.get_mut(row.get::<_, &str>(0)).unwrap().foreign_keys.insert(key);
    }
    schema.retain(|name, _| is_compared(name));
    schema
}
