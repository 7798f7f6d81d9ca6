//! Calls that meet: one effect wins whole, the others are told, and nothing is left over.

use docharbor_domain::{Refusal, UserType};
use docharbor_site::{Error, NewUser};
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::support::{Draft, Engine, TestSite, new_user, on_both_engines, together, won};

on_both_engines! {
    parallel_uploads_into_the_last_bytes_never_exceed_the_quota,
    of_activations_and_an_abort_one_wins,
    a_transfer_that_meets_an_abort_leaks_nothing,
    of_two_transfers_one_whole_content_wins,
    a_transfer_that_meets_an_activation_changes_no_active_version,
    what_is_put_into_a_folder_being_deleted_goes_with_it_or_is_refused,
    of_items_with_one_name_one_wins,
    a_deletion_and_an_activation_leave_nothing_half_done,
    a_deletion_and_transfers_leave_nothing_half_done,
    a_user_being_deleted_takes_uploads_along_or_they_are_refused,
    attempts_at_one_call_have_one_effect,
    deletions_of_one_tree_at_several_levels_all_end,
    of_the_last_administrators_one_stays,
}

/// How often a race is run: enough that the tasks meet in several ways.
const ROUNDS: usize = 6;

/// Something done to a site, and whether it was.
type Act = BoxFuture<'static, bool>;

fn activation(test: &TestSite, draft: &Draft) -> Act {
    let (actor, draft) = (test.actor(), draft.clone());
    async move { won(&actor.activate(&draft).await) }.boxed()
}

fn abortion(test: &TestSite, draft: &Draft) -> Act {
    let (actor, draft) = (test.actor(), draft.clone());
    async move { won(&actor.abort(&draft).await) }.boxed()
}

fn transfer(test: &TestSite, draft: &Draft, bytes: &'static str) -> Act {
    let (actor, draft) = (test.actor(), draft.clone());
    async move { won(&actor.put(&draft, bytes).await) }.boxed()
}

fn deletion(test: &TestSite, draft: &Draft) -> Act {
    let (actor, id) = (test.actor(), draft.document.clone());
    async move { won(&actor.delete_document(&id).await) }.boxed()
}

async fn exists(test: &TestSite, draft: &Draft) -> bool {
    won(&test.site.document(&test.call, draft.document.clone()).await)
}

async fn parallel_uploads_into_the_last_bytes_never_exceed_the_quota(test: TestSite) {
    const QUOTA: i64 = 100;
    const EACH: &str = "exactly 20 bytes.   ";
    for declared in [Some(20), None] {
        test.allow_bytes(&test.ann.id, test.used_bytes().await + QUOTA).await;
        let begin = |number: usize| -> BoxFuture<'static, bool> {
            let (actor, root) = (test.actor(), test.root());
            async move {
                let name = format!("{declared:?} {number}");
                let uploaded = async {
                    let draft = actor.begin(&root, &name, declared).await?;
                    actor.put(&draft, EACH).await?;
                    actor.activate(&draft).await
                };
                match uploaded.await {
                    Ok(()) => true,
                    Err(Error::Refused(Refusal::StorageExceeded | Refusal::StorageWillExceed)) => {
                        false
                    }
                    Err(error) => panic!("{}", docharbor_site::chain(&error)),
                }
            }
            .boxed()
        };
        let before = test.used_bytes().await;
        let results = together((0..16).map(begin).collect()).await;
        assert_eq!(results.iter().filter(|stored| **stored).count(), 5, "{declared:?}");
        assert_eq!(test.used_bytes().await, before + QUOTA, "{declared:?}");
    }
    test.assert_settles().await;
}

async fn of_activations_and_an_abort_one_wins(test: TestSite) {
    for round in 0..ROUNDS {
        let draft = test.begin(&test.root(), &format!("{round}"), Some(5)).await.unwrap();
        test.put(&draft, "bytes").await.unwrap();
        let acts = [activation(&test, &draft), abortion(&test, &draft), activation(&test, &draft)];
        let results = together(acts.into()).await;
        let activated = results[0] || results[2];
        assert_ne!(activated, results[1], "{results:?}");
        assert_eq!(exists(&test, &draft).await, activated);
        if activated {
            assert_eq!(test.download(&draft).await.unwrap(), b"bytes");
        }
    }
    test.assert_settles().await;
}

