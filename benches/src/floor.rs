//! The baseline of uploads: the same fsyncs and the same group-committed rows, and nothing else.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, params};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::{Outcome, Settings, process};

/// The server's own tables, so that the rows and indices are the same.
pub(crate) const SCHEMA: &str = concat!(
    include_str!("../../crates/metadata/migrations/sqlite/V1__first.sql"),
    include_str!("../../crates/metadata/migrations/sqlite/V2__resources.sql"),
);

/// How many changes one commit holds at most, as in the server.
const BATCH: usize = 256;

const ORGANIZATION: &str = "d-0123456789";

/// The rows that all uploads change: an owner who is charged and a folder that counts.
const COMMON_ROWS: &str = "
    INSERT INTO site_user VALUES ('d-0123456789', 'owner', 'bench', 'bench', NULL, 'Bench', 'Mark',
        'bench mark', 'bench mark', '', 'ACTIVE', 'USER', NULL, NULL, NULL, 0, 'root', 'bin', 1, 1);
    INSERT INTO resource VALUES ('d-0123456789', 'root', 'ROOT', NULL, 'owner', '', '', NULL, 'LIVE',
        NULL, 0, 0, 1, 1, NULL, NULL, '');";

/// One of the three transactions of an upload.
enum Change {
    Begin(Ids),
    Receive(Ids),
    Activate(Ids),
}

/// What an upload's rows are called.
#[derive(Clone)]
struct Ids {
    document: String,
    version: String,
    blob: String,
}

type Queued = (Change, SyncSender<()>);

/// A directory and a database in which nothing is checked.
pub(crate) struct Floor<'a> {
    directory: TempDir,
    shards: Vec<File>,
    content: &'a [u8],
    numbers: AtomicU64,
}

impl<'a> Floor<'a> {
    pub(crate) fn open(settings: &Settings, content: &'a [u8]) -> Outcome<Self> {
        let directory = process::directory(settings)?;
        let failed = |error: std::io::Error| format!("{}: {error}", directory.path().display());
        std::fs::create_dir(directory.path().join("staging")).map_err(failed)?;
        let mut shards = Vec::new();
        for number in 0..=255_u8 {
            let path = directory.path().join(format!("{number:02x}"));
            std::fs::create_dir(&path).map_err(failed)?;
            shards.push(File::open(&path).map_err(failed)?);
        }
        let floor = Self { directory, shards, content, numbers: AtomicU64::new(0) };
        let database = floor.database()?;
        let told = |error: rusqlite::Error| error.to_string();
        database.execute_batch(SCHEMA).map_err(told)?;
        database.execute_batch(COMMON_ROWS).map_err(told)?;
        Ok(floor)
    }

    /// How many uploads so many threads finish in a second.
    pub(crate) fn rate(&self, threads: usize, span: Duration) -> Outcome<f64> {
        let database = self.database()?;
        let (queue, queued) = channel();
        let began = Instant::now();
        let deadline = began + span;
        let count = std::thread::scope(|scope| {
            let writer = scope.spawn(move || write(&database, &queued));
            let clients: Vec<_> = (0..threads)
                .map(|_| {
                    let queue = queue.clone();
                    scope.spawn(move || {
                        self.upload_until(deadline, |change| {
                            let (done, answered) = sync_channel(1);
                            queue.send((change, done)).map_err(|_| "the writer ended")?;
                            answered.recv().map_err(|_| "a change was lost".to_owned())
                        })
                    })
                })
                .collect();
            drop(queue);
            let panicked = |_| "a thread panicked".to_owned();
            let mut count = 0;
            for client in clients {
                count += client.join().map_err(panicked)??;
            }
            writer.join().map_err(panicked)?.map_err(|error| error.to_string())?;
            Ok::<u32, String>(count)
        })?;
        Ok(f64::from(count) / began.elapsed().as_secs_f64())
    }

    fn upload_until(
        &self,
        deadline: Instant,
        change: impl Fn(Change) -> Outcome<()>,
    ) -> Outcome<u32> {
        let mut count = 0;
        while Instant::now() < deadline {
            let ids = self.ids();
            change(Change::Begin(ids.clone()))?;
            self.write_durably(&ids).map_err(|error| error.to_string())?;
            change(Change::Receive(ids.clone()))?;
            change(Change::Activate(ids))?;
            count += 1;
        }
        Ok(count)
    }

    /// Ids as random as the server's are, of about their length.
    fn ids(&self) -> Ids {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let id = |kind: &str| hex::encode(Sha256::digest(format!("{kind}{number}")));
        let version = format!("{number:013}-{}", &id("version")[..16]);
        Ids { document: id("document"), version, blob: id("blob")[..32].to_owned() }
    }

    fn write_durably(&self, ids: &Ids) -> std::io::Result<()> {
        let staged = self.directory.path().join("staging").join(&ids.blob);
        let mut file = File::create_new(&staged)?;
        file.write_all(self.content)?;
        file.sync_all()?;
        let shard = ids.blob.get(..2).unwrap_or_default();
        std::fs::rename(staged, self.directory.path().join(shard).join(&ids.blob))?;
        let shard = usize::from_str_radix(shard, 16).unwrap_or_default();
        self.shards.get(shard).map_or(Ok(()), File::sync_all)
    }

