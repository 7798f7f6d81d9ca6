//! What is taken out of documents: when, how often, and that all of it can be lost.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use docharbor_blobs::{
    BlobEntry, BlobError, BlobKey, BlobStore, Body, Expected, LIST_PAGE_MAX, LocalBlobs, Reader,
    ReceiveError, Stored,
};
use docharbor_domain::{BlobId, OrganizationId, Refusal, Role, Share, ShareWith};
use docharbor_search::extract::{
    Document, ExtractError, Extracted, Extractor, Fault, Reason, Thumbnails,
};
use docharbor_site::{Error, Extent, ExtractionsDone, Mended, Reindexed, Site, ThumbnailSize};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};

use crate::search::{found, words};
use crate::support::{
    Actor, Draft, Engine, Target, TestSite, assert_refused, new_user, on_both_engines,
};

/// How long something is waited for that must happen.
const PATIENCE: Duration = Duration::from_mins(1);

on_both_engines! {
    thumbnails_come_after_the_upload_and_go_with_the_version,
    what_nobody_can_read_waits_for_nobody_until_its_name_says_otherwise,
    a_document_is_tried_twice_and_an_attempt_that_ended_the_server_counts,
    what_the_document_has_no_part_in_uses_no_attempt_up,
    no_site_waits_for_all_of_anothers_documents,
    what_is_lost_comes_back,
    what_documents_say_is_found_again_when_the_index_was_lost,
    pictures_whose_bytes_are_lost_are_made_anew,
    the_next_documents_are_ready_while_one_is_looked_into,
    a_document_that_was_tried_before_is_in_hand_alone,
    an_attempt_that_a_stop_breaks_off_counts_for_nothing,
    what_there_is_no_room_for_is_made_when_there_is,
    a_version_that_goes_away_meanwhile_leaves_nothing,
    a_document_that_is_renamed_meanwhile_is_read_as_what_it_is_called_now,
    whoever_may_not_see_a_document_sees_no_picture_of_it,
}

/// Takes out what the document itself says, and counts how often it was asked. It looks into one document
/// at a time, in the order in which it is asked.
#[derive(Default)]
struct Parrot {
    asked: AtomicU64,
    place: tokio::sync::Mutex<()>,
    heard: Mutex<Vec<Vec<u8>>>,
}

impl Extractor for Parrot {
    fn extract<'a>(
        &'a self,
        mut document: Document<'a>,
    ) -> BoxFuture<'a, Result<Extracted, ExtractError>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        async move {
            let _place = self.place.lock().await;
            let mut bytes = Vec::new();
            while let Some(part) = document.bytes.next().await {
                bytes.extend_from_slice(&part.map_err(Fault::Io).map_err(ExtractError::Fault)?);
            }
            self.heard.lock().unwrap().push(bytes.clone());
            match bytes.as_slice() {
                b"hostile" => Err(ExtractError::NotExtractable { reason: Reason::Damaged }),
                b"busy" => Err(ExtractError::Fault(Fault::NoAnswer)),
                b"no bytes" => {
                    Err(ExtractError::Fault(Fault::Io(std::io::ErrorKind::Other.into())))
                }
                b"no sandbox" => Err(ExtractError::Fault(Fault::NoSandbox)),
                text => Ok(Extracted {
                    text: Some(String::from_utf8_lossy(text).into_owned()),
                    thumbnails: Some(Thumbnails {
                        small: b"small".to_vec(),
                        small_hq: b"small_hq".to_vec(),
                        large: [b"large ", text].concat(),
                    }),
                }),
            }
        }
        .boxed()
    }
}

fn done(extracted: u64, not_extractable: u64, put_off: u64) -> ExtractionsDone {
    ExtractionsDone { extracted, not_extractable, put_off }
}

