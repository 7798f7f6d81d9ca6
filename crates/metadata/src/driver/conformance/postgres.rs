//! What only PostgreSQL does: rows others hold, deadlocks, a server that goes away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use docharbor_testkit::postgres::Cluster;
use tokio::sync::Barrier;
use tokio_postgres::NoTls;

use super::{Home, Place, eventually, insert_one};
use crate::driver::{Lock, Metadata, StoreError, Tx};

const SELECT: &str = "SELECT number FROM probe WHERE id = $1";
const UPDATE: &str = "UPDATE probe SET number = number + 1 WHERE id = $1";

/// Every answer comes within this, whatever the server does.
const ANSWER_MAX: Duration = Duration::from_secs(10);

impl Place {
    fn url(&self) -> &str {
        match &self.home {
            Home::Postgres(url) => url,
            Home::Sqlite(_) => unreachable!("these stories are PostgreSQL's"),
        }
    }

    /// A connection that is not the store's.
    async fn other(&self) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(self.url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    async fn insert_in_time(&self, id: &str) -> Result<(), StoreError> {
        tokio::time::timeout(ANSWER_MAX, self.insert(id)).await.expect("no answer within 10 s")
    }

    async fn read_in_time(&self) -> Result<Vec<String>, StoreError> {
        let read = self.metadata.read((), |tx, ()| Box::pin(super::ids(tx)));
        tokio::time::timeout(ANSWER_MAX, read).await.expect("no answer within 10 s")
    }
}

#[tokio::test]
async fn a_row_that_is_held_is_waited_for_and_then_reported() {
    let place = Place::on_postgres().await;
    place.insert("a").await.unwrap();
    let other = place.other().await;
    other.batch_execute("BEGIN; SELECT 1 FROM probe WHERE id = 'a' FOR UPDATE").await.unwrap();
    for lock in [Lock::Update, Lock::NoKeyUpdate] {
        let before = place.metadata.statements();
        let held = place.metadata.write(lock, |tx, lock| {
            Box::pin(async move { tx.row_locked(*lock, SELECT, &["a".into()]).await.map(drop) })
        });
        assert!(matches!(held.await, Err(StoreError::LockTimeout)));
        assert_eq!(place.metadata.statements() - before, 1, "it was tried again");
    }
    other.batch_execute("ROLLBACK").await.unwrap();
    let free = place.metadata.write((), |tx, ()| {
        Box::pin(async { tx.row_locked(Lock::Update, SELECT, &["a".into()]).await })
    });
    assert_eq!(free.await.unwrap().unwrap().int(0).unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn both_sides_of_a_deadlock_succeed() {
    struct Pair {
        ids: [&'static str; 2],
        met: Arc<Barrier>,
        ran: AtomicBool,
    }
    async fn update_both(tx: &mut Tx, pair: &Pair) -> Result<(), StoreError> {
        tx.execute(UPDATE, &[pair.ids[0].into()]).await?;
        if !pair.ran.swap(true, Ordering::Relaxed) {
            pair.met.wait().await;
        }
        tx.execute(UPDATE, &[pair.ids[1].into()]).await.map(drop)
    }
    let place = Place::on_postgres().await;
    place.insert("a").await.unwrap();
    place.insert("b").await.unwrap();
    let met = Arc::new(Barrier::new(2));
    let update = |ids| {
        let pair = Pair { ids, met: Arc::clone(&met), ran: AtomicBool::new(false) };
        let metadata = place.metadata.clone();
        tokio::spawn(async move {
            metadata.write(pair, |tx, pair| Box::pin(update_both(tx, pair))).await
        })
    };
    let (one, two) = (update(["a", "b"]), update(["b", "a"]));
    one.await.unwrap().unwrap();
    two.await.unwrap().unwrap();
    let sum = "SELECT CAST(SUM(number) AS BIGINT) FROM probe";
    let sum: i64 = place.other().await.query_one(sum, &[]).await.unwrap().get(0);
    assert_eq!(sum, 6);
}

#[tokio::test]
async fn a_panic_leaves_no_transaction_open() {
    const OPEN: &str = "
        SELECT COUNT(*) FROM pg_stat_activity
         WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    async fn insert_and_panic(tx: &mut Tx) -> Result<(), StoreError> {
        insert_one(tx, "a").await?;
        panic!("the story's panic");
    }
    let place = Place::on_postgres().await;
    for _ in 0..20 {
        let panic = place.metadata.write((), |tx, ()| Box::pin(insert_and_panic(tx))).await;
        assert!(matches!(panic, Err(StoreError::Internal(_))), "{panic:?}");
    }
    let other = place.other().await;
    eventually(async || other.query_one(OPEN, &[]).await.unwrap().get::<_, i64>(0) == 0).await;
    place.insert("a").await.unwrap();
}

#[tokio::test]
async fn nodes_that_start_at_once_take_turns() {
    let url = Cluster::shared().fresh_database();
    let nodes: Vec<_> = (0..6)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { Metadata::open_postgres(&url).await })
        })
        .collect();
    for node in nodes {
        node.await.unwrap().unwrap().ping().await.unwrap();
    }
}

#[tokio::test]
async fn sessions_have_their_limits() {
    const SETTINGS: &str = "
        SELECT current_setting('statement_timeout') || ' ' || current_setting('lock_timeout')
            || ' ' || current_setting('idle_in_transaction_session_timeout')
            || ' ' || current_setting('synchronous_commit')";
    let place = Place::on_postgres().await;
    let settings = place
        .metadata
        .read((), |tx, ()| Box::pin(async { tx.row(SETTINGS, &[]).await }))
        .await
        .map_err(|e: StoreError| e)
        .unwrap()
        .unwrap();
    assert_eq!(settings.text(0).unwrap(), "8s 2s 10s on");
}

#[tokio::test]
async fn a_server_that_is_killed_is_missed_in_time_and_found_again() {
    let cluster = Cluster::start();
    let place = Place::on(&cluster).await;
    place.insert("a").await.unwrap();
    cluster.kill();
    assert!(matches!(place.insert_in_time("b").await, Err(StoreError::Unavailable(_))));
    assert!(matches!(place.read_in_time().await, Err(StoreError::Unavailable(_))));
    cluster.restart();
    place.insert_in_time("c").await.unwrap();
    assert_eq!(place.read_in_time().await.unwrap(), ["a", "c"]);
}

#[tokio::test]
async fn a_server_that_stops_answering_is_missed_in_time_and_found_again() {
    let cluster = Cluster::start();
    let place = Place::on(&cluster).await;
    place.insert("a").await.unwrap();
    let frozen = cluster.freeze();
    let (write, read) = tokio::join!(place.insert_in_time("b"), place.read_in_time());
    assert!(matches!(write, Err(StoreError::Unavailable(_))), "{write:?}");
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    drop(frozen);
    place.insert_in_time("c").await.unwrap();
    assert_eq!(place.read_in_time().await.unwrap(), ["a", "c"]);
}
