//! What several stories need: keys, bodies, a file system of their own, another process.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use bytes::Bytes;
use docharbor_blobs::{BlobKey, BlobStore as _, Body, Expected, LocalBlobs};
use docharbor_domain::{BlobId, OrganizationId};
use futures::{StreamExt as _, TryStreamExt as _, stream};

/// Set in a child process: the folder to work in, and the step at which to fail.
const CHILD: &str = "DOCHARBOR_BLOBS_TEST_CHILD";

pub(crate) fn key(name: &str) -> BlobKey {
    BlobKey::new(OrganizationId::new("d-0123456789"), BlobId::new(name)).unwrap()
}

pub(crate) fn anything() -> Expected {
    Expected::at_most(u64::MAX)
}

/// A body of `size` equal bytes in chunks of 64 KiB.
pub(crate) fn body(size: usize, byte: u8) -> Body<'static> {
    let mut rest = size;
    stream::iter(std::iter::from_fn(move || {
        let len = rest.min(64 * 1024);
        rest -= len;
        (len > 0).then(|| Ok(Bytes::from(vec![byte; len])))
    }))
    .boxed()
}

pub(crate) async fn read(
    store: &LocalBlobs,
    key: &BlobKey,
    size: usize,
) -> io::Result<Option<Vec<u8>>> {
    let Some(reader) = store.open(key, size as u64).await.map_err(io::Error::other)? else {
        return Ok(None);
    };
    let read: Vec<Bytes> = reader.read_range(0..size as u64).try_collect().await?;
    Ok(Some(read.concat()))
}

/// Every file below a folder.
pub(crate) fn files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files
}

/// A small file system that exists as long as this does.
pub(crate) struct Tmpfs<'a>(&'a Path);

impl<'a> Tmpfs<'a> {
    /// Mounts it, or says that this needs a right that the test does not have.
    pub(crate) fn mount(path: &'a Path, size: &str) -> Option<Self> {
        let options = format!("size={size}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(path)
            .status()
            .is_ok_and(|status| status.success());
        if !mounted {
            eprintln!("SKIPPED: mounting a tmpfs needs root; this story was not checked");
        }
        mounted.then_some(Self(path))
    }
}

impl Drop for Tmpfs<'_> {
    fn drop(&mut self) {
        // A lazy unmount, because files of the store may still be open.
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

/// Runs one ignored test of this binary in a process of its own, where it may set fail points.
pub(crate) fn run_child(test: &str, root: &Path, argument: &str) -> ExitStatus {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--quiet", "--test-threads=1"])
        .env(CHILD, format!("{argument}\n{}", root.display()))
        .output()
        .unwrap()
        .status
}

/// What [`run_child`] gave to this process: the argument and the folder.
pub(crate) fn child() -> Option<(String, PathBuf)> {
    #[expect(clippy::disallowed_methods, reason = "a child process gets its orders somehow")]
    let given = std::env::var(CHILD).ok()?;
    let (argument, root) = given.split_once('\n')?;
    Some((argument.to_owned(), root.into()))
}
