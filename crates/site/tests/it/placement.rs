//! Where items stand: renamed, moved, and held to the rules of a tree.

use docharbor_domain::{DocumentId, FolderId, ItemKind, Refusal};
use docharbor_site::{PathQuery, StateChange};

use crate::support::{
    Draft, Target, TestSite, assert_refused, is_hidden, new_user, on_both_engines,
};

on_both_engines! {
    an_item_is_renamed_where_it_stands,
    a_name_that_is_taken_is_refused_and_another_one_is_the_way_out,
    an_item_is_moved_and_counted_where_it_stands,
    roots_recycle_bins_and_drafts_stay_where_they_are,
    a_folder_cannot_come_to_stand_below_itself,
    a_document_that_changes_its_owner_takes_its_charges_along,
    a_document_nobody_has_room_for_stays,
    a_folder_stays_in_the_tree_of_its_owner,
    a_full_folder_takes_nothing_more,
    a_tree_never_grows_deeper_than_its_limit,
    the_contents_of_a_folder_are_deleted_and_the_folder_stays,
}

/// The names from the root to an item.
async fn names(test: &TestSite, target: impl Into<Target>) -> Vec<String> {
    let Target { id, kind } = target.into();
    let path = test.site.path(&test.call, PathQuery { id, kind, limit: None }).await.unwrap();
    path.iter().map(|step| step.name.as_str().to_owned()).collect()
}

async fn version_name(test: &TestSite, draft: &Draft) -> String {
    let (document, version) = (draft.document.clone(), draft.version.clone());
    let view = test.site.version(&test.call, document, version).await.unwrap();
    view.version.name.as_str().to_owned()
}

async fn an_item_is_renamed_where_it_stands(test: TestSite) {
    let folder = test.folder_in(&test.root(), "folder").await.unwrap().id;
    let first = test.upload(&folder, "first", b"12345").await.unwrap();
    let second = test.upload_version(&first.document, b"123").await.unwrap();
    test.advance(1_000);
    test.rename(&folder, "renamed").await.unwrap();
    test.rename(&first.document, "better").await.unwrap();
    assert_eq!(names(&test, &first.document).await, ["/", "renamed", "better"]);
    assert_eq!(version_name(&test, &second).await, "better");
    assert_eq!(version_name(&test, &first).await, "first", "an older version keeps its name");
    let found = test.site.document(&test.call, first.document.clone()).await.unwrap();
    assert_eq!(found.modified, test.site.now());
    let found = test.site.folder(&test.call, folder.clone()).await.unwrap().folder;
    assert_eq!(found.modified, test.site.now());
    // The old names are free, and an item may be given the name it has.
    test.folder_in(&test.root(), "folder").await.unwrap();
    test.folder_in(&folder, "first").await.unwrap();
    test.rename(&folder, "renamed").await.unwrap();
    test.update((&folder).into(), None, None, None).await.unwrap();
    test.update((&first.document).into(), None, None, None).await.unwrap();
    test.assert_settles().await;
}

async fn a_name_that_is_taken_is_refused_and_another_one_is_the_way_out(test: TestSite) {
    let root = test.root();
    let folder = test.folder_in(&root, "folder").await.unwrap().id;
    let other = test.folder_in(&root, "other").await.unwrap().id;
    let document = test.upload(&root, "document", b"1").await.unwrap().document;
    let same = test.upload(&other, "document", b"2").await.unwrap().document;
    let draft = test.begin(&root, "draft", None).await.unwrap();
    for (target, name) in [
        (Target::from(&folder), "other"),
        ((&folder).into(), "document"),
        ((&document).into(), "folder"),
    ] {
        assert_refused!(test.rename(target, name).await, Refusal::AlreadyExists(_));
    }
    assert_refused!(test.move_to(&same, &root).await, Refusal::AlreadyExists(_));
    assert_eq!(names(&test, &same).await, ["/", "other", "document"]);
    assert_eq!(test.items_in(&root).await, 4);
    assert_eq!(test.items_in(&other).await, 1);
    test.update((&same).into(), Some("another"), Some(&root), None).await.unwrap();
    assert_eq!(names(&test, &same).await, ["/", "another"]);
    // What is not uploaded to its end holds no name.
    test.rename(&folder, "draft").await.unwrap();
    test.put(&draft, "bytes").await.unwrap();
    assert_refused!(test.activate(&draft).await, Refusal::ConcurrentModification(_));
    test.assert_settles().await;
}

