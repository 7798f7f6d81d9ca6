//! The recycle bin: out of use at once with all below it, and back as it was.

use std::collections::BTreeMap;

use docharbor_domain::{
    CommentText, CustomMetadata, FolderId, GroupId, ItemKind, NewComment, Refusal, Role, Share,
    ShareWith, Sort,
};
use docharbor_site::{
    CommentsQuery, ContentsPage, ContentsQuery, Kinds, PathQuery, PermissionListing, Selection,
    StateChange, Subject,
};

use crate::support::{
    Draft, Target, TestSite, assert_refused, is_hidden, new_user, on_both_engines,
};

on_both_engines! {
    what_is_recycled_lies_in_the_owners_bin_and_comes_back_where_it_was,
    a_recycle_bin_is_no_place_to_restore_to,
    an_item_is_restored_where_it_is_asked_for,
    an_item_whose_folder_is_gone_comes_back_to_the_root,
    an_item_inside_a_recycled_folder_is_restored_by_itself,
    names_in_the_bin_may_repeat_and_a_clash_is_told_on_the_way_out,
    nothing_is_written_below_a_recycled_folder,
    nothing_is_written_below_a_deleted_folder,
    everything_comes_back_with_a_restored_folder,
    what_is_recycled_exists_for_its_owner_alone,
}

async fn contents(test: &TestSite, folder: &FolderId) -> ContentsPage {
    let query = ContentsQuery {
        folder: folder.clone(),
        kinds: Kinds::All,
        sort: Sort::Name,
        descending: false,
        include_initialized: true,
        after: None,
        limit: 100,
    };
    test.site.folder_contents(&test.call, query).await.unwrap()
}

async fn names(test: &TestSite, target: impl Into<Target>) -> Vec<String> {
    let Target { id, kind } = target.into();
    let path = test.site.path(&test.call, PathQuery { id, kind, limit: None }).await.unwrap();
    path.iter().map(|step| step.name.as_str().to_owned()).collect()
}

async fn is_recycled(test: &TestSite, folder: &FolderId) -> bool {
    test.site.folder(&test.call, folder.clone()).await.unwrap().folder.is_recycled
}

async fn what_is_recycled_lies_in_the_owners_bin_and_comes_back_where_it_was(test: TestSite) {
    let (root, bin) = (test.root(), test.ann.recycle_bin.clone());
    let top = test.folder_in(&root, "top").await.unwrap().id;
    let folder = test.folder_in(&top, "folder").await.unwrap().id;
    let below = test.folder_in(&folder, "below").await.unwrap().id;
    let document = test.upload(&below, "document", b"12345").await.unwrap();
    let single = test.upload(&top, "single", b"1").await.unwrap();
    test.recycle(&folder).await.unwrap();
    test.recycle(&single.document).await.unwrap();

    let page = contents(&test, &bin).await;
    let [recycled] = page.folders.as_slice() else { panic!("{page:?}") };
    assert_eq!((&recycled.id, recycled.parent.as_ref()), (&folder, Some(&bin)));
    assert!(recycled.is_recycled);
    let [recycled] = page.documents.as_slice() else { panic!("{page:?}") };
    assert_eq!((&recycled.id, &recycled.parent), (&single.document, &bin));
    assert!(recycled.is_recycled);
    // What hangs below keeps its place, and is recycled all the same.
    let found = test.site.document(&test.call, document.document.clone()).await.unwrap();
    assert_eq!((found.parent, found.is_recycled), (below.clone(), true));
    let page = contents(&test, &folder).await;
    assert!(page.folders.iter().all(|folder| folder.is_recycled) && page.folders.len() == 1);
    assert!(contents(&test, &below).await.documents[0].is_recycled);
    assert!(!is_recycled(&test, &top).await && !is_recycled(&test, &bin).await);
    assert_eq!(test.download(&document).await.unwrap(), b"12345");
    assert_eq!((test.items_in(&top).await, test.items_in(&bin).await), (0, 2));
    let page = contents(&test, &top).await;
    assert!(page.folders.is_empty() && page.documents.is_empty());
    assert_eq!(test.used_bytes().await, 6);
    // Once more changes nothing, also not for what hangs below.
    for again in [Target::from(&folder), (&below).into(), (&document.document).into()] {
        test.recycle(&again).await.unwrap();
    }
    assert_eq!(
        names(&test, &document.document).await,
        ["RecycleBin", "folder", "below", "document"]
    );
    test.assert_sound().await;

    for back in [Target::from(&folder), (&single.document).into()] {
        test.restore(&back, None).await.unwrap();
    }
    assert_eq!(names(&test, &document.document).await, ["/", "top", "folder", "below", "document"]);
    assert_eq!(names(&test, &single.document).await, ["/", "top", "single"]);
    assert!(!is_recycled(&test, &folder).await && !is_recycled(&test, &below).await);
    assert_eq!((test.items_in(&top).await, test.items_in(&bin).await), (2, 0));
    test.upload_version(&document.document, b"1234").await.unwrap();
    test.assert_settles().await;
}

