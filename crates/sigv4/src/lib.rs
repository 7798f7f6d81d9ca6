//! AWS Signature Version 4 on the server: verify and presign, on top of aws-sigv4. No I/O.
//!
//! Canonicalisation is AWS's own code: a request is verified by signing it again and comparing.
//! What is ours is everything a signer never has to think about: which forms are accepted, which
//! headers must be signed, how old a signature may be, and that nothing unsigned has a meaning.
//!
//! Two ways in, and neither knows the other:
//! - the header form of the SDKs: [`parse`], look the access key up, then [`verify`];
//! - transfer URLs that this server minted itself: [`Presign`] and [`verify_presigned`].

mod header_form;
mod presigned;
mod rejection;
mod request;
mod secret;
mod signing;
mod timestamp;

pub use header_form::{Claim, parse, verify};
pub use presigned::{Presign, PresignError, PresignedGrant, verify_presigned};
pub use rejection::Rejection;
pub use request::{SignedRequest, payload_sha256_hex};
pub use secret::Secret;

/// How far a request's time may be from ours, before or after, in milliseconds, inclusive.
pub const SKEW_MAX_MS: i64 = 5 * 60 * 1000;

/// Longest life of a presigned URL, in seconds: the protocol's own bound of seven days.
pub const PRESIGNED_EXPIRES_MAX_SECS: u32 = 604_800;

/// The signing name that presigned URLs of this server carry.
pub const PRESIGNED_SERVICE: &str = "workdocs";
