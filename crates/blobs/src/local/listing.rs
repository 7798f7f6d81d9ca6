//! Which blobs there are, in the order of their names.

use std::os::fd::OwnedFd;

use docharbor_domain::{BlobId, OrganizationId};
use rustix::fs::{AtFlags, Dir, FileType};
use rustix::io::Errno;

use super::directories::{self, Directories};
use crate::key::is_plain;
use crate::{BlobEntry, BlobError};

/// One page of an organization's blobs behind `after`.
///
/// A shard's name is the beginning of its blobs' names, so going through the shards in order goes
/// through the blobs in order, with the names of one shard in memory.
pub(super) fn list(
    directories: &Directories,
    organization: &OrganizationId,
    after: Option<&BlobId>,
    limit: usize,
) -> Result<Vec<BlobEntry>, BlobError> {
    let mut page = Vec::new();
    if !is_plain(organization.as_str()) {
        return Ok(page);
    }
    let Some(folder) = directories.organization(organization.as_str())? else {
        return Ok(page);
    };
    let after = after.map_or("", BlobId::as_str);
    let first_shard = after.get(..2).unwrap_or(after);
    for shard_name in names(&folder)?.iter().filter(|name| name.as_str() >= first_shard) {
        let Some(shard) = directories::open(&folder, shard_name)? else {
            continue;
        };
        for name in names(&shard)?.into_iter().filter(|name| name.as_str() > after) {
            page.extend(entry(&shard, name)?);
            if page.len() == limit {
                return Ok(page);
            }
        }
    }
    Ok(page)
}

/// The names in a folder, in order. What no key can name is not ours and is passed over.
fn names(folder: &OwnedFd) -> Result<Vec<String>, BlobError> {
    let fault = || BlobError::store("list blobs");
    let mut names = Vec::new();
    for entry in Dir::read_from(folder).map_err(|error| fault()(error.into()))? {
        let entry = entry.map_err(|error| fault()(error.into()))?;
        if let Ok(name) = entry.file_name().to_str()
            && is_plain(name)
        {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// A blob's size and age, unless it was deleted meanwhile.
fn entry(shard: &OwnedFd, name: String) -> Result<Option<BlobEntry>, BlobError> {
    let status = match rustix::fs::statat(shard, name.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
        Ok(status) => status,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(BlobError::store("examine a blob")(error.into())),
    };
    if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
        return Ok(None);
    }
    let nanos = i64::try_from(status.st_mtime_nsec).unwrap_or(0);
    Ok(Some(BlobEntry {
        blob_id: BlobId::new(name),
        size_bytes: u64::try_from(status.st_size).unwrap_or(0),
        modified_ms: status.st_mtime.saturating_mul(1000).saturating_add(nanos / 1_000_000),
    }))
}
