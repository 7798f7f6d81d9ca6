//! The layout on the disk, and who may be where.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::Arc;

use docharbor_blobs::conformance::conformance;
use docharbor_blobs::{BlobStore as _, LocalBlobs, OpenError};
use futures::{StreamExt as _, stream};

use crate::support::{Tmpfs, anything, body, files, key, read};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_local_store_keeps_every_promise_of_the_trait() {
    let root = tempfile::tempdir().unwrap();
    let store = LocalBlobs::open(root.path()).unwrap();
    assert_eq!(store.location(), "local");
    conformance(Arc::new(store)).await;
    assert_eq!(files(&root.path().join("staging")), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn a_blob_lies_under_its_organization_and_is_closed_to_others() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().join("new").join("data");
    let store = LocalBlobs::open(&root).unwrap();
    store.receive(&key("abcd"), body(3, b'x'), anything()).await.unwrap();

    let path = root.join("blobs/d-0123456789/ab/abcd");
    assert_eq!(std::fs::read(&path).unwrap(), b"xxx");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&path) & 0o777, 0o600);
    for folder in path.ancestors().skip(1).take_while(|folder| folder.starts_with(&root)) {
        assert_eq!(mode(folder) & 0o777, 0o700, "{}", folder.display());
    }
    assert_eq!(mode(&root.join("staging")) & 0o777, 0o700);
}

#[tokio::test]
async fn a_blob_survives_a_restart_and_staged_files_do_not() {
    let root = tempfile::tempdir().unwrap();
    let store = LocalBlobs::open(root.path()).unwrap();
    store.receive(&key("kept"), body(1000, 1), anything()).await.unwrap();
    drop(store);
    std::fs::write(root.path().join("staging/half.0"), b"half").unwrap();
    std::fs::write(root.path().join("staging/half.1"), b"half").unwrap();

    let store = LocalBlobs::open(root.path()).unwrap();
    assert_eq!(store.clean_staging().await.unwrap(), 2);
    assert_eq!(store.clean_staging().await.unwrap(), 0);
    assert_eq!(read(&store, &key("kept"), 1000).await.unwrap(), Some(vec![1; 1000]));
}

#[tokio::test]
async fn links_are_never_followed() {
    let root = tempfile::tempdir().unwrap();
    let secret = root.path().join("secret");
    std::fs::write(&secret, b"secret").unwrap();
    let store = LocalBlobs::open(root.path()).unwrap();
    store.receive(&key("aa-real"), body(6, 1), anything()).await.unwrap();
    let organization = root.path().join("blobs/d-0123456789");
    symlink(&secret, organization.join("aa/aa-link")).unwrap();
    symlink(organization.join("aa"), organization.join("bb")).unwrap();

    assert!(store.open(&key("aa-link"), 6).await.is_err());
    assert!(store.hash(&key("aa-link")).await.is_err());
    assert!(store.open(&key("bb-real"), 6).await.is_err());
    assert!(store.receive(&key("bb-new"), body(6, 1), anything()).await.is_err());
    assert_eq!(std::fs::read(&secret).unwrap(), b"secret");
}

#[tokio::test]
async fn a_file_that_shrinks_while_it_is_read_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    let store = LocalBlobs::open(root.path()).unwrap();
    let size = 3 * 1024 * 1024;
    store.receive(&key("abcd"), body(size, 1), anything()).await.unwrap();
    let reader = store.open(&key("abcd"), size as u64).await.unwrap().unwrap();
    let file = std::fs::File::options()
        .write(true)
        .open(root.path().join("blobs/d-0123456789/ab/abcd"))
        .unwrap();
    file.set_len(1_000_000).unwrap();

    let items: Vec<_> = reader.read_range(0..size as u64).collect().await;
    let error = items.last().unwrap().as_ref().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    assert!(items.iter().flatten().map(bytes::Bytes::len).sum::<usize>() <= 1_000_000);
}

#[tokio::test]
async fn staging_and_blobs_on_two_file_systems_are_refused() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("staging")).unwrap();
    let staging = root.path().join("staging");
    let Some(_mounted) = Tmpfs::mount(&staging, "1m") else { return };

    let refused = LocalBlobs::open(root.path()).map(|_| ());
    assert!(matches!(refused, Err(OpenError::DifferentDevices { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let store = LocalBlobs::open(root.path()).unwrap();
    let (key, staging) = (key("abcd"), root.path().join("staging"));
    let endless = body(1024 * 1024, 1).chain(stream::pending()).boxed();
    let mut receiving = store.receive(&key, endless, anything());
    while files(&staging).is_empty() {
        assert!(futures::poll!(&mut receiving).is_pending());
        tokio::task::yield_now().await;
    }

    drop(receiving);

    while !files(&staging).is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(read(&store, &key, 0).await.unwrap(), None);
}
