//! People and groups that another program keeps, read over LDAP.
//!
//! A directory is only ever read. Every call ends within [`ANSWER_TIMEOUT`] a page, so that whoever
//! waits for an answer gets one, if only that there is none.

mod dn;
mod entry;
mod error;
mod ldap;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

pub use dn::normalized_dn;
pub use error::DirectoryError;
pub use ldap::LdapConnector;
pub use settings::{Encryption, Kind, Settings};

/// The longest that a directory is waited for.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Somebody whom the directory knows.
#[derive(Clone, Debug)]
pub struct Person {
    /// The entry's own lasting id, which a new name or place leaves as it is.
    pub key: String,
    /// The security identifier, where the directory gives one.
    pub sid: Option<String>,
    /// Where the entry stands now, in the form by which names are compared.
    pub dn: String,
    /// The name the person signs in with.
    pub username: String,
    /// The mail address.
    pub email: Option<String>,
    /// The given name.
    pub given_name: String,
    /// The family name.
    pub surname: String,
    /// Whether the directory lets nobody in by this entry.
    pub is_disabled: bool,
}

/// A group in the directory.
#[derive(Clone, Debug)]
pub struct Group {
    /// The entry's own lasting id.
    pub key: String,
    /// The security identifier, where the directory gives one.
    pub sid: Option<String>,
    /// Where the entry stands now, in the form by which names are compared.
    pub dn: String,
    /// The group's name.
    pub name: String,
    /// Who is in it directly, people and groups, in the form by which names are compared.
    pub members: Vec<String>,
}

/// A directory that somebody else runs.
pub trait Directory: Send + Sync {
    /// Asks whether the directory answers and takes our account.
    fn check(&self) -> BoxFuture<'_, Result<(), DirectoryError>>;

    /// Counts what the first page of people has: whether the settings find anybody.
    fn first_page(&self) -> BoxFuture<'_, Result<usize, DirectoryError>>;

    /// Everybody, page by page.
    fn people(&self) -> BoxFuture<'_, Result<Vec<Person>, DirectoryError>>;

    /// All groups with their direct members, page by page.
    fn groups(&self) -> BoxFuture<'_, Result<Vec<Group>, DirectoryError>>;

    /// The key of the person whose name and password these are. None when they are not, whatever is
    /// wrong about them.
    fn authenticate<'a>(
        &'a self,
        username: &'a str,
        password: &'a str,
    ) -> BoxFuture<'a, Result<Option<String>, DirectoryError>>;
}

/// Makes directories out of their settings.
pub trait Connector: Send + Sync {
    /// Prepares to talk to a directory; nothing is sent yet.
    fn directory(
        &self,
        settings: Settings,
        password: &str,
    ) -> Result<Arc<dyn Directory>, DirectoryError>;
}
