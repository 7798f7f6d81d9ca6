//! Deletion: gone for everybody with the answer, and for good when the jobs have gone through.

use docharbor_domain::{DocumentId, FolderId, ItemKind, ResourceId, Scopes, Sort};
use docharbor_site::{ContentsQuery, Kinds, PathQuery, TokenHolder};
use futures::future::try_join_all;

use crate::support::{Draft, TestSite, is_hidden, on_both_engines};

on_both_engines! {
    a_deleted_folder_is_gone_for_every_read_at_once,
    a_purge_that_was_cut_off_goes_on_after_a_restart,
    two_servers_may_purge_the_same_tree,
    a_deleted_user_leaves_nothing_behind,
    a_document_of_many_versions_is_gone_at_once_and_step_by_step,
}

/// A folder with some hundred items, wide and deep, that holds `DOCUMENTS` × 5 bytes.
struct Tree {
    top: FolderId,
    deepest: FolderId,
    documents: Vec<Draft>,
    draft: Draft,
}

const FOLDERS: usize = 230;
const LEVELS: usize = 20;
const DOCUMENTS: usize = 12;

async fn plant(test: &TestSite) -> Tree {
    let top = test.folder_in(&test.root(), "top").await.unwrap().id;
    let names: Vec<String> = (0..FOLDERS).map(|number| format!("folder {number}")).collect();
    for some in names.chunks(64) {
        try_join_all(some.iter().map(|name| test.folder_in(&top, name))).await.unwrap();
    }
    let mut deepest = top.clone();
    let mut documents = Vec::new();
    for level in 0..LEVELS {
        deepest = test.folder_in(&deepest, "deeper").await.unwrap().id;
        if level < DOCUMENTS {
            documents.push(test.upload(&deepest, "document", b"12345").await.unwrap());
        }
    }
    let draft = test.begin(&deepest, "draft", Some(1_000)).await.unwrap();
    Tree { top, deepest, documents, draft }
}

async fn a_deleted_folder_is_gone_for_every_read_at_once(test: TestSite) {
    let before = test.rows().await;
    let tree = plant(&test).await;
    assert_eq!(test.used_bytes().await, 1_060);
    test.delete_folder(&tree.top).await.unwrap();

    for folder in [&tree.top, &tree.deepest] {
        assert_folder_hidden(&test, folder).await;
    }
    for draft in tree.documents.iter().chain([&tree.draft]) {
        assert_document_hidden(&test, draft).await;
    }
    let root = test.site.folder(&test.call, test.root()).await.unwrap();
    assert_eq!(root.totals.unwrap().size_bytes, 0);
    let again = test.folder_in(&test.root(), "top").await.unwrap();
    test.assert_sound().await;

    let commits = test.metadata.commits();
    let done = test.site.run_jobs_once().await.unwrap();
    let items = FOLDERS + LEVELS + DOCUMENTS + 2;
    assert_eq!(done.items_purged, u64::try_from(items).unwrap());
    // At most ten items with a hundred children each in one step.
    assert!(test.metadata.commits() - commits >= 26, "too few steps for {items} items");
    assert_eq!(test.used_bytes().await, 0);
    assert_eq!(test.files().await, DOCUMENTS);
    test.delete_folder(&again.id).await.unwrap();
    test.assert_settles().await;
    assert_eq!(test.rows().await, before);
    assert_eq!(test.files().await, 0);
}

async fn assert_folder_hidden(test: &TestSite, id: &FolderId) {
    let (site, call) = (&test.site, &test.call);
    assert!(is_hidden(&site.folder(call, id.clone()).await));
    let query = ContentsQuery {
        folder: id.clone(),
        kinds: Kinds::All,
        sort: Sort::Name,
        descending: false,
        include_initialized: true,
        after: None,
        limit: 10,
    };
    assert!(is_hidden(&site.folder_contents(call, query).await));
    assert!(is_hidden(&site.path(call, path(id.clone().into(), ItemKind::Folder)).await));
    assert!(is_hidden(&test.folder_in(id, "new").await));
    assert!(is_hidden(&test.begin(id, "new", None).await));
    assert!(is_hidden(&test.delete_folder(id).await));
}

async fn assert_document_hidden(test: &TestSite, draft: &Draft) {
    let (site, call) = (&test.site, &test.call);
    let id = || draft.document.clone();
    assert!(is_hidden(&site.document(call, id()).await));
    assert!(is_hidden(&site.version(call, id(), draft.version.clone()).await));
    assert!(is_hidden(&site.versions(call, id(), true, None, 10).await));
    assert!(is_hidden(&site.path(call, path(id().into(), ItemKind::Document)).await));
    assert!(is_hidden(&test.download(draft).await));
    assert!(is_hidden(&test.begin_version(&draft.document, None).await));
    assert!(is_hidden(&test.put(draft, "late").await));
    assert!(is_hidden(&test.activate(draft).await));
    assert!(is_hidden(&test.abort(draft).await));
    assert!(is_hidden(&test.delete_document(&draft.document).await));
}

