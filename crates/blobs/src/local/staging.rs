//! A file on its way: written and checked under a name of its own, then renamed into place.

use std::fs::File;
use std::io::{self, IoSlice, Write as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use fail::fail_point;
use rustix::fs::{AtFlags, Dir, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::Folders;
use super::directories;
use crate::{BlobError, BlobKey, ReceiveError};

/// The most slices that one write takes, below the 1024 that the kernel allows.
const SLICES_MAX: usize = 256;

/// The room that uploads leave on a disk; on a small one, an eighth of it.
const RESERVE_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// A place where a test stops the process, or makes the step before it fail with an error number.
macro_rules! step_done {
    ($name:literal) => {{
        let step = || {
            fail_point!($name, |number: Option<String>| {
                let number = number.and_then(|number| number.parse().ok());
                Err(io::Error::from_raw_os_error(number.unwrap_or(5)))
            });
            Ok::<(), io::Error>(())
        };
        step()
    }};
}

/// A staged file. It goes away when it is dropped before it was put in its place.
pub(super) struct Staged {
    folders: Arc<Folders>,
    name: String,
    file: Arc<File>,
    remove: bool,
}

impl Staged {
    pub(super) fn create(folders: &Arc<Folders>, key: &BlobKey) -> Result<Self, BlobError> {
        let attempt = folders.attempts.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}.{attempt}", key.blob());
        let file = create(folders, &name)?;
        Ok(Self { folders: Arc::clone(folders), name, file: Arc::new(file), remove: true })
    }

    pub(super) fn file(&self) -> &Arc<File> {
        &self.file
    }

    pub(super) fn write(&self, chunks: &[Bytes]) -> Result<(), BlobError> {
        self.keep_reserve(chunks.iter().map(|chunk| chunk.len() as u64).sum())?;
        for chunks in chunks.chunks(SLICES_MAX) {
            write_all(&self.file, chunks).map_err(BlobError::store("write a blob"))?;
        }
        Ok(())
    }

    /// Leaves some room on the disk: with none at all, the database could not even note a deletion.
    fn keep_reserve(&self, wanted_bytes: u64) -> Result<(), BlobError> {
        let found = rustix::fs::fstatvfs(&*self.file)
            .map_err(|error| BlobError::store("measure the disk")(error.into()))?;
        let total_bytes = found.f_blocks.saturating_mul(found.f_frsize);
        let free_bytes = found.f_bavail.saturating_mul(found.f_frsize);
        let reserve_bytes = RESERVE_MAX_BYTES.min(total_bytes / 8);
        if free_bytes < reserve_bytes.saturating_add(wanted_bytes) {
            return Err(BlobError::Full);
        }
        Ok(())
    }

    /// Makes the bytes durable under the key, or leaves nothing.
    pub(super) fn commit(mut self, key: &BlobKey) -> Result<(), ReceiveError> {
        let committed = self.put_in_place(key);
        self.remove();
        committed
    }

    fn put_in_place(&mut self, key: &BlobKey) -> Result<(), ReceiveError> {
        step_done!("blobs::after_staging_write").map_err(BlobError::store("write a blob"))?;
        self.file
            .sync_all()
            .and_then(|()| step_done!("blobs::after_file_fsync"))
            .map_err(BlobError::sync("sync a blob"))?;
        let folder = self.folders.directories.make(key)?;
        let name = key.blob().as_str();
        match rustix::fs::renameat_with(
            &self.folders.staging,
            self.name.as_str(),
            &*folder,
            name,
            RenameFlags::NOREPLACE,
        ) {
            Ok(()) => self.remove = false,
            Err(Errno::EXIST) => return Err(ReceiveError::Exists),
            Err(error) => return Err(BlobError::store("name a blob")(error.into()).into()),
        }
        let durable = step_done!("blobs::after_rename")
            .map_err(BlobError::store("name a blob"))
            .and_then(|()| directories::sync(&folder))
            .and_then(|()| {
                step_done!("blobs::after_directory_fsync").map_err(BlobError::sync("sync a folder"))
            });
        // The name is this upload's own since the rename, so nobody else's bytes can go away here.
        durable.inspect_err(|_| {
            let _ = rustix::fs::unlinkat(&*folder, name, AtFlags::empty());
        })?;
        Ok(())
    }

    /// Removes the file now instead of soon.
    pub(super) fn discard(mut self) {
        self.remove();
    }

    fn remove(&mut self) {
        if std::mem::take(&mut self.remove) {
            // What cannot be removed now is removed when the store is opened again.
            let _ = unlink(&self.folders, &self.name);
        }
    }
}

/// Only an upload whose caller went away ends here, on a thread that must not wait for a disk.
impl Drop for Staged {
    fn drop(&mut self) {
        if std::mem::take(&mut self.remove) {
            let (folders, name) = (Arc::clone(&self.folders), std::mem::take(&mut self.name));
            let file = Arc::clone(&self.file);
            let remove = move || {
                let _ = unlink(&folders, &name);
                drop(file);
            };
            match tokio::runtime::Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn_blocking(remove)),
                Err(_) => remove(),
            }
        }
    }
}

/// Proves that the folder takes a file and keeps it.
pub(super) fn probe(folders: &Folders) -> Result<(), BlobError> {
    let attempt = folders.attempts.fetch_add(1, Ordering::Relaxed);
    let name = format!("probe.{attempt}");
    let mut file = create(folders, &name)?;
    let written = file
        .write_all(b"probe")
        .map_err(BlobError::store("write a probe"))
        .and_then(|()| file.sync_all().map_err(BlobError::sync("sync a probe")));
    let removed = unlink(folders, &name).map_err(BlobError::store("remove a probe"));
    written.and(removed)
}

/// Removes every staged file and tells how many there were.
pub(super) fn clean(folders: &Folders) -> Result<u64, BlobError> {
    let fault = || BlobError::store("clean the staging folder");
    let mut removed = 0;
    for entry in Dir::read_from(&folders.staging).map_err(|error| fault()(error.into()))? {
        let entry = entry.map_err(|error| fault()(error.into()))?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            rustix::fs::unlinkat(&folders.staging, entry.file_name(), AtFlags::empty())
                .map_err(|error| fault()(error.into()))?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn create(folders: &Folders, name: &str) -> Result<File, BlobError> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::WRONLY | OFlags::CLOEXEC;
    rustix::fs::openat(&folders.staging, name, flags, Mode::RUSR | Mode::WUSR)
        .map(File::from)
        .map_err(|error| BlobError::store("make a staged file")(error.into()))
}

fn unlink(folders: &Folders, name: &str) -> io::Result<()> {
    Ok(rustix::fs::unlinkat(&folders.staging, name, AtFlags::empty())?)
}

fn write_all(mut file: &File, chunks: &[Bytes]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = chunks.iter().map(|chunk| IoSlice::new(chunk)).collect();
    let mut rest = slices.as_mut_slice();
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match file.write_vectored(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