async fn an_item_is_moved_and_counted_where_it_stands(test: TestSite) {
    let root = test.root();
    let [from, to] = ["from", "to"].map(|name| test.folder_in(&root, name));
    let (from, to) = (from.await.unwrap().id, to.await.unwrap().id);
    let folder = test.folder_in(&from, "folder").await.unwrap().id;
    let below = test.upload(&folder, "below", b"12345").await.unwrap();
    let document = test.upload(&from, "document", b"1234567").await.unwrap();
    test.advance(1_000);
    test.move_to(&folder, &to).await.unwrap();
    test.move_to(&document.document, &to).await.unwrap();
    assert_eq!(names(&test, &below.document).await, ["/", "to", "folder", "below"]);
    assert_eq!(names(&test, &document.document).await, ["/", "to", "document"]);
    assert_eq!((test.items_in(&from).await, test.items_in(&to).await), (0, 2));
    for changed in [&from, &to] {
        let found = test.site.folder(&test.call, changed.clone()).await.unwrap().folder;
        assert_eq!(found.modified, test.site.now());
    }
    // To where it stands already: nothing changes.
    test.advance(1_000);
    test.move_to(&folder, &to).await.unwrap();
    let found = test.site.folder(&test.call, to.clone()).await.unwrap().folder;
    assert!(found.modified < test.site.now());
    // ACTIVE says nothing about what is in use.
    test.update((&folder).into(), Some("moved"), Some(&root), Some(StateChange::Restore))
        .await
        .unwrap();
    assert_eq!(names(&test, &below.document).await, ["/", "moved", "below"]);
    assert_eq!(test.download(&below).await.unwrap(), b"12345");
    test.delete_folder(&to).await.unwrap();
    assert!(is_hidden(&test.move_to(&folder, &to).await));
    assert!(is_hidden(&test.move_to(&folder, &FolderId::new("nothing")).await));
    assert!(is_hidden(&test.rename(&FolderId::new("nothing"), "name").await));
    assert!(is_hidden(&test.rename(&document.document, "name").await));
    test.assert_settles().await;
}

async fn roots_recycle_bins_and_drafts_stay_where_they_are(test: TestSite) {
    let (root, bin) = (test.root(), test.ann.recycle_bin.clone());
    let folder = test.folder_in(&root, "folder").await.unwrap().id;
    let document = test.upload(&root, "document", b"1").await.unwrap().document;
    let draft = test.begin(&root, "draft", None).await.unwrap().document;
    for target in [Target::from(&root), (&bin).into(), (&draft).into()] {
        assert_refused!(test.rename(&target, "name").await, Refusal::ProhibitedState(_));
        assert_refused!(test.move_to(&target, &folder).await, Refusal::ProhibitedState(_));
        assert_refused!(test.recycle(&target).await, Refusal::ProhibitedState(_));
    }
    for target in [Target::from(&folder), (&document).into()] {
        assert_refused!(test.move_to(&target, &bin).await, Refusal::ProhibitedState(_));
        let (id, other) = match target.kind {
            ItemKind::Folder => (target.id.clone(), ItemKind::Document),
            ItemKind::Document => (target.id.clone(), ItemKind::Folder),
        };
        let mistaken = Target { id, kind: other };
        assert!(is_hidden(&test.rename(mistaken, "name").await));
        for (name, parent) in [(Some("name"), None), (None, Some(&folder))] {
            let both = test.update(target.clone(), name, parent, Some(StateChange::Recycle)).await;
            assert_refused!(both, Refusal::Invalid { member: "ResourceState", .. });
        }
    }
    let into_document = FolderId::new(document.as_str());
    assert!(is_hidden(&test.move_to(&folder, &into_document).await));
    test.assert_settles().await;
}

