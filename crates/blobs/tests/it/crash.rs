//! A process that dies at any step leaves the whole blob or none.

use docharbor_blobs::{BlobStore as _, LocalBlobs};

use crate::support::{anything, body, child, files, key, read, run_child};

const STEPS: [(&str, bool); 4] = [
    ("blobs::after_staging_write", false),
    ("blobs::after_file_fsync", false),
    ("blobs::after_rename", true),
    ("blobs::after_directory_fsync", true),
];

#[tokio::test]
async fn a_crash_at_any_step_leaves_the_whole_blob_or_none() {
    for (step, named) in STEPS {
        for size in [1000, 1024 * 1024] {
            let root = tempfile::tempdir().unwrap();
            let before = LocalBlobs::open(root.path()).unwrap();
            before.receive(&key("before"), body(size, 1), anything()).await.unwrap();
            drop(before);

            let ended = run_child(
                "crash::a_child_dies_in_an_upload",
                root.path(),
                &format!("{step} {size}"),
            );
            assert_eq!(
                std::os::unix::process::ExitStatusExt::signal(&ended),
                Some(6),
                "the child was to abort at {step}"
            );

            let store = LocalBlobs::open(root.path()).unwrap();
            assert_eq!(store.clean_staging().await.unwrap(), u64::from(!named), "{step}");
            assert_eq!(read(&store, &key("before"), size).await.unwrap(), Some(vec![1; size]));
            let found = read(&store, &key("abcd"), size).await.unwrap();
            assert_eq!(found, named.then(|| vec![2; size]), "{step}");
            assert_eq!(files(root.path()).len(), 1 + usize::from(named), "{step}");
        }
    }
}

#[tokio::test]
async fn a_child_dies_in_an_upload() {
    let Some((argument, root)) = child() else { return };
    let (step, size) = argument.split_once(' ').unwrap();
    let store = LocalBlobs::open(&root).unwrap();
    fail::cfg_callback(step, || std::process::abort()).unwrap();
    let size = size.parse().unwrap();
    let _ = store.receive(&key("abcd"), body(size, 2), anything()).await;
}
