//! The points at which a test may end the process or make a step fail; never in a release.

use std::sync::atomic::{AtomicU64, Ordering};

/// Names the point to die at, and how often to pass it first: `metadata::before_commit=3`.
const CRASH_AT: &str = "CRASH_AT";

/// Arms the points that `CRASH_AT` and `FAILPOINTS` name, as long as the answer lives.
pub(crate) fn arm() -> fail::FailScenario<'static> {
    let scenario = fail::FailScenario::setup();
    let wanted = std::env::vars().find(|(name, _)| name == CRASH_AT);
    if let Some((point, number)) = wanted.as_ref().and_then(|(_, value)| value.split_once('=')) {
        let survived = number.parse().unwrap_or(0);
        let count = AtomicU64::new(0);
        // No unwinding, no destructors: what a power cut leaves behind, and nothing more.
        let armed = fail::cfg_callback(point, move || {
            if count.fetch_add(1, Ordering::SeqCst) == survived {
                std::process::abort();
            }
        });
        if armed.is_err() {
            std::process::abort();
        }
    }
    scenario
}
