//! The application: one function per thing a caller can do, whatever door they came through.
//!
//! This is the only crate that opens transactions. It never sees a header or a status code, and it
//! cannot tell which door a caller came through.

mod access;
mod activities;
mod applications;
mod chain;
mod change;
mod clock;
mod comments;
mod content;
mod credentials;
mod custom_metadata;
mod directory;
mod documents;
mod error;
mod extraction;
mod folders;
mod groups;
mod iam;
mod indexing;
mod jobs;
mod keyring;
mod labels;
mod listing;
mod notifications;
mod oauth;
mod organizations;
mod own;
mod permissions;
mod placement;
mod random;
mod reindex;
mod resources;
mod retention;
mod search;
mod setup;
mod sign_in;
mod sts;
mod thumbnails;
mod tokens;
mod uploads;
mod users;
mod verify;
mod versions;

use std::sync::Arc;

use docharbor_blobs::BlobStore;
use docharbor_directory::Connector;
use docharbor_domain::{PasswordRule, Timestamp};
use docharbor_metadata::Metadata;
use docharbor_search::extract::Extractor;
use tokio::sync::{Notify, Semaphore, watch};

pub use activities::ActivitiesQuery;
pub use applications::NewApplication;
pub use chain::chain;
pub use clock::{Clock, SystemClock};
pub use comments::{CommentView, CommentsPage, CommentsQuery};
pub use content::{Download, Incoming, ReceiveRefusal};
pub use credentials::{KeyHolder, NewAccessKey, TokenHolder};
pub use custom_metadata::Subject;
pub use directory::{DirectoryStatus, SyncReport};
pub use docharbor_blobs::{Digest, Expected, ReceiveError};
pub use docharbor_directory::{
    DirectoryError, Kind as DirectoryKind, LdapConnector, Settings as DirectorySettings,
};
pub use docharbor_metadata::{
    Activities, ActivityListing, ActivityPlace, Feed, ListedActivity, Participant,
};
pub use docharbor_metadata::{
    Application, Group, GroupListing, Organization, Permission, PermissionListing, Place,
    SharedPlace, UserListing, UserSort,
};
pub use docharbor_metadata::{Asked, DeliveryState, LoggedDelivery};
pub use docharbor_metadata::{FoundComment, Hit, HitKind, SearchPlace, SearchSort};
pub use docharbor_metadata::{IamEntity, IamRole, ListedKey, ListedToken};
pub use docharbor_notify::{
    Allow, Courier, CourierSettings, SignatureVersion, SqsAccess, confirm_response,
    unsubscribe_response,
};
pub use documents::VersionView;
pub use error::{Error, Meaning};
pub use extraction::ExtractionsDone;
pub use folders::FolderView;
pub use groups::GroupsPage;
pub use iam::{NewIamRole, PolicyOwner};
pub use indexing::{Mended, index_content};
pub use jobs::JobsDone;
pub use keyring::{Keyring, MasterKey};
pub use labels::Selection;
pub use listing::{
    ContentsPage, ContentsQuery, Kinds, PathQuery, UsersPage, UsersQuery, VersionsPage,
};
pub use notifications::{NewSubscription, NotificationSettings, SubscriptionsPage, Visited};
pub use oauth::{
    APPLICATION_TOKEN_LIFETIME_MS, CodeClaim, DEVICE_INTERVAL_MS, DEVICE_LIFETIME_MS, DeviceStart,
    Issued, PendingDevice, Ungranted,
};
pub use organizations::{NewOrganization, OrganizationView};
pub use permissions::{PermissionsPage, Revoked, Shared};
pub use placement::{ItemUpdate, StateChange};
pub use random::{OsRandom, Random};
pub use reindex::{Extent, Reindexed};
pub use resources::{SharedPage, SharedQuery};
pub use search::{Collection, SearchPage, SearchRequest};
pub use setup::{FirstAdministrator, FirstStart, RootKey};
pub use sign_in::{Attempt, SignIn, WebSession};
pub use sts::{RoleRequest, TemporaryKey};
pub use thumbnails::{Thumbnail, ThumbnailSize};
pub use uploads::Upload;
pub use users::NewUser;
pub use verify::{Finding, INDEX_INVARIANTS, Report};

/// What can be set about a site's behaviour.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long an upload may stay INITIALIZED, in milliseconds.
    pub upload_expiry_ms: i64,
    /// What a new user may store, in bytes.
    pub users_default_quota_bytes: i64,
    /// How long bytes stay after nothing refers to them any more, in milliseconds.
    pub garbage_grace_ms: i64,
    /// How long users can bring back what they recycled, in milliseconds.
    pub recycle_bin_retention_ms: i64,
    /// How long administrators can bring it back after that, in milliseconds.
    pub recovery_bin_retention_ms: i64,
    /// How long activities are kept, in milliseconds.
    pub activity_retention_ms: i64,
    /// How often everybody is read from a connected directory, in milliseconds.
    pub directory_sync_interval_ms: i64,
    /// What is asked of a password.
    pub password_rule: PasswordRule,
    /// How subscribers are told of events.
    pub notifications: NotificationSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            upload_expiry_ms: 24 * 3_600_000,
            users_default_quota_bytes: 1 << 40,
            garbage_grace_ms: 24 * 3_600_000,
            recycle_bin_retention_ms: 30 * 24 * 3_600_000,
            recovery_bin_retention_ms: 60 * 24 * 3_600_000,
            activity_retention_ms: 365 * 24 * 3_600_000,
            directory_sync_interval_ms: 300_000,
            password_rule: PasswordRule::default(),
            notifications: NotificationSettings::default(),
        }
    }
}

