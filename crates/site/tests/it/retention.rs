//! What time makes of what was recycled, told by a clock that the test moves.

use docharbor_domain::{FolderId, Refusal};
use docharbor_site::{JobsDone, Settings};
use futures::future::try_join_all;

use crate::support::{
    Actor, Draft, Engine, Target, TestSite, assert_refused, is_hidden, new_user, on_both_engines,
};

on_both_engines! {
    a_recycled_item_is_its_owners_then_the_administrators_then_gone,
    deleted_versions_go_the_same_way,
    what_came_back_begins_anew,
    a_user_who_empties_the_bin_leaves_the_recovery_bin_alone,
    deleting_a_user_waits_for_no_retention,
    a_huge_bin_goes_in_steps_that_may_be_cut_off,
}

const DAY_MS: i64 = 24 * 3_600_000;

/// Moves the clock on, and lets the jobs do what that brings.
async fn days(test: &TestSite, days: i64) -> JobsDone {
    test.advance(days * DAY_MS);
    test.site.run_jobs_once().await.unwrap()
}

/// A folder with a document, both ann's.
async fn stand(test: &TestSite) -> (FolderId, Draft) {
    let folder = test.folder_in(&test.root(), "folder").await.unwrap().id;
    let document = test.upload(&folder, "document", b"12345").await.unwrap();
    (folder, document)
}

async fn sees(actor: &Actor, folder: &FolderId, draft: &Draft) -> bool {
    let folder = !is_hidden(&actor.site.folder(&actor.call, folder.clone()).await);
    assert_eq!(folder, !is_hidden(&actor.download(draft).await));
    folder
}

async fn a_recycled_item_is_its_owners_then_the_administrators_then_gone(test: TestSite) {
    let (folder, document) = stand(&test).await;
    let ann = test.as_user(&test.ann);
    test.recycle(&folder).await.unwrap();
    days(&test, 29).await;
    assert!(sees(&ann, &folder, &document).await);
    test.advance(DAY_MS - 1);
    test.site.run_jobs_once().await.unwrap();
    assert!(sees(&ann, &folder, &document).await);
    test.advance(1);
    test.site.run_jobs_once().await.unwrap();
    assert!(!sees(&ann, &folder, &document).await, "day 30");
    assert!(sees(&test, &folder, &document).await);
    days(&test, 1).await;
    for hidden in [ann.restore(&folder, None).await, ann.delete_folder(&folder).await] {
        assert!(is_hidden(&hidden));
    }
    assert_eq!(test.used_bytes().await, 5, "what can come back is still charged");
    // An administrator brings it back, and it is the owner's again.
    test.restore(&folder, None).await.unwrap();
    assert!(sees(&ann, &folder, &document).await);
    test.recycle(&folder).await.unwrap();
    days(&test, 89).await;
    assert!(sees(&test, &folder, &document).await && !sees(&ann, &folder, &document).await);
    test.advance(DAY_MS - 1);
    assert_eq!(test.site.run_jobs_once().await.unwrap().retention_ended, 0);
    test.advance(1);
    let done = test.site.run_jobs_once().await.unwrap();
    assert_eq!((done.retention_ended, done.items_purged), (1, 2), "day 90");
    assert!(!sees(&test, &folder, &document).await);
    assert_eq!((test.used_bytes().await, test.files().await), (0, 1));
    test.advance(test.site.settings().garbage_grace_ms - 1);
    assert_eq!(test.site.run_jobs_once().await.unwrap().blobs_removed, 0);
    test.advance(1);
    assert_eq!(test.site.run_jobs_once().await.unwrap().blobs_removed, 1);
    assert_eq!(test.files().await, 0);
    test.assert_settles().await;
}

async fn deleted_versions_go_the_same_way(test: TestSite) {
    let (_, first) = stand(&test).await;
    let document = &first.document;
    let second = test.upload_version(document, b"second").await.unwrap();
    test.delete_version(&first, false).await.unwrap();
    let ann = test.as_user(&test.ann);
    days(&test, 29).await;
    ann.restore_versions(document).await.unwrap();
    test.delete_version(&first, false).await.unwrap();
    days(&test, 30).await;
    assert_refused!(ann.restore_versions(document).await, Refusal::InvalidOperation(_));
    test.restore_versions(document).await.unwrap();
    assert_eq!(test.download(&first).await.unwrap(), b"12345");
    test.delete_version(&first, false).await.unwrap();
    days(&test, 45).await;
    let third = test.upload_version(document, b"third").await.unwrap();
    test.delete_version(&third, false).await.unwrap();
    assert_eq!(days(&test, 44).await.retention_ended, 0);
    assert_eq!(test.used_bytes().await, 16);
    assert_eq!(days(&test, 1).await.retention_ended, 1);
    assert_eq!(test.used_bytes().await, 11);
    test.restore_versions(document).await.unwrap();
    assert_eq!(test.download(&third).await.unwrap(), b"third");
    assert_eq!(test.download(&second).await.unwrap(), b"second");
    assert_refused!(test.download(&first).await, Refusal::NotFound { .. });
    test.assert_settles().await;
    assert_eq!(test.files().await, 2);
}

