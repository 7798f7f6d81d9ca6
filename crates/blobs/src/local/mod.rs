//! Blobs on the local file system.
//!
//! ```text
//! root/staging/<blob>.<attempt>      uploads on their way
//! root/blobs/<organization>/<aa>/<blob>
//! ```

mod content;
mod directories;
mod listing;
mod receive;
mod staging;

use std::fs::DirBuilder;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use docharbor_domain::{BlobId, OrganizationId};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use rustix::fs::{AtFlags, Mode};
use rustix::io::Errno;
use tokio::sync::Semaphore;

use crate::{
    BlobEntry, BlobError, BlobKey, BlobStore, Body, Expected, LIST_PAGE_MAX, OpenError, Reader,
    ReceiveError, Stored,
};
use directories::{DIRECTORY, Directories};

/// A folder that holds blobs. One process at a time owns it.
#[derive(Clone)]
pub struct LocalBlobs {
    folders: Arc<Folders>,
}

/// What all uploads and reads share.
struct Folders {
    staging: OwnedFd,
    directories: Directories,
    /// Makes the names of staged files distinct within this process.
    attempts: AtomicU64,
    /// Room for bytes that were received and are not written yet, over all uploads.
    in_flight: Arc<Semaphore>,
}

impl LocalBlobs {
    /// Opens the store in `root`, which is made when it is missing.
    ///
    /// Fails when staging and blobs are on different file systems.
    pub fn open(root: &Path) -> Result<Self, OpenError> {
        make_root(root)?;
        let [staging_path, blobs_path] = ["staging", "blobs"].map(|name| root.join(name));
        let staging = make_folder(&staging_path)?;
        let blobs = make_folder(&blobs_path)?;
        sync_folder(root)?;
        if device(&staging, &staging_path)? != device(&blobs, &blobs_path)? {
            return Err(OpenError::DifferentDevices { staging: staging_path, blobs: blobs_path });
        }
        let folders = Folders {
            staging,
            directories: Directories::new(blobs),
            attempts: AtomicU64::new(0),
            in_flight: Arc::new(Semaphore::new(receive::STORE_UNITS)),
        };
        Ok(Self { folders: Arc::new(folders) })
    }
}

impl BlobStore for LocalBlobs {
    fn location(&self) -> &'static str {
        "local"
    }

    fn receive<'a>(
        &'a self,
        key: &'a BlobKey,
        body: Body<'a>,
        expected: Expected,
    ) -> BoxFuture<'a, Result<Stored, ReceiveError>> {
        receive::receive(&self.folders, key, body, expected).boxed()
    }

    fn open<'a>(
        &'a self,
        key: &'a BlobKey,
        size_bytes: u64,
    ) -> BoxFuture<'a, Result<Option<Box<dyn Reader>>, BlobError>> {
        let (folders, key) = (Arc::clone(&self.folders), key.clone());
        async move {
            let content = blocking(move || content::open(&folders.directories, &key, size_bytes));
            Ok(content.await?.map(|content| Box::new(content) as Box<dyn Reader>))
        }
        .boxed()
    }

    fn delete<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<bool, BlobError>> {
        let (folders, key) = (Arc::clone(&self.folders), key.clone());
        // The folder is not synced: a blob that a power cut brings back is one more for the sweep.
        blocking(move || {
            let Some(shard) = folders.directories.find(&key)? else {
                return Ok(false);
            };
            match rustix::fs::unlinkat(&*shard, key.blob().as_str(), AtFlags::empty()) {
                Ok(()) => Ok(true),
                Err(Errno::NOENT) => Ok(false),
                Err(error) => Err(BlobError::store("delete a blob")(error.into())),
            }
        })
        .boxed()
    }

    fn list<'a>(
        &'a self,
        organization: &'a OrganizationId,
        after: Option<&'a BlobId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<BlobEntry>, BlobError>> {
        let (folders, organization) = (Arc::clone(&self.folders), organization.clone());
        let (after, limit) = (after.cloned(), limit.clamp(1, LIST_PAGE_MAX));
        blocking(move || listing::list(&folders.directories, &organization, after.as_ref(), limit))
            .boxed()
    }

    fn hash<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<Option<Stored>, BlobError>> {
        content::hash(Arc::clone(&self.folders), key.clone()).boxed()
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), BlobError>> {
        let folders = Arc::clone(&self.folders);
        blocking(move || staging::probe(&folders)).boxed()
    }

    fn clean_staging(&self) -> BoxFuture<'_, Result<u64, BlobError>> {
        let folders = Arc::clone(&self.folders);
        blocking(move || staging::clean(&folders)).boxed()
    }
}

/// Runs file work on a thread that may wait.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down and will not poll this future again.
            Err(_) => std::future::pending().await,
        },
    }
}

fn make_root(root: &Path) -> Result<(), OpenError> {
    let made: Vec<&Path> = root.ancestors().take_while(|path| !path.exists()).collect();
    let result = DirBuilder::new().recursive(true).mode(0o700).create(root);
    result.map_err(fault("make", root))?;
    for parent in made.into_iter().filter_map(Path::parent) {
        let here = Path::new(".");
        sync_folder(if parent.as_os_str().is_empty() { here } else { parent })?;
    }
    Ok(())
}

fn make_folder(path: &Path) -> Result<OwnedFd, OpenError> {
    match rustix::fs::mkdir(path, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(fault("make", path)(error.into())),
    }
    rustix::fs::open(path, DIRECTORY, Mode::empty())
        .map_err(|error| fault("open", path)(error.into()))
}

fn sync_folder(path: &Path) -> Result<(), OpenError> {
    std::fs::File::open(path).and_then(|folder| folder.sync_all()).map_err(fault("sync", path))
}

fn device(folder: &OwnedFd, path: &Path) -> Result<u64, OpenError> {
    rustix::fs::fstat(folder)
        .map(|status| status.st_dev)
        .map_err(|error| fault("examine", path)(error.into()))
}

fn fault(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    move |source| OpenError::Io { action, path: path.to_owned(), source }
}
