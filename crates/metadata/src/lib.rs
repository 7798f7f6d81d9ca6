//! What is remembered. The only crate that contains SQL.
//!
//! It knows no HTTP and no rule: it returns rows and facts, the domain decides. Every statement is
//! written once and runs on both engines; every one names its organization, but for the few that
//! find out which organization a credential belongs to.

mod activities;
mod answers;
mod comments;
mod custom_metadata;
mod deleted_versions;
mod deliveries;
mod directory;
mod driver;
mod extraction;
mod groups;
mod iam;
mod items;
mod keys;
mod labels;
mod notifications;
mod oauth;
mod organizations;
mod permissions;
mod placement;
#[cfg(test)]
mod plans;
mod removal;
mod search;
mod search_index;
mod search_upkeep;
mod shared;
mod sign_in;
mod sites;
mod tree;
mod users;
mod value;
mod verify;
mod versions;

pub use activities::{
    Activities, ActivityListing, ActivityPlace, Feed, ListedActivity, Participant,
};
pub use comments::{AnsweredComment, ListedComment};
pub use deliveries::{Claim, DeliveryState, LoggedDelivery, Outcome};
pub use directory::{DirectoryGroup, DirectoryRow, DirectoryUser};
pub use driver::{BoxFuture, Inserted, Metadata, Options, StoreError, Tx};
pub use extraction::{DueExtraction, FinishedExtraction, PicturedVersion, StoredThumbnails};
pub use groups::{Group, GroupListing, Member};
pub use iam::{IamEntity, IamRole};
pub use items::{ItemPath, Listing, Place};
pub use keys::{AccessKeyRow, ListedKey, NewAccessKeyRow};
pub use notifications::Asked;
pub use oauth::{Application, CodeRow, DeviceRow, DeviceStatus, NewToken};
pub use organizations::Organization;
pub use permissions::{Permission, PermissionListing, Permissions};
pub use placement::{Charged, Placement};
pub use removal::{Purge, VersionBytes};
pub use search::{FoundComment, Hit, HitKind, Search, SearchFilters, SearchPlace, SearchSort};
pub use search_upkeep::{EntryKey, IndexedKind, LookedOver, ToIndex};
pub use shared::SharedPlace;
pub use sign_in::{Failures, PasswordRow, SessionRow};
pub use sites::{ListedToken, TokenRow, token_id};
pub use tree::Counted;
pub use users::{UserListing, UserSort};
pub use verify::{CHECKS, Check};
pub use versions::Blob;

/// A row that breaks what the program believes of its table.
fn corrupt(table: &'static str, reason: &str) -> StoreError {
    StoreError::Corrupt { table, reason: reason.to_owned() }
}