fn path(id: ResourceId, kind: ItemKind) -> PathQuery {
    PathQuery { id, kind, limit: None }
}

async fn a_purge_that_was_cut_off_goes_on_after_a_restart(test: TestSite) {
    let before = test.rows().await;
    let tree = plant(&test).await;
    let planted = test.rows().await;
    test.delete_folder(&tree.top).await.unwrap();

    let steps = test.metadata.commits() + 8;
    let mut jobs = Box::pin(test.site.run_jobs_once());
    while test.metadata.commits() < steps {
        tokio::select! {
            biased;
            done = &mut jobs => panic!("done at once: {done:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    drop(jobs);
    test.assert_sound().await;
    let test = test.restarted().await;
    let [resources, ..] = test.rows().await;
    assert!(before[0] < resources && resources < planted[0], "{resources} of {}", planted[0]);
    assert_document_hidden(&test, &tree.draft).await;
    test.site.run_jobs_once().await.unwrap();
    assert_eq!(test.used_bytes().await, 0);
    test.assert_settles().await;
    assert_eq!(test.rows().await, before);
}

async fn two_servers_may_purge_the_same_tree(test: TestSite) {
    let before = test.rows().await;
    let tree = plant(&test).await;
    let other = test.site_over(std::sync::Arc::new(test.blobs.clone()));
    test.delete_folder(&tree.top).await.unwrap();
    let (one, two) = tokio::join!(test.site.run_jobs_once(), other.run_jobs_once());
    one.unwrap();
    two.unwrap();
    assert_eq!(test.used_bytes().await, 0);
    test.assert_settles().await;
    assert_eq!(test.rows().await, before);
}

async fn a_deleted_user_leaves_nothing_behind(test: TestSite) {
    let before = test.rows().await;
    let scopes = Scopes { read: true, write: true };
    let bob = test.site.create_user(&test.call, crate::support::new_user("bob")).await.unwrap();
    let organization = test.call.organization();
    let token = test.site.create_token(organization, "bob", scopes, 1_000).await.unwrap();
    let folder = test.folder_in(&bob.root_folder, "folder").await.unwrap();
    let document = test.upload(&folder.id, "document", b"12345").await.unwrap();
    let draft = test.begin_version(&document.document, Some(7)).await.unwrap();
    test.put(&draft, "1234567").await.unwrap();
    assert_eq!(test.user(&bob.id).await.unwrap().storage_used_bytes, 12);

    test.site.delete_user(&test.call, bob.id.clone()).await.unwrap();
    assert!(!crate::support::won(&test.user(&bob.id).await));
    assert!(matches!(test.site.token_holder(&token).await.unwrap(), TokenHolder::Unknown));
    assert!(test.site.url_holder(organization, bob.id.as_str()).await.unwrap().is_none());
    for id in [&bob.root_folder, &bob.recycle_bin, &folder.id] {
        assert_folder_hidden(&test, id).await;
    }
    assert_document_hidden(&test, &document).await;
    assert_document_hidden(&test, &draft).await;
    test.assert_sound().await;
    test.assert_settles().await;
    assert_eq!(test.rows().await, before);
    test.site.create_user(&test.call, crate::support::new_user("bob")).await.unwrap();
}

async fn a_document_of_many_versions_is_gone_at_once_and_step_by_step(test: TestSite) {
    let before = test.rows().await;
    let first = test.upload(&test.root(), "many", b"12345").await.unwrap();
    // Later ids sort behind the first, so that the version that stands for it goes first.
    test.advance(1);
    let drafts = (0..150).map(|_| test.begin_version(&first.document, Some(1)));
    let drafts = try_join_all(drafts).await.unwrap();
    assert_eq!(test.used_bytes().await, 155);
    test.delete_document(&first.document).await.unwrap();
    assert!(test.number("SELECT COUNT(*) FROM version").await > 0, "all went in one step");
    assert_document_hidden(&test, &first).await;
    assert_document_hidden(&test, &drafts[149]).await;
    test.assert_sound().await;
    // What is left of it expires, which must not stop the jobs.
    test.advance(test.site.settings().upload_expiry_ms);
    test.site.run_jobs_once().await.unwrap();
    assert_eq!(test.used_bytes().await, 0);
    test.assert_settles().await;
    assert_eq!(test.rows().await, before);
    assert!(is_hidden(&test.site.document(&test.call, DocumentId::new("nothing")).await));
}
