//! What is true, whatever the storage and the protocol: ids, names, lifecycles, refusals. Pure.
//!
//! Nothing here does I/O, reads a clock or makes a random number: time, ids and secrets are
//! arguments.

mod access;
mod activity;
mod application;
mod caller;
mod comment;
mod custom_metadata;
mod id;
pub mod limits;
mod name;
mod notification;
mod password;
mod permission;
mod policy;
mod refusal;
mod resource;
mod search;
mod share;
mod signature;
mod time;
mod upload;
mod user;
mod version;

pub use access::{Found, Granted, Life, grant};
pub use activity::{Activity, CommentMention, Deed, INDIRECT_DEEDS, Subject};
pub use application::RedirectUri;
pub use caller::{Action, Administrator, Call, Caller, Identity, Scope, Scopes, TokenUser};
pub use comment::{
    Comment, CommentDeletion, CommentReader, CommentText, Contributor, NewComment, Profile,
    Visibility, comment_deletion,
};
pub use custom_metadata::CustomMetadata;
pub use id::{
    AccessKeyId, ActivityId, ApplicationId, BlobId, CommentId, DocumentId, FolderId, GroupId,
    OrganizationId, ResourceId, SubscriptionId, UserId, VersionId, uuid, uuid_of_moment,
};
pub use name::ResourceName;
pub use notification::{
    EntityType, Event, EventAction, Subscription, SubscriptionProtocol, SubscriptionStatus,
};
pub use password::{PASSWORD_CHARS, PASSWORD_CLASSES, PasswordRule};
pub use permission::{Grants, Power, Principal, Role, Standing};
pub use policy::{
    Asked, Circumstances, Decision, Permit, Policy, PolicyError, TrustPolicy, moment_of,
};
pub use refusal::Refusal;
pub use resource::{Document, Folder, FolderKind, Item, ItemKind, PathStep, Sort};
pub use search::{
    ContentCategory, SEARCH_WORDS_MAX, Script, SearchPhrase, SearchQuery, SearchScope, SearchText,
};
pub use share::{Share, ShareFailure, ShareWith, may_get};
pub use signature::{FolderTotals, SubtreeRow, folder_totals};
pub use time::Timestamp;
pub use upload::{NewUpload, UploadTarget};
pub use user::{StorageRule, User, UserChange, UserStatus, UserType, folded, search_words};
pub use version::{Content, DraftsShown, Version, VersionStatus};