/// What is done about an error after which a store can no longer be trusted.
pub type OnFatal = Arc<dyn Fn(&(dyn std::error::Error + 'static)) + Send + Sync>;

/// What a site is made of; the binary chooses each part.
pub struct Parts {
    /// What is remembered.
    pub metadata: Metadata,
    /// The bytes.
    pub blobs: Arc<dyn BlobStore>,
    /// What talks to the directories of other programs.
    pub directories: Arc<dyn Connector>,
    /// What calls subscribers.
    pub courier: Courier,
    /// What looks into documents; nothing means that nobody does.
    pub extractor: Option<Arc<dyn Extractor>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// The keys under the master key.
    pub keyring: Keyring,
    /// What can be set.
    pub settings: Settings,
    /// Called when a store can no longer be trusted to keep what it took. It must log and end the
    /// process: going on could lose what was acknowledged.
    pub on_fatal: OnFatal,
}

/// The application. Clones share everything.
#[derive(Clone)]
pub struct Site {
    parts: Arc<Parts>,
    /// Argon2 takes 19 MiB and a core for a while: two at a time are enough for anybody.
    hashing: Arc<Semaphore>,
    /// Attempts to sign in that may wait for their turn.
    verifying: Arc<Semaphore>,
    /// What looks through much of the database, of whose connections there are at least four.
    looking_through: Arc<Semaphore>,
    /// Whether the connected directories answer.
    directories: Arc<directory::Probes>,
    /// Wakes the jobs when there is something to remove.
    work: Arc<Notify>,
    /// What is between changes and those who are told of them.
    dispatch: Arc<notifications::Dispatch>,
    /// Wakes whoever looks into documents.
    documents: Arc<Notify>,
    /// Whether whoever looks into documents or tells subscribers is to stop.
    stops: Arc<watch::Sender<bool>>,
}

impl Site {
    /// Puts a site together.
    pub fn new(parts: Parts) -> Self {
        Self {
            parts: Arc::new(parts),
            hashing: Arc::new(Semaphore::new(2)),
            verifying: Arc::new(Semaphore::new(sign_in::verifying_max())),
            looking_through: Arc::new(Semaphore::new(2)),
            directories: Arc::default(),
            work: Arc::new(Notify::new()),
            dispatch: Arc::default(),
            documents: Arc::new(Notify::new()),
            stops: Arc::new(watch::Sender::new(false)),
        }
    }

    /// What is set.
    pub fn settings(&self) -> &Settings {
        &self.parts.settings
    }

    /// The keys that sign transfer URLs and forms of consent.
    pub fn keyring(&self) -> &Keyring {
        &self.parts.keyring
    }

    /// Seals a place in a list, so that it can be handed out and comes back unchanged. `list` names
    /// the list: operation, caller and all that orders or filters it.
    pub fn seal_marker(&self, list: &str, place: &[u8]) -> Result<Vec<u8>, Error> {
        self.keyring().seal_marker(list, place, self.random())
    }

    /// Opens a place that was sealed for this very list.
    pub fn open_marker(&self, list: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        self.keyring().open_marker(list, sealed)
    }

    /// The time, as this site reckons it.
    pub fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// Whether the database and the blob store answer.
    pub async fn is_ready(&self) -> Result<(), Error> {
        self.parts.metadata.ping().await?;
        let probed = self.parts.blobs.probe().await;
        if let Err(error) = &probed
            && error.is_fatal()
        {
            (self.parts.on_fatal)(error);
        }
        Ok(probed?)
    }

    /// Begins nothing more for which nobody waits, neither looking into documents nor telling
    /// subscribers, and breaks off what is being done, which then counts for nothing.
    /// [`Site::run_extraction`] and [`Site::run_notifications`] end when that is noted.
    pub fn stop(&self) {
        self.stops.send_replace(true);
    }

    fn is_stopped(&self) -> bool {
        *self.stops.borrow()
    }

    async fn stopped(&self) {
        let mut stops = self.stops.subscribe();
        // The sender is ours, so it cannot be gone.
        let _is_there = stops.wait_for(|is_stopped| *is_stopped).await.is_ok();
    }

    /// Ends all work on the stores in good order.
    pub async fn close(&self) -> Result<(), Error> {
        self.parts.metadata.close().await?;
        Ok(())
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.parts.random.fill(&mut bytes);
        bytes
    }
}
