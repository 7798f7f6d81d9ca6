//! What happened to an item: the record a change leaves for those it concerns.

use crate::comment::{Comment, Visibility};
use crate::resource::{Document, Folder, Item, ItemKind};
use crate::{
    ActivityId, CommentId, FolderId, Principal, ResourceId, ResourceName, Timestamp, UserId,
    VersionId,
};

/// What somebody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Made a folder.
    CreatedFolder,
    /// Deleted a folder for good, with all below it.
    DeletedFolder,
    /// Deleted a document for good. The protocol has no word of its own for it and calls it the
    /// deletion of the version that stood for the document.
    DeletedDocument,
    /// Made an uploaded version the latest.
    UploadedVersion,
    /// Deleted a version, and with it those before it where asked.
    DeletedVersion,
    /// Asked for the bytes of a version.
    DownloadedVersion,
    /// Wrote a comment.
    AddedComment,
    /// Deleted a comment.
    DeletedComment,
    /// Gave the item another name.
    Renamed,
    /// Put the item into another folder.
    Moved,
    /// Put the item into the recycle bin.
    Recycled,
    /// Brought the item, or its deleted versions, back.
    Restored,
    /// Gave users or groups a role they had none in place of.
    Shared,
    /// Took a role away from users or groups.
    Unshared,
    /// Gave users or groups another role.
    ChangedPermission,
    /// Opened the item to the whole organization or to everybody.
    CreatedLink,
    /// Closed it again.
    RemovedLink,
    /// Gave the whole organization another role.
    ChangedLinkPermission,
}

impl Deed {
    /// The protocol's word for the deed, done to an item of a kind.
    pub const fn word(self, kind: ItemKind) -> &'static str {
        match (self, kind) {
            (Self::CreatedFolder, _) => "FOLDER_CREATED",
            (Self::DeletedFolder, _) => "FOLDER_DELETED",
            (Self::DeletedDocument | Self::DeletedVersion, _) => "DOCUMENT_VERSION_DELETED",
            (Self::UploadedVersion, _) => "DOCUMENT_VERSION_UPLOADED",
            (Self::DownloadedVersion, _) => "DOCUMENT_VERSION_DOWNLOADED",
            (Self::AddedComment, _) => "DOCUMENT_COMMENT_ADDED",
            (Self::DeletedComment, _) => "DOCUMENT_COMMENT_DELETED",
            (Self::Renamed, ItemKind::Document) => "DOCUMENT_RENAMED",
            (Self::Renamed, ItemKind::Folder) => "FOLDER_RENAMED",
            (Self::Moved, ItemKind::Document) => "DOCUMENT_MOVED",
            (Self::Moved, ItemKind::Folder) => "FOLDER_MOVED",
            (Self::Recycled, ItemKind::Document) => "DOCUMENT_RECYCLED",
            (Self::Recycled, ItemKind::Folder) => "FOLDER_RECYCLED",
            (Self::Restored, ItemKind::Document) => "DOCUMENT_RESTORED",
            (Self::Restored, ItemKind::Folder) => "FOLDER_RESTORED",
            (Self::Shared, ItemKind::Document) => "DOCUMENT_SHARED",
            (Self::Shared, ItemKind::Folder) => "FOLDER_SHARED",
            (Self::Unshared, ItemKind::Document) => "DOCUMENT_UNSHARED",
            (Self::Unshared, ItemKind::Folder) => "FOLDER_UNSHARED",
            (Self::ChangedPermission, ItemKind::Document) => "DOCUMENT_SHARE_PERMISSION_CHANGED",
            (Self::ChangedPermission, ItemKind::Folder) => "FOLDER_SHARE_PERMISSION_CHANGED",
            (Self::CreatedLink, ItemKind::Document) => "DOCUMENT_SHAREABLE_LINK_CREATED",
            (Self::CreatedLink, ItemKind::Folder) => "FOLDER_SHAREABLE_LINK_CREATED",
            (Self::RemovedLink, ItemKind::Document) => "DOCUMENT_SHAREABLE_LINK_REMOVED",
            (Self::RemovedLink, ItemKind::Folder) => "FOLDER_SHAREABLE_LINK_REMOVED",
            (Self::ChangedLinkPermission, ItemKind::Document) => {
                "DOCUMENT_SHAREABLE_LINK_PERMISSION_CHANGED"
            }
            (Self::ChangedLinkPermission, ItemKind::Folder) => {
                "FOLDER_SHAREABLE_LINK_PERMISSION_CHANGED"
            }
        }
    }
}

