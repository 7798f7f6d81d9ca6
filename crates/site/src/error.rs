//! The one error of the application.

use docharbor_blobs::BlobError;
use docharbor_domain::Refusal;
use docharbor_metadata::StoreError;
use thiserror::Error;

/// Why a use case did not do what it was asked.
#[derive(Debug, Error)]
pub enum Error {
    /// The caller's to act on.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Ours to act on: the database.
    #[error("the metadata store failed")]
    Store(#[from] StoreError),
    /// Ours to act on: the bytes.
    #[error("the blob store failed")]
    Blob(#[from] BlobError),
    /// Ours to act on: something that cannot be, as a sealed secret that does not open.
    #[error("{0}")]
    Fault(&'static str),
    /// Another attempt at the same call answered it first; the call is run again to find that answer.
    #[error("another attempt answered first")]
    AnsweredElsewhere,
}
