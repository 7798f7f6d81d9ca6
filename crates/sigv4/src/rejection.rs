//! Why a signature is not accepted.

use thiserror::Error;

/// One closed list, mapped once by the server to AWS codes. The text of each may be shown.
///
/// All but the last two are decided before the secret matters, so they answer the same for known
/// and unknown access keys. [`Rejection::SignatureMismatch`] and [`Rejection::UnrecognizedClient`]
/// follow equal work and have one text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    /// The request carries no signature: `MissingAuthenticationTokenException`.
    #[error("The request is not signed: it needs an AWS4-HMAC-SHA256 Authorization header.")]
    MissingAuthentication,
    /// The signature is not well formed or leaves something out: `IncompleteSignatureException`.
    #[error("{0}")]
    Incomplete(&'static str),
    /// What was signed is not what was received: `InvalidSignatureException`.
    #[error("{0}")]
    InvalidSignature(&'static str),
    /// The signature is too old: `InvalidSignatureException`, on which SDKs correct their clock.
    #[error(
        "Signature expired: {signed} is now earlier than {earliest} ({now} is the server's time)."
    )]
    Expired {
        /// When the request says it was signed, or, of a URL, when it ended.
        signed: String,
        /// The earliest moment that would be accepted now.
        earliest: String,
        /// The moment it was compared with.
        now: String,
    },
    /// The signature is from the future: `InvalidSignatureException`.
    #[error(
        "Signature not yet current: {signed} is still later than {latest} \
         ({now} is the server's time)."
    )]
    NotYetValid {
        /// When the request says it was signed.
        signed: String,
        /// The latest moment that would be accepted now.
        latest: String,
        /// The moment it was compared with.
        now: String,
    },
    /// The access key is known and the signature is not its: `InvalidSignatureException`.
    #[error("{CREDENTIALS_REFUSED}")]
    SignatureMismatch,
    /// The access key is not known: `UnrecognizedClientException`.
    #[error("{CREDENTIALS_REFUSED}")]
    UnrecognizedClient,
}

const CREDENTIALS_REFUSED: &str = "The access key is not known, or the signature was not made \
    with its secret. Check the access key ID, the secret access key and the signing method.";
