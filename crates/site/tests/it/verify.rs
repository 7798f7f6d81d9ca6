//! The check of a site finds each kind of damage, that one alone, and none in a site that is sound.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use docharbor_blobs::{
    BlobEntry, BlobError, BlobKey, BlobStore, Body, Expected, LocalBlobs, Reader, ReceiveError,
    Stored,
};
use docharbor_domain::{
    BlobId, CommentText, CustomMetadata, FolderId, NewComment, OrganizationId, Role, Scopes, Share,
    ShareWith, SubscriptionProtocol, User,
};
use docharbor_metadata::CHECKS;
use docharbor_site::{INDEX_INVARIANTS, NewSubscription, Settings, Site, Subject};
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::support::{Draft, Engine, NOBODY, TestSite, new_user, on_both_engines, won};

on_both_engines! {
    each_invariant_is_found_broken,
    damaged_bytes_are_found,
    unknown_bytes_are_found_when_they_are_old,
}

/// Statements, and the invariant they break. `ROOT` and the like stand for ids of the sound site.
const DAMAGES: &[(&str, &str)] = &[
    (
        "an item that was not deleted stands in a folder, or is a root folder or recycle bin",
        "UPDATE resource SET parent_id = 'ROOT' WHERE id = 'BIN';
         UPDATE resource SET item_count = item_count + 1 WHERE id = 'ROOT'",
    ),
    (
        "an item that was not deleted stands in a folder, or is a root folder or recycle bin",
        "UPDATE resource SET parent_id = NULL WHERE id = 'EMPTY';
         UPDATE resource SET item_count = item_count - 1 WHERE id = 'FOLDER'",
    ),
    (
        "an item that was not deleted stands in a folder, or is a root folder or recycle bin",
        "UPDATE resource SET parent_id = 'DOCUMENT' WHERE id = 'EMPTY';
         UPDATE resource SET item_count = item_count - 1 WHERE id = 'FOLDER'",
    ),
    (
        "every item is reached from a root, a recycle bin or a deletion: no cycles",
        "UPDATE resource SET parent_id = 'EMPTY' WHERE id = 'FOLDER';
         UPDATE resource SET item_count = item_count + 1 WHERE id = 'EMPTY';
         UPDATE resource SET item_count = item_count - 1 WHERE id = 'ROOT'",
    ),
    (
        "a folder's number of items is the number of its items",
        "UPDATE resource SET item_count = item_count + 1 WHERE id = 'EMPTY'",
    ),
    (
        "a folder holds its name, and a document does once it has an ACTIVE version",
        "UPDATE resource SET live_name_key = NULL WHERE id = 'EMPTY'",
    ),
    (
        "a folder holds its name, and a document does once it has an ACTIVE version",
        "UPDATE resource SET live_name_key = NULL WHERE id = 'DOCUMENT'",
    ),
    (
        "a folder holds its name, and a document does once it has an ACTIVE version",
        "UPDATE resource SET live_name_key = name_key WHERE id = 'DRAFT'",
    ),
    (
        "the latest version of a document is its newest ACTIVE one, else its newest",
        "UPDATE resource SET latest_version_id = 'FIRST' WHERE id = 'DOCUMENT'",
    ),
    (
        "the latest version of a document is its newest ACTIVE one, else its newest",
        "UPDATE resource SET latest_version_id = 'THIRD' WHERE id = 'DOCUMENT'",
    ),
    (
        "the latest version of a document is its newest ACTIVE one, else its newest",
        "UPDATE resource SET latest_version_id = 'nothing' WHERE id = 'DRAFT'",
    ),
    (
        "every version belongs to a document",
        "UPDATE version SET document_id = 'nothing' WHERE id = 'THIRD'",
    ),
    (
        "every version belongs to a document",
        "UPDATE version SET document_id = 'EMPTY', charged_bytes = 0 WHERE id = 'THIRD'",
    ),
    (
        "an ACTIVE or DELETED version has bytes, is charged for them and does not expire",
        "DELETE FROM blob WHERE id = (SELECT blob_id FROM version WHERE id = 'FIRST')",
    ),
    (
        "an ACTIVE or DELETED version has bytes, is charged for them and does not expire",
        "UPDATE version SET charged_bytes = charged_bytes + 1 WHERE id = 'FIRST';
         UPDATE site_user SET storage_used_bytes = storage_used_bytes + 1 WHERE id = 'ANN'",
    ),
    (
        "an ACTIVE or DELETED version has bytes, is charged for them and does not expire",
        "UPDATE version SET expires_ms = 9000000000000000000 WHERE id = 'FIRST'",
    ),
    (
        "an INITIALIZED version expires, and is charged what arrived or was declared",
        "UPDATE version SET expires_ms = NULL WHERE id = 'THIRD'",
    ),
    (
        "an INITIALIZED version expires, and is charged what arrived or was declared",
        "UPDATE version SET charged_bytes = 1 WHERE id = 'THIRD';
         UPDATE site_user SET storage_used_bytes = storage_used_bytes + 1 WHERE id = 'ANN'",
    ),
    (
        "an INITIALIZED version expires, and is charged what arrived or was declared",
        "DELETE FROM blob WHERE id = (SELECT blob_id FROM version WHERE document_id = 'DRAFT')",
    ),
    (
        "stored bytes belong to exactly one version, and are not garbage",
        "UPDATE version SET blob_id = NULL WHERE document_id = 'DRAFT'",
    ),
    (
        "stored bytes belong to exactly one version, and are not garbage",
        "UPDATE version SET blob_id = (SELECT v.blob_id FROM version v WHERE v.id = 'FIRST'),
                            charged_bytes = 5 WHERE id = 'THIRD';
         UPDATE site_user SET storage_used_bytes = storage_used_bytes + 5 WHERE id = 'ANN'",
    ),
    (
        "stored bytes belong to exactly one version, and are not garbage",
        "INSERT INTO garbage (organization_id, blob_id, location, not_before_ms)
         SELECT organization_id, blob_id, 'local', 0 FROM version WHERE id = 'FIRST'",
    ),
    (
        "stored bytes belong to exactly one version, and are not garbage",
        "UPDATE extraction SET state = 'EXTRACTED', due_ms = NULL, small_bytes = 1,
                small_hq_bytes = 2, large_bytes = 2,
                blob_id = (SELECT blob_id FROM version WHERE id = 'FIRST')
          WHERE version_id = 'FIRST';
         UPDATE search_entry SET content_tokens = '' WHERE version_id = 'FIRST' AND comment_id = ''",
    ),
    (
        "every ACTIVE or DELETED version was looked into or is waiting for it",
        "DELETE FROM extraction WHERE version_id = 'FIRST'",
    ),
    (
        "what was taken out of a version belongs to one that exists, and its bytes are kept",
        "INSERT INTO extraction (organization_id, document_id, version_id, state, attempts, due_ms)
         SELECT organization_id, document_id, 'nothing', 'DUE', 0, 0 FROM extraction
          WHERE version_id = 'FIRST'",
    ),
    (
        "what was taken out of a version belongs to one that exists, and its bytes are kept",
        "UPDATE extraction SET due_ms = NULL WHERE version_id = 'FIRST'",
    ),
    (
        "what was taken out of a version belongs to one that exists, and its bytes are kept",
        "UPDATE extraction SET state = 'EXTRACTED', due_ms = NULL, blob_id = 'nothing',
                small_bytes = 1, small_hq_bytes = 2, large_bytes = 3
          WHERE version_id = 'FIRST';
         UPDATE search_entry SET content_tokens = '' WHERE version_id = 'FIRST' AND comment_id = ''",
    ),
    (
        "what a user is charged is the sum of what the versions of their tree are charged",
        "UPDATE site_user SET storage_used_bytes = storage_used_bytes + 1 WHERE id = 'ANN'",
    ),
    (
        "every user has a live root folder and a live recycle bin",
        "UPDATE site_user SET root_folder_id = recycle_bin_id WHERE id = 'BOB'",
    ),
    (
        "every user has a live root folder and a live recycle bin",
        "UPDATE site_user SET recycle_bin_id = 'nothing' WHERE id = 'BOB'",
    ),
    ("a deleted item is waiting to be removed, and stands nowhere", "DELETE FROM purge"),
    (
        "a deleted item is waiting to be removed, and stands nowhere",
        "UPDATE resource SET parent_id = 'EMPTY' WHERE id = 'DELETED';
         UPDATE resource SET item_count = item_count + 1 WHERE id = 'EMPTY'",
    ),
    (
        "a deleted item is waiting to be removed, and stands nowhere",
        "UPDATE resource SET live_name_key = name_key WHERE id = 'DELETED'",
    ),
    (
        "only deleted items are waiting to be removed",
        "INSERT INTO purge (organization_id, resource_id, deleted_ms)
         SELECT organization_id, id, 0 FROM resource WHERE id = 'EMPTY'",
    ),
    (
        "an ACTIVE or DELETED version has bytes, is charged for them and does not expire",
        "UPDATE version SET deleted_ms = NULL WHERE id = 'GONE'",
    ),
    (
        "an ACTIVE or DELETED version has bytes, is charged for them and does not expire",
        "UPDATE version SET deleted_ms = 1 WHERE id = 'FIRST'",
    ),
    (
        "the latest version of a document is its newest ACTIVE one, else its newest",
        "UPDATE resource SET latest_version_id = 'GONE' WHERE id = 'DOCUMENT'",
    ),
    (
        "a document has the name of the ACTIVE version that stands for it",
        "UPDATE resource SET name = 'another' WHERE id = 'DOCUMENT'",
    ),
    (
        "what is recycled lies in its owner's recycle bin, and holds no name there",
        "UPDATE resource SET parent_id = 'EMPTY' WHERE id = 'RECYCLED';
         UPDATE resource SET item_count = item_count + 1 WHERE id = 'EMPTY';
         UPDATE resource SET item_count = item_count - 1 WHERE id = 'BIN'",
    ),
    (
        "what is recycled lies in its owner's recycle bin, and holds no name there",
        "UPDATE resource SET live_name_key = name_key WHERE id = 'RECYCLED'",
    ),
    (
        "what is recycled lies in its owner's recycle bin, and holds no name there",
        "UPDATE resource SET recycled_ms = NULL WHERE id = 'RECYCLED'",
    ),
    (
        "what is recycled lies in its owner's recycle bin, and holds no name there",
        "UPDATE resource SET state = 'LIVE', live_name_key = name_key, recycled_ms = NULL,
                former_parent_id = NULL WHERE id = 'RECYCLED'",
    ),
    (
        "what is recycled lies in its owner's recycle bin, and holds no name there",
        "UPDATE resource SET recycled_ms = 1 WHERE id = 'EMPTY'",
    ),
    (
        "what stands in a tree belongs to the owner of the tree",
        "UPDATE resource SET owner_id = 'BOB' WHERE id = 'FOLDER'",
    ),
    (
        "permissions, labels and custom metadata belong to an item",
        "INSERT INTO label (organization_id, resource_id, name)
         SELECT organization_id, 'nothing', 'name' FROM label WHERE name = 'label'",
    ),
    (
        "permissions, labels and custom metadata belong to an item",
        "UPDATE permission SET resource_id = 'nothing'",
    ),
    (
        "permissions, labels and custom metadata belong to an item",
        "UPDATE custom_metadata SET resource_id = 'nothing' WHERE version_id = ''",
    ),
    (
        "comments and custom metadata of a version belong to one that exists",
        "UPDATE comment SET version_id = 'nothing';
         DELETE FROM search_text WHERE rowid IN (
            SELECT e.ordinal FROM search_entry e WHERE e.comment_id <> '');
         DELETE FROM search_entry WHERE comment_id <> ''",
    ),
    (
        "comments and custom metadata of a version belong to one that exists",
        "UPDATE custom_metadata SET version_id = 'nothing' WHERE version_id <> ''",
    ),
    (
        "a reply answers a comment that is kept, and only answered ones are tombstones",
        "DELETE FROM comment WHERE parent_id IS NULL;
         DELETE FROM search_text WHERE rowid IN (
            SELECT e.ordinal FROM search_entry e WHERE e.kind = 'COMMENT'
               AND e.comment_id NOT IN (SELECT c.id FROM comment c));
         DELETE FROM search_entry WHERE kind = 'COMMENT'
            AND comment_id NOT IN (SELECT c.id FROM comment c)",
    ),
    (
        "a reply answers a comment that is kept, and only answered ones are tombstones",
        "UPDATE comment SET text = NULL WHERE parent_id IS NOT NULL;
         DELETE FROM search_text WHERE rowid IN (
            SELECT e.ordinal FROM search_entry e WHERE e.kind = 'COMMENT'
               AND e.comment_id NOT IN (SELECT c.id FROM comment c WHERE c.text IS NOT NULL));
         DELETE FROM search_entry WHERE kind = 'COMMENT'
            AND comment_id NOT IN (SELECT c.id FROM comment c WHERE c.text IS NOT NULL)",
    ),
    (
        "a permission is given to a user or group that exists, and not to the owner",
        "UPDATE permission SET principal_id = 'nobody'",
    ),
    (
        "a permission is given to a user or group that exists, and not to the owner",
        "UPDATE permission SET principal_id = 'ANN'",
    ),
    (
        "a permission is given to a user or group that exists, and not to the owner",
        "UPDATE permission SET principal_type = 'GROUP'",
    ),
    (
        "who is in a group is what follows from who was put into it and its groups",
        "DELETE FROM group_member",
    ),
    (
        "who is in a group is what follows from who was put into it and its groups",
        "DELETE FROM group_direct_member",
    ),
    (
        "who was put into a group exists, and so does the group",
        "UPDATE group_direct_member SET member_id = 'nobody';
         UPDATE group_member SET user_id = 'nobody'",
    ),
    (
        "who was put into a group exists, and so does the group",
        "UPDATE group_direct_member SET group_id = 'nothing'; DELETE FROM group_member",
    ),
    (
        "whom an activity is about is told of an activity that there is",
        "UPDATE activity SET has_participants = 0",
    ),
    (
        "a delivery is of an event that is kept, for somebody who subscribed",
        "UPDATE delivery SET event_id = 'nothing'",
    ),
    (
        "nobody is told of anything before they confirmed that they want to be",
        "UPDATE delivery SET subscription_id =
            (SELECT id FROM notification_subscription WHERE status = 'PENDING')",
    ),
    (
        "what can be found has an entry in the index, and its words",
        "DELETE FROM search_text WHERE rowid IN (
            SELECT e.ordinal FROM search_entry e WHERE e.resource_id = 'EMPTY');
         DELETE FROM search_entry WHERE resource_id = 'EMPTY'",
    ),
    (
        "what can be found has an entry in the index, and its words",
        "DELETE FROM search_text WHERE rowid IN (
            SELECT e.ordinal FROM search_entry e
             WHERE e.version_id = 'FIRST' AND e.kind = 'VERSION');
         DELETE FROM search_entry WHERE version_id = 'FIRST' AND kind = 'VERSION'",
    ),
    (
        "what can be found has an entry in the index, and its words",
        "DELETE FROM search_text WHERE rowid IN (
            SELECT e.ordinal FROM search_entry e WHERE e.kind = 'COMMENT');
         DELETE FROM search_entry WHERE kind = 'COMMENT'",
    ),
    (
        "the index has entries of nothing but what there is",
        "INSERT INTO search_entry (organization_id, kind, resource_id, version_id, comment_id,
                                   script, category, name_tokens)
         SELECT organization_id, kind, 'nothing', version_id, comment_id, script, category,
                name_tokens
           FROM search_entry WHERE resource_id = 'EMPTY'",
    ),
    (
        "what a version says is in the index, or will be looked for",
        "UPDATE extraction SET state = 'NOT_EXTRACTABLE', due_ms = NULL WHERE version_id = 'FIRST'",
    ),
    (
        "what can be found is found by the words it has",
        "UPDATE resource SET name = 'another' WHERE id = 'EMPTY'",
    ),
    (
        "what can be found is found by the words it has",
        "UPDATE version SET name = 'another' WHERE id = 'FIRST'",
    ),
    (
        "what can be found is found by the words it has",
        "UPDATE comment SET text = 'another' WHERE parent_id IS NULL",
    ),
    (
        "an entry of the index and its words say the same",
        "UPDATE resource SET name = 'another' WHERE id = 'EMPTY';
         UPDATE search_entry SET name_tokens = ' another ' WHERE resource_id = 'EMPTY'",
    ),
    (
        "an entry of the index and its words say the same",
        "UPDATE search_entry SET content_tokens = ' another '
          WHERE version_id = 'FIRST' AND comment_id = ''",
    ),
    (
        "words in the index are those of an entry",
        "DELETE FROM comment; DELETE FROM search_entry WHERE kind = 'COMMENT'",
    ),
    ("every token belongs to a user", "UPDATE token SET user_id = 'nobody'"),
];

