//! Beginning an upload.

use crate::{DocumentId, FolderId, Refusal, ResourceName, Timestamp};

/// What somebody wants to upload, as the protocol gives it.
#[derive(Clone, Debug)]
pub struct NewUpload {
    /// A new document in a folder, or a new version of a document.
    pub target: UploadTarget,
    /// The media type; without one, `application/octet-stream`.
    pub content_type: String,
    /// The size the content will have.
    pub declared_bytes: Option<i64>,
    /// When the content was made.
    pub content_created: Option<Timestamp>,
    /// When the content was last changed.
    pub content_modified: Option<Timestamp>,
}

/// Where an upload goes.
#[derive(Clone, Debug)]
pub enum UploadTarget {
    /// A new document.
    Folder {
        /// The folder it will stand in.
        parent: FolderId,
        /// Its name.
        name: ResourceName,
    },
    /// A new version.
    Document {
        /// The document.
        id: DocumentId,
        /// The document's name from this version on; without one, the present name stays.
        name: Option<ResourceName>,
        /// The folder the caller believes the document to stand in.
        parent: Option<FolderId>,
    },
}

impl UploadTarget {
    /// Reads the target out of the three optional members that express it.
    pub fn from_members(
        id: Option<DocumentId>,
        parent: Option<FolderId>,
        name: Option<ResourceName>,
    ) -> Result<Self, Refusal> {
        let missing = |member| Refusal::Invalid {
            member,
            reason: "must not be null when Id names no document to add a version to",
        };
        match (id, parent, name) {
            (Some(id), parent, name) => Ok(Self::Document { id, name, parent }),
            (None, None, _) => Err(missing("ParentFolderId")),
            (None, Some(_), None) => Err(missing("Name")),
            (None, Some(parent), Some(name)) => Ok(Self::Folder { parent, name }),
        }
    }
}
