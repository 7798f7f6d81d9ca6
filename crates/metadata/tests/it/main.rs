//! What the crate's sources and migrations promise.
