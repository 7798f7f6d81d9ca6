//! What every implementation of the store must do, as one suite.
//!
//! An implementation's tests call [`conformance`] with an empty store; it panics at the first
//! promise that is not kept.

use std::error::Error;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use docharbor_domain::{BlobId, OrganizationId};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use md5::Digest as _;

use crate::{BlobError, BlobKey, BlobStore, Body, Digest, Expected, ReceiveError, Stored};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

const ORGANIZATION: &str = "d-0123456789";
const MEBIBYTE: usize = 1024 * 1024;

/// Runs the suite on an empty store.
pub async fn conformance(store: Arc<dyn BlobStore>) {
    let run = async {
        whole_bodies_come_back(&*store).await?;
        ranges_come_back(&*store).await?;
        wrong_sizes_leave_nothing(&*store).await?;
        wrong_digests_leave_nothing(&*store).await?;
        a_broken_body_leaves_nothing(&*store).await?;
        a_key_is_written_once(&*store).await?;
        of_two_bodies_for_one_key_one_is_kept(&store).await?;
        deleting_twice_is_harmless(&*store).await?;
        a_blob_of_another_size_is_damaged(&*store).await?;
        listings_page_in_order(&*store).await?;
        hostile_organizations_list_nothing(&*store).await?;
        store.probe().await?;
        Outcome::Ok(())
    };
    let outcome = run.await;
    assert!(outcome.is_ok(), "the store failed: {outcome:?}");
}

async fn whole_bodies_come_back(store: &dyn BlobStore) -> Outcome {
    let sizes = [0, 1, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 256 * 1024, 5 * MEBIBYTE];
    for (number, size) in sizes.into_iter().enumerate() {
        for (chunk, name) in [(64 * 1024, "even"), (1000, "small"), (3 * MEBIBYTE, "large")] {
            let content = content(size, 1);
            let key = key(&format!("whole-{number}-{name}"))?;
            let expected = Expected {
                size_bytes: Some(size as u64),
                md5: Some(stored(&content).md5),
                sha256: Some(sha2::Sha256::digest(&content).into()),
                crc32: Some(crc32fast::hash(&content)),
                ..Expected::at_most(size as u64)
            };
            let kept = store.receive(&key, chunks(content.clone(), chunk), expected).await?;
            assert_eq!(kept, stored(&content), "{size} bytes in chunks of {chunk}");
            assert!(read(store, &key, size as u64).await? == content, "{size} bytes came back");
            assert_eq!(store.hash(&key).await?, Some(kept));
        }
    }
    assert_eq!(store.hash(&key("never")?).await?, None);
    assert!(store.open(&key("never")?, 0).await?.is_none());
    Ok(())
}

async fn ranges_come_back(store: &dyn BlobStore) -> Outcome {
    for size in [1000_usize, 2 * MEBIBYTE + 17] {
        let (content, key) = (content(size, 2), key(&format!("ranges-{size}"))?);
        store.receive(&key, chunks(content.clone(), 8192), anything()).await?;
        let reader = store.open(&key, size as u64).await?.ok_or("the blob is gone")?;
        assert_eq!(reader.size_bytes(), size as u64);
        let ranges =
            [0..1, size - 1..size, size / 2..size / 2 + 300, 0..size, 0..0, size..size, 7..7];
        for range in ranges {
            let read = reader.read_range(range.start as u64..range.end as u64);
            let read: Vec<Bytes> = read.try_collect().await?;
            assert!(size > 256 * 1024 || read.len() <= 1, "a small answer is one segment");
            assert!(read.concat() == content[range.clone()], "{range:?} of {size}");
        }
        #[expect(clippy::reversed_empty_ranges, reason = "a caller's mistake must be an error")]
        for range in [0..size as u64 + 1, u64::MAX - 1..u64::MAX, 2..1] {
            let read: io::Result<Vec<Bytes>> = reader.read_range(range).try_collect().await;
            assert!(read.is_err(), "a range beyond the end is an error");
        }
        assert!(store.delete(&key).await?);
        let read: Vec<Bytes> = reader.read_range(0..size as u64).try_collect().await?;
        assert!(read.concat() == content, "what is open stays readable");
    }
    Ok(())
}