async fn a_transfer_that_meets_an_abort_leaks_nothing(test: TestSite) {
    let document = test.upload(&test.root(), "document", b"first").await.unwrap();
    for _ in 0..ROUNDS {
        let draft = test.begin_version(&document.document, None).await.unwrap();
        let acts = [transfer(&test, &draft, "second"), abortion(&test, &draft)];
        let results = together(acts.into()).await;
        // An abort that met the transfer while it was attached may be made again.
        assert!(results[1] || won(&test.abort(&draft).await));
        assert_eq!(test.used_bytes().await, 5);
    }
    test.assert_settles().await;
    assert_eq!(test.files().await, 1);
}

async fn of_two_transfers_one_whole_content_wins(test: TestSite) {
    for round in 0..ROUNDS {
        let draft = test.begin(&test.root(), &format!("{round}"), None).await.unwrap();
        let acts = [transfer(&test, &draft, "aaaaaaaa"), transfer(&test, &draft, "bbb")];
        assert_eq!(together(acts.into()).await, [true, true]);
        test.activate(&draft).await.unwrap();
        let content = test.download(&draft).await.unwrap();
        assert!(content == b"aaaaaaaa" || content == b"bbb", "{content:?}");
    }
    test.assert_settles().await;
    assert_eq!(test.files().await, ROUNDS);
}

async fn a_transfer_that_meets_an_activation_changes_no_active_version(test: TestSite) {
    for round in 0..ROUNDS {
        let draft = test.begin(&test.root(), &format!("{round}"), None).await.unwrap();
        test.put(&draft, "first").await.unwrap();
        let acts = [transfer(&test, &draft, "the second"), activation(&test, &draft)];
        let results = together(acts.into()).await;
        assert!(results[1]);
        let expected: &[u8] = if results[0] { b"the second" } else { b"first" };
        assert_eq!(test.download(&draft).await.unwrap(), expected);
        assert!(!won(&test.put(&draft, "third").await));
        assert_eq!(test.download(&draft).await.unwrap(), expected);
    }
    test.assert_settles().await;
}

async fn what_is_put_into_a_folder_being_deleted_goes_with_it_or_is_refused(test: TestSite) {
    for round in 0..ROUNDS {
        let folder = test.folder_in(&test.root(), &format!("{round}")).await.unwrap().id;
        let below = test.folder_in(&folder, "below").await.unwrap().id;
        let waiting = test.begin(&below, "waiting", Some(5)).await.unwrap();
        test.put(&waiting, "bytes").await.unwrap();
        let mut acts = vec![activation(&test, &waiting)];
        for parent in [folder.clone(), below] {
            let (actor, into) = (test.actor(), parent.clone());
            acts.push(async move { won(&actor.folder_in(&into, "new").await) }.boxed());
            let actor = test.actor();
            acts.push(async move { won(&actor.upload(&parent, "upload", b"bytes").await) }.boxed());
        }
        let (actor, site) = (test.actor(), test.site.clone());
        acts.push(
            async move {
                let deleted = actor.delete_folder(&folder).await;
                site.run_jobs_once().await.unwrap();
                won(&deleted)
            }
            .boxed(),
        );
        assert!(together(acts).await[5], "the deletion was refused");
        test.site.run_jobs_once().await.unwrap();
        assert_eq!(test.used_bytes().await, 0);
    }
    test.assert_settles().await;
    assert_eq!(test.files().await, 0);
    assert_eq!(test.number("SELECT COUNT(*) FROM resource").await, 2);
}