async fn picture(actor: &Actor, draft: &Draft, size: ThumbnailSize) -> Result<Vec<u8>, Error> {
    let (document, version) = (draft.document.clone(), draft.version.clone());
    let picture = actor.site.open_thumbnail(&actor.call, document, version, size).await?;
    let mut body = picture.reader.read_range(picture.range);
    let mut bytes = Vec::new();
    while let Some(part) = body.next().await {
        bytes.extend_from_slice(&part.unwrap());
    }
    Ok(bytes)
}

async fn has_pictures(actor: &Actor, draft: &Draft) -> bool {
    let (document, version) = (draft.document.clone(), draft.version.clone());
    actor.site.has_thumbnails(&actor.call, document, version).await.unwrap()
}

async fn extract(site: &Site) -> ExtractionsDone {
    site.run_extraction_once().await.unwrap()
}

async fn thumbnails_come_after_the_upload_and_go_with_the_version(test: TestSite) {
    let site = test.extracting(Arc::new(Parrot::default()));
    let draft = test.upload(&test.root(), "letter.txt", b"hello").await.unwrap();
    assert!(!has_pictures(&test, &draft).await);
    assert_refused!(picture(&test, &draft, ThumbnailSize::Small).await, Refusal::Hidden);
    assert_eq!(extract(&site).await, done(1, 0, 0));
    assert_eq!(extract(&site).await, done(0, 0, 0));
    assert!(has_pictures(&test, &draft).await);
    for (size, bytes) in [
        (ThumbnailSize::Small, &b"small"[..]),
        (ThumbnailSize::SmallHq, b"small_hq"),
        (ThumbnailSize::Large, b"large hello"),
    ] {
        assert_eq!(picture(&test, &draft, size).await.unwrap(), bytes);
    }
    assert_eq!(test.used_bytes().await, 5, "nobody is charged for what we made ourselves");
    assert_eq!(test.files().await, 2);
    test.assert_settles().await;
    test.delete_document(&draft.document).await.unwrap();
    assert_refused!(picture(&test, &draft, ThumbnailSize::Small).await, Refusal::Hidden);
    test.assert_settles().await;
    assert_eq!(test.files().await, 0);
    assert_eq!(test.number("SELECT COUNT(*) FROM extraction").await, 0);
}

/// Reads what is named like a text.
#[derive(Default)]
struct OfTexts(Parrot);

impl Extractor for OfTexts {
    fn reads(&self, _content_type: &str, extension: Option<&str>) -> bool {
        extension == Some("txt")
    }

    fn extract<'a>(
        &'a self,
        document: Document<'a>,
    ) -> BoxFuture<'a, Result<Extracted, ExtractError>> {
        self.0.extract(document)
    }
}

async fn what_nobody_can_read_waits_for_nobody_until_its_name_says_otherwise(test: TestSite) {
    let site = test.extracting(Arc::<OfTexts>::default());
    let actor = Actor { site: site.clone(), ..test.actor() };
    let draft = actor.upload(&test.root(), "letter.bin", b"harbour").await.unwrap();
    let unread = "SELECT COUNT(*) FROM extraction WHERE state = 'NOT_EXTRACTABLE' AND attempts = 0";
    assert_eq!(test.number(unread).await, 1);
    assert_eq!(extract(&site).await, done(0, 0, 0));
    test.assert_sound().await;
    let target = Target::from(&draft.document);
    actor.rename(&target, "letter.txt").await.unwrap();
    assert_eq!(extract(&site).await, done(1, 0, 0));
    assert_eq!(found(&actor, words("harbour")).await, ["letter.txt"]);
    actor.rename(&target, "note.txt").await.unwrap();
    assert_eq!(extract(&site).await, done(0, 0, 0));
    test.assert_sound().await;
}