    fn database(&self) -> Outcome<Connection> {
        let path: PathBuf = self.directory.path().join("floor.db");
        let opened = || {
            let database = Connection::open(path)?;
            database.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
            // Without it SQLite plans a statement anew each time that values are bound to it.
            database.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            database.set_prepared_statement_cache_capacity(64);
            Ok(database)
        };
        opened().map_err(|error: rusqlite::Error| error.to_string())
    }
}

/// Group commit: all changes that wait go into one transaction, then all are answered.
fn write(database: &Connection, queued: &Receiver<Queued>) -> rusqlite::Result<()> {
    while let Ok(first) = queued.recv() {
        database.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut answers = Vec::new();
        let mut next = Some(first);
        while let Some((change, answer)) = next.take() {
            apply(database, &change)?;
            answers.push(answer);
            if answers.len() < BATCH {
                next = queued.try_recv().ok();
            }
        }
        database.prepare_cached("COMMIT")?.execute([])?;
        for answer in answers {
            // Who asked waits for the answer, or has ended with an error of its own.
            let _ = answer.send(());
        }
    }
    Ok(())
}

fn apply(database: &Connection, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::Begin(ids) => begin(database, ids),
        Change::Receive(ids) => receive(database, ids),
        Change::Activate(ids) => activate(database, ids),
    }
}

fn begin(database: &Connection, Ids { document, version, .. }: &Ids) -> rusqlite::Result<()> {
    let name = format!("{version}.bin");
    let answer = "a".repeat(700);
    run(
        database,
        "UPDATE resource SET item_count = item_count + 1 WHERE organization_id = ?1 AND id = 'root'",
        params![ORGANIZATION],
    )?;
    run(
        database,
        "UPDATE site_user SET storage_used_bytes = storage_used_bytes + 4096
          WHERE organization_id = ?1 AND id = 'owner'",
        params![ORGANIZATION],
    )?;
    run(
        database,
        "INSERT INTO resource VALUES (?1, ?2, 'DOCUMENT', 'root', 'owner', ?3, ?3, NULL, 'LIVE', ?4,
             1, 0, 1763900000000, 1763900000000, NULL, NULL, 'bench')",
        params![ORGANIZATION, document, name, version],
    )?;
    run(
        database,
        "INSERT INTO version VALUES (?1, ?2, ?3, 0, 'INITIALIZED', ?4, 'application/octet-stream',
             'AKIABENCHBENCHBENCH0', NULL, 4096, 4096, 1763900000000, 1763900000000, NULL, NULL,
             1764000000000, NULL, 0)",
        params![ORGANIZATION, document, version, name],
    )?;
    keep_answer(database, document, &answer)
}

fn receive(database: &Connection, ids: &Ids) -> rusqlite::Result<()> {
    let Ids { document, version, blob } = ids;
    run(
        database,
        "UPDATE version SET blob_id = ?1, charged_bytes = 4096
          WHERE organization_id = ?2 AND document_id = ?3 AND id = ?4",
        params![blob, ORGANIZATION, document, version],
    )?;
    run(
        database,
        "INSERT INTO blob VALUES (?1, ?2, 'local', 4096, ?3, ?4, 1763900000000)",
        params![ORGANIZATION, blob, blob, document],
    )
}

fn activate(database: &Connection, ids: &Ids) -> rusqlite::Result<()> {
    let Ids { document, version, .. } = ids;
    let name = format!("{version}.bin");
    run(
        database,
        "UPDATE resource SET live_name_key = ?1, name_key = ?1, name = ?1, latest_version_id = ?2,
                next_ordinal = next_ordinal + 1, modified_ms = 1763900000001
          WHERE organization_id = ?3 AND id = ?4",
        params![name, version, ORGANIZATION, document],
    )?;
    run(
        database,
        "UPDATE version SET status = 'ACTIVE', modified_ms = 1763900000001, expires_ms = NULL,
                ordinal = 1
          WHERE organization_id = ?1 AND document_id = ?2 AND id = ?3",
        params![ORGANIZATION, document, version],
    )?;
    run(
        database,
        "UPDATE resource SET modified_ms = modified_ms + 1
          WHERE organization_id = ?1 AND id = 'root'",
        params![ORGANIZATION],
    )?;
    keep_answer(database, version, "null")
}

fn keep_answer(database: &Connection, of: &str, answer: &str) -> rusqlite::Result<()> {
    let key = hex::encode(Sha256::digest(of));
    run(
        database,
        "INSERT INTO answer VALUES (?1, ?2, ?3, 1763900000000)",
        params![ORGANIZATION, key, answer],
    )
}

fn run(
    database: &Connection,
    statement: &str,
    arguments: &[&dyn rusqlite::ToSql],
) -> rusqlite::Result<()> {
    database.prepare_cached(statement)?.execute(arguments).map(drop)
}
