//! The id each request is known by, in the answer and in the log.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderName, HeaderValue};

/// The header that carries the id; AWS's SDKs show it with every error.
pub const HEADER: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// A request's id, shaped as a random UUID. Each request and its handlers find it as an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The id as the header's value.
    pub fn header_value(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// Makes the ids of one process.
///
/// They name requests and protect nothing, so a keyed hash of a counter does: no system call for
/// each request, and no two processes alike.
#[derive(Clone, Debug)]
pub struct RequestIds(Arc<Source>);

#[derive(Debug)]
struct Source {
    high: RandomState,
    low: RandomState,
    count: AtomicU64,
}

impl RequestIds {
    /// Ids that differ from those of every other process.
    pub fn new() -> Self {
        Self(Arc::new(Source {
            high: RandomState::new(),
            low: RandomState::new(),
            count: AtomicU64::new(0),
        }))
    }

    /// The next request's id.
    pub fn next(&self) -> RequestId {
        let count = self.0.count.fetch_add(1, Ordering::Relaxed);
        let (high, low) = (self.0.high.hash_one(count), self.0.low.hash_one(count));
        let text = format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff,
        );
        // Hexadecimal digits and hyphens are always a header's value.
        RequestId(HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("-")))
    }
}

impl Default for RequestIds {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_shaped_as_random_uuids_and_never_repeat() {
        let ids = RequestIds::new();
        let mut seen = HashSet::new();
        for _ in 0..10_000 {
            let id = ids.next();
            let text = id.as_str();
            let groups: Vec<&str> = text.split('-').collect();
            assert_eq!(groups.iter().map(|g| g.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
            assert!(groups.concat().bytes().all(|b| b.is_ascii_hexdigit()));
            assert!(groups[2].starts_with('4'), "{text}");
            assert!(groups[3].starts_with(['8', '9', 'a', 'b']), "{text}");
            assert!(seen.insert(text.to_owned()), "{text} came twice");
        }
    }

    #[test]
    fn two_processes_do_not_give_the_same_ids() {
        assert_ne!(RequestIds::new().next(), RequestIds::new().next());
    }
}
