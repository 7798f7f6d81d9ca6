//! The one error of the application.

use docharbor_blobs::BlobError;
use docharbor_directory::DirectoryError;
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
    /// The directory's operator's to act on.
    #[error("the directory failed")]
    Directory(#[from] DirectoryError),
    /// Ours to act on: something that cannot be, as a sealed secret that does not open.
    #[error("{0}")]
    Fault(&'static str),
    /// What the call is about was moved or deleted while it was looked at; the call is run again.
    #[error("the item is being changed by another call")]
    Changing,
    /// Another attempt at the same call answered it first; the call is run again to find that answer.
    #[error("another attempt answered first")]
    AnsweredElsewhere,
}

/// What an error means to whoever is asking, whatever store it came from.
#[derive(Debug)]
pub enum Meaning<'a> {
    /// They may not have it, or not like this.
    Refused(&'a Refusal),
    /// Somebody else held it for longer than we wait: it can be had in a moment.
    Busy,
    /// A directory that another program keeps does not answer.
    Dependency,
    /// A store does not answer: the same call may succeed later.
    Unavailable,
    /// We made a mistake: only the operator can help.
    Fault,
}

impl Error {
    /// What the error means to whoever is asking.
    pub fn meaning(&self) -> Meaning<'_> {
        match self {
            Self::Refused(refusal) => Meaning::Refused(refusal),
            Self::Store(StoreError::LockTimeout) | Self::Changing => Meaning::Busy,
            Self::Store(StoreError::Internal(_)) | Self::Fault(_) => Meaning::Fault,
            Self::Directory(_) => Meaning::Dependency,
            Self::Store(_) | Self::Blob(_) | Self::AnsweredElsewhere => Meaning::Unavailable,
        }
    }
}
