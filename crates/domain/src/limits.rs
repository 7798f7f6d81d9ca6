//! Every limit, named with its unit.

/// Items a folder may hold, folders and documents together.
pub const FOLDER_ITEMS_MAX: i64 = 100_000;

/// Levels a tree may have; a path answer carries at most as many.
pub const TREE_LEVELS_MAX: i64 = 100;

/// Ancestors a query walks before it gives up: far above `TREE_LEVELS_MAX`, so that only a broken
/// tree ever meets it.
pub const TREE_WALK_MAX: i64 = 1_000;

/// Labels of a folder or document.
pub const LABELS_MAX: i64 = 20;

/// Keys that the custom metadata of a folder, document or version may have.
pub const CUSTOM_METADATA_KEYS_MAX: i64 = 8;

/// Items below a folder up to which its size and signature are worked out when it is read.
pub const FOLDER_TOTALS_ITEMS_MAX: i64 = 10_000;

/// Bytes of one version, the most the reference migrated.
pub const VERSION_SIZE_MAX_BYTES: u64 = 5 << 40;

/// Entries of a page where the caller names no limit.
pub const PAGE_SIZE_DEFAULT: i64 = 100;

/// Users of a page where the caller names no limit.
pub const USER_PAGE_SIZE_DEFAULT: i64 = 24;

/// Words a user query may have.
pub const USER_QUERY_WORDS_MAX: usize = 8;

/// Principals one item may be shared with, and one call may name.
pub const SHARE_PRINCIPALS_MAX: usize = 1_000;

/// Guests one call may make by inviting them: each is a user of the site from then on.
pub const GUESTS_PER_CALL_MAX: usize = 50;

/// Subscriptions to its notifications a site may have.
pub const SUBSCRIPTIONS_MAX: i64 = 256;

/// How long an endpoint may take to confirm a subscription, in milliseconds.
pub const SUBSCRIPTION_TOKEN_LIFETIME_MS: i64 = 3 * 24 * 3_600_000;