async fn wrong_sizes_leave_nothing(store: &dyn BlobStore) -> Outcome {
    for size in [100_usize, MEBIBYTE] {
        let (key, length) = (key("sizes")?, size as u64);
        let expect = |size_bytes, size_max_bytes| Expected {
            size_bytes,
            ..Expected::at_most(size_max_bytes)
        };
        let body = || chunks(content(size, 3), 50_000);
        let short = store.receive(&key, body(), expect(Some(length + 1), u64::MAX)).await;
        assert!(
            matches!(short, Err(ReceiveError::Short { expected, received })
                if expected == length + 1 && received == length),
            "{short:?}"
        );
        let long = store.receive(&key, body(), expect(Some(length - 1), u64::MAX)).await;
        assert!(
            matches!(long, Err(ReceiveError::Long { expected }) if expected == length - 1),
            "{long:?}"
        );
        for announced in [None, Some(length)] {
            let large = store.receive(&key, body(), expect(announced, length - 1)).await;
            assert!(
                matches!(large, Err(ReceiveError::TooLarge { max }) if max == length - 1),
                "{large:?}"
            );
        }
        assert_nothing(store, &key).await?;
        store.receive(&key, body(), expect(Some(length), length)).await?;
        assert!(store.delete(&key).await?);
    }
    Ok(())
}

async fn wrong_digests_leave_nothing(store: &dyn BlobStore) -> Outcome {
    for size in [100, MEBIBYTE] {
        let key = key("digests")?;
        let wrong = [
            (Digest::Md5, Expected { md5: Some([0; 16]), ..anything() }),
            (Digest::Sha256, Expected { sha256: Some([0; 32]), ..anything() }),
            (Digest::Crc32, Expected { crc32: Some(0), ..anything() }),
        ];
        for (digest, expected) in wrong {
            let refused = store.receive(&key, chunks(content(size, 4), 8192), expected).await;
            assert!(
                matches!(refused, Err(ReceiveError::Digest { which }) if which == digest),
                "{refused:?}"
            );
            assert_nothing(store, &key).await?;
        }
    }
    Ok(())
}

async fn a_broken_body_leaves_nothing(store: &dyn BlobStore) -> Outcome {
    for size in [0, 100, 3 * MEBIBYTE] {
        let key = key("broken")?;
        let broken = stream::iter([Err(io::ErrorKind::ConnectionReset.into())]);
        let body = chunks(content(size, 5), 8192).chain(broken).boxed();
        let refused = store.receive(&key, body, anything()).await;
        assert!(
            matches!(&refused, Err(ReceiveError::Body(error))
                if error.kind() == io::ErrorKind::ConnectionReset),
            "{refused:?}"
        );
        assert_nothing(store, &key).await?;
    }
    Ok(())
}

async fn a_key_is_written_once(store: &dyn BlobStore) -> Outcome {
    for size in [100, MEBIBYTE] {
        let (key, first) = (key(&format!("once-{size}"))?, content(size, 6));
        store.receive(&key, chunks(first.clone(), 8192), anything()).await?;
        let second = store.receive(&key, chunks(content(size, 7), 8192), anything()).await;
        assert!(matches!(second, Err(ReceiveError::Exists)), "{second:?}");
        assert!(read(store, &key, size as u64).await? == first, "the bytes are unchanged");
    }
    Ok(())
}

async fn of_two_bodies_for_one_key_one_is_kept(store: &Arc<dyn BlobStore>) -> Outcome {
    for round in 0..20 {
        let (key, size) = (key(&format!("race-{round}"))?, 400_000);
        let receive = |seed| {
            let (store, key) = (Arc::clone(store), key.clone());
            tokio::spawn(async move {
                store.receive(&key, chunks(content(size, seed), 8192), anything()).await
            })
        };
        let (one, two) = (receive(8), receive(9));
        let (one, two) = (one.await?, two.await?);
        let winner = match (one, two) {
            (Ok(_), Err(ReceiveError::Exists)) => content(size, 8),
            (Err(ReceiveError::Exists), Ok(_)) => content(size, 9),
            both => return Err(format!("one body must win: {both:?}").into()),
        };
        assert!(read(&**store, &key, size as u64).await? == winner, "the winner's bytes, whole");
    }
    Ok(())
}

async fn deleting_twice_is_harmless(store: &dyn BlobStore) -> Outcome {
    let key = key("deleted")?;
    assert!(!store.delete(&key).await?);
    store.receive(&key, chunks(content(10, 10), 10), anything()).await?;
    assert!(store.delete(&key).await?);
    assert!(!store.delete(&key).await?);
    assert_nothing(store, &key).await
}