async fn a_document_is_tried_twice_and_an_attempt_that_ended_the_server_counts(test: TestSite) {
    let parrot = Arc::new(Parrot::default());
    let site = test.extracting(Arc::<Parrot>::clone(&parrot));
    test.upload(&test.root(), "hostile.txt", b"hostile").await.unwrap();
    assert_eq!(extract(&site).await, done(0, 1, 0));
    test.upload(&test.root(), "busy.txt", b"busy").await.unwrap();
    assert_eq!(extract(&site).await, done(0, 0, 1));
    assert_eq!(extract(&site).await, done(0, 0, 0), "not before its time");
    test.advance(3_600_000);
    assert_eq!(extract(&site).await, done(0, 1, 0));
    test.upload(&test.root(), "deadly.txt", b"hello").await.unwrap();
    test.execute("UPDATE extraction SET attempts = 2 WHERE state = 'DUE'").await;
    assert_eq!(extract(&site).await, done(0, 1, 0));
    test.advance(3_600_000);
    assert_eq!(extract(&site).await, done(0, 0, 0));
    assert_eq!(parrot.asked.load(Ordering::SeqCst), 3);
    test.assert_settles().await;
}

async fn what_the_document_has_no_part_in_uses_no_attempt_up(test: TestSite) {
    let site = test.extracting(Arc::new(Parrot::default()));
    for content in [&b"no bytes"[..], b"no sandbox"] {
        let draft = test.upload(&test.root(), "a.txt", content).await.unwrap();
        for _ in 0..5 {
            assert_eq!(extract(&site).await, done(0, 0, 1));
            test.advance(3_600_000);
        }
        assert_eq!(test.number("SELECT MAX(attempts) FROM extraction").await, 0);
        test.delete_document(&draft.document).await.unwrap();
    }
}

async fn no_site_waits_for_all_of_anothers_documents(test: TestSite) {
    let parrot = Arc::new(Parrot::default());
    let site = test.extracting(Arc::<Parrot>::clone(&parrot));
    let other = test.other_site().await;
    let zoe = other.site.create_user(&other.call, new_user("zoe")).await.unwrap();
    for number in 0..3 {
        test.upload(&test.root(), &format!("{number}.txt"), b"mine").await.unwrap();
        other.upload(&zoe.root_folder, &format!("{number}.txt"), b"theirs").await.unwrap();
    }
    assert_eq!(extract(&site).await, done(6, 0, 0));
    for pair in parrot.heard.lock().unwrap().chunks(2) {
        assert_ne!(pair[0], pair[1]);
    }
}

async fn what_is_lost_comes_back(test: TestSite) {
    let site = test.extracting(Arc::new(Parrot::default()));
    let draft = test.upload(&test.root(), "letter.txt", b"hello").await.unwrap();
    test.upload(&test.root(), "hostile.txt", b"hostile").await.unwrap();
    assert_eq!(extract(&site).await, done(1, 1, 0));
    // Rows and bytes of everything that was made are gone.
    test.execute(
        "DELETE FROM blob WHERE id IN (SELECT blob_id FROM extraction);
         DELETE FROM extraction",
    )
    .await;
    assert!(!has_pictures(&test, &draft).await);
    assert_eq!(site.verify(true).await.unwrap().findings.len(), 2);
    assert_eq!(site.reindex(Extent::Missing).await.unwrap(), reindexed(2));
    assert_eq!(extract(&site).await, done(1, 1, 0));
    assert_eq!(picture(&test, &draft, ThumbnailSize::Large).await.unwrap(), b"large hello");
    test.assert_settles().await;
    // Nothing is lost: all of it can be done again, however often, and stays until it is.
    assert_eq!(site.reindex(Extent::Missing).await.unwrap(), reindexed(0));
    assert_eq!(site.reindex(Extent::Everything).await.unwrap(), reindexed(2));
    assert!(has_pictures(&test, &draft).await);
    test.assert_sound().await;
    assert_eq!(extract(&site).await, done(1, 1, 0));
    assert!(has_pictures(&test, &draft).await);
    test.assert_settles().await;
    assert_eq!(test.files().await, 3);
}

