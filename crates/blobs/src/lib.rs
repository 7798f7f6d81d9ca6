//! The bytes of the documents, behind one trait.
//!
//! A blob is written once under a random name and never changes. Whoever attaches a blob to a
//! version does so after [`BlobStore::receive`] returned, because only then are the bytes durable.

#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod key;
mod local;

use std::io;
use std::ops::Range;

use bytes::Bytes;
use docharbor_domain::{BlobId, OrganizationId};
use futures::future::BoxFuture;
use futures::stream::BoxStream;

pub use error::{BlobError, Digest, OpenError, ReceiveError};
pub use key::{BlobKey, InvalidKey};
pub use local::LocalBlobs;

/// A body on its way in. An error in it means that the client went away or fell silent.
pub type Body<'a> = BoxStream<'a, io::Result<Bytes>>;

/// The most entries that one page of [`BlobStore::list`] holds.
pub const LIST_PAGE_MAX: usize = 1000;

/// What a body must be for its bytes to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The exact size, when the client announced one.
    pub size_bytes: Option<u64>,
    /// The largest size that is accepted.
    pub size_max_bytes: u64,
    /// The MD5 that the client sent.
    pub md5: Option<[u8; 16]>,
    /// The SHA-256 that the client sent.
    pub sha256: Option<[u8; 32]>,
    /// The CRC-32 (the one of zip and `x-amz-checksum-crc32`) that the client sent.
    pub crc32: Option<u32>,
}

impl Expected {
    /// Any body of at most `size_max_bytes`.
    pub fn at_most(size_max_bytes: u64) -> Self {
        Self { size_bytes: None, size_max_bytes, md5: None, sha256: None, crc32: None }
    }
}

/// What the store holds under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// How many bytes there are.
    pub size_bytes: u64,
    /// Their MD5, which the protocol shows as the version's signature.
    pub md5: [u8; 16],
    /// Their BLAKE3, by which damage is found.
    pub blake3: [u8; 32],
}

/// One blob in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobEntry {
    /// The blob's name.
    pub blob_id: BlobId,
    /// How many bytes the store holds.
    pub size_bytes: u64,
    /// When it was written, in milliseconds UTC since the epoch by the store's clock.
    pub modified_ms: i64,
}

/// Where the bytes of documents are kept.
///
/// Dropping a future never damages a blob; what a dropped [`BlobStore::receive`] made is either
/// removed, or whole and left to the sweep for blobs that no version names.
pub trait BlobStore: Send + Sync + 'static {
    /// The kind of place this is, as the version's row records it.
    fn location(&self) -> &'static str;

    /// Keeps a body under a key that has never been used.
    ///
    /// After `Ok` the bytes survive a power cut. After an error nothing remains of them; an error
    /// whose [`ReceiveError::is_fatal`] holds obliges the process to stop.
    fn receive<'a>(
        &'a self,
        key: &'a BlobKey,
        body: Body<'a>,
        expected: Expected,
    ) -> BoxFuture<'a, Result<Stored, ReceiveError>>;

    /// Opens a blob for reading, or answers `None` when the store does not have it.
    ///
    /// Fails when the store holds another number of bytes than `size_bytes`.
    fn open<'a>(
        &'a self,
        key: &'a BlobKey,
        size_bytes: u64,
    ) -> BoxFuture<'a, Result<Option<Box<dyn Reader>>, BlobError>>;

    /// Removes a blob and tells whether there was one.
    fn delete<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<bool, BlobError>>;

    /// One page of an organization's blobs in the order of their names, beginning behind `after`.
    ///
    /// `limit` is held between 1 and [`LIST_PAGE_MAX`]. An empty page is the end; a blob that
    /// stays during the whole listing is listed once.
    fn list<'a>(
        &'a self,
        organization: &'a OrganizationId,
        after: Option<&'a BlobId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<BlobEntry>, BlobError>>;

    /// Reads a whole blob and hashes it, or answers `None` when the store does not have it.
    fn hash<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<Option<Stored>, BlobError>>;

    /// Proves that the store can keep bytes now. Costs about one small durable write.
    fn probe(&self) -> BoxFuture<'_, Result<(), BlobError>>;

    /// Removes what unfinished uploads left behind, and tells how many there were.
    ///
    /// To be called before the first upload, by the only process that uses the store.
    fn clean_staging(&self) -> BoxFuture<'_, Result<u64, BlobError>>;
}

/// A blob that is open for reading; it stays readable when it is deleted meanwhile.
pub trait Reader: Send + Sync {
    /// How many bytes the blob has.
    fn size_bytes(&self) -> u64;

    /// The bytes of a range, end excluded, with bounded memory.
    ///
    /// A range of at most 256 KiB out of a blob of at most 256 KiB is one item. A range beyond the
    /// end and a blob that turns out shorter give an error instead of fewer bytes.
    fn read_range(&self, range: Range<u64>) -> BoxStream<'static, io::Result<Bytes>>;
}