/// The tables that are damaged, and mended from copies.
const TABLES: [&str; 18] = [
    "delivery",
    "search_entry",
    "activity",
    "activity_participant",
    "extraction",
    "group_direct_member",
    "group_member",
    "resource",
    "version",
    "blob",
    "garbage",
    "purge",
    "site_user",
    "token",
    "permission",
    "label",
    "custom_metadata",
    "comment",
];

/// A site with an item of every kind and state, and the ids that stand for names in `DAMAGES`.
async fn plant(test: &TestSite) -> Vec<(&'static str, String)> {
    let root = test.root();
    let folder = test.folder_in(&root, "folder").await.unwrap().id;
    let empty = test.folder_in(&folder, "empty").await.unwrap().id;
    let first = test.upload(&folder, "document", b"first").await.unwrap();
    let second = test.begin_version(&first.document, Some(6)).await.unwrap();
    test.put(&second, "second").await.unwrap();
    test.activate(&second).await.unwrap();
    let third = test.begin_version(&first.document, None).await.unwrap();
    let draft = test.begin(&root, "draft", Some(5)).await.unwrap();
    test.put(&draft, "draft").await.unwrap();
    let deleted = test.folder_in(&root, "deleted").await.unwrap().id;
    test.upload(&deleted, "below", b"below").await.unwrap();
    test.delete_folder(&deleted).await.unwrap();
    let gone = test.upload_version(&first.document, b"gone").await.unwrap();
    test.delete_version(&gone, false).await.unwrap();
    let recycled = test.folder_in(&folder, "recycled").await.unwrap().id;
    test.recycle(&recycled).await.unwrap();
    tell(test).await;
    let bob = test.site.create_user(&test.call, new_user("bob")).await.unwrap();
    annotate(test, &empty, &first, &bob).await;
    let scopes = Scopes { read: true, write: true };
    test.site.create_token(test.call.organization(), "ann", scopes, 1_000).await.unwrap();
    vec![
        ("GONE", gone.version.as_str().to_owned()),
        ("RECYCLED", recycled.as_str().to_owned()),
        ("ANN", test.ann.id.as_str().to_owned()),
        ("BOB", bob.id.as_str().to_owned()),
        ("ROOT", root.as_str().to_owned()),
        ("BIN", test.ann.recycle_bin.as_str().to_owned()),
        ("FOLDER", folder.as_str().to_owned()),
        ("EMPTY", empty.as_str().to_owned()),
        ("DOCUMENT", first.document.as_str().to_owned()),
        ("FIRST", first.version.as_str().to_owned()),
        ("THIRD", third.version.as_str().to_owned()),
        ("DRAFT", draft.document.as_str().to_owned()),
        ("DELETED", deleted.as_str().to_owned()),
    ]
}

