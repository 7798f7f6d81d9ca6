//! The folders that hold blobs, opened once and known to survive a power cut.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::{BlobError, BlobKey};

/// The most folders that are held open.
const OPEN_MAX: usize = 256;

/// How a folder is opened: never through a link.
pub(super) const DIRECTORY: OFlags =
    OFlags::DIRECTORY.union(OFlags::RDONLY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The folders below `blobs/`: one per organization, and below it one per shard.
pub(super) struct Directories {
    blobs: OwnedFd,
    open: Mutex<Opened>,
}

/// Folders whose own entries are durable, with the moment of their last use.
#[derive(Default)]
struct Opened {
    uses: u64,
    folders: HashMap<String, (u64, Arc<OwnedFd>)>,
}

impl Directories {
    pub(super) fn new(blobs: OwnedFd) -> Self {
        Self { blobs, open: Mutex::default() }
    }

    /// The folder of a key's shard, made and made durable when it is new.
    pub(super) fn make(&self, key: &BlobKey) -> Result<Arc<OwnedFd>, BlobError> {
        let name = shard_name(key);
        if let Some(folder) = self.opened(&name) {
            return Ok(folder);
        }
        let organization = match self.opened(key.organization().as_str()) {
            Some(folder) => folder,
            None => make_in(&self.blobs, key.organization().as_str())?,
        };
        self.remember(key.organization().as_str(), &organization);
        let shard = make_in(&organization, key.shard())?;
        self.remember(&name, &shard);
        Ok(shard)
    }

    /// The folder of a key's shard, if there is one.
    pub(super) fn find(&self, key: &BlobKey) -> Result<Option<Arc<OwnedFd>>, BlobError> {
        if let Some(folder) = self.opened(&shard_name(key)) {
            return Ok(Some(folder));
        }
        let Some(organization) = self.organization(key.organization().as_str())? else {
            return Ok(None);
        };
        Ok(open(&organization, key.shard())?.map(Arc::new))
    }

    /// The folder of an organization, if there is one. The caller has checked the name.
    pub(super) fn organization(&self, name: &str) -> Result<Option<OwnedFd>, BlobError> {
        open(&self.blobs, name)
    }

    fn opened(&self, name: &str) -> Option<Arc<OwnedFd>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.uses += 1;
        let now = open.uses;
        let (used, folder) = open.folders.get_mut(name)?;
        *used = now;
        Some(Arc::clone(folder))
    }

    fn remember(&self, name: &str, folder: &Arc<OwnedFd>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.folders.len() >= OPEN_MAX && !open.folders.contains_key(name) {
            let oldest = open.folders.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                open.folders.remove(&oldest);
            }
        }
        open.uses += 1;
        let now = open.uses;
        open.folders.insert(name.to_owned(), (now, Arc::clone(folder)));
    }
}

/// Makes a folder below another, if it is missing, and makes that durable.
///
/// The parent is synced even when the folder was there: whoever made it may not have got to
/// that yet, and a blob must not be acknowledged inside a folder that a power cut can undo.
fn make_in(parent: &OwnedFd, name: &str) -> Result<Arc<OwnedFd>, BlobError> {
    match rustix::fs::mkdirat(parent, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(BlobError::store("make a folder")(error.into())),
    }
    sync(parent)?;
    let folder = open(parent, name)?.ok_or_else(|| {
        BlobError::store("open a folder just made")(io::ErrorKind::NotFound.into())
    })?;
    Ok(Arc::new(folder))
}

/// Opens a folder below another, if it is there.
pub(super) fn open(parent: &OwnedFd, name: &str) -> Result<Option<OwnedFd>, BlobError> {
    match rustix::fs::openat(parent, name, DIRECTORY, Mode::empty()) {
        Ok(folder) => Ok(Some(folder)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(BlobError::store("open a folder of blobs")(error.into())),
    }
}

/// Makes the entries of a folder durable.
pub(super) fn sync(folder: &OwnedFd) -> Result<(), BlobError> {
    rustix::fs::fsync(folder).map_err(|error| BlobError::sync("sync a folder")(error.into()))
}

fn shard_name(key: &BlobKey) -> String {
    format!("{}/{}", key.organization(), key.shard())
}

#[cfg(test)]
mod tests {
    use docharbor_domain::{BlobId, OrganizationId};

    use super::*;

    #[test]
    fn only_so_many_folders_are_held_open() {
        let root = tempfile::tempdir().unwrap();
        let directories =
            Directories::new(rustix::fs::open(root.path(), DIRECTORY, Mode::empty()).unwrap());
        for number in 0..300 {
            let blob = BlobId::new(format!("{number:03x}").chars().rev().collect::<String>());
            let key = BlobKey::new(OrganizationId::new("d-0000000001"), blob).unwrap();
            directories.make(&key).unwrap();
            directories.find(&key).unwrap().unwrap();
        }
        assert_eq!(directories.open.lock().unwrap().folders.len(), OPEN_MAX);
    }
}
