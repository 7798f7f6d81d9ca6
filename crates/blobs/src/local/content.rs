//! Reading blobs: ranges for downloads, everything for verification.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use md5::{Digest as _, Md5};
use rustix::buffer::spare_capacity;
use rustix::fs::{Advice, Mode, OFlags};
use rustix::io::Errno;
use tokio::task::JoinHandle;

use super::directories::Directories;
use super::{Folders, blocking};
use crate::{BlobError, BlobKey, Reader, Stored};

/// How much one read takes.
const READ_BYTES: u64 = 256 * 1024;

/// How much is hashed before another piece of work gets the thread.
const HASH_STRETCH_BYTES: u64 = 64 * 1024 * 1024;

/// An open blob: in memory when it is small, because then one visit to the disk is enough.
pub(super) enum Content {
    Small(Bytes),
    Large { file: Arc<File>, size_bytes: u64 },
}

pub(super) fn open(
    directories: &Directories,
    key: &BlobKey,
    size_bytes: u64,
) -> Result<Option<Content>, BlobError> {
    let Some((file, found)) = open_file(directories, key)? else {
        return Ok(None);
    };
    if found != size_bytes {
        return Err(BlobError::Size { expected: size_bytes, found });
    }
    if size_bytes > READ_BYTES {
        return Ok(Some(Content::Large { file: Arc::new(file), size_bytes }));
    }
    let bytes = read_at(&file, 0..size_bytes).map_err(BlobError::store("read a blob"))?;
    Ok(Some(Content::Small(bytes)))
}

/// Hashes a whole blob, as it is on the disk where the system allows to bypass its cache.
pub(super) async fn hash(folders: Arc<Folders>, key: BlobKey) -> Result<Option<Stored>, BlobError> {
    let opened = blocking(move || open_file(&folders.directories, &key)).await?;
    let Some((file, size_bytes)) = opened else {
        return Ok(None);
    };
    let mut hashing = Hashing { file, next: 0, md5: Md5::new(), blake3: blake3::Hasher::new() };
    // In stretches, so that a caller who gives up does not leave a thread reading for minutes.
    while hashing.next < size_bytes {
        let until = size_bytes.min(hashing.next + HASH_STRETCH_BYTES);
        hashing = blocking(move || hashing.go_on(until))
            .await
            .map_err(BlobError::store("read a blob"))?;
    }
    let (md5, blake3) = (hashing.md5.finalize().into(), hashing.blake3.finalize().into());
    Ok(Some(Stored { size_bytes, md5, blake3 }))
}

impl Reader for Content {
    fn size_bytes(&self) -> u64 {
        match self {
            Self::Small(bytes) => bytes.len() as u64,
            Self::Large { size_bytes, .. } => *size_bytes,
        }
    }

    fn read_range(&self, range: Range<u64>) -> BoxStream<'static, io::Result<Bytes>> {
        if range.start > range.end || range.end > self.size_bytes() {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "a range beyond the blob");
            return stream::iter([Err(error)]).boxed();
        }
        if range.is_empty() {
            return stream::empty().boxed();
        }
        match self {
            Self::Small(bytes) => {
                let ends = (usize::try_from(range.start), usize::try_from(range.end));
                let part = match ends {
                    (Ok(start), Ok(end)) => Ok(bytes.slice(start..end)),
                    _ => Err(io::ErrorKind::InvalidInput.into()),
                };
                stream::iter([part]).boxed()
            }
            Self::Large { file, .. } => Reading::start(Arc::clone(file), range).boxed(),
        }
    }
}

/// A range being read, one read ahead of the consumer. Between reads it holds no thread, so slow
/// consumers cost memory for two reads and nothing else.
struct Reading {
    file: Arc<File>,
    rest: Range<u64>,
    ahead: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Reading {
    fn start(
        file: Arc<File>,
        range: Range<u64>,
    ) -> impl futures::Stream<Item = io::Result<Bytes>> + Send + 'static {
        let reading = Self { file, rest: range, ahead: None };
        stream::try_unfold(reading, |mut reading| async move {
            let Some(read) = reading.ahead.take().or_else(|| reading.read_next()) else {
                return Ok(None);
            };
            let bytes = read.await.map_err(io::Error::other)??;
            reading.ahead = reading.read_next();
            Ok(Some((bytes, reading)))
        })
    }

    fn read_next(&mut self) -> Option<JoinHandle<io::Result<Bytes>>> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.end.min(self.rest.start.saturating_add(READ_BYTES));
        let range = self.rest.start..end;
        self.rest.start = end;
        let file = Arc::clone(&self.file);
        Some(tokio::task::spawn_blocking(move || read_at(&file, range)))
    }
}

/// A blob being hashed, from its beginning to `next`.
struct Hashing {
    file: File,
    next: u64,
    md5: Md5,
    blake3: blake3::Hasher,
}

impl Hashing {
    fn go_on(mut self, until: u64) -> io::Result<Self> {
        // A hint only: reading from the cache would miss what went bad on the disk.
        let _ = rustix::fs::fadvise(&self.file, self.next, None, Advice::DontNeed);
        while self.next < until {
            let end = until.min(self.next + READ_BYTES);
            let bytes = read_at(&self.file, self.next..end)?;
            self.md5.update(&bytes);
            self.blake3.update(&bytes);
            self.next = end;
        }
        Ok(self)
    }
}

fn open_file(directories: &Directories, key: &BlobKey) -> Result<Option<(File, u64)>, BlobError> {
    let Some(shard) = directories.find(key)? else {
        return Ok(None);
    };
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(&*shard, key.blob().as_str(), flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(BlobError::store("open a blob")(error.into())),
    };
    let size_bytes = file.metadata().map_err(BlobError::store("examine a blob"))?.size();
    Ok(Some((file, size_bytes)))
}

/// Reads exactly a range of at most [`READ_BYTES`]; a file that ends before it is an error.
fn read_at(file: &File, range: Range<u64>) -> io::Result<Bytes> {
    let len_bytes = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
    let mut buffer = Vec::with_capacity(len_bytes);
    while buffer.len() < len_bytes {
        let offset = range.start + buffer.len() as u64;
        match rustix::io::pread(file, spare_capacity(&mut buffer), offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // An allocation may be larger than asked for, and so may then the last read.
    buffer.truncate(len_bytes);
    Ok(Bytes::from(buffer))
}