/// Tells a subscriber of a document, while another one has not said whether they want to be told.
async fn tell(test: &TestSite) {
    for _ in 0..2 {
        test.execute("UPDATE notification_subscription SET status = 'CONFIRMED'").await;
        let new = NewSubscription {
            endpoint: NOBODY.to_owned(),
            protocol: SubscriptionProtocol::Https,
            base_url: "https://docs.example".to_owned(),
        };
        test.site.create_subscription(&test.call, new).await.unwrap();
    }
    test.upload(&test.root(), "told of", b"told of").await.unwrap();
    test.site.run_notifications_once().await.unwrap();
}

/// Shares a folder, and leaves labels, custom metadata and comments.
async fn annotate(test: &TestSite, folder: &FolderId, document: &Draft, bob: &User) {
    let (site, call) = (&test.site, &test.call);
    let Draft { document, version } = document;
    let share = Share { with: ShareWith::User(bob.id.clone()), role: Role::Viewer };
    site.share(call, folder.clone().into(), vec![share]).await.unwrap();
    let organization = call.organization();
    let group = site.create_group(organization, "group").await.unwrap();
    site.add_group_member(organization, group.as_str(), "bob").await.unwrap();
    let label = vec!["label".to_owned()];
    site.create_labels(call, document.clone().into(), label).await.unwrap();
    let entries = CustomMetadata::new(BTreeMap::from([("key".to_owned(), "value".to_owned())]));
    for version in [None, Some(version.clone())] {
        let subject = Subject { id: document.clone().into(), version };
        site.create_custom_metadata(call, subject, entries.clone()).await.unwrap();
    }
    let mut parent = None;
    for _ in 0..2 {
        let comment =
            NewComment { text: CommentText::new("text"), visibility: None, parent, thread: None };
        let made = site.create_comment(call, document.clone(), version.clone(), comment).await;
        parent = Some(made.unwrap().comment.id);
    }
}

