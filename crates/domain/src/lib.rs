//! What is true, whatever the storage and the protocol: ids, names, lifecycles, refusals. Pure.
//!
//! Nothing here does I/O, reads a clock or makes a random number: time, ids and secrets are
//! arguments.

mod id;
mod name;
mod refusal;
mod time;

pub use id::{
    AccessKeyId, BlobId, DocumentId, FolderId, OrganizationId, ResourceId, UserId, VersionId,
};
pub use name::ResourceName;
pub use refusal::Refusal;
pub use time::Timestamp;
