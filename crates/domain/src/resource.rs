//! Folders and documents.

use serde::{Deserialize, Serialize};

use crate::access::Granted;
use crate::limits::TREE_LEVELS_MAX;
use crate::version::Version;
use crate::{DocumentId, FolderId, Refusal, ResourceName, Timestamp, UserId};

/// What a folder is to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FolderKind {
    /// Made by somebody, somewhere in a tree.
    Ordinary,
    /// The owner's root, named `/`.
    Root,
    /// The owner's recycle bin.
    RecycleBin,
}

/// A folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    /// Its id.
    pub id: FolderId,
    /// What it is to its owner.
    pub kind: FolderKind,
    /// The folder it stands in; roots and recycle bins stand in none.
    pub parent: Option<FolderId>,
    /// The user the tree belongs to, whoever made the folder.
    pub owner: UserId,
    /// Its name.
    pub name: ResourceName,
    /// When it was made.
    pub created: Timestamp,
    /// When it, or what stands directly in it, last changed.
    pub modified: Timestamp,
    /// Whether it, or a folder above it, lies in a recycle bin.
    #[serde(default)]
    pub is_recycled: bool,
    /// Its labels, in order.
    #[serde(default)]
    pub labels: Vec<String>,
}

/// A document, with the version that stands for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// The folder it stands in.
    pub parent: FolderId,
    /// The user the tree belongs to, whoever uploaded it.
    pub owner: UserId,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub modified: Timestamp,
    /// The latest ACTIVE version; without one, the newest INITIALIZED one.
    pub latest: Version,
    /// Who uploaded it first: an ARN or a user's id.
    #[serde(default)]
    pub creator: String,
    /// Whether it, or a folder above it, lies in a recycle bin.
    #[serde(default)]
    pub is_recycled: bool,
    /// Its labels, in order.
    #[serde(default)]
    pub labels: Vec<String>,
}

/// A folder or a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A folder.
    Folder(Folder),
    /// A document.
    Document(Box<Document>),
}

/// One level of a path, the root's first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathStep {
    /// The folder or document at this level.
    pub id: String,
    /// Its name.
    pub name: ResourceName,
}

/// What a folder's contents are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sort {
    /// The name, by its bytes after NFC.
    Name,
    /// The moment of the last change.
    Date,
}

/// Which items of a folder are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ItemKind {
    /// Folders, which come first.
    Folder,
    /// Documents, which follow.
    Document,
}

const ROOTS_STAY: Refusal =
    Refusal::ProhibitedState("a root folder or recycle bin cannot be renamed, moved or deleted");

impl Item {
    /// The id, whatever the item is.
    pub fn id(&self) -> &str {
        match self {
            Self::Folder(folder) => folder.id.as_str(),
            Self::Document(document) => document.id.as_str(),
        }
    }

    /// The name; a document's is that of its latest version.
    pub fn name(&self) -> &ResourceName {
        match self {
            Self::Folder(folder) => &folder.name,
            Self::Document(document) => &document.latest.name,
        }
    }

    /// When the item last changed.
    pub fn modified(&self) -> Timestamp {
        match self {
            Self::Folder(folder) => folder.modified,
            Self::Document(document) => document.modified,
        }
    }

    /// Whether it, or a folder above it, lies in a recycle bin.
    pub fn is_recycled(&self) -> bool {
        match self {
            Self::Folder(folder) => folder.is_recycled,
            Self::Document(document) => document.is_recycled,
        }
    }

    /// Notes whether it, or a folder above it, lies in a recycle bin.
    pub fn set_recycled(&mut self, is_recycled: bool) {
        match self {
            Self::Folder(folder) => folder.is_recycled = is_recycled,
            Self::Document(document) => document.is_recycled = is_recycled,
        }
    }

    /// The user the tree belongs to.
    pub fn owner(&self) -> &UserId {
        match self {
            Self::Folder(folder) => &folder.owner,
            Self::Document(document) => &document.owner,
        }
    }
}

impl Granted<Item> {
    /// The folder the item stands in, where it can be renamed, moved or recycled at all.
    pub fn standing_in(&self) -> Result<&FolderId, Refusal> {
        match self.get() {
            Item::Folder(folder) => folder.parent.as_ref().ok_or(ROOTS_STAY),
            Item::Document(document) if document.latest.is_active() => Ok(&document.parent),
            Item::Document(_) => Err(Refusal::ProhibitedState(
                "the document's first upload is not finished: activate or abort it first",
            )),
        }
    }
}

impl Granted<Folder> {
    /// Whether something may be put into the folder.
    pub fn require_room_for_child(&self) -> Result<(), Refusal> {
        self.require_room_for_levels(0)
    }

    /// Whether something with so many levels below it may be put into the folder.
    pub fn require_room_for_levels(&self, below: i64) -> Result<(), Refusal> {
        match self.get().kind {
            FolderKind::RecycleBin => {
                Err(Refusal::ProhibitedState("nothing can be put into a recycle bin"))
            }
            FolderKind::Root | FolderKind::Ordinary
                if self.depth() + 1 + below >= TREE_LEVELS_MAX =>
            {
                Err(Refusal::LimitExceeded("a tree has at most 100 levels; choose a higher folder"))
            }
            FolderKind::Root | FolderKind::Ordinary => Ok(()),
        }
    }

    /// A new folder inside this one. Its owner is the owner of the tree.
    pub fn new_folder(
        &self,
        id: FolderId,
        name: ResourceName,
        now: Timestamp,
    ) -> Result<Folder, Refusal> {
        self.require_room_for_child()?;
        Ok(Folder {
            id,
            kind: FolderKind::Ordinary,
            parent: Some(self.get().id.clone()),
            owner: self.get().owner.clone(),
            name,
            created: now,
            modified: now,
            is_recycled: false,
            labels: Vec::new(),
        })
    }

    /// The folder's parent, where the folder can be renamed, moved or deleted at all.
    pub fn removable_from(&self) -> Result<&FolderId, Refusal> {
        self.get().parent.as_ref().ok_or(ROOTS_STAY)
    }
}

impl Folder {
    /// The root folder and the recycle bin of a new user.
    pub fn new_roots(
        owner: &UserId,
        root: FolderId,
        recycle_bin: FolderId,
        now: Timestamp,
    ) -> [Self; 2] {
        let folder = |id, kind, name: &str| Self {
            id,
            kind,
            parent: None,
            owner: owner.clone(),
            name: ResourceName::new(name),
            created: now,
            modified: now,
            is_recycled: false,
            labels: Vec::new(),
        };
        [
            folder(root, FolderKind::Root, "/"),
            folder(recycle_bin, FolderKind::RecycleBin, "RecycleBin"),
        ]
    }
}