/// The index was sound, and so many versions will be looked into.
fn reindexed(versions_queued: u64) -> Reindexed {
    Reindexed { entries: 0, versions_queued, is_extracting: true }
}

async fn what_documents_say_is_found_again_when_the_index_was_lost(test: TestSite) {
    let site = test.extracting(Arc::new(Parrot::default()));
    let draft = test.upload(&test.root(), "letter.txt", b"dear harbour").await.unwrap();
    test.upload(&test.root(), "hostile.txt", b"hostile").await.unwrap();
    assert_eq!(extract(&site).await, done(1, 1, 0));
    assert_eq!(found(&test, words("harbour")).await, ["letter.txt"]);
    for (loss, entries) in [
        ("DELETE FROM search_text; DELETE FROM search_entry", 2),
        ("DELETE FROM search_entry", 2),
        ("UPDATE search_entry SET content_tokens = NULL; DELETE FROM search_text", 2),
        ("UPDATE search_entry SET content_tokens = NULL WHERE name_tokens LIKE '%letter%'", 1),
    ] {
        test.execute(loss).await;
        assert_ne!(site.verify(false).await.unwrap().findings, [], "{loss}");
        let mended = site.mend_index().await.unwrap();
        assert_eq!(mended.versions_queued, entries, "{loss}");
        assert_eq!(found(&test, words("harbour")).await, [""; 0], "{loss}");
        assert_eq!(found(&test, words("letter")).await, ["letter.txt"], "{loss}");
        assert!(has_pictures(&test, &draft).await, "they were not lost");
        let again = extract(&site).await;
        assert_eq!(again.extracted + again.not_extractable, entries, "{loss}");
        assert_eq!(found(&test, words("harbour")).await, ["letter.txt"], "{loss}");
        assert_eq!(site.mend_index().await.unwrap(), Mended::default(), "{loss}");
        test.assert_settles().await;
    }
    // A server that does not look into documents has what is lost ready for one that does.
    test.execute("DELETE FROM search_text; DELETE FROM search_entry").await;
    let done_without = test.site.reindex(Extent::Everything).await.unwrap();
    let expected = Reindexed { entries: 2, versions_queued: 2, is_extracting: false };
    assert_eq!(done_without, expected);
    test.assert_sound().await;
    assert!(has_pictures(&test, &draft).await);
    assert_eq!(extract(&site).await, done(1, 1, 0));
    assert_eq!(found(&test, words("harbour")).await, ["letter.txt"]);
    // And gives up nothing that it cannot make.
    let done_without = test.site.reindex(Extent::Everything).await.unwrap();
    assert_eq!(done_without, Reindexed { is_extracting: false, ..reindexed(0) });
    assert_eq!(extract(&site).await, done(0, 0, 0));
    test.assert_settles().await;
}

/// The file of the pictures that were made last.
async fn newest_pictures(test: &TestSite, before: &[BlobId]) -> (BlobId, std::path::PathBuf) {
    let blobs = blobs(test).await;
    let [ref made] = blobs.into_iter().filter(|id| !before.contains(id)).collect::<Vec<_>>()[..]
    else {
        panic!("not one blob more");
    };
    (made.clone(), test.file(made.as_str()))
}

async fn blobs(test: &TestSite) -> Vec<BlobId> {
    let page = test.blobs.list(test.call.organization(), None, LIST_PAGE_MAX).await.unwrap();
    page.into_iter().map(|entry| entry.blob_id).collect()
}