async fn each_invariant_is_found_broken(test: TestSite) {
    let broken: BTreeSet<_> = DAMAGES.iter().map(|(invariant, _)| *invariant).collect();
    let checked: BTreeSet<_> =
        CHECKS.iter().map(|check| check.invariant).chain(INDEX_INVARIANTS).collect();
    assert_eq!(broken, checked, "each check needs a damage that it finds");

    let names = plant(&test).await;
    test.assert_sound().await;
    let copies = TABLES.map(|table| format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}"));
    test.execute(&copies.join(";")).await;
    let mended = TABLES
        .map(|table| format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table}"))
        .join(";");
    for (invariant, damage) in DAMAGES {
        let mut statements = (*damage).to_owned();
        for (name, id) in &names {
            statements = statements.replace(&format!("'{name}'"), &format!("'{id}'"));
        }
        test.execute(&statements).await;
        let report = test.site.verify(true).await.unwrap();
        let found: BTreeSet<_> =
            report.findings.iter().map(|finding| finding.invariant.as_str()).collect();
        assert_eq!(found, BTreeSet::from([*invariant]), "{damage}\n{:?}", report.findings);
        assert_eq!(report.invariants_checked, checked.len());
        test.execute(&mended).await;
        // Words cannot be copied; they are made again from their entries.
        test.site.mend_index().await.unwrap();
    }
    test.assert_sound().await;
}

