//! Text and thumbnails out of files that nobody vouches for.
//!
//! Parsers of foreign formats are the most likely place for somebody else's code to run in ours, so
//! they run in a process that can do nothing but read its stdin and write its stdout: the parent's
//! side is [`ProcessExtractor`], the child's is [`serve`]. All that the child says is checked.

mod child;
mod conversion;
mod format;
mod frames;
mod html;
mod office;
mod page;
mod pdf;
mod picture;
mod process;
mod rtf;
mod sandbox;
mod text;

use std::io;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

pub use child::serve;
pub use conversion::{OfficeFormat, OfficeProgram, convert};
pub use format::Format;
pub use process::ProcessExtractor;
pub use sandbox::{Confinement, NoSandbox, enter as enter_sandbox};

/// The largest document that is looked into.
pub const DOCUMENT_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The longest text that is taken out of a document.
pub const TEXT_MAX_BYTES: usize = 1024 * 1024;

/// A document to look into.
pub struct Document<'a> {
    /// How many bytes it has.
    pub size_bytes: u64,
    /// The bytes.
    pub bytes: BoxStream<'a, io::Result<Bytes>>,
    /// The content type that its uploader gave.
    pub content_type: &'a str,
    /// What stands behind the last dot of its name.
    pub extension: Option<&'a str>,
}

/// What a document gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// Its text, at most [`TEXT_MAX_BYTES`] long.
    pub text: Option<String>,
    /// Pictures of its first page, all of them JPEG.
    pub thumbnails: Option<Thumbnails>,
}

/// One picture in three sizes, as JPEG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnails {
    /// The smallest one.
    pub small: Vec<u8>,
    /// The smallest one for screens of a higher density.
    pub small_hq: Vec<u8>,
    /// The one for a preview.
    pub large: Vec<u8>,
}

/// Why a document gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// It never will.
    #[error("the document is not extractable: {reason}")]
    NotExtractable {
        /// What is the matter with it.
        reason: Reason,
    },
    /// Another attempt may do better.
    #[error("the document could not be looked into")]
    Fault(#[source] Fault),
}

/// What makes a document one that gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Nothing is known about files of its kind.
    #[error("its format is not known")]
    UnknownFormat,
    /// It is larger than [`DOCUMENT_MAX_BYTES`].
    #[error("it is too large")]
    TooLarge,
    /// It is not what it claims to be, or holds neither text nor a picture.
    #[error("it is damaged or empty")]
    Damaged,
    /// Looking into it takes more time than one document may have.
    #[error("it takes too much time")]
    TooCostly,
    /// The program that reads its format gave up, for want of memory or because of a defect.
    #[error("what reads its format broke off")]
    Broken,
}

/// What kept a document from being looked into.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Its bytes could not be read, or the process not be started.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The machine was too busy, or somebody ended the process.
    #[error("the process did not answer in time or was ended")]
    NoAnswer,
    /// The kernel cannot lock the process in.
    #[error("this machine has no sandbox for untrusted documents")]
    NoSandbox,
}

/// Whoever can look into documents.
pub trait Extractor: Send + Sync + 'static {
    /// Whether anything could be taken out of documents of this content type and ending.
    fn reads(&self, _content_type: &str, _extension: Option<&str>) -> bool {
        true
    }

    /// Takes text and thumbnails out of a document, within bounded time and memory.
    fn extract<'a>(
        &'a self,
        document: Document<'a>,
    ) -> BoxFuture<'a, Result<Extracted, ExtractError>>;
}
