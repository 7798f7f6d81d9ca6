//! A disk that is full or fails: the right error, and nothing left behind.

use std::path::Path;

use docharbor_blobs::{BlobError, BlobStore as _, LocalBlobs, ReceiveError};

use crate::support::{Tmpfs, anything, body, child, files, key, read, run_child};

const EIO: &str = "5";
const ENOSPC: &str = "28";
const EDQUOT: &str = "122";

#[tokio::test]
async fn a_full_disk_is_told_apart_and_recovers_by_itself() {
    let root = tempfile::tempdir().unwrap();
    let Some(_mounted) = Tmpfs::mount(root.path(), "4m") else { return };
    let store = LocalBlobs::open(root.path()).unwrap();
    store.receive(&key("first"), body(3 * 1024 * 1024, 1), anything()).await.unwrap();

    let large = store.receive(&key("large"), body(64 * 1024 * 1024, 2), anything()).await;
    assert!(matches!(large, Err(ReceiveError::Full)), "{large:?}");
    assert_eq!(files(root.path()).len(), 1);

    std::fs::write(root.path().join("filler"), vec![0; 1024 * 1024]).unwrap_or(());
    let small = store.receive(&key("small"), body(200_000, 2), anything()).await;
    assert!(matches!(small, Err(ReceiveError::Full)), "{small:?}");
    let probed = store.probe().await;
    assert!(matches!(probed, Err(BlobError::Full)), "{probed:?}");

    std::fs::remove_file(root.path().join("filler")).unwrap();
    assert!(store.delete(&key("first")).await.unwrap(), "deleting works on a full disk");
    store.probe().await.unwrap();
    store.receive(&key("small"), body(200_000, 2), anything()).await.unwrap();
    assert_eq!(files(root.path()).len(), 1);
}

#[test]
fn a_failing_disk_gives_the_error_that_the_caller_must_act_on() {
    let cases = [
        ("blobs::after_staging_write", ENOSPC, "full"),
        ("blobs::after_staging_write", EDQUOT, "full"),
        ("blobs::after_staging_write", EIO, "fault"),
        ("blobs::after_file_fsync", EIO, "fatal"),
        ("blobs::after_file_fsync", ENOSPC, "fatal"),
        ("blobs::after_rename", EIO, "fault"),
        ("blobs::after_directory_fsync", EIO, "fatal"),
    ];
    for (step, number, kind) in cases {
        for size in [1000, 1024 * 1024] {
            let root = tempfile::tempdir().unwrap();
            let argument = format!("{step} {number} {kind} {size}");
            let ended = run_child("faults::a_child_meets_a_fault", root.path(), &argument);
            assert!(ended.success(), "{argument}");
            assert!(root.path().join("checked").exists(), "the child ran: {argument}");
        }
    }
}

#[tokio::test]
async fn a_child_meets_a_fault() {
    let Some((argument, root)) = child() else { return };
    let [step, number, kind, size] = argument.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{argument}");
    };
    let (store, size) = (LocalBlobs::open(&root).unwrap(), size.parse().unwrap());
    fail::cfg(step, &format!("1*return({number})")).unwrap();

    let error = store.receive(&key("abcd"), body(size, 1), anything()).await.unwrap_err();

    let found = match &error {
        ReceiveError::Full => "full",
        ReceiveError::Store { .. } if error.is_fatal() => "fatal",
        ReceiveError::Store { .. } => "fault",
        other => panic!("{other:?}"),
    };
    assert_eq!(found, kind, "{error:?}");
    assert_nothing_and_works(&store, &root, size).await;
    std::fs::write(root.join("checked"), b"").unwrap();
}

async fn assert_nothing_and_works(store: &LocalBlobs, root: &Path, size: usize) {
    assert_eq!(files(root), Vec::<std::path::PathBuf>::new());
    assert_eq!(read(store, &key("abcd"), size).await.unwrap(), None);
    store.receive(&key("abcd"), body(size, 2), anything()).await.unwrap();
    assert_eq!(read(store, &key("abcd"), size).await.unwrap(), Some(vec![2; size]));
}