async fn pictures_whose_bytes_are_lost_are_made_anew(test: TestSite) {
    let site = test.extracting(Arc::new(Parrot::default()));
    let draft = test.upload(&test.root(), "letter.txt", b"hello").await.unwrap();
    let actor = Actor { site: site.clone(), call: test.call.clone() };
    let mut before = blobs(&test).await;
    assert_eq!(extract(&site).await, done(1, 0, 0));
    for deep in [false, true] {
        let (blob, file) = newest_pictures(&test, &before).await;
        std::fs::remove_file(&file).unwrap();
        let [finding] = &site.verify(deep).await.unwrap().findings[..] else { panic!() };
        assert_eq!(finding.subject, blob.as_str());
        let version = &draft.version;
        let told = format!("missing: thumbnails of {version}, made anew by reindex");
        assert_eq!(finding.detail, told);
        if deep {
            assert_eq!(site.reindex(Extent::Missing).await.unwrap(), reindexed(1));
        } else {
            // Whoever looks for them sees what they saw before there were any.
            assert_refused!(picture(&actor, &draft, ThumbnailSize::Large).await, Refusal::Hidden);
        }
        assert!(!has_pictures(&test, &draft).await);
        assert_eq!(found(&test, words("hello")).await, ["letter.txt"]);
        test.assert_sound().await;
        before = blobs(&test).await;
        assert_eq!(extract(&site).await, done(1, 0, 0));
        let made = picture(&actor, &draft, ThumbnailSize::Large).await.unwrap();
        assert_eq!(made, b"large hello");
    }
    // Bytes of another number are lost, too.
    let (_, file) = newest_pictures(&test, &before).await;
    std::fs::write(&file, b"small").unwrap();
    assert_refused!(picture(&actor, &draft, ThumbnailSize::Small).await, Refusal::Hidden);
    assert_eq!(extract(&site).await, done(1, 0, 0));
    assert_eq!(picture(&actor, &draft, ThumbnailSize::Small).await.unwrap(), b"small");
    test.assert_settles().await;
    assert_eq!(test.files().await, 2);
}

/// Takes no document to its end before so many of them are there.
struct Together(tokio::sync::Barrier);

impl Extractor for Together {
    fn extract<'a>(
        &'a self,
        document: Document<'a>,
    ) -> BoxFuture<'a, Result<Extracted, ExtractError>> {
        async move {
            self.0.wait().await;
            Parrot::default().extract(document).await
        }
        .boxed()
    }
}

async fn the_next_documents_are_ready_while_one_is_looked_into(test: TestSite) {
    let site = test.extracting(Arc::new(Together(tokio::sync::Barrier::new(3))));
    for number in 0..6 {
        test.upload(&test.root(), &format!("{number}.txt"), b"hello").await.unwrap();
    }
    let extracted = tokio::time::timeout(PATIENCE, extract(&site)).await;
    assert_eq!(extracted.expect("one document waits for another's end"), done(6, 0, 0));
    test.assert_settles().await;
}

/// Looks at the database while it looks into a document that was tried before.
struct Watchful(Arc<TestSite>);

impl Extractor for Watchful {
    fn extract<'a>(
        &'a self,
        mut document: Document<'a>,
    ) -> BoxFuture<'a, Result<Extracted, ExtractError>> {
        async move {
            let bytes = document.bytes.next().await.unwrap().unwrap();
            // Long enough for others to be claimed meanwhile.
            for _ in 0..200 {
                tokio::task::yield_now().await;
                let in_hand =
                    "SELECT COUNT(*) FROM extraction WHERE state = 'DUE' AND attempts > 0";
                let in_hand = self.0.number(in_hand).await;
                assert!(&bytes[..] != b"tried" || in_hand == 1, "{in_hand} are in hand");
            }
            Ok(Extracted { text: Some("hello".to_owned()), thumbnails: None })
        }
        .boxed()
    }
}

/// The clock that a round goes by can be moved where there is one thread alone.
#[tokio::test]
async fn a_long_round_ends_for_the_next_one_to_see_new_sites() {
    let test = TestSite::on(Engine::Sqlite).await;
    for number in 0..5 {
        test.upload(&test.root(), &format!("{number}.txt"), b"hello").await.unwrap();
    }
    let parrot = Arc::new(Parrot::default());
    let site = test.extracting(Arc::<Parrot>::clone(&parrot));
    let place = parrot.place.lock().await;
    let later = async {
        while parrot.asked.load(Ordering::SeqCst) < 3 {
            tokio::task::yield_now().await;
        }
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(61)).await;
        tokio::time::resume();
        drop(place);
    };
    let (first, ()) = tokio::join!(extract(&site), later);
    assert_eq!(first, done(3, 0, 0));
    assert_eq!(extract(&site).await, done(2, 0, 0));
}

