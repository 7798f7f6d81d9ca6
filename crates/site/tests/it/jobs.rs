//! What happens when nobody waits: expiry, garbage, sweeping, forgetting.

use docharbor_domain::{Scopes, UserId};
use docharbor_site::{JobsDone, TokenHolder};
use futures::{FutureExt as _, StreamExt as _};

use crate::support::{TestSite, is_hidden, on_both_engines, together, won};

on_both_engines! {
    an_upload_nobody_finished_goes_as_if_it_was_aborted,
    an_active_version_never_expires,
    of_expiry_and_activation_exactly_one_wins,
    bytes_no_row_knows_are_swept_after_their_grace,
    the_sweep_leaves_an_upload_in_progress_alone,
    bytes_that_came_to_be_referred_to_are_not_removed_as_garbage,
    answers_are_forgotten_after_a_day,
    expired_tokens_are_forgotten,
}

const DAY_MS: i64 = 24 * 3_600_000;

async fn an_upload_nobody_finished_goes_as_if_it_was_aborted(test: TestSite) {
    let root = test.root();
    let Settings { expiry_ms, grace_ms } = settings(&test);
    let aborted = test.begin(&root, "a.txt", Some(5)).await.unwrap();
    test.put(&aborted, "hello").await.unwrap();
    test.abort(&aborted).await.unwrap();
    let [resources, versions, blobs, garbage, purges] = test.rows().await;

    let draft = test.begin(&root, "a.txt", None).await.unwrap();
    test.put(&draft, "hello").await.unwrap();
    assert_eq!(test.used_bytes().await, 5);
    test.advance(expiry_ms - 1);
    assert_eq!(test.site.run_jobs_once().await.unwrap(), JobsDone::default());
    assert!(test.site.document(&test.call, draft.document.clone()).await.is_ok());

    test.advance(1);
    let done = test.site.run_jobs_once().await.unwrap();
    assert_eq!(done.uploads_expired, 1);
    // The aborted upload's bytes were given up a whole grace ago, this one's only now.
    assert_eq!(expiry_ms, grace_ms);
    assert_eq!(done.blobs_removed, 1);
    assert!(is_hidden(&test.site.document(&test.call, draft.document.clone()).await));
    assert!(!won(&test.activate(&draft).await));
    assert!(!won(&test.put(&draft, "late").await));
    assert_eq!(test.used_bytes().await, 0);
    assert_eq!(test.rows().await, [resources, versions, blobs, garbage, purges]);
    test.folder_in(&root, "a.txt").await.unwrap();

    test.advance(grace_ms - 1);
    assert_eq!(test.site.run_jobs_once().await.unwrap().blobs_removed, 0);
    assert_eq!(test.files().await, 1);
    test.advance(1);
    assert_eq!(test.site.run_jobs_once().await.unwrap().blobs_removed, 1);
    assert_eq!(test.files().await, 0);
    test.assert_settles().await;
}

async fn an_active_version_never_expires(test: TestSite) {
    let first = test.upload(&test.root(), "a.txt", b"first").await.unwrap();
    let second = test.begin_version(&first.document, Some(100)).await.unwrap();
    test.put(&test.begin_version(&first.document, None).await.unwrap(), "x").await.unwrap();
    test.advance(10 * settings(&test).expiry_ms);
    assert_eq!(test.site.run_jobs_once().await.unwrap().uploads_expired, 2);
    assert_eq!(test.download(&first).await.unwrap(), b"first");
    assert!(!won(&test.put(&second, "second").await));
    let document = test.site.document(&test.call, first.document.clone()).await.unwrap();
    assert_eq!(document.latest.id, first.version);
    assert_eq!(test.used_bytes().await, 5);
    test.assert_settles().await;
}

async fn of_expiry_and_activation_exactly_one_wins(test: TestSite) {
    for round in 0..3 {
        let mut drafts = Vec::new();
        for number in 0..8 {
            let name = format!("{round}-{number}");
            let draft = test.begin(&test.root(), &name, None).await.unwrap();
            test.put(&draft, "bytes").await.unwrap();
            drafts.push(draft);
        }
        test.advance(settings(&test).expiry_ms);
        let mut tasks = Vec::new();
        for draft in drafts.clone() {
            let actor = test.actor();
            tasks.push(async move { won(&actor.activate(&draft).await) }.boxed());
        }
        let site = test.site.clone();
        tasks.insert(4, async move { site.run_jobs_once().await.is_ok() }.boxed());
        let mut results = together(tasks).await;
        assert!(results.remove(4), "the jobs failed");
        test.site.run_jobs_once().await.unwrap();
        for (draft, activated) in drafts.iter().zip(results) {
            let found = test.site.document(&test.call, draft.document.clone()).await;
            assert_eq!(won(&found), activated, "an answer and the outcome differ");
            if activated {
                assert_eq!(test.download(draft).await.unwrap(), b"bytes");
            }
        }
    }
    test.assert_settles().await;
}

