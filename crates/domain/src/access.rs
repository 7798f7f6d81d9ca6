//! The proof that a caller may do something with a resource.

use crate::caller::Identity;
use crate::permission::{Facts, Grants, Power, Standing, standing};
use crate::resource::Item;
use crate::{Call, Document, Folder, Refusal, UserId};

/// Whether an item is there, by its own state and that of every folder above it; the worst counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Life {
    /// In use.
    Live,
    /// In its owner's recycle bin.
    Recycled,
    /// In the administrators' recovery bin: its owner no longer sees it.
    Recoverable,
    /// Gone, though its rows may not be.
    Deleted,
}

/// Something the store found, with the facts that decide who may use it.
#[derive(Clone, Debug)]
pub struct Found<T> {
    /// What was found.
    pub resource: T,
    /// The user the tree it stands in belongs to.
    pub owner: UserId,
    /// Who made it: an ARN or a user's id.
    pub creator: String,
    /// Whether it is a document.
    pub is_document: bool,
    /// Levels above it; a root folder has none.
    pub depth: i64,
    /// Whether it is there.
    pub life: Life,
    /// The permissions that reach the caller it was looked up for.
    pub grants: Grants,
}

/// A resource together with the proof that the caller may do with it what they asked for.
///
/// Only [`grant`] makes one, so a function that takes a `Granted<Folder>` cannot be reached
/// unchecked.
#[derive(Debug)]
pub struct Granted<T> {
    resource: T,
    held: Standing,
    life: Life,
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

    /// How the caller stands to it.
    pub fn held(&self) -> Standing {
        self.held
    }

    /// Whether the caller has a further power over it.
    pub fn has(&self, power: Power) -> bool {
        self.require(power).is_ok()
    }

    /// Holds the caller to a further power over it.
    pub fn require(&self, power: Power) -> Result<(), Refusal> {
        if self.held < power.needs() {
            return Err(Refusal::NotAllowed("your role on the resource does not allow this"));
        }
        if self.is_recycled() && !power.reaches_recycled() {
            return Err(Refusal::ProhibitedState(
                "the resource is in a recycle bin: restore it first, with ResourceState ACTIVE",
            ));
        }
        Ok(())
    }

    /// Whether it, or a folder above it, lies in a recycle bin.
    pub fn is_recycled(&self) -> bool {
        self.life != Life::Live
    }

    /// Levels above the resource.
    pub fn depth(&self) -> i64 {
        self.depth
    }

    fn map<U>(self, resource: impl FnOnce(T) -> Result<U, Refusal>) -> Result<Granted<U>, Refusal> {
        let Self { resource: whole, held, life, depth } = self;
        Ok(Granted { resource: resource(whole)?, held, life, depth })
    }
}

/// Decides whether the caller has a power over what was found.
///
/// A resource that does not exist, one that was deleted and one that is not the caller's to see get
/// the same answer.
pub fn grant<T>(found: Option<Found<T>>, call: &Call, power: Power) -> Result<Granted<T>, Refusal> {
    let found = found.ok_or(Refusal::Hidden)?;
    let facts = Facts {
        owner: &found.owner,
        creator: &found.creator,
        is_document: found.is_document,
        grants: found.grants,
    };
    let held = standing(call, &facts).ok_or(Refusal::Hidden)?;
    if !reaches(call, &found.owner, found.life) {
        return Err(Refusal::Hidden);
    }
    let granted = Granted { resource: found.resource, held, life: found.life, depth: found.depth };
    granted.require(power)?;
    Ok(granted)
}

/// What was recycled exists for its owner and the administrators alone, and in the end for the
/// administrators alone.
fn reaches(call: &Call, owner: &UserId, life: Life) -> bool {
    let is_administrator = matches!(call.caller().identity, Identity::Administrator(_));
    match life {
        Life::Live => true,
        Life::Recycled => is_administrator || call.user_id() == Some(owner),
        Life::Recoverable => is_administrator,
        Life::Deleted => false,
    }
}

impl Granted<Item> {
    /// Takes the item as a folder; a document's id names no folder.
    pub fn folder(self) -> Result<Granted<Folder>, Refusal> {
        self.map(|item| match item {
            Item::Folder(folder) => Ok(folder),
            Item::Document(_) => Err(Refusal::Hidden),
        })
    }

    /// Takes the item as a document; a folder's id names no document.
    pub fn document(self) -> Result<Granted<Document>, Refusal> {
        self.map(|item| match item {
            Item::Document(document) => Ok(*document),
            Item::Folder(_) => Err(Refusal::Hidden),
        })
    }
}
