//! Why bytes were not kept, found or read.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A digest that a client can send along with its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// MD5, as in `Content-MD5`.
    Md5,
    /// SHA-256.
    Sha256,
    /// CRC-32.
    Crc32,
}

/// Why a body was not kept. Nothing remains of it.
#[derive(Debug, Error)]
pub enum ReceiveError {
    /// The body ended before the announced size.
    #[error("the body ended after {received} of {expected} bytes")]
    Short {
        /// The announced size in bytes.
        expected: u64,
        /// How many bytes came.
        received: u64,
    },
    /// The body is longer than the announced size.
    #[error("the body is longer than the announced {expected} bytes")]
    Long {
        /// The announced size in bytes.
        expected: u64,
    },
    /// The body is, or is announced to be, larger than what is accepted.
    #[error("the body is larger than {max} bytes")]
    TooLarge {
        /// The largest size in bytes.
        max: u64,
    },
    /// The bytes do not have the digest that the client sent.
    #[error("the bytes do not match the {which:?} that was sent with them")]
    Digest {
        /// The digest that differs.
        which: Digest,
    },
    /// The client went away or fell silent.
    #[error("the body could not be read to its end")]
    Body(#[source] io::Error),
    /// The key already has bytes, which are unchanged.
    #[error("the key already has bytes")]
    Exists,
    /// The store has no room.
    #[error("the store is full")]
    Full,
    /// The store failed.
    #[error("the store could not {action}")]
    Store {
        /// What it could not do.
        action: &'static str,
        /// Whether the store can no longer be trusted to keep bytes, so that the process must stop.
        fatal: bool,
        /// Why.
        source: io::Error,
    },
}

impl ReceiveError {
    /// Whether the process must stop, because the store lost bytes that it had taken.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Store { fatal: true, .. })
    }
}

/// Why the store could not answer.
#[derive(Debug, Error)]
pub enum BlobError {
    /// The store holds another number of bytes than the caller knows of: the blob is damaged.
    #[error("the blob has {found} bytes instead of {expected}")]
    Size {
        /// The size in bytes that the caller knows of.
        expected: u64,
        /// The size in bytes that the store has.
        found: u64,
    },
    /// The store has no room.
    #[error("the store is full")]
    Full,
    /// The store failed.
    #[error("the store could not {action}")]
    Store {
        /// What it could not do.
        action: &'static str,
        /// Whether the store can no longer be trusted to keep bytes, so that the process must stop.
        fatal: bool,
        /// Why.
        source: io::Error,
    },
}

impl BlobError {
    /// Whether the process must stop, because the store lost bytes that it had taken.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Store { fatal: true, .. })
    }

    /// Names what failed. A full disk is told apart, because waiting and deleting help there.
    pub(crate) fn store(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Store { action, fatal: false, source },
        }
    }

    /// Names a sync that failed. The kernel may have dropped the bytes, and a second sync would
    /// succeed without them.
    pub(crate) fn sync(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Store { action, fatal: true, source }
    }
}

impl From<BlobError> for ReceiveError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Full => Self::Full,
            BlobError::Store { action, fatal, source } => Self::Store { action, fatal, source },
            BlobError::Size { .. } => {
                Self::Store { action: "keep bytes", fatal: false, source: io::Error::other(error) }
            }
        }
    }
}

/// Why a folder cannot be a store.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Staged files could not be renamed into place.
    #[error(
        "{staging} and {blobs} are on different file systems; put both on one, so that a finished \
         upload can be renamed into place"
    )]
    DifferentDevices {
        /// Where uploads are staged.
        staging: PathBuf,
        /// Where blobs are kept.
        blobs: PathBuf,
    },
    /// The folder cannot be made or opened.
    #[error("cannot {action} {path}")]
    Io {
        /// What failed.
        action: &'static str,
        /// With which path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