async fn a_folder_cannot_come_to_stand_below_itself(test: TestSite) {
    let top = test.folder_in(&test.root(), "top").await.unwrap().id;
    let middle = test.folder_in(&top, "middle").await.unwrap().id;
    let deep = test.folder_in(&middle, "deep").await.unwrap().id;
    for target in [&top, &middle, &deep] {
        assert_refused!(test.move_to(&top, target).await, Refusal::Conflicting(_));
    }
    assert_refused!(test.move_to(&middle, &deep).await, Refusal::Conflicting(_));
    test.move_to(&deep, &top).await.unwrap();
    test.move_to(&middle, &deep).await.unwrap();
    assert_eq!(names(&test, &middle).await, ["/", "top", "deep", "middle"]);
    test.assert_settles().await;
}

async fn a_document_that_changes_its_owner_takes_its_charges_along(test: TestSite) {
    let bob = test.site.create_user(&test.call, new_user("bob")).await.unwrap();
    let first = test.upload(&test.root(), "document", b"12345").await.unwrap();
    let second = test.upload_version(&first.document, b"123").await.unwrap();
    test.delete_version(&first, false).await.unwrap();
    assert_eq!(test.used_bytes().await, 8);
    // What an upload still going on would be charged is nobody's to move.
    let draft = test.begin_version(&first.document, Some(7)).await.unwrap();
    let moved = test.move_to(&first.document, &bob.root_folder).await;
    assert_refused!(moved, Refusal::ProhibitedState(_));
    test.abort(&draft).await.unwrap();

    test.move_to(&first.document, &bob.root_folder).await.unwrap();
    let used = test.user(&bob.id).await.unwrap().storage_used_bytes;
    assert_eq!((test.used_bytes().await, used), (0, 8));
    let found = test.site.document(&test.call, first.document.clone()).await.unwrap();
    assert_eq!(found.owner, bob.id);
    assert!(is_hidden(&test.as_user(&test.ann).download(&second).await));
    let bobs = test.as_user(&bob);
    assert_eq!(bobs.download(&second).await.unwrap(), b"123");
    bobs.restore_versions(&first.document).await.unwrap();
    assert_eq!(bobs.download(&first).await.unwrap(), b"12345");
    // And out of one recycle bin into another tree.
    bobs.recycle(&first.document).await.unwrap();
    test.restore(&first.document, Some(&test.root())).await.unwrap();
    assert_eq!(test.used_bytes().await, 8);
    assert_eq!(test.user(&bob.id).await.unwrap().storage_used_bytes, 0);
    assert_eq!(test.items_in(&bob.recycle_bin).await, 0);
    test.delete_document(&first.document).await.unwrap();
    assert_eq!(test.used_bytes().await, 0);
    test.assert_settles().await;
}

async fn a_document_nobody_has_room_for_stays(test: TestSite) {
    let bob = test.site.create_user(&test.call, new_user("bob")).await.unwrap();
    test.allow_bytes(&bob.id, 5).await;
    let large = test.upload(&test.root(), "large", b"123456").await.unwrap();
    let small = test.upload(&test.root(), "small", b"12345").await.unwrap();
    let empty = test.upload(&test.root(), "empty", b"").await.unwrap();
    let moved = test.move_to(&large.document, &bob.root_folder).await;
    assert_refused!(moved, Refusal::LimitExceeded(_));
    assert_eq!(names(&test, &large.document).await, ["/", "large"]);
    assert_eq!(test.items_in(&bob.root_folder).await, 0);
    assert_eq!(test.used_bytes().await, 11);
    test.move_to(&small.document, &bob.root_folder).await.unwrap();
    test.move_to(&empty.document, &bob.root_folder).await.unwrap();
    assert_eq!(test.used_bytes().await, 6);
    test.assert_settles().await;
}

