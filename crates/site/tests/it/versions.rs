//! Versions that are deleted and brought back.

use docharbor_domain::{DocumentId, Refusal, VersionId};

use crate::support::{Draft, TestSite, assert_refused, is_hidden, on_both_engines};

on_both_engines! {
    a_deleted_version_is_gone_until_it_is_restored,
    the_next_older_version_comes_up_under_its_own_name,
    prior_versions_go_along_where_asked,
    the_last_version_stays,
    only_what_can_be_deleted_or_restored_is,
    a_name_that_was_taken_meanwhile_keeps_a_version_from_coming_up,
}

/// The ids of the versions that are shown, newest first.
async fn shown(test: &TestSite, document: &DocumentId) -> Vec<VersionId> {
    let page = test.site.versions(&test.call, document.clone(), true, None, 50).await.unwrap();
    page.versions.into_iter().map(|version| version.id).collect()
}

/// A document with so many versions, the oldest first.
async fn stand(test: &TestSite, versions: usize) -> Vec<Draft> {
    let mut all = vec![test.upload(&test.root(), "document", b"12345").await.unwrap()];
    while all.len() < versions {
        all.push(test.upload_version(&all[0].document.clone(), b"12345").await.unwrap());
    }
    all
}

fn ids(drafts: &[&Draft]) -> Vec<VersionId> {
    drafts.iter().map(|draft| draft.version.clone()).collect()
}

async fn a_deleted_version_is_gone_until_it_is_restored(test: TestSite) {
    let all = stand(&test, 4).await;
    let document = &all[0].document;
    test.delete_version(&all[1], false).await.unwrap();
    test.delete_version(&all[3], false).await.unwrap();
    assert_eq!(shown(&test, document).await, ids(&[&all[2], &all[0]]));
    let found = test.site.document(&test.call, document.clone()).await.unwrap();
    assert_eq!(found.latest.id, all[2].version);
    for gone in [&all[1], &all[3]] {
        assert_refused!(test.download(gone).await, Refusal::NotFound { .. });
        let (document, version) = (gone.document.clone(), gone.version.clone());
        let found = test.site.version(&test.call, document, version).await;
        assert_refused!(found, Refusal::NotFound { .. });
        assert_refused!(test.delete_version(gone, false).await, Refusal::NotFound { .. });
    }
    assert_eq!(test.used_bytes().await, 20, "what can come back is still charged");
    // What is uploaded meanwhile is newer than what comes back.
    let newest = test.upload_version(document, b"1").await.unwrap();
    test.restore_versions(document).await.unwrap();
    let order = ids(&[&newest, &all[3], &all[2], &all[1], &all[0]]);
    assert_eq!(shown(&test, document).await, order);
    for back in &all {
        assert_eq!(test.download(back).await.unwrap(), b"12345");
    }
    test.assert_settles().await;
}

async fn the_next_older_version_comes_up_under_its_own_name(test: TestSite) {
    let all = stand(&test, 2).await;
    let document = &all[0].document;
    test.rename(document, "new name").await.unwrap();
    test.delete_version(&all[1], false).await.unwrap();
    let found = test.site.document(&test.call, document.clone()).await.unwrap();
    assert_eq!(found.latest.name.as_str(), "document");
    // The name it had is free, so it cannot come back as long as somebody has it.
    let taken = test.folder_in(&test.root(), "new name").await.unwrap().id;
    assert_refused!(test.restore_versions(document).await, Refusal::Conflicting(_));
    assert_eq!(shown(&test, document).await, ids(&[&all[0]]));
    test.rename(&taken, "another").await.unwrap();
    test.restore_versions(document).await.unwrap();
    let found = test.site.document(&test.call, document.clone()).await.unwrap();
    assert_eq!(found.latest.name.as_str(), "new name");
    test.folder_in(&test.root(), "document").await.unwrap();
    test.assert_settles().await;
}

async fn prior_versions_go_along_where_asked(test: TestSite) {
    let all = stand(&test, 5).await;
    let document = &all[0].document;
    let draft = test.begin_version(document, Some(3)).await.unwrap();
    test.delete_version(&all[2], true).await.unwrap();
    let drafts = [&draft, &all[4], &all[3]];
    assert_eq!(shown(&test, document).await, ids(&drafts));
    test.restore_versions(document).await.unwrap();
    assert_eq!(shown(&test, document).await.len(), 6);
    test.delete_version(&all[2], false).await.unwrap();
    assert_eq!(shown(&test, document).await.len(), 5);
    test.assert_settles().await;
}

async fn the_last_version_stays(test: TestSite) {
    let all = stand(&test, 3).await;
    let document = &all[0].document;
    let all_of_them = test.delete_version(&all[2], true).await;
    assert_refused!(all_of_them, Refusal::InvalidOperation(_));
    assert_eq!(shown(&test, document).await.len(), 3, "a refusal has no effect");
    test.delete_version(&all[1], true).await.unwrap();
    assert_refused!(test.delete_version(&all[2], false).await, Refusal::InvalidOperation(_));
    // An upload that is going on is not yet a version that could stand for the document.
    let draft = test.begin_version(document, None).await.unwrap();
    assert_refused!(test.delete_version(&all[2], false).await, Refusal::InvalidOperation(_));
    assert_refused!(test.delete_version(&draft, false).await, Refusal::ProhibitedState(_));
    assert_eq!(test.download(&all[2]).await.unwrap(), b"12345");
    test.assert_settles().await;
}

async fn only_what_can_be_deleted_or_restored_is(test: TestSite) {
    let all = stand(&test, 2).await;
    let document = &all[0].document;
    assert_refused!(test.restore_versions(document).await, Refusal::InvalidOperation(_));
    let unknown = Draft { document: document.clone(), version: VersionId::new("nothing") };
    assert_refused!(test.delete_version(&unknown, true).await, Refusal::NotFound { .. });
    let nowhere = Draft { document: DocumentId::new("nothing"), ..unknown };
    assert!(is_hidden(&test.delete_version(&nowhere, false).await));
    assert!(is_hidden(&test.restore_versions(&nowhere.document).await));
    let draft = test.begin(&test.root(), "draft", None).await.unwrap();
    assert_refused!(test.delete_version(&draft, false).await, Refusal::ProhibitedState(_));
    assert_refused!(test.restore_versions(&draft.document).await, Refusal::InvalidOperation(_));
    test.delete_version(&all[0], false).await.unwrap();
    test.recycle(document).await.unwrap();
    assert_refused!(test.delete_version(&all[1], false).await, Refusal::ProhibitedState(_));
    assert_refused!(test.restore_versions(document).await, Refusal::ProhibitedState(_));
    test.restore(document, None).await.unwrap();
    test.restore_versions(document).await.unwrap();
    // Deleting the document takes the deleted versions along.
    test.delete_version(&all[0], false).await.unwrap();
    test.delete_document(document).await.unwrap();
    test.abort(&draft).await.unwrap();
    assert_eq!(test.used_bytes().await, 0);
    test.assert_settles().await;
    assert_eq!(test.files().await, 0);
}

async fn a_name_that_was_taken_meanwhile_keeps_a_version_from_coming_up(test: TestSite) {
    let all = stand(&test, 2).await;
    let document = &all[0].document;
    test.rename(document, "new name").await.unwrap();
    test.folder_in(&test.root(), "document").await.unwrap();
    assert_refused!(test.delete_version(&all[1], false).await, Refusal::Conflicting(_));
    assert_eq!(shown(&test, document).await, ids(&[&all[1], &all[0]]));
    assert_eq!(test.download(&all[1]).await.unwrap(), b"12345");
    test.assert_settles().await;
}