async fn a_document_that_was_tried_before_is_in_hand_alone(test: TestSite) {
    let test = Arc::new(test);
    let site = test.extracting(Arc::new(Watchful(Arc::clone(&test))));
    for content in [&b"new"[..], b"tried", b"new", b"new"] {
        test.upload(&test.root(), &format!("{}.txt", test.files().await), content).await.unwrap();
        test.advance(1);
    }
    test.execute(
        "UPDATE extraction SET attempts = 1 WHERE version_id =
            (SELECT v.id FROM version v WHERE v.name = '1.txt')",
    )
    .await;
    assert_eq!(extract(&site).await, done(4, 0, 0));
    test.assert_settles().await;
}

/// Never comes to an end, and tells when it began.
#[derive(Default)]
struct Endless(tokio::sync::Notify);

impl Extractor for Endless {
    fn extract<'a>(&'a self, _: Document<'a>) -> BoxFuture<'a, Result<Extracted, ExtractError>> {
        self.0.notify_one();
        std::future::pending().boxed()
    }
}

async fn an_attempt_that_a_stop_breaks_off_counts_for_nothing(test: TestSite) {
    let endless = Arc::new(Endless::default());
    let site = test.extracting(Arc::<Endless>::clone(&endless));
    for number in 0..5 {
        test.upload(&test.root(), &format!("{number}.txt"), b"hello").await.unwrap();
    }
    let running = site.clone();
    let running = tokio::spawn(async move { running.run_extraction().await });
    endless.0.notified().await;
    assert!(test.number("SELECT MAX(attempts) FROM extraction").await > 0);
    site.stop();
    tokio::time::timeout(PATIENCE, running).await.expect("it does not stop").unwrap();
    assert_eq!(test.number("SELECT MAX(attempts) FROM extraction").await, 0);
    // The next server goes on at once.
    let next = test.extracting(Arc::new(Parrot::default()));
    assert_eq!(extract(&next).await, done(5, 0, 0));
    test.assert_settles().await;
}

/// Bytes in a store that may have no room for more.
struct Full {
    blobs: LocalBlobs,
    is_full: AtomicBool,
}

impl BlobStore for Full {
    fn location(&self) -> &'static str {
        self.blobs.location()
    }

    fn receive<'a>(
        &'a self,
        key: &'a BlobKey,
        body: Body<'a>,
        expected: Expected,
    ) -> BoxFuture<'a, Result<Stored, ReceiveError>> {
        if self.is_full.load(Ordering::SeqCst) {
            return async { Err(ReceiveError::Full) }.boxed();
        }
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
        self.blobs.list(organization, after, limit)
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

async fn what_there_is_no_room_for_is_made_when_there_is(test: TestSite) {
    let full = Arc::new(Full { blobs: test.blobs.clone(), is_full: AtomicBool::new(true) });
    let parrot = Arc::new(Parrot::default());
    let blobs = Arc::<Full>::clone(&full);
    let site = test.extracting_over(Arc::<Parrot>::clone(&parrot), blobs);
    for number in 0..10 {
        test.upload(&test.root(), &format!("{number}.txt"), b"hello").await.unwrap();
    }
    for _ in 0..5 {
        let asked = parrot.asked.load(Ordering::SeqCst);
        let put_off = extract(&site).await.put_off;
        assert!((1..=3).contains(&put_off), "the round ends: {put_off}");
        assert!(parrot.asked.load(Ordering::SeqCst) - asked <= 3);
        test.advance(60_000);
    }
    assert_eq!(test.number("SELECT MAX(attempts) FROM extraction").await, 0);
    full.is_full.store(false, Ordering::SeqCst);
    assert_eq!(extract(&site).await, done(10, 0, 0));
    assert_eq!(found(&test, words("hello")).await.len(), 10);
    test.assert_settles().await;
}