async fn a_folder_stays_in_the_tree_of_its_owner(test: TestSite) {
    let bob = test.site.create_user(&test.call, new_user("bob")).await.unwrap();
    let folder = test.folder_in(&test.root(), "folder").await.unwrap().id;
    let moved = test.move_to(&folder, &bob.root_folder).await;
    assert_refused!(moved, Refusal::ProhibitedState(_));
    test.recycle(&folder).await.unwrap();
    let restored = test.restore(&folder, Some(&bob.root_folder)).await;
    assert_refused!(restored, Refusal::ProhibitedState(_));
    // Nor does anybody move things into, or out of, what is not theirs to see.
    let document = test.upload(&test.root(), "document", b"1").await.unwrap().document;
    let bobs = test.as_user(&bob);
    assert!(is_hidden(&bobs.move_to(&document, &bob.root_folder).await));
    assert!(is_hidden(&test.as_user(&test.ann).move_to(&document, &bob.root_folder).await));
    test.assert_settles().await;
}

async fn a_full_folder_takes_nothing_more(test: TestSite) {
    let root = test.root();
    let full = test.folder_in(&root, "full").await.unwrap().id;
    let inside = test.folder_in(&full, "inside").await.unwrap().id;
    let folder = test.folder_in(&root, "folder").await.unwrap().id;
    let document = test.upload(&root, "document", b"1").await.unwrap().document;
    test.recycle(&inside).await.unwrap();
    let count =
        |count: i64| format!("UPDATE resource SET item_count = {count} WHERE id = '{full}'");
    test.execute(&count(100_000)).await;
    assert_refused!(test.move_to(&folder, &full).await, Refusal::LimitExceeded(_));
    assert_refused!(test.move_to(&document, &full).await, Refusal::LimitExceeded(_));
    assert_refused!(test.restore(&inside, None).await, Refusal::LimitExceeded(_));
    test.execute(&count(99_999)).await;
    test.move_to(&document, &full).await.unwrap();
    assert_eq!(test.items_in(&full).await, 100_000);
    assert_refused!(test.restore(&inside, None).await, Refusal::LimitExceeded(_));
    // Within a full folder things are still renamed, and out of it they go.
    test.rename(&document, "renamed").await.unwrap();
    test.recycle(&document).await.unwrap();
    test.restore(&inside, None).await.unwrap();
    test.execute(&count(1)).await;
    // A recycle bin is never full.
    let bin = &test.ann.recycle_bin;
    test.execute(&format!("UPDATE resource SET item_count = 200000 WHERE id = '{bin}'")).await;
    test.recycle(&folder).await.unwrap();
    assert_eq!(test.items_in(bin).await, 200_001);
    test.execute(&format!("UPDATE resource SET item_count = 2 WHERE id = '{bin}'")).await;
    test.assert_settles().await;
}

/// A chain of folders, the highest first.
async fn chain(test: &TestSite, parent: &FolderId, levels: usize) -> Vec<FolderId> {
    let mut chain: Vec<FolderId> = Vec::new();
    for _ in 0..levels {
        let above = chain.last().unwrap_or(parent).clone();
        chain.push(test.folder_in(&above, "level").await.unwrap().id);
    }
    chain
}

