//! How many look through much at the same time, and that nobody else waits for them.

use docharbor_site::Error;
use futures::future::{join_all, select_all};

use crate::search::words;
use crate::support::{Engine, TestSite};

/// Searches that wait in the database for the table that is held.
const WAITING: &str = "
    SELECT COUNT(*) FROM pg_locks
     WHERE relation = 'search_entry'::regclass AND NOT granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

#[tokio::test]
async fn two_search_at_once_and_leave_the_database_to_others() {
    let test = TestSite::on(Engine::Postgres).await;
    let (holder, watcher) = (test.connection().await, test.connection().await);
    holder.batch_execute("BEGIN; LOCK TABLE search_entry IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let searches = (0..6).map(|_| {
        let (site, call) = (test.site.clone(), test.call.clone());
        tokio::spawn(async move { site.search(&call, words("harbour")).await })
    });
    let mut first = select_all(searches);
    let mut at_once = 0;
    let (answer, _, others) = loop {
        tokio::select! {
            ended = &mut first => break ended,
            waiting = watcher.query_one(WAITING, &[]) => {
                at_once = at_once.max(waiting.unwrap().get::<_, i64>(0));
                test.site.folder(&test.call, test.root()).await.unwrap();
            }
        }
    };
    assert_eq!(at_once, 2);
    holder.batch_execute("ROLLBACK").await.unwrap();
    let others = join_all(others).await;
    // Who got no turn, or not the table, is told to come again.
    for answer in others.into_iter().chain([answer]) {
        assert!(matches!(answer.unwrap(), Ok(_) | Err(Error::Store(_))));
    }
}