async fn a_recycle_bin_is_no_place_to_restore_to(test: TestSite) {
    let bin = test.ann.recycle_bin.clone();
    let folder = test.folder_in(&test.root(), "folder").await.unwrap().id;
    let below = test.folder_in(&folder, "below").await.unwrap().id;
    test.recycle(&folder).await.unwrap();
    assert_refused!(test.restore(&folder, Some(&bin)).await, Refusal::ProhibitedState(_));
    assert_refused!(test.restore(&below, Some(&bin)).await, Refusal::ProhibitedState(_));
    // Nor is what lies in it.
    assert_refused!(test.restore(&below, Some(&folder)).await, Refusal::ProhibitedState(_));
    assert_refused!(test.restore(&folder, Some(&below)).await, Refusal::ProhibitedState(_));
    assert_refused!(test.restore(&folder, Some(&folder)).await, Refusal::ProhibitedState(_));
    assert!(is_recycled(&test, &folder).await && is_recycled(&test, &below).await);
    // Without saying that it is to be restored nothing of it can be changed.
    assert_refused!(test.rename(&folder, "renamed").await, Refusal::ProhibitedState(_));
    assert_refused!(test.rename(&below, "renamed").await, Refusal::ProhibitedState(_));
    assert_refused!(test.move_to(&folder, &test.root()).await, Refusal::ProhibitedState(_));
    test.assert_settles().await;
}

async fn an_item_is_restored_where_it_is_asked_for(test: TestSite) {
    let root = test.root();
    let from = test.folder_in(&root, "from").await.unwrap().id;
    let to = test.folder_in(&root, "to").await.unwrap().id;
    let folder = test.folder_in(&from, "folder").await.unwrap().id;
    let document = test.upload(&from, "document", b"1").await.unwrap().document;
    for target in [Target::from(&folder), (&document).into()] {
        test.recycle(&target).await.unwrap();
        test.restore(&target, Some(&to)).await.unwrap();
    }
    assert_eq!((test.items_in(&from).await, test.items_in(&to).await), (0, 2));
    assert_eq!(names(&test, &folder).await, ["/", "to", "folder"]);
    // Where it stood last counts, not where it once stood.
    test.recycle(&folder).await.unwrap();
    test.restore(&folder, None).await.unwrap();
    assert_eq!(names(&test, &folder).await, ["/", "to", "folder"]);
    let nowhere = FolderId::new("nothing");
    test.recycle(&folder).await.unwrap();
    assert!(is_hidden(&test.restore(&folder, Some(&nowhere)).await));
    test.assert_settles().await;
}

async fn an_item_whose_folder_is_gone_comes_back_to_the_root(test: TestSite) {
    let root = test.root();
    let deleted = test.folder_in(&root, "deleted").await.unwrap().id;
    let recycled = test.folder_in(&root, "recycled").await.unwrap().id;
    let above = test.folder_in(&root, "above").await.unwrap().id;
    let below = test.folder_in(&above, "below").await.unwrap().id;
    let mut items = Vec::new();
    for (number, parent) in [&deleted, &recycled, &below].into_iter().enumerate() {
        let folder = test.folder_in(parent, &format!("folder {number}")).await.unwrap().id;
        let document = test.upload(parent, &format!("document {number}"), b"1").await.unwrap();
        for target in [Target::from(&folder), (&document.document).into()] {
            test.recycle(&target).await.unwrap();
            items.push(target);
        }
    }
    test.delete_folder(&deleted).await.unwrap();
    test.recycle(&recycled).await.unwrap();
    test.recycle(&above).await.unwrap();
    for (at, target) in items.iter().enumerate() {
        if at == 2 {
            test.site.run_jobs_once().await.unwrap();
        }
        test.restore(target, None).await.unwrap();
        assert_eq!(names(&test, target).await.len(), 2, "{target:?} did not come to the root");
    }
    assert_eq!(test.items_in(&root).await, 6);
    test.assert_settles().await;
}