async fn what_came_back_begins_anew(test: TestSite) {
    let (folder, document) = stand(&test).await;
    let ann = test.as_user(&test.ann);
    test.recycle(&folder).await.unwrap();
    days(&test, 29).await;
    ann.restore(&folder, None).await.unwrap();
    days(&test, 100).await;
    assert!(sees(&ann, &folder, &document).await);
    ann.recycle(&folder).await.unwrap();
    days(&test, 29).await;
    assert!(sees(&ann, &folder, &document).await);
    // A clock that is set back brings nothing to an end.
    test.advance(-60 * DAY_MS);
    test.site.run_jobs_once().await.unwrap();
    assert!(sees(&ann, &folder, &document).await);
    test.assert_settles().await;
}

async fn a_user_who_empties_the_bin_leaves_the_recovery_bin_alone(test: TestSite) {
    let bin = test.ann.recycle_bin.clone();
    let (folder, document) = stand(&test).await;
    test.recycle(&folder).await.unwrap();
    days(&test, 30).await;
    let ann = test.as_user(&test.ann);
    let recent = test.folder_in(&test.root(), "recent").await.unwrap().id;
    ann.recycle(&recent).await.unwrap();
    ann.site.delete_folder_contents(&ann.call, bin.clone()).await.unwrap();
    assert_eq!(test.items_in(&bin).await, 1);
    assert!(is_hidden(&test.restore(&recent, None).await));
    assert!(sees(&test, &folder, &document).await);
    test.site.delete_folder_contents(&test.call, bin.clone()).await.unwrap();
    assert!(!sees(&test, &folder, &document).await);
    test.assert_settles().await;
    assert_eq!(test.used_bytes().await, 0);
}

async fn deleting_a_user_waits_for_no_retention(test: TestSite) {
    let before = test.rows().await;
    let bob = test.site.create_user(&test.call, new_user("bob")).await.unwrap();
    let folder = test.folder_in(&bob.root_folder, "folder").await.unwrap().id;
    let document = test.upload(&folder, "document", b"12345").await.unwrap();
    let second = test.upload_version(&document.document, b"123").await.unwrap();
    test.delete_version(&document, false).await.unwrap();
    test.recycle(&folder).await.unwrap();
    days(&test, 40).await;
    test.site.delete_user(&test.call, bob.id.clone()).await.unwrap();
    assert!(!sees(&test, &folder, &second).await);
    test.site.run_jobs_once().await.unwrap();
    assert_eq!(test.rows().await[0], before[0]);
    test.assert_settles().await;
    assert_eq!(test.rows().await, before);
    assert_eq!(test.files().await, 0);
}

async fn a_huge_bin_goes_in_steps_that_may_be_cut_off(test: TestSite) {
    const ITEMS: usize = 350;
    let names: Vec<String> = (0..ITEMS).map(|number| format!("folder {number}")).collect();
    let root = test.root();
    for some in names.chunks(50) {
        let made = try_join_all(some.iter().map(|name| test.folder_in(&root, name))).await;
        let made: Vec<Target> = made.unwrap().iter().map(|made| (&made.id).into()).collect();
        try_join_all(made.iter().map(|target| test.recycle(target))).await.unwrap();
    }
    let bin = test.ann.recycle_bin.clone();
    let commits = test.metadata.commits();
    days(&test, 30).await;
    let steps = test.metadata.commits() - commits;
    assert!((4..20).contains(&steps), "{steps} steps to the recovery bin");
    assert_eq!(test.items_in(&bin).await, 350);

    test.advance(60 * DAY_MS);
    let steps = test.metadata.commits() + 150;
    let mut jobs = Box::pin(test.site.run_jobs_once());
    while test.metadata.commits() < steps {
        tokio::select! {
            biased;
            done = &mut jobs => panic!("done at once: {done:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    drop(jobs);
    let test = test.restarted().await;
    test.assert_sound().await;
    let left = test.items_in(&bin).await;
    assert!(0 < left && left < 350, "{left} items are left");
    let done = test.site.run_jobs_once().await.unwrap();
    assert_eq!(i64::try_from(done.retention_ended), Ok(left));
    assert_eq!(test.items_in(&bin).await, 0);
    test.assert_settles().await;
    assert_eq!(test.number("SELECT COUNT(*) FROM resource").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_recovery_bin_what_leaves_the_recycle_bin_is_gone() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let settings = Settings { recovery_bin_retention_ms: 0, ..Settings::default() };
        let test = TestSite::with(engine, settings).await;
        let (folder, document) = stand(&test).await;
        let second = test.upload_version(&document.document, b"second").await.unwrap();
        test.delete_version(&second, false).await.unwrap();
        test.recycle(&folder).await.unwrap();
        assert_eq!(days(&test, 29).await.retention_ended, 0);
        assert!(sees(&test, &folder, &document).await);
        assert!(days(&test, 1).await.retention_ended >= 1);
        assert!(!sees(&test, &folder, &document).await);
        test.assert_settles().await;
        assert_eq!(test.used_bytes().await, 0);
        assert_eq!(test.files().await, 0);
    }
}
