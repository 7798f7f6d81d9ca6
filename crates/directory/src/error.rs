//! Why a directory did not answer. No text holds a name, a password or what the directory wrote.

use thiserror::Error;

/// Why a directory did not answer.
#[derive(Debug, Error)]
pub enum DirectoryError {
    /// The settings cannot be used.
    #[error("the settings of the directory cannot be used: {0}")]
    Settings(&'static str),
    /// Nobody can be reached at the address.
    #[error("the directory cannot be reached: {0}")]
    Unreachable(std::io::ErrorKind),
    /// It took longer than we wait.
    #[error("the directory did not answer in time")]
    TimedOut,
    /// The certificate is not the one of whom we want to talk to.
    #[error("the directory's certificate is not trusted: {0}")]
    Certificate(String),
    /// Our own account is not let in.
    #[error("the directory refuses the account DocHarbor signs in with")]
    Credentials,
    /// The directory wants encryption first.
    #[error("the directory takes no password without encryption")]
    EncryptionRequired,
    /// Another answer than we can use.
    #[error("the directory answered with LDAP result code {0}")]
    Answer(u32),
    /// What came is no LDAP, or ended in the middle.
    #[error("the connection to the directory broke")]
    Broken,
    /// Not a single person was found, which a wrong base or filter is more likely to cause than a
    /// company that everybody left.
    #[error("the directory has no people where the settings look for them")]
    Nobody,
}