async fn an_item_inside_a_recycled_folder_is_restored_by_itself(test: TestSite) {
    let root = test.root();
    let top = test.folder_in(&root, "top").await.unwrap().id;
    let middle = test.folder_in(&top, "middle").await.unwrap().id;
    let low = test.folder_in(&middle, "low").await.unwrap().id;
    let document = test.upload(&middle, "document", b"12345").await.unwrap();
    let other = test.folder_in(&root, "other").await.unwrap().id;
    test.recycle(&top).await.unwrap();
    test.restore(&document.document, None).await.unwrap();
    assert_eq!(names(&test, &document.document).await, ["/", "document"]);
    test.restore(&middle, Some(&other)).await.unwrap();
    assert_eq!(names(&test, &low).await, ["/", "other", "middle", "low"]);
    assert!(!is_recycled(&test, &low).await && is_recycled(&test, &top).await);
    assert_eq!((test.items_in(&top).await, test.items_in(&middle).await), (0, 1));
    test.restore(&top, None).await.unwrap();
    assert!(contents(&test, &top).await.folders.is_empty());
    test.assert_settles().await;
}

async fn names_in_the_bin_may_repeat_and_a_clash_is_told_on_the_way_out(test: TestSite) {
    let (root, bin) = (test.root(), test.ann.recycle_bin.clone());
    let mut recycled = Vec::new();
    for number in 0..4 {
        if number % 2 == 0 {
            recycled.push(Target::from(&test.folder_in(&root, "name").await.unwrap().id));
        } else {
            let document = test.upload(&root, "name", b"1").await.unwrap().document;
            recycled.push((&document).into());
        }
        test.recycle(&recycled[number]).await.unwrap();
    }
    assert_eq!(test.items_in(&bin).await, 4);
    test.restore(&recycled[0], None).await.unwrap();
    for target in &recycled[1..] {
        assert_refused!(test.restore(target, None).await, Refusal::AlreadyExists(_));
    }
    assert_eq!(test.items_in(&bin).await, 3);
    for (target, name) in recycled[1..].iter().zip(["one", "two", "three"]) {
        let state = Some(StateChange::Restore);
        test.update(target.clone(), Some(name), None, state).await.unwrap();
        assert_eq!(names(&test, target).await, ["/", name]);
    }
    test.assert_settles().await;
}

/// A folder with a folder, a document and a draft in it.
struct Stand {
    folder: FolderId,
    below: FolderId,
    document: Draft,
    draft: Draft,
}

async fn stand(test: &TestSite) -> Stand {
    let folder = test.folder_in(&test.root(), "stand").await.unwrap().id;
    let below = test.folder_in(&folder, "below").await.unwrap().id;
    let document = test.upload(&below, "document", b"12345").await.unwrap();
    let draft = test.begin_version(&document.document, Some(5)).await.unwrap();
    test.put(&draft, "bytes").await.unwrap();
    Stand { folder, below, document, draft }
}