async fn a_tree_never_grows_deeper_than_its_limit(test: TestSite) {
    let root = test.root();
    let long = chain(&test, &root, 99).await;
    let deepest = &long[98];
    let folder = test.folder_in(&root, "folder").await.unwrap().id;
    let document = test.upload(&root, "document", b"1").await.unwrap().document;
    assert_refused!(test.folder_in(deepest, "100").await, Refusal::LimitExceeded(_));
    assert_refused!(test.move_to(&folder, deepest).await, Refusal::LimitExceeded(_));
    assert_refused!(test.move_to(&document, deepest).await, Refusal::LimitExceeded(_));
    test.move_to(&folder, &long[97]).await.unwrap();
    test.move_to(&document, &long[97]).await.unwrap();
    // What hangs below a folder counts too, be it folders or documents.
    let upper = test.folder_in(&root, "upper").await.unwrap().id;
    let below = chain(&test, &upper, 2).await;
    assert_refused!(test.move_to(&upper, &long[96]).await, Refusal::LimitExceeded(_));
    test.move_to(&upper, &long[95]).await.unwrap();
    test.move_to(&upper, &root).await.unwrap();
    let leaf = test.upload(&below[1], "leaf", b"1").await.unwrap();
    assert_refused!(test.move_to(&upper, &long[95]).await, Refusal::LimitExceeded(_));
    test.move_to(&upper, &long[94]).await.unwrap();
    assert_eq!(names(&test, &leaf.document).await.len(), 100);
    // Upwards and on the same level everything may go, and back out of the recycle bin.
    test.recycle(&upper).await.unwrap();
    test.restore(&upper, None).await.unwrap();
    assert_eq!(names(&test, &leaf.document).await.len(), 100);
    test.recycle(&long[50]).await.unwrap();
    let into = test.restore(&long[50], Some(&below[1])).await;
    assert_refused!(into, Refusal::ProhibitedState(_));
    let back = Some(StateChange::Restore);
    test.update((&long[50]).into(), Some("part"), Some(&root), back).await.unwrap();
    assert_refused!(test.move_to(&long[50], &long[98]).await, Refusal::Conflicting(_));
    test.move_to(&long[50], &long[49]).await.unwrap();
    assert_eq!(names(&test, deepest).await.len(), 100);
    test.assert_settles().await;
}

async fn the_contents_of_a_folder_are_deleted_and_the_folder_stays(test: TestSite) {
    let (root, bin) = (test.root(), test.ann.recycle_bin.clone());
    let before = test.rows().await;
    let folder = test.folder_in(&root, "folder").await.unwrap().id;
    let below = test.folder_in(&folder, "below").await.unwrap().id;
    let document = test.upload(&below, "document", b"12345").await.unwrap();
    let draft = test.begin(&folder, "draft", Some(7)).await.unwrap();
    let recycled = test.upload(&folder, "recycled", b"1").await.unwrap();
    test.recycle(&recycled.document).await.unwrap();
    let delete = |id: &FolderId| test.site.delete_folder_contents(&test.call, id.clone());
    delete(&folder).await.unwrap();
    assert_eq!(test.items_in(&folder).await, 0);
    for gone in [&document.document, &draft.document] {
        assert!(is_hidden(&test.site.document(&test.call, gone.clone()).await));
    }
    assert!(is_hidden(&test.folder_in(&below, "new").await));
    assert!(is_hidden(&test.move_to(&below, &root).await));
    assert!(is_hidden(&test.put(&draft, "late").await));
    test.folder_in(&folder, "below").await.unwrap();
    test.assert_sound().await;
    // Out of the recycle bin it comes back to where it was, and with the bin it goes.
    test.restore(&recycled.document, None).await.unwrap();
    assert_eq!(names(&test, &recycled.document).await, ["/", "folder", "recycled"]);
    test.recycle(&folder).await.unwrap();
    let elsewhere = test.upload(&root, "elsewhere", b"1").await.unwrap();
    delete(&bin).await.unwrap();
    delete(&bin).await.unwrap();
    assert!(is_hidden(&test.restore(&folder, None).await));
    assert_eq!(test.download(&elsewhere).await.unwrap(), b"1");
    delete(&root).await.unwrap();
    assert!(is_hidden(&test.download(&elsewhere).await));
    assert!(is_hidden(&delete(&FolderId::new("nothing")).await));
    assert!(is_hidden(&delete(&FolderId::new(DocumentId::new("x").as_str())).await));
    test.assert_settles().await;
    assert_eq!(test.rows().await, before);
    assert_eq!(test.files().await, 0);
    assert_eq!(test.used_bytes().await, 0);
}
