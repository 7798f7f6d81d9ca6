//! What both engines must do, told once and run on each; beside it what only one of them does.

mod postgres;
mod sqlite;

use std::sync::mpsc;
use std::time::Duration;

use docharbor_testkit::postgres::Cluster;
use tempfile::TempDir;

use super::{Inserted, Metadata, Options, StoreError, Tx};
use crate::value::Value;

const CREATE: &str = "CREATE TABLE probe (id TEXT NOT NULL PRIMARY KEY, number BIGINT NOT NULL)";
const INSERT: &str = "INSERT INTO probe (id, number) VALUES ($1, $2)";
const IDS: &str = "SELECT id FROM probe ORDER BY id";

/// A database with a table to work on.
struct Place {
    metadata: Metadata,
    home: Home,
}

enum Home {
    Sqlite(TempDir),
    Postgres(String),
}

impl Place {
    async fn on_sqlite() -> Self {
        Self::with_table(Home::Sqlite(TempDir::new().unwrap())).await
    }

    async fn on_postgres() -> Self {
        Self::on(Cluster::shared()).await
    }

    async fn on(cluster: &Cluster) -> Self {
        Self::with_table(Home::Postgres(cluster.fresh_database())).await
    }

    async fn with_table(home: Home) -> Self {
        let metadata = home.open().await.unwrap();
        metadata
            .write((), |tx, ()| Box::pin(async { tx.execute(CREATE, &[]).await }))
            .await
            .map_err(|e: StoreError| e)
            .unwrap();
        Self { metadata, home }
    }

    /// Closes the database and opens it again, as a restart does.
    async fn reopened(self) -> Self {
        self.metadata.close().await.unwrap();
        let metadata = self.home.open().await.unwrap();
        Self { metadata, home: self.home }
    }

    async fn insert(&self, id: &str) -> Result<(), StoreError> {
        insert(&self.metadata, id).await
    }

    async fn ids(&self) -> Vec<String> {
        self.metadata.read((), |tx, ()| Box::pin(ids(tx))).await.unwrap()
    }
}

impl Home {
    async fn open(&self) -> Result<Metadata, StoreError> {
        match self {
            Self::Sqlite(directory) => {
                Metadata::open_sqlite(&directory.path().join("meta.db"), Options::default())
            }
            Self::Postgres(url) => Metadata::open_postgres(url).await,
        }
    }
}

async fn insert(metadata: &Metadata, id: &str) -> Result<(), StoreError> {
    metadata.write(id.to_owned(), |tx, id| Box::pin(insert_one(tx, id))).await
}

async fn insert_one(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    tx.execute(INSERT, &[id.into(), 1.into()]).await.map(drop)
}

async fn ids(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    tx.rows(IDS, &[]).await?.iter().map(|row| Ok(row.text(0)?.to_owned())).collect()
}

fn refused() -> StoreError {
    StoreError::Internal("refused by the story".to_owned())
}

/// Runs each story on both engines.
macro_rules! conformance {
    ($($story:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $story() {
                super::$story(super::Place::on_sqlite().await).await;
            })*
        }

        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $story() {
                super::$story(super::Place::on_postgres().await).await;
            })*
        }
    };
}

conformance! {
    what_is_answered_is_there_after_reopening
    an_error_undoes_only_its_own_operation
    a_panic_undoes_only_its_own_operation
    an_error_that_was_swallowed_is_not_committed
    a_duplicate_leaves_the_transaction_usable
    one_of_many_wins_the_race_for_a_key
    a_missing_value_is_a_fault_and_no_duplicate
    arguments_may_repeat_and_be_absent
    arguments_that_do_not_fit_are_a_fault
    numbers_and_truths_are_rows_alike
    a_read_sees_one_state
    a_read_cannot_write
    a_caller_who_goes_away_leaves_no_half_change
    statements_are_counted
    a_store_that_is_closed_refuses
    a_newer_schema_is_refused
    the_store_answers_and_is_sound
}

async fn what_is_answered_is_there_after_reopening(place: Place) {
    place.insert("a").await.unwrap();
    let place = place.reopened().await;
    place.insert("b").await.unwrap();
    assert_eq!(place.reopened().await.ids().await, ["a", "b"]);
}

