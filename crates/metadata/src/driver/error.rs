//! What can go wrong between us and a database: ours to act on, never the caller's.

use std::path::PathBuf;

use thiserror::Error;

/// A fault of the store. Its text may be logged: it holds no argument and no row's values.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// The store does not answer, or it refuses work for now. Nothing is known about the change.
    #[error("the metadata store is unavailable: {0}")]
    Unavailable(String),
    /// Somebody else held what the operation needs for longer than 2 s. Nothing was changed.
    #[error("a lock in the metadata store was held for longer than 2 s")]
    LockTimeout,
    /// A row means nothing, or the database file is damaged.
    #[error("the metadata store is damaged at {table}: {reason}")]
    Corrupt {
        /// The table, or `metadata` where none can be named.
        table: &'static str,
        /// What is wrong, without the row's values.
        reason: String,
    },
    /// A fault in this program. Nothing was changed.
    #[error("a fault in the metadata layer: {0}")]
    Internal(String),
    /// The file does not exist, and the command is not one that makes it.
    #[error("{} does not exist; `docharbor serve` makes it", .0.display())]
    Missing(PathBuf),
    /// The database cannot be opened.
    #[error("cannot open the metadata store: {0}")]
    Open(String),
    /// A newer DocHarbor wrote this database.
    #[error(
        "the metadata store has schema version {found} and this program knows {known}: \
         a newer DocHarbor has upgraded it; run that version or a newer one"
    )]
    NewerSchema {
        /// The database's version.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// The database waits for a migration that only a starting server makes.
    #[error(
        "the metadata store has schema version {found} and this program needs {known}: \
         start `docharbor serve` of this version once to upgrade it"
    )]
    OlderSchema {
        /// The database's version, 0 if it has none.
        found: i64,
        /// The version this program needs.
        known: i64,
    },
    /// A migration failed, and was undone.
    #[error("cannot migrate the metadata store: {0}")]
    Migration(String),
}

impl StoreError {
    /// Whether the same call may succeed when it is made again.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::LockTimeout => true,
            Self::Corrupt { .. }
            | Self::Internal(_)
            | Self::Missing(_)
            | Self::Open(_)
            | Self::NewerSchema { .. }
            | Self::OlderSchema { .. }
            | Self::Migration(_) => false,
        }
    }
}