/// What becomes of everything that could be written in a folder and below it.
async fn attempts(test: &TestSite, stand: &Stand) -> Vec<(&'static str, Option<Refusal>)> {
    let Stand { folder, below, document, draft } = stand;
    let (site, call) = (&test.site, &test.call);
    let outside = test.folder_in(&test.root(), "outside").await.unwrap().id;
    let single = test.upload(&test.root(), "single", b"1").await.unwrap().document;
    let id = || document.document.clone();
    let share = || vec![Share { with: ShareWith::Group(GroupId::new("g")), role: Role::Viewer }];
    let subject = |version| Subject { id: id().into(), version };
    let entries = || CustomMetadata::new(BTreeMap::from([("key".to_owned(), "value".to_owned())]));
    let comment =
        NewComment { text: CommentText::new("text"), visibility: None, parent: None, thread: None };
    let label = || vec!["label".to_owned()];
    let mut attempts = Vec::new();
    macro_rules! attempt {
        ($name:literal, $act:expr) => {
            let refusal = match $act.await {
                Ok(_) => None,
                Err(docharbor_site::Error::Refused(refusal)) => Some(refusal),
                Err(error) => panic!("{}", docharbor_site::chain(&error)),
            };
            attempts.push(($name, refusal));
        };
    }
    attempt!("create in it", test.folder_in(folder, "new"));
    attempt!("create below", test.folder_in(below, "new"));
    attempt!("begin in it", test.begin(folder, "new", None));
    attempt!("begin below", test.begin(below, "new", None));
    attempt!("begin a version", test.begin_version(&id(), None));
    attempt!("put", test.put(draft, "other"));
    attempt!("activate", test.activate(draft));
    attempt!("rename below", test.rename(below, "renamed"));
    attempt!("rename a document", test.rename(&id(), "renamed"));
    attempt!("move a folder in", test.move_to(&outside, folder));
    attempt!("move a folder below", test.move_to(&outside, below));
    attempt!("move a document below", test.move_to(&single, below));
    attempt!("move out", test.move_to(&id(), &test.root()));
    attempt!("share", site.share(call, folder.clone().into(), share()));
    attempt!("share below", site.share(call, id().into(), share()));
    attempt!("label", site.create_labels(call, id().into(), label()));
    attempt!("unlabel", site.delete_labels(call, id().into(), Selection::All));
    attempt!("note", site.create_custom_metadata(call, subject(None), entries()));
    let version = Some(document.version.clone());
    attempt!("note of a version", site.create_custom_metadata(call, subject(version), entries()));
    attempt!("comment", site.create_comment(call, id(), document.version.clone(), comment));
    attempt!("delete a version", test.delete_version(document, false));
    attempt!("restore versions", test.restore_versions(&id()));
    test.delete_folder(&outside).await.unwrap();
    test.delete_document(&single).await.unwrap();
    attempts
}

async fn nothing_is_written_below_a_recycled_folder(test: TestSite) {
    let stand = stand(&test).await;
    test.recycle(&stand.folder).await.unwrap();
    let before = test.rows().await;
    for (name, refusal) in attempts(&test, &stand).await {
        assert!(matches!(refusal, Some(Refusal::ProhibitedState(_))), "{name}: {refusal:?}");
    }
    test.site.run_jobs_once().await.unwrap();
    let [resources, versions, blobs, _, purges] = test.rows().await;
    assert_eq!([resources, versions, blobs, purges], [before[0], before[1], before[2], before[4]]);
    // What was begun can be finished once it is back.
    test.restore(&stand.folder, None).await.unwrap();
    test.activate(&stand.draft).await.unwrap();
    assert_eq!(test.download(&stand.draft).await.unwrap(), b"bytes");
    test.assert_settles().await;
}

async fn nothing_is_written_below_a_deleted_folder(test: TestSite) {
    let stand = stand(&test).await;
    test.delete_folder(&stand.folder).await.unwrap();
    for (name, refusal) in attempts(&test, &stand).await {
        assert_eq!(refusal, Some(Refusal::Hidden), "{name}");
    }
    assert!(is_hidden(&test.restore(&stand.folder, None).await));
    assert!(is_hidden(&test.restore(&stand.document.document, None).await));
    test.assert_settles().await;
    assert_eq!(test.used_bytes().await, 0);
}

