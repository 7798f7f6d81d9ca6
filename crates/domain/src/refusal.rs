//! Why a caller cannot have what they asked for.

use thiserror::Error;

use crate::PasswordRule;

/// A refusal is the caller's to act on. One closed list, mapped once to the protocol's codes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Something named beneath what the caller may see does not exist: a version, a user.
    #[error("{what} does not exist")]
    NotFound {
        /// The kind of thing, as a person would say it.
        what: &'static str,
        /// The ids that name nothing.
        ids: Vec<String>,
    },
    /// The resource does not exist, or the caller may not know that it does: one answer for both.
    #[error("the resource does not exist or is not yours to see")]
    Hidden,
    /// The caller sees the resource, but may not do this to it.
    #[error("{0}")]
    NotAllowed(&'static str),
    /// Another live item of the folder has the name, or a user has the user name.
    #[error("{0}")]
    AlreadyExists(&'static str),
    /// The resource is in a state that forbids this.
    #[error("{0}")]
    ProhibitedState(&'static str),
    /// The request contradicts itself or the tree, as moving a folder under itself.
    #[error("{0}")]
    Conflicting(&'static str),
    /// Somebody else changed the same thing first, or holds it for longer than we wait.
    #[error("{0}")]
    ConcurrentModification(&'static str),
    /// The operation can never be done to this resource.
    #[error("{0}")]
    InvalidOperation(&'static str),
    /// What a comment replies to is not there, or not in the thread it names.
    #[error("{0}")]
    InvalidComment(&'static str),
    /// A count reached its limit.
    #[error("{0}")]
    LimitExceeded(&'static str),
    /// An item would have more labels than it may.
    #[error("a folder or document has at most 20 labels; delete some first")]
    TooManyLabels,
    /// A folder, document or version would have more custom metadata than it may.
    #[error("custom metadata has at most 8 keys; delete some first")]
    CustomMetadataLimitExceeded,
    /// A site would have more subscriptions to its notifications than it may.
    #[error("a site has at most 256 subscriptions; delete some first")]
    TooManySubscriptions,
    /// The owner's storage is used up.
    #[error("the owner's storage is full; delete content or raise the quota, then try again")]
    StorageExceeded,
    /// The upload would take the owner past the quota.
    #[error("the upload would exceed the owner's storage quota; delete content or raise the quota")]
    StorageWillExceed,
    /// The site would be left without an active user who can administer it.
    #[error("this is the last active user of the site; activate another one first")]
    LastActiveUser,
    /// A member's value cannot be used, though it has the form the protocol asks for.
    #[error("{member}: {reason}")]
    InvalidArgument {
        /// The member, as the protocol spells it.
        member: &'static str,
        /// What is wrong with it and what would be right.
        reason: &'static str,
    },
    /// A password is too short, too long or too plain for the site.
    #[error("Password: must have {0}")]
    WeakPassword(PasswordRule),
    /// A value that the model allows breaks a rule of this site.
    #[error("{member}: {reason}")]
    Invalid {
        /// The member, as the protocol spells it.
        member: &'static str,
        /// What is wrong with it and what would be right.
        reason: &'static str,
    },
}