async fn findings(site: &Site, deep: bool) -> Vec<(String, String)> {
    let report = site.verify(deep).await.unwrap();
    report.findings.into_iter().map(|finding| (finding.invariant, finding.detail)).collect()
}

fn whole(detail: &str) -> Vec<(String, String)> {
    vec![("stored bytes are there, whole".to_owned(), detail.to_owned())]
}

async fn damaged_bytes_are_found(test: TestSite) {
    test.upload(&test.root(), "document", b"0123456789").await.unwrap();
    let report = test.site.verify(true).await.unwrap();
    assert_eq!((report.blobs_checked, report.bytes_hashed), (1, 10));
    let path = test.file("");
    let sound = std::fs::read(&path).unwrap();

    std::fs::write(&path, b"0123456798").unwrap();
    assert_eq!(findings(&test.site, false).await, []);
    assert_eq!(findings(&test.site, true).await, whole("damaged"));

    std::fs::write(&path, &sound[..9]).unwrap();
    assert_eq!(findings(&test.site, false).await, whole("of another size"));
    assert_eq!(findings(&test.site, true).await, whole("damaged"));

    std::fs::remove_file(&path).unwrap();
    assert_eq!(findings(&test.site, false).await, whole("missing"));
    assert_eq!(findings(&test.site, true).await, whole("missing"));

    std::fs::write(&path, &sound).unwrap();
    test.assert_sound().await;
}

