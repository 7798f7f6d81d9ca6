//! Who may do what with a resource, and the proof of it.

use serde::{Deserialize, Serialize};

use crate::caller::Identity;
use crate::resource::Item;
use crate::{Call, Document, Folder, Refusal, UserId};

/// What somebody holds on a resource, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// Sees and downloads.
    Viewer,
    /// Adds folders, documents and versions.
    Contributor,
    /// All the owner may do, without being the owner.
    CoOwner,
    /// Owns the tree the resource stands in.
    Owner,
}

/// Something the store found, with the facts that decide who may use it.
#[derive(Clone, Debug)]
pub struct Found<T> {
    /// What was found.
    pub resource: T,
    /// The user the tree it stands in belongs to.
    pub owner: UserId,
    /// Levels above it; a root folder has none.
    pub depth: i64,
    /// False once it or anything above it was deleted: it is gone, though its rows may not be.
    pub live: bool,
}

/// A resource together with the proof that the caller may use it in the role they asked for.
///
/// Only [`grant`] makes one, so a function that takes a `Granted<Folder>` cannot be reached
/// unchecked.
#[derive(Debug)]
pub struct Granted<T> {
    resource: T,
    held: Role,
    depth: i64,
}

impl<T> Granted<T> {
    /// The resource.
    pub fn get(&self) -> &T {
        &self.resource
    }

    /// Gives the resource out of its proof.
    pub fn into_inner(self) -> T {
        self.resource
    }

    /// The role the caller holds, at least the one that was asked for.
    pub fn held(&self) -> Role {
        self.held
    }

    /// Levels above the resource.
    pub fn depth(&self) -> i64 {
        self.depth
    }
}

/// Decides whether what the caller holds on a resource is enough for what they want to do with it.
///
/// A resource that does not exist, one that was deleted and one that is not the caller's to see get
/// the same answer.
pub fn grant<T>(found: Option<Found<T>>, call: &Call, needed: Role) -> Result<Granted<T>, Refusal> {
    let Some(found) = found.filter(|found| found.live) else { return Err(Refusal::Hidden) };
    match role_of(call, &found.owner) {
        None => Err(Refusal::Hidden),
        Some(held) if held < needed => Err(Refusal::NotAllowed("your role does not allow this")),
        Some(held) => Ok(Granted { resource: found.resource, held, depth: found.depth }),
    }
}

/// The strongest role the caller holds on something of this owner.
fn role_of(call: &Call, owner: &UserId) -> Option<Role> {
    match &call.caller().identity {
        Identity::Administrator(_) => Some(Role::Owner),
        Identity::User(user) if user.id == *owner => Some(Role::Owner),
        Identity::User(_) => None,
    }
}

impl Granted<Item> {
    /// Takes the item as a folder; a document's id names no folder.
    pub fn folder(self) -> Result<Granted<Folder>, Refusal> {
        match self.resource {
            Item::Folder(folder) => {
                Ok(Granted { resource: folder, held: self.held, depth: self.depth })
            }
            Item::Document(_) => Err(Refusal::Hidden),
        }
    }

    /// Takes the item as a document; a folder's id names no document.
    pub fn document(self) -> Result<Granted<Document>, Refusal> {
        match self.resource {
            Item::Document(document) => {
                Ok(Granted { resource: document, held: self.held, depth: self.depth })
            }
            Item::Folder(_) => Err(Refusal::Hidden),
        }
    }
}