async fn of_items_with_one_name_one_wins(test: TestSite) {
    for round in 0..ROUNDS {
        let name = format!("{round}");
        let mut acts = Vec::new();
        for _ in 0..2 {
            let draft = test.begin(&test.root(), &name, None).await.unwrap();
            test.put(&draft, "bytes").await.unwrap();
            acts.push(activation(&test, &draft));
            let (actor, root, name) = (test.actor(), test.root(), name.clone());
            acts.push(async move { won(&actor.folder_in(&root, &name).await) }.boxed());
        }
        let results = together(acts).await;
        assert_eq!(results.iter().filter(|named| **named).count(), 1, "{results:?}");
    }
    let twice = "SELECT COUNT(*) FROM (SELECT 1 FROM resource WHERE live_name_key IS NOT NULL
                  AND parent_id IS NOT NULL GROUP BY parent_id, live_name_key
                 HAVING COUNT(*) > 1) AS twice";
    assert_eq!(test.number(twice).await, 0);
    test.assert_settles().await;
}

async fn a_deletion_and_an_activation_leave_nothing_half_done(test: TestSite) {
    for round in 0..ROUNDS {
        let document = test.upload(&test.root(), &format!("{round}"), b"first").await.unwrap();
        let draft = test.begin_version(&document.document, Some(6)).await.unwrap();
        test.put(&draft, "second").await.unwrap();
        let acts = [deletion(&test, &document), activation(&test, &draft)];
        let results = together(acts.into()).await;
        assert!(results[0] || won(&test.delete_document(&document.document).await));
        assert!(!exists(&test, &document).await);
        test.site.run_jobs_once().await.unwrap();
        assert_eq!(test.used_bytes().await, 0);
    }
    test.assert_settles().await;
    assert_eq!(test.files().await, 0);
}

async fn a_deletion_and_transfers_leave_nothing_half_done(test: TestSite) {
    for round in 0..ROUNDS {
        let document = test.upload(&test.root(), &format!("{round}"), b"first").await.unwrap();
        let mut acts = vec![deletion(&test, &document)];
        for declared in [None, None, Some(6), Some(6)] {
            let draft = test.begin_version(&document.document, declared).await.unwrap();
            acts.push(transfer(&test, &draft, "second"));
        }
        assert!(together(acts).await[0], "the deletion was refused");
        assert_eq!(test.used_bytes().await, 0);
    }
    test.assert_settles().await;
    assert_eq!(test.files().await, 0);
}

/// The worst moment, made certain: the bytes are attached after the deletion has begun.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_attached_while_their_document_is_being_deleted_go_with_it() {
    let test = TestSite::on(Engine::Postgres).await;
    let document = test.upload(&test.root(), "document", b"first").await.unwrap();
    let draft = test.begin_version(&document.document, None).await.unwrap();
    let mut holder = test.connection().await;
    let held = holder.transaction().await.unwrap();
    let version = format!("SELECT 1 FROM version WHERE id = '{}' FOR UPDATE", draft.version);
    held.execute(&version, &[]).await.unwrap();
    let attaching = tokio::spawn(transfer(&test, &draft, "second"));
    until_waiting(&test, 1).await;
    let deleting = tokio::spawn(deletion(&test, &document));
    until_waiting(&test, 2).await;
    held.commit().await.unwrap();
    assert!(attaching.await.unwrap());
    assert!(deleting.await.unwrap());
    assert_eq!(test.used_bytes().await, 0);
    test.assert_settles().await;
    assert_eq!(test.files().await, 0);
}

/// Until so many transactions of the test's database wait for another one.
async fn until_waiting(test: &TestSite, transactions: i64) {
    const WAITING: &str = "SELECT COUNT(*) FROM pg_stat_activity
                            WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let client = test.connection().await;
    while client.query_one(WAITING, &[]).await.unwrap().get::<_, i64>(0) < transactions {
        tokio::task::yield_now().await;
    }
}

async fn a_user_being_deleted_takes_uploads_along_or_they_are_refused(test: TestSite) {
    let before = test.rows().await;
    for round in 0..3 {
        let name = format!("bob{round}");
        let bob = test.site.create_user(&test.call, new_user(&name)).await.unwrap();
        let folder = test.folder_in(&bob.root_folder, "folder").await.unwrap().id;
        let waiting = test.begin(&folder, "waiting", None).await.unwrap();
        let mut acts = vec![transfer(&test, &waiting, "bytes")];
        for parent in [folder, bob.root_folder] {
            let (actor, into) = (test.actor(), parent.clone());
            let upload = async move { won(&actor.upload(&parent, "upload", b"bytes").await) };
            acts.push(upload.boxed());
            let actor = test.actor();
            acts.push(async move { won(&actor.begin(&into, "draft", None).await) }.boxed());
        }
        let actor = test.actor();
        let id = bob.id.clone();
        acts.push(async move { won(&actor.site.delete_user(&actor.call, id).await) }.boxed());
        assert!(together(acts).await[5], "the deletion was refused");
        assert!(!won(&test.user(&bob.id).await));
    }
    test.assert_settles().await;
    assert_eq!(test.rows().await, before);
    assert_eq!(test.files().await, 0);
}

