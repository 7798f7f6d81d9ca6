//! The protocol as a program outside the crate meets it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as the tests do")]

mod collections;
mod requests;
mod responses;
mod tables;
