//! Who is told of what happened, and what they are told.

use serde::{Deserialize, Serialize};

use crate::{SubscriptionId, Timestamp};

/// How a subscriber is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubscriptionProtocol {
    /// Messages are posted to a URL.
    Https,
    /// Messages are sent to a queue, whose URL it is.
    Sqs,
}

/// Whether a subscriber is told of anything yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubscriptionStatus {
    /// The endpoint has not said that it wants to.
    Pending,
    /// It has.
    Confirmed,
}

/// Somebody who wants to be told of a site's events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// Where it is reached, as whoever made it wrote it.
    pub endpoint: String,
    /// How it is reached.
    pub protocol: SubscriptionProtocol,
    /// Whether it is told yet.
    pub status: SubscriptionStatus,
    /// What links to this server began with for whoever made it.
    pub base_url: String,
    /// Who made it: an ARN or a user's id.
    pub creator: String,
    /// When.
    pub created: Timestamp,
}

/// What was done to a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventAction {
    /// It was deleted for good.
    DeleteDocument,
    /// It stands in another folder.
    MoveDocument,
    /// It was put into the recycle bin.
    RecycleDocument,
    /// It has another name.
    RenameDocument,
    /// Somebody lost a permission on it.
    RevokeShareDocument,
    /// Somebody was given a permission on it.
    ShareDocument,
    /// It has another version.
    UploadDocumentVersion,
}

impl EventAction {
    /// Every action there is.
    pub const ALL: [Self; 7] = [
        Self::DeleteDocument,
        Self::MoveDocument,
        Self::RecycleDocument,
        Self::RenameDocument,
        Self::RevokeShareDocument,
        Self::ShareDocument,
        Self::UploadDocumentVersion,
    ];

    /// As a message spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DeleteDocument => "delete_document",
            Self::MoveDocument => "move_document",
            Self::RecycleDocument => "recycle_document",
            Self::RenameDocument => "rename_document",
            Self::RevokeShareDocument => "revoke_share_document",
            Self::ShareDocument => "share_document",
            Self::UploadDocumentVersion => "upload_document_version",
        }
    }
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntityType {
    /// A document.
    Document,
    /// A version of one.
    DocumentVersion,
    /// A folder.
    Folder,
}

impl EntityType {
    /// Every type there is.
    pub const ALL: [Self; 3] = [Self::Document, Self::DocumentVersion, Self::Folder];

    /// As a message spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Document => "Document",
            Self::DocumentVersion => "DocumentVersion",
            Self::Folder => "Folder",
        }
    }
}

/// Something that happened and that subscribers are told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id, shaped like a UUID: it stands in the message, whoever gets it and however often.
    pub id: String,
    /// What was done.
    pub action: EventAction,
    /// What kind of thing it was done to.
    pub entity_type: EntityType,
    /// The id of the thing.
    pub entity_id: String,
    /// What kind of thing that belongs to.
    pub parent_entity_type: EntityType,
    /// The id of what it belongs to.
    pub parent_entity_id: String,
    /// When it happened.
    pub created: Timestamp,
}