async fn a_blob_of_another_size_is_damaged(store: &dyn BlobStore) -> Outcome {
    let key = key("damaged")?;
    store.receive(&key, chunks(content(1000, 11), 1000), anything()).await?;
    for size in [0, 999, 1001] {
        let opened = store.open(&key, size).await.map(|reader| reader.is_some());
        assert!(
            matches!(opened, Err(BlobError::Size { expected, found: 1000 }) if expected == size),
            "{opened:?}"
        );
    }
    Ok(())
}

async fn listings_page_in_order(store: &dyn BlobStore) -> Outcome {
    let organization = OrganizationId::new("d-abcdefabcd");
    let mut names = ["a", "a-", "ab", "ab0", "b1", "zz-long-name", "-", "00", "0"];
    for (size, name) in names.iter().enumerate() {
        let key = BlobKey::new(organization.clone(), BlobId::new(*name))?;
        store.receive(&key, chunks(content(size, 12), 10), anything()).await?;
    }
    names.sort_unstable();
    for limit in [0, 1, 2, 4, 1000, usize::MAX] {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = store.list(&organization, after.as_ref(), limit).await?;
            assert!(page.len() <= limit.max(1));
            let Some(last) = page.last() else { break };
            after = Some(last.blob_id.clone());
            listed.extend(page);
        }
        let found: Vec<&str> = listed.iter().map(|entry| entry.blob_id.as_str()).collect();
        assert_eq!(found, names, "pages of {limit}");
        let sizes: u64 = listed.iter().map(|entry| entry.size_bytes).sum();
        assert_eq!(sizes, (0..names.len() as u64).sum::<u64>());
        assert!(listed.iter().all(|entry| entry.modified_ms > 1_600_000_000_000));
    }
    Ok(())
}

async fn hostile_organizations_list_nothing(store: &dyn BlobStore) -> Outcome {
    for hostile in ["", ".", "..", "../blobs", "/", "d-abcdefabcd/..", "a\0b", "d-9999999999"] {
        let page = store.list(&OrganizationId::new(hostile), None, 10).await?;
        assert!(page.is_empty(), "{hostile:?}");
        let key = BlobKey::new(OrganizationId::new(hostile), BlobId::new("../../escape"));
        assert!(key.is_err(), "{hostile:?}");
    }
    let organization = OrganizationId::new("d-abcdefabcd");
    for hostile in ["../", "é", "/", "\0"] {
        store.list(&organization, Some(&BlobId::new(hostile)), 10).await?;
    }
    Ok(())
}

async fn assert_nothing(store: &dyn BlobStore, key: &BlobKey) -> Outcome {
    assert!(store.open(key, 0).await?.is_none(), "{key} must not exist");
    assert_eq!(store.hash(key).await?, None);
    assert_eq!(store.clean_staging().await?, 0, "{key} left a staged file");
    Ok(())
}

async fn read(store: &dyn BlobStore, key: &BlobKey, size: u64) -> Result<Vec<u8>, io::Error> {
    let opened = store.open(key, size).await.map_err(io::Error::other)?;
    let reader = opened.ok_or(io::ErrorKind::NotFound)?;
    let read: Vec<Bytes> = reader.read_range(0..size).try_collect().await?;
    Ok(read.concat())
}

fn key(name: &str) -> Result<BlobKey, Box<dyn Error + Send + Sync>> {
    Ok(BlobKey::new(OrganizationId::new(ORGANIZATION), BlobId::new(name))?)
}

fn anything() -> Expected {
    Expected::at_most(u64::MAX)
}

/// Bytes that differ from place to place and from seed to seed.
fn content(size: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    let mut content = vec![0; size];
    for byte in &mut content {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        *byte = state.to_le_bytes()[1];
    }
    content
}

fn chunks(content: Vec<u8>, size: usize) -> Body<'static> {
    let mut rest = Bytes::from(content);
    stream::iter(std::iter::from_fn(move || {
        let size = size.min(rest.len());
        (size > 0).then(|| Ok(rest.split_to(size)))
    }))
    .boxed()
}

fn stored(content: &[u8]) -> Stored {
    Stored {
        size_bytes: content.len() as u64,
        md5: md5::Md5::digest(content).into(),
        blake3: blake3::hash(content).into(),
    }
}
