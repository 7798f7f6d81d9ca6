//! Memory stays bounded, whatever the size of the content and the pace of either side.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use docharbor_blobs::{BlobStore as _, LocalBlobs};
use futures::{StreamExt as _, stream};

use crate::support::{anything, body, key};

const MEBIBYTE: usize = 1024 * 1024;

/// Counts the bytes that are alive, and the most that ever were.
#[derive(Default)]
struct Alive {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// Bytes that are counted as long as anybody holds them.
struct Counted(Vec<u8>, Arc<Alive>);

impl Counted {
    fn bytes(content: Vec<u8>, alive: &Arc<Alive>) -> Bytes {
        let now = alive.now.fetch_add(content.len(), Ordering::SeqCst) + content.len();
        alive.most.fetch_max(now, Ordering::SeqCst);
        Bytes::from_owner(Self(content, Arc::clone(alive)))
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.now.fetch_sub(self.0.len(), Ordering::SeqCst);
    }
}

fn counted_body(size: usize, alive: &Arc<Alive>) -> docharbor_blobs::Body<'static> {
    let alive = Arc::clone(alive);
    let chunks = (0..size / (64 * 1024)).map(move |number| {
        let byte = u8::try_from(number % 251).unwrap();
        Ok(Counted::bytes(vec![byte; 64 * 1024], &alive))
    });
    stream::iter(chunks).boxed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_keeps_at_most_8_mebibytes_in_flight() {
    let root = tempfile::tempdir().unwrap();
    let store = LocalBlobs::open(root.path()).unwrap();
    let alive = Arc::new(Alive::default());
    let size = 256 * MEBIBYTE;

    let body = counted_body(size, &alive);
    let stored = store.receive(&key("abcd"), body, anything()).await.unwrap();

    assert_eq!(stored.size_bytes, size as u64);
    assert_eq!(store.hash(&key("abcd")).await.unwrap(), Some(stored));
    assert_eq!(alive.now.load(Ordering::SeqCst), 0);
    let most = alive.most.load(Ordering::SeqCst);
    // The batch being gathered comes on top of what is on its way.
    assert!(most <= 8 * MEBIBYTE + 512 * 1024, "{most} bytes were alive");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_uploads_together_keep_at_most_32_mebibytes_in_flight() {
    let root = tempfile::tempdir().unwrap();
    let store = LocalBlobs::open(root.path()).unwrap();
    let alive = Arc::new(Alive::default());
    let uploads = (0..12).map(|number| {
        let (store, body) = (store.clone(), counted_body(16 * MEBIBYTE, &alive));
        tokio::spawn(async move {
            let key = key(&format!("{number:02}"));
            store.receive(&key, body, anything()).await.unwrap()
        })
    });

    for upload in uploads.collect::<Vec<_>>() {
        upload.await.unwrap();
    }

    let most = alive.most.load(Ordering::SeqCst);
    assert!(most <= 32 * MEBIBYTE + 12 * 512 * 1024, "{most} bytes were alive");
}

#[tokio::test]
async fn a_download_comes_in_pieces_of_256_kibibytes() {
    let root = tempfile::tempdir().unwrap();
    let store = LocalBlobs::open(root.path()).unwrap();
    let size = 5 * MEBIBYTE;
    store.receive(&key("abcd"), body(size, 7), anything()).await.unwrap();

    let reader = store.open(&key("abcd"), size as u64).await.unwrap().unwrap();
    let pieces: Vec<usize> =
        reader.read_range(1..size as u64).map(|piece| piece.unwrap().len()).collect().await;

    assert_eq!(pieces.iter().sum::<usize>(), size - 1);
    assert!(pieces.iter().all(|len| *len <= 256 * 1024), "{pieces:?}");
}