async fn an_error_undoes_only_its_own_operation(place: Place) {
    let refuse = place.metadata.write((), |tx, ()| {
        Box::pin(async {
            insert_one(tx, "b").await?;
            Err::<(), _>(refused())
        })
    });
    let (before, refuse, after) = tokio::join!(place.insert("a"), refuse, place.insert("c"));
    before.unwrap();
    assert!(refuse.unwrap_err().to_string().contains("refused by the story"));
    after.unwrap();
    assert_eq!(place.ids().await, ["a", "c"]);
}

async fn a_panic_undoes_only_its_own_operation(place: Place) {
    async fn insert_and_panic(tx: &mut Tx) -> Result<(), StoreError> {
        insert_one(tx, "b").await?;
        panic!("the story's panic");
    }
    let panic = place.metadata.write((), |tx, ()| Box::pin(insert_and_panic(tx)));
    let (before, panic, after) = tokio::join!(place.insert("a"), panic, place.insert("c"));
    before.unwrap();
    assert!(matches!(panic, Err(StoreError::Internal(_))), "{panic:?}");
    after.unwrap();
    assert_eq!(place.ids().await, ["a", "c"]);
}

async fn an_error_that_was_swallowed_is_not_committed(place: Place) {
    let swallowed = place.metadata.write((), |tx, ()| {
        Box::pin(async {
            insert_one(tx, "a").await?;
            drop(insert_one(tx, "a").await);
            Ok::<_, StoreError>(())
        })
    });
    assert!(matches!(swallowed.await, Err(StoreError::Internal(_))));
    assert!(place.ids().await.is_empty());
    place.insert("b").await.unwrap();
}

async fn a_duplicate_leaves_the_transaction_usable(place: Place) {
    place.insert("a").await.unwrap();
    let inserted = place.metadata.write((), |tx, ()| {
        Box::pin(async {
            let again = tx.insert_unique(INSERT, &["a".into(), 2.into()]).await?;
            let new = tx.insert_unique(INSERT, &["b".into(), 2.into()]).await?;
            insert_one(tx, "c").await?;
            Ok::<_, StoreError>((again, new))
        })
    });
    assert_eq!(inserted.await.unwrap(), (Inserted::Duplicate, Inserted::Yes));
    assert_eq!(place.ids().await, ["a", "b", "c"]);
}

async fn one_of_many_wins_the_race_for_a_key(place: Place) {
    let racers: Vec<_> = (0..32)
        .map(|_| {
            let metadata = place.metadata.clone();
            tokio::spawn(async move {
                metadata
                    .write((), |tx, ()| {
                        Box::pin(async { tx.insert_unique(INSERT, &["a".into(), 1.into()]).await })
                    })
                    .await
                    .map_err(|e: StoreError| e)
            })
        })
        .collect();
    let mut winners = 0;
    for racer in racers {
        winners += usize::from(racer.await.unwrap().unwrap() == Inserted::Yes);
    }
    assert_eq!(winners, 1);
}

async fn a_missing_value_is_a_fault_and_no_duplicate(place: Place) {
    let inserted = place.metadata.write((), |tx, ()| {
        Box::pin(async { tx.insert_unique(INSERT, &["a".into(), Value::NullInt]).await })
    });
    assert!(matches!(inserted.await, Err(StoreError::Internal(_))));
    assert!(place.ids().await.is_empty());
}

async fn arguments_may_repeat_and_be_absent(place: Place) {
    const REPEATED: &str = "
        SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), CAST($1 AS TEXT), CAST($3 AS TEXT),
               CAST($4 AS BIGINT), CAST($2 AS BIGINT)";
    let row = place.metadata.read((), |tx, ()| {
        Box::pin(async {
            let args = ["a".into(), 7.into(), Value::NullText, Value::NullInt];
            tx.row(REPEATED, &args).await
        })
    });
    let row = row.await.map_err(|e: StoreError| e).unwrap().unwrap();
    assert_eq!((row.text(0).unwrap(), row.text(2).unwrap()), ("a", "a"));
    assert_eq!((row.int(1).unwrap(), row.int(5).unwrap()), (7, 7));
    assert_eq!((row.text_opt(3).unwrap(), row.int_opt(4).unwrap()), (None, None));
}

async fn arguments_that_do_not_fit_are_a_fault(place: Place) {
    for args in [vec![], vec!["a".into()], vec!["a".into(), 1.into(), 1.into()]] {
        let wrong = place
            .metadata
            .write(args, |tx, args| Box::pin(async { tx.execute(INSERT, args).await }));
        assert!(matches!(wrong.await, Err(StoreError::Internal(_))));
    }
    place.insert("a").await.unwrap();
}

