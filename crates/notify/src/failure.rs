//! Why a message did not arrive, in words that give nothing of the receiver's answer away.

use thiserror::Error;

/// Why a message did not arrive. The receiver's answer is never part of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Failure {
    /// The endpoint is none that this server may call.
    #[error("not allowed: {0}")]
    NotAllowed(&'static str),
    /// The host's name leads nowhere.
    #[error("the host's name cannot be resolved")]
    Unresolved,
    /// Too many other names are being looked up.
    #[error("too many names are being looked up")]
    Busy,
    /// Nobody listens there.
    #[error("no connection")]
    Unreachable,
    /// The certificate was not accepted, or what answered does not speak TLS.
    #[error("TLS failed")]
    Tls,
    /// The connection was not made, or the answer was not there, in time.
    #[error("no answer in time")]
    TimedOut,
    /// The receiver answered a redirect, which is not followed.
    #[error("redirected with status {0}")]
    Redirected(u16),
    /// The receiver answered another status than 2xx.
    #[error("status {0}")]
    Status(u16),
    /// The connection broke or what came is not HTTP.
    #[error("the connection broke")]
    Broken,
    /// What answered did not confirm the message as a queue does.
    #[error("the answer is not a queue's")]
    NotAQueue,
    /// No access key for queues is set.
    #[error("no access key for queues is set")]
    NoQueueAccess,
}

impl Failure {
    /// Whether no message at all can be sent there now, whatever it is.
    pub const fn is_of_endpoint(&self) -> bool {
        match self {
            Self::NotAllowed(_)
            | Self::Unresolved
            | Self::Unreachable
            | Self::Tls
            | Self::NoQueueAccess => true,
            Self::Busy
            | Self::TimedOut
            | Self::Redirected(_)
            | Self::Status(_)
            | Self::Broken
            | Self::NotAQueue => false,
        }
    }
}
