//! Moments as CloudTrail writes them.

use docharbor_domain::Timestamp;

/// A moment in milliseconds since 1970 as `2026-11-24T02:16:00Z`, in UTC and whole seconds.
pub fn iso_8601(time_ms: i64) -> String {
    Timestamp::from_millis(time_ms).iso_8601()
}