async fn numbers_and_truths_are_rows_alike(place: Place) {
    const COUNTS: &str = "
        SELECT COUNT(*), EXISTS (SELECT 1 FROM probe WHERE id = $1),
               CAST(SUM(number) AS BIGINT), 1 FROM probe";
    place.insert("a").await.unwrap();
    let row = place
        .metadata
        .read((), |tx, ()| Box::pin(async { tx.row(COUNTS, &["a".into()]).await }))
        .await
        .map_err(|e: StoreError| e)
        .unwrap()
        .unwrap();
    assert_eq!((row.int(0).unwrap(), row.bool(1).unwrap()), (1, true));
    assert_eq!((row.int(2).unwrap(), row.int(3).unwrap()), (1, 1));
}

// The operation blocks its thread rather than await: SQLite lets nothing else be awaited.
async fn a_read_sees_one_state(place: Place) {
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (written, has_written) = mpsc::channel();
    let channels = std::sync::Mutex::new((Some(begun), has_written));
    let seen = place.metadata.read(channels, |tx, channels| {
        Box::pin(async move {
            let before = ids(tx).await?;
            {
                let mut channels = channels.lock().unwrap();
                channels.0.take().unwrap().send(()).unwrap();
                channels.1.recv().unwrap();
            }
            Ok::<_, StoreError>((before, ids(tx).await?))
        })
    });
    let write = async {
        has_begun.await.unwrap();
        place.insert("a").await.unwrap();
        written.send(()).unwrap();
    };
    let (seen, ()) = tokio::join!(seen, write);
    let (before, after) = seen.unwrap();
    assert_eq!(before, after);
    assert_eq!(place.ids().await, ["a"]);
}

async fn a_read_cannot_write(place: Place) {
    let write = place.metadata.read((), |tx, ()| Box::pin(insert_one(tx, "a"))).await;
    assert!(write.is_err());
    assert!(place.ids().await.is_empty());
}

async fn a_caller_who_goes_away_leaves_no_half_change(place: Place) {
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (gone, is_gone) = mpsc::channel();
    let channels = std::sync::Mutex::new((Some(begun), is_gone));
    let metadata = place.metadata.clone();
    let caller = tokio::spawn(async move {
        metadata
            .write(channels, |tx, channels| {
                Box::pin(async move {
                    insert_one(tx, "a").await?;
                    {
                        let mut channels = channels.lock().unwrap();
                        channels.0.take().unwrap().send(()).unwrap();
                        channels.1.recv().unwrap();
                    }
                    insert_one(tx, "b").await
                })
            })
            .await
    });
    has_begun.await.unwrap();
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    gone.send(()).unwrap();
    eventually(async || place.ids().await == ["a", "b"]).await;
}

async fn statements_are_counted(place: Place) {
    let before = place.metadata.statements();
    place.insert("a").await.unwrap();
    place.ids().await;
    assert_eq!(place.metadata.statements() - before, 2);
}

async fn a_store_that_is_closed_refuses(place: Place) {
    place.insert("a").await.unwrap();
    place.metadata.close().await.unwrap();
    assert!(matches!(place.insert("b").await, Err(StoreError::Unavailable(_))));
    assert!(matches!(place.metadata.ping().await, Err(StoreError::Unavailable(_))));
}

async fn a_newer_schema_is_refused(place: Place) {
    const FUTURE: &str = "
        INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
        VALUES ($1, $2, $3, $4)";
    place
        .metadata
        .write((), |tx, ()| {
            Box::pin(async {
                let args = [999.into(), "future".into(), "2030-01-01T00:00:00Z".into(), "1".into()];
                tx.execute(FUTURE, &args).await
            })
        })
        .await
        .map_err(|e: StoreError| e)
        .unwrap();
    place.metadata.close().await.unwrap();
    let refusal = place.home.open().await.err().unwrap();
    assert!(matches!(refusal, StoreError::NewerSchema { found: 999, .. }), "{refusal:?}");
    assert!(refusal.to_string().contains("newer DocHarbor"), "{refusal}");
}

async fn the_store_answers_and_is_sound(place: Place) {
    place.metadata.ping().await.unwrap();
    assert_eq!(place.metadata.integrity_check().await.unwrap(), Vec::<String>::new());
}

/// Waits until something holds, for at most 10 s.
async fn eventually(holds: impl AsyncFn() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("it never came to hold");
}