async fn attempts_at_one_call_have_one_effect(test: TestSite) {
    // Room for one effect alone: a second one would be refused for want of it.
    test.allow_bytes(&test.ann.id, 5).await;
    let attempts = (0..4).map(|_| {
        let (actor, root) = (test.attempt("begin"), test.root());
        async move { actor.begin(&root, "name", Some(5)).await.unwrap() }.boxed()
    });
    let drafts = together(attempts.collect()).await;
    assert!(drafts.iter().all(|draft| *draft == drafts[0]), "{drafts:?}");
    test.put(&drafts[0], "bytes").await.unwrap();
    for step in ["activate", "delete"] {
        let attempts = (0..4).map(|_| {
            let (actor, draft) = (test.attempt(step), drafts[0].clone());
            async move {
                match step {
                    "activate" => actor.activate(&draft).await.unwrap(),
                    _ => actor.delete_document(&draft.document).await.unwrap(),
                }
            }
            .boxed()
        });
        together(attempts.collect()).await;
    }
    test.assert_settles().await;
    assert_eq!(test.number("SELECT COUNT(*) FROM resource").await, 2);
}

async fn deletions_of_one_tree_at_several_levels_all_end(test: TestSite) {
    for round in 0..ROUNDS {
        let mut parent = test.folder_in(&test.root(), &format!("{round}")).await.unwrap().id;
        let top = parent.clone();
        let mut acts = Vec::new();
        for _ in 0..4 {
            let document = test.upload(&parent, "document", b"bytes").await.unwrap();
            acts.push(deletion(&test, &document));
            parent = test.folder_in(&parent, "below").await.unwrap().id;
            let (actor, id) = (test.actor(), parent.clone());
            acts.push(async move { won(&actor.delete_folder(&id).await) }.boxed());
        }
        let actor = test.actor();
        acts.push(async move { won(&actor.delete_folder(&top).await) }.boxed());
        let site = test.site.clone();
        acts.push(async move { site.run_jobs_once().await.is_ok() }.boxed());
        let results = together(acts).await;
        assert!(results[8] && results[9], "{results:?}");
    }
    test.assert_settles().await;
    assert_eq!(test.number("SELECT COUNT(*) FROM resource").await, 2);
    assert_eq!(test.used_bytes().await, 0);
}

async fn of_the_last_administrators_one_stays(test: TestSite) {
    let mut admins = Vec::new();
    for name in ["alice", "anton"] {
        let new = NewUser { user_type: UserType::Admin, ..new_user(name) };
        admins.push(test.site.create_user(&test.call, new).await.unwrap().id);
    }
    for _ in 0..ROUNDS {
        let removals = admins.iter().map(|id| {
            let (actor, id) = (test.actor(), id.clone());
            async move { actor.site.deactivate_user(&actor.call, id).await }.boxed()
        });
        let results = together(removals.collect()).await;
        for result in &results {
            let told = matches!(result, Ok(()) | Err(Error::Refused(Refusal::NotAllowed(_))));
            assert!(told, "{result:?}");
        }
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        for id in &admins {
            test.site.activate_user(&test.call, id.clone()).await.unwrap();
        }
    }
    let removals = admins.iter().map(|id| {
        let (actor, id) = (test.actor(), id.clone());
        async move { actor.site.delete_user(&actor.call, id).await.is_ok() }.boxed()
    });
    let results = together(removals.collect()).await;
    assert_eq!(results.iter().filter(|removed| **removed).count(), 1);
    test.assert_settles().await;
}