async fn unknown_bytes_are_found_when_they_are_old(test: TestSite) {
    test.upload(&test.root(), "document", b"0123456789").await.unwrap();
    let known = test.file("");
    let name = known.file_name().unwrap().to_str().unwrap();
    std::fs::copy(&known, known.with_file_name(format!("{}ff", &name[..2]))).unwrap();
    let grace_ms = test.site.settings().garbage_grace_ms;
    test.advance(2 * grace_ms - 60_000);
    test.assert_sound().await;
    test.advance(600_000);
    let leak = vec![("no bytes leak".to_owned(), "no row knows them".to_owned())];
    assert_eq!(findings(&test.site, false).await, leak);
    test.site.sweep().await.unwrap();
    test.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_in_use_on_sqlite_is_found_sound() {
    a_site_in_use_is_found_sound(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_in_use_on_postgres_is_found_sound() {
    a_site_in_use_is_found_sound(Engine::Postgres).await;
}

/// Without a grace, so that bytes go while they are looked at.
async fn a_site_in_use_is_found_sound(engine: Engine) {
    let settings = Settings { garbage_grace_ms: 0, ..Settings::default() };
    let test = TestSite::with(engine, settings).await;
    let done = Arc::new(AtomicBool::new(false));
    let mut users = Vec::new();
    for number in 0..3 {
        let (actor, root, done) = (test.actor(), test.root(), Arc::clone(&done));
        users.push(tokio::spawn(async move {
            let mut rounds = 0;
            while !done.load(Ordering::SeqCst) {
                let folder = actor.folder_in(&root, &format!("folder {number}")).await.unwrap().id;
                let first = actor.upload(&folder, "document", b"first").await.unwrap();
                let second = actor.begin_version(&first.document, None).await.unwrap();
                actor.put(&second, "second").await.unwrap();
                actor.put(&second, "second again").await.unwrap();
                actor.abort(&second).await.unwrap();
                actor.upload(&folder, "another", b"another").await.unwrap();
                actor.delete_document(&first.document).await.unwrap();
                actor.delete_folder(&folder).await.unwrap();
                rounds += 1;
            }
            rounds
        }));
    }
    let (site, ended) = (test.site.clone(), Arc::clone(&done));
    let jobs = tokio::spawn(async move {
        while !ended.load(Ordering::SeqCst) {
            site.run_jobs_once().await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    for pass in 0..30 {
        let report = test.site.verify(pass % 2 == 0).await.unwrap();
        assert_eq!(report.findings, [], "{engine:?}");
    }
    done.store(true, Ordering::SeqCst);
    for user in users {
        assert!(user.await.unwrap() > 0, "nothing happened meanwhile");
    }
    jobs.await.unwrap();
    test.assert_settles().await;
}

/// Bytes in a store where something happens right behind each listing.
struct Behind<F> {
    blobs: LocalBlobs,
    happens: F,
}

impl<F> BlobStore for Behind<F>
where
    F: Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static,
{
    fn location(&self) -> &'static str {
        self.blobs.location()
    }

    fn receive<'a>(
        &'a self,
        key: &'a BlobKey,
        body: Body<'a>,
        expected: Expected,
    ) -> BoxFuture<'a, Result<Stored, ReceiveError>> {
        self.blobs.receive(key, body, expected)
    }

    fn open<'a>(
        &'a self,
        key: &'a BlobKey,
        size_bytes: u64,
    ) -> BoxFuture<'a, Result<Option<Box<dyn Reader>>, BlobError>> {
        self.blobs.open(key, size_bytes)
    }

    fn delete<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<bool, BlobError>> {
        self.blobs.delete(key)
    }

    fn list<'a>(
        &'a self,
        organization: &'a OrganizationId,
        after: Option<&'a BlobId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<BlobEntry>, BlobError>> {
        async move {
            let page = self.blobs.list(organization, after, limit).await;
            (self.happens)().await;
            page
        }
        .boxed()
    }

    fn hash<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<Option<Stored>, BlobError>> {
        self.blobs.hash(key)
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), BlobError>> {
        self.blobs.probe()
    }

    fn clean_staging(&self) -> BoxFuture<'_, Result<u64, BlobError>> {
        self.blobs.clean_staging()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_bytes_that_go_while_they_are_looked_at_are_no_leak() {
    let test = TestSite::on(Engine::Sqlite).await;
    let old = test.upload(&test.root(), "old", b"old").await.unwrap();
    let kept = test.upload(&test.root(), "kept", b"kept").await.unwrap();
    test.advance(3 * test.site.settings().garbage_grace_ms);
    test.delete_document(&old.document).await.unwrap();
    test.advance(test.site.settings().garbage_grace_ms);
    let site = test.site.clone();
    let jobs = move || {
        let site = site.clone();
        async move {
            site.run_jobs_once().await.unwrap();
        }
        .boxed()
    };
    let verifier = test.site_over(Arc::new(Behind { blobs: test.blobs.clone(), happens: jobs }));
    assert_eq!(findings(&verifier, false).await, []);
    assert_eq!(test.files().await, 1);
    assert!(won(&test.download(&kept).await));
}