async fn a_version_that_goes_away_meanwhile_leaves_nothing(test: TestSite) {
    /// Deletes the document while it is being looked into.
    struct Deleting(Actor, Draft);

    impl Extractor for Deleting {
        fn extract<'a>(
            &'a self,
            document: Document<'a>,
        ) -> BoxFuture<'a, Result<Extracted, ExtractError>> {
            async move {
                self.0.delete_document(&self.1.document).await.unwrap();
                Parrot::default().extract(document).await
            }
            .boxed()
        }
    }
    let draft = test.upload(&test.root(), "letter.txt", b"hello").await.unwrap();
    let deleted = Draft { document: draft.document.clone(), version: draft.version.clone() };
    let site = test.extracting(Arc::new(Deleting(test.actor(), deleted)));
    extract(&site).await;
    test.assert_settles().await;
    assert_eq!(test.files().await, 0);
}

async fn a_document_that_is_renamed_meanwhile_is_read_as_what_it_is_called_now(test: TestSite) {
    /// Gives the document another ending while it is being looked into, and takes out the ending.
    struct Renaming(Actor, Draft);

    impl Extractor for Renaming {
        fn extract<'a>(
            &'a self,
            document: Document<'a>,
        ) -> BoxFuture<'a, Result<Extracted, ExtractError>> {
            async move {
                self.0.rename(&Target::from(&self.1.document), "letter.md").await.unwrap();
                let text = document.extension.map(str::to_owned);
                Ok(Extracted { text, thumbnails: None })
            }
            .boxed()
        }
    }
    let draft = test.upload(&test.root(), "letter.txt", b"hello").await.unwrap();
    let renamed = Draft { document: draft.document.clone(), version: draft.version.clone() };
    let site = test.extracting(Arc::new(Renaming(test.actor(), renamed)));
    extract(&site).await;
    extract(&site).await;
    // The names have a word "letter", too; the endings alone tell how it was read.
    assert_eq!(found(&test, words("txt")).await, Vec::<String>::new());
    let content = "SELECT COUNT(*) FROM search_entry WHERE content_tokens LIKE '%md%'";
    assert_eq!(test.number(content).await, 1);
    assert_eq!(test.number("SELECT attempts FROM extraction").await, 1);
    test.assert_sound().await;
}

async fn whoever_may_not_see_a_document_sees_no_picture_of_it(test: TestSite) {
    let site = test.extracting(Arc::new(Parrot::default()));
    let draft = test.upload(&test.root(), "letter.txt", b"hello").await.unwrap();
    extract(&site).await;
    let bob = test.site.create_user(&test.call, new_user("bob")).await.unwrap();
    let (ann, bob) = (test.as_user(&test.ann), test.as_user(&bob));
    assert_eq!(picture(&ann, &draft, ThumbnailSize::Small).await.unwrap(), b"small");
    assert_refused!(picture(&bob, &draft, ThumbnailSize::Small).await, Refusal::Hidden);
    assert!(!has_pictures(&bob, &draft).await);
    // A public link shows the document and gives no bytes, so it gives none as pixels either.
    let link = Share { with: ShareWith::Anonymous("anonymous".to_owned()), role: Role::Viewer };
    test.site.share(&test.call, draft.document.clone().into(), vec![link]).await.unwrap();
    bob.site.document(&bob.call, draft.document.clone()).await.unwrap();
    assert!(!has_pictures(&bob, &draft).await);
    assert!(picture(&bob, &draft, ThumbnailSize::Large).await.is_err());
    test.assert_settles().await;
}
