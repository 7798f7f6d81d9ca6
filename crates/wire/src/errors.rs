//! The error codes, each with its HTTP status, and the body that goes with them.

use serde::Serialize;

/// Declares every code: its name without `Exception`, its status, and who knows it: the service
/// model (`modelled`), every AWS service (`common`), or both.
macro_rules! error_codes {
    ($($name:ident $status:literal $known:ident;)*) => {
        /// A code that a program can act on. Its name on the wire ends in `Exception`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ErrorCode {
            $(
                #[doc = concat!("`", stringify!($name), "Exception`, ", stringify!($status), ".")]
                $name,
            )*
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name on the wire, in the header `x-amzn-errortype`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => concat!(stringify!($name), "Exception"),)* }
            }

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            const fn known_to(self) -> KnownTo {
                match self { $(Self::$name => known_to!($known),)* }
            }
        }
    };
}

macro_rules! known_to {
    (modelled) => {
        KnownTo::Model
    };
    (common) => {
        KnownTo::EveryService
    };
    (both) => {
        KnownTo::Both
    };
}

enum KnownTo {
    Model,
    EveryService,
    Both,
}

error_codes! {
    ConcurrentModification 409 modelled;
    ConflictingOperation 409 modelled;
    CustomMetadataLimitExceeded 429 modelled;
    DeactivatingLastSystemUser 409 modelled;
    DocumentLockedForComments 409 modelled;
    DraftUploadOutOfSync 409 modelled;
    EntityAlreadyExists 409 modelled;
    EntityNotExists 404 modelled;
    FailedDependency 424 modelled;
    IllegalUserState 409 modelled;
    InvalidArgument 400 modelled;
    InvalidCommentOperation 409 modelled;
    InvalidOperation 405 modelled;
    InvalidPassword 401 modelled;
    LimitExceeded 409 modelled;
    ProhibitedState 409 modelled;
    RequestedEntityTooLarge 413 modelled;
    ResourceAlreadyCheckedOut 409 modelled;
    ServiceUnavailable 503 both;
    StorageLimitExceeded 409 modelled;
    StorageLimitWillExceed 413 modelled;
    TooManyLabels 429 modelled;
    TooManySubscriptions 429 modelled;
    UnauthorizedOperation 403 modelled;
    UnauthorizedResourceAccess 404 modelled;
    Validation 400 common;
    Serialization 400 common;
    UnknownOperation 404 common;
    RequestEntityTooLarge 413 common;
    RequestTimeout 408 common;
    InternalFailure 500 common;
    MissingAuthenticationToken 403 common;
    IncompleteSignature 403 common;
    InvalidSignature 403 common;
    UnrecognizedClient 403 common;
    ExpiredToken 403 common;
    Throttling 429 common;
}

impl ErrorCode {
    /// Whether any operation may answer it, declared or not.
    pub const fn is_common(self) -> bool {
        matches!(self.known_to(), KnownTo::EveryService | KnownTo::Both)
    }

    /// Whether the service model describes it.
    pub const fn is_modelled(self) -> bool {
        matches!(self.known_to(), KnownTo::Model | KnownTo::Both)
    }

    /// The code of that name on the wire, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

/// The body of an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorBody {
    /// What is wrong and what would be right, for a person.
    #[serde(rename = "Message")]
    pub message: String,
    /// The ids that name nothing; only [`ErrorCode::EntityNotExists`] has them.
    #[serde(rename = "EntityIds", skip_serializing_if = "Vec::is_empty")]
    pub entity_ids: Vec<String>,
}

impl ErrorBody {
    /// A body that names no ids.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), entity_ids: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_25_modelled_codes_and_12_that_every_service_has() {
        assert_eq!(ErrorCode::ALL.iter().filter(|c| c.is_modelled()).count(), 25);
        assert_eq!(ErrorCode::ALL.iter().filter(|c| !c.is_modelled()).count(), 12);
        assert_eq!(ErrorCode::ALL.iter().filter(|c| c.is_common()).count(), 13);
        assert!(ErrorCode::ServiceUnavailable.is_common());
        assert!(ErrorCode::ServiceUnavailable.is_modelled());
    }

    #[test]
    fn a_code_is_found_by_its_wire_name_and_has_an_error_status() {
        for &code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_name(code.name()), Some(code));
            assert!((400..=599).contains(&code.status()), "{code:?}");
            assert!(code.name().ends_with("Exception"));
        }
    }

    #[test]
    fn a_body_without_ids_is_only_a_message() {
        let mut body = ErrorBody::new("gone");
        assert_eq!(serde_json::to_string(&body).unwrap(), r#"{"Message":"gone"}"#);
        body.entity_ids.push("a".to_owned());
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"Message":"gone","EntityIds":["a"]}"#
        );
    }
}