async fn bytes_no_row_knows_are_swept_after_their_grace(test: TestSite) {
    let grace_ms = settings(&test).grace_ms;
    let kept = test.upload(&test.root(), "kept", b"kept").await.unwrap();
    let known = test.file("");
    let name = known.file_name().unwrap().to_str().unwrap();
    let unknown = known.with_file_name(format!("{}ff", &name[..2]));
    std::fs::copy(&known, &unknown).unwrap();

    test.advance(grace_ms - 60_000);
    assert_eq!(test.site.sweep().await.unwrap(), 0);
    test.advance(600_000);
    assert_eq!(test.site.sweep().await.unwrap(), 1);
    assert_eq!(test.site.sweep().await.unwrap(), 0, "what is given up is known");
    test.advance(grace_ms - 1);
    assert_eq!(test.site.run_jobs_once().await.unwrap().blobs_removed, 0);
    assert!(unknown.exists());
    test.advance(1);
    assert_eq!(test.site.run_jobs_once().await.unwrap().blobs_removed, 1);
    assert!(!unknown.exists());
    assert_eq!(test.download(&kept).await.unwrap(), b"kept");
    test.assert_settles().await;
}

async fn the_sweep_leaves_an_upload_in_progress_alone(test: TestSite) {
    // Bytes that arrived for a version that waits to be activated, as long as an upload may wait.
    let arrived = test.begin(&test.root(), "arrived", None).await.unwrap();
    test.put(&arrived, "arrived").await.unwrap();
    // And bytes that are just arriving.
    let arriving = test.begin(&test.root(), "arriving", None).await.unwrap();
    let (parts, body) = tokio::sync::mpsc::channel::<bytes::Bytes>(1);
    let actor = test.actor();
    let draft = arriving.clone();
    let transfer = tokio::spawn(async move {
        let (document, version) = (draft.document, draft.version);
        let incoming = actor.site.open_upload(&actor.call, document, version).await.unwrap();
        let body = futures::stream::unfold(body, |mut body| async move {
            body.recv().await.map(|part| (Ok(part), body))
        });
        let any = docharbor_site::Expected::at_most(1 << 20);
        actor.site.receive(&incoming, body.boxed(), any).await.unwrap();
    });
    parts.send("first ".into()).await.unwrap();
    parts.send("second ".into()).await.unwrap();
    test.advance(settings(&test).expiry_ms - 1);
    assert_eq!(test.site.sweep().await.unwrap(), 0);
    test.site.run_jobs_once().await.unwrap();
    parts.send("third".into()).await.unwrap();
    drop(parts);
    transfer.await.unwrap();
    for (draft, content) in [(&arrived, "arrived"), (&arriving, "first second third")] {
        test.activate(draft).await.unwrap();
        assert_eq!(test.download(draft).await.unwrap(), content.as_bytes());
    }
    test.assert_settles().await;
}

async fn bytes_that_came_to_be_referred_to_are_not_removed_as_garbage(test: TestSite) {
    // A machine that sleeps for a day in the middle of an upload sweeps before it attaches.
    let draft = test.upload(&test.root(), "a", b"precious").await.unwrap();
    let given_up = "INSERT INTO garbage (organization_id, blob_id, location, not_before_ms)
                    SELECT organization_id, id, location, 0 FROM blob";
    test.execute(given_up).await;
    assert_eq!(test.site.run_jobs_once().await.unwrap().blobs_removed, 0);
    assert_eq!(test.download(&draft).await.unwrap(), b"precious");
}

async fn answers_are_forgotten_after_a_day(test: TestSite) {
    let root = test.root();
    let first = test.attempt("one").folder_in(&root, "folder").await.unwrap();
    test.advance(DAY_MS);
    test.site.run_jobs_once().await.unwrap();
    let again = test.attempt("one").folder_in(&root, "folder").await.unwrap();
    assert_eq!(first.id, again.id);
    test.advance(1);
    test.site.run_jobs_once().await.unwrap();
    assert_eq!(test.number("SELECT COUNT(*) FROM answer").await, 0);
    assert!(!won(&test.attempt("one").folder_in(&root, "folder").await));
}

async fn expired_tokens_are_forgotten(test: TestSite) {
    let scopes = Scopes { read: true, write: true };
    let organization = test.call.organization();
    let short = test.site.create_token(organization, "ann", scopes, 1_000).await.unwrap();
    let long = test.site.create_token(organization, "ann", scopes, DAY_MS).await.unwrap();
    let holder = |token| {
        let site = test.site.clone();
        async move {
            match site.token_holder(token).await.unwrap() {
                TokenHolder::User(caller) => Some(UserId::new(caller.principal())),
                TokenHolder::Expired | TokenHolder::Unknown => None,
            }
        }
    };
    assert_eq!(holder(&*short).await.as_ref(), Some(&test.ann.id));
    test.advance(1_000);
    assert!(matches!(test.site.token_holder(&short).await.unwrap(), TokenHolder::Expired));
    test.site.run_jobs_once().await.unwrap();
    assert_eq!(test.number("SELECT COUNT(*) FROM token").await, 2);
    test.advance(1);
    test.site.run_jobs_once().await.unwrap();
    assert_eq!(test.number("SELECT COUNT(*) FROM token").await, 1);
    assert!(matches!(test.site.token_holder(&short).await.unwrap(), TokenHolder::Unknown));
    assert_eq!(holder(&*long).await.as_ref(), Some(&test.ann.id));
}

struct Settings {
    expiry_ms: i64,
    grace_ms: i64,
}

fn settings(test: &TestSite) -> Settings {
    let settings = test.site.settings();
    Settings { expiry_ms: settings.upload_expiry_ms, grace_ms: settings.garbage_grace_ms }
}
