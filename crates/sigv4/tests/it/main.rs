//! Signatures as clients really send them, and everything that must not pass for one.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what the tests share may fail as the tests do"
)]

mod botocore;
mod header_form;
mod mechanisms;
mod never_panics;
mod oracle;
mod presigned;
mod sent;