/// What happened to everything below a folder when it happened to the folder: all but what makes the
/// folder itself, and its name.
pub const INDIRECT_DEEDS: [Deed; 9] = [
    Deed::Moved,
    Deed::Recycled,
    Deed::Restored,
    Deed::Shared,
    Deed::Unshared,
    Deed::ChangedPermission,
    Deed::CreatedLink,
    Deed::RemovedLink,
    Deed::ChangedLinkPermission,
];

/// The item an activity is about, as it was then.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject {
    /// The item.
    pub id: ResourceId,
    /// What it is.
    pub kind: ItemKind,
    /// Its name.
    pub name: ResourceName,
    /// The version, where the activity is about one.
    pub version: Option<VersionId>,
    /// The user its tree belongs to.
    pub owner: UserId,
    /// The folder it stands in.
    pub parent: Option<FolderId>,
}

/// Names must not reach a log.
impl std::fmt::Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subject({})", self.id.as_str())
    }
}

impl From<&Folder> for Subject {
    fn from(folder: &Folder) -> Self {
        Self {
            id: folder.id.clone().into(),
            kind: ItemKind::Folder,
            name: folder.name.clone(),
            version: None,
            owner: folder.owner.clone(),
            parent: folder.parent.clone(),
        }
    }
}

impl From<&Document> for Subject {
    fn from(document: &Document) -> Self {
        Self {
            id: document.id.clone().into(),
            kind: ItemKind::Document,
            name: document.latest.name.clone(),
            version: None,
            owner: document.owner.clone(),
            parent: Some(document.parent.clone()),
        }
    }
}

impl From<&Item> for Subject {
    fn from(item: &Item) -> Self {
        match item {
            Item::Folder(folder) => folder.into(),
            Item::Document(document) => document.as_ref().into(),
        }
    }
}

impl Subject {
    /// The same item, with the version the activity is about.
    #[must_use]
    pub fn with_version(self, version: &VersionId) -> Self {
        Self { version: Some(version.clone()), ..self }
    }
}

/// A comment, as an activity tells of it: without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentMention {
    /// The comment.
    pub id: CommentId,
    /// When it was written.
    pub created: Timestamp,
    /// Who wrote it: an ARN or a user's id.
    pub contributor: String,
    /// Who wrote what it replies to.
    pub recipient: Option<String>,
    /// Whether only some of the document's readers may know of it.
    pub is_private: bool,
}

impl From<&Comment> for CommentMention {
    fn from(comment: &Comment) -> Self {
        Self {
            id: comment.id.clone(),
            created: comment.created,
            contributor: comment.contributor.clone(),
            recipient: comment.recipient.clone(),
            is_private: comment.visibility == Visibility::Private,
        }
    }
}

/// What happened once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// Tells it from others of the same moment.
    pub id: ActivityId,
    /// When.
    pub moment: Timestamp,
    /// Who did it: an ARN or a user's id.
    pub initiator: String,
    /// What they did.
    pub deed: Deed,
    /// What they did it to.
    pub subject: Subject,
    /// The name before, where it was renamed.
    pub original_name: Option<ResourceName>,
    /// The folder before, where it was moved.
    pub original_parent: Option<FolderId>,
    /// Whom it was shared with, or no longer is.
    pub participants: Vec<Principal>,
    /// The comment it is about.
    pub comment: Option<CommentMention>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_to_all_below_a_folder_has_a_word_for_both_kinds() {
        for deed in INDIRECT_DEEDS {
            let folder = deed.word(ItemKind::Folder).strip_prefix("FOLDER_");
            let document = deed.word(ItemKind::Document).strip_prefix("DOCUMENT_");
            assert!(folder.is_some() && folder == document, "{deed:?}");
        }
    }

    #[test]
    fn a_name_stays_out_of_debug_output() {
        let subject = Subject {
            id: ResourceId::new("id"),
            kind: ItemKind::Document,
            name: ResourceName::new("secret plan"),
            version: None,
            owner: UserId::new("ann"),
            parent: None,
        };
        assert_eq!(format!("{subject:?}"), "Subject(id)");
    }
}