async fn everything_comes_back_with_a_restored_folder(test: TestSite) {
    let Stand { folder, below, document, draft } = stand(&test).await;
    let (site, call) = (&test.site, &test.call);
    let bob = site.create_user(call, new_user("bob")).await.unwrap();
    test.abort(&draft).await.unwrap();
    let second = test.upload_version(&document.document, b"second").await.unwrap();
    let third = test.upload_version(&document.document, b"third").await.unwrap();
    test.delete_version(&second, false).await.unwrap();
    let label = vec!["label".to_owned()];
    site.create_labels(call, document.document.clone().into(), label.clone()).await.unwrap();
    site.create_labels(call, folder.clone().into(), label.clone()).await.unwrap();
    let entries = CustomMetadata::new(BTreeMap::from([("key".to_owned(), "value".to_owned())]));
    let subject = Subject { id: document.document.clone().into(), version: None };
    site.create_custom_metadata(call, subject, entries.clone()).await.unwrap();
    let comment =
        NewComment { text: CommentText::new("text"), visibility: None, parent: None, thread: None };
    let version = document.version.clone();
    site.create_comment(call, document.document.clone(), version, comment).await.unwrap();
    for (id, role) in
        [(folder.clone().into(), Role::Viewer), (document.document.clone().into(), Role::CoOwner)]
    {
        let share = Share { with: ShareWith::User(bob.id.clone()), role };
        let shared = site.share(call, id, vec![share]).await.unwrap();
        assert!(shared[0].failure.is_none());
    }
    let state = || async {
        let id = document.document.clone();
        let (found, notes) = site.document_with_custom_metadata(call, id.clone()).await.unwrap();
        let versions = site.versions(call, id.clone(), true, None, 10).await.unwrap().versions;
        let query = CommentsQuery {
            document: id.clone(),
            version: document.version.clone(),
            after: None,
            limit: 10,
        };
        let comments = site.comments(call, query).await.unwrap().comments;
        let listing = PermissionListing { principal_id: None, after: None, limit: 10 };
        let permissions = site.permissions(call, id.into(), listing).await.unwrap().permissions;
        let folder = site.folder(call, folder.clone()).await.unwrap().folder;
        let comments: Vec<_> = comments.into_iter().map(|view| view.comment).collect();
        (found.latest, found.labels, notes, versions, comments, permissions, folder.labels)
    };
    let before = state().await;
    assert_eq!((&before.1, before.4.len(), before.5.len()), (&label, 1, 2));
    assert!(before.2 == entries);
    let bobs = test.as_user(&bob);
    assert_eq!(bobs.download(&third).await.unwrap(), b"third");
    for target in [Target::from(&folder), (&below).into(), (&document.document).into()] {
        test.recycle(&target).await.unwrap();
        assert!(is_hidden(&bobs.download(&third).await));
        test.restore(&target, None).await.unwrap();
        assert!(state().await == before, "something changed on the way to the bin and back");
        assert_eq!(bobs.download(&third).await.unwrap(), b"third");
    }
    test.restore_versions(&document.document).await.unwrap();
    assert_eq!(test.download(&second).await.unwrap(), b"second");
    test.assert_settles().await;
}

async fn what_is_recycled_exists_for_its_owner_alone(test: TestSite) {
    let Stand { folder, below, document, .. } = stand(&test).await;
    let (site, call) = (&test.site, &test.call);
    let bob = site.create_user(call, new_user("bob")).await.unwrap();
    let share = Share { with: ShareWith::User(bob.id.clone()), role: Role::CoOwner };
    site.share(call, folder.clone().into(), vec![share]).await.unwrap();
    let (anns, bobs) = (test.as_user(&test.ann), test.as_user(&bob));
    // A co-owner may recycle it; then it is the owner's to bring back.
    bobs.recycle(&below).await.unwrap();
    assert_eq!(test.items_in(&test.ann.recycle_bin).await, 1);
    assert_eq!(test.items_in(&bob.recycle_bin).await, 0);
    assert!(is_hidden(&bobs.restore(&below, None).await));
    assert!(is_hidden(&bobs.recycle(&below).await));
    assert!(is_hidden(&bobs.download(&document).await));
    assert!(is_hidden(&bobs.delete_folder(&below).await));
    let path = PathQuery { id: below.clone().into(), kind: ItemKind::Folder, limit: None };
    assert!(is_hidden(&bobs.site.path(&bobs.call, path).await));
    assert_eq!(anns.download(&document).await.unwrap(), b"12345");
    anns.restore(&below, None).await.unwrap();
    assert_eq!(bobs.download(&document).await.unwrap(), b"12345");
    test.assert_settles().await;
}
