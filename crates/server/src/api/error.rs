//! The one place that turns what went wrong into the protocol's codes.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use docharbor_domain::Refusal;
use docharbor_sigv4::Rejection;
use docharbor_site::{Error, Meaning, chain};
use docharbor_wire::{ErrorBody, ErrorCode, Operation, Violations};

use crate::auth::AuthError;

use super::private;

/// What went wrong with a request.
#[derive(Debug)]
pub(super) enum Problem {
    /// Nobody in particular is asking.
    Auth(AuthError),
    /// Members break the model.
    Violations(Violations),
    /// The site refused or failed.
    Site(Error),
    /// A code of the protocol's own, with its text.
    Code(ErrorCode, String),
}

impl Problem {
    /// A defect of ours.
    pub(super) fn fault(what: &'static str) -> Self {
        Self::Site(Error::Fault(what))
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        Self::Auth(error)
    }
}

impl From<Violations> for Problem {
    fn from(violations: Violations) -> Self {
        Self::Violations(violations)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Site(error)
    }
}

/// A problem, with what the answer needs to know of the request.
pub(super) struct ApiError {
    operation: Option<Operation>,
    principal: Option<String>,
    problem: Problem,
}

impl ApiError {
    pub(super) fn new(operation: Operation, problem: Problem, principal: Option<String>) -> Self {
        Self { operation: Some(operation), principal, problem }
    }

    /// A problem before it was known which operation is meant.
    pub(super) fn early(problem: Problem) -> Self {
        Self { operation: None, principal: None, problem }
    }

    /// Writes the answer. In debug builds a code the operation does not declare is a defect.
    pub(super) fn into_response(self) -> Response {
        let (code, body) = self.code_and_body();
        if let Some(operation) = self.operation {
            debug_assert!(
                operation.declares(code) || code.is_common(),
                "{} may not answer {}",
                operation.name(),
                code.name()
            );
        }
        let json = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = Response::new(Body::from(json));
        *response.status_mut() =
            StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert("x-amzn-errortype", HeaderValue::from_static(code.name()));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        private(&mut response);
        response
    }

    fn code_and_body(&self) -> (ErrorCode, ErrorBody) {
        match &self.problem {
            Problem::Auth(error) => self.of_auth(error),
            Problem::Violations(violations) => {
                (self.of_violations(violations), ErrorBody::new(violations.message()))
            }
            Problem::Site(error) => self.of_site(error),
            Problem::Code(code, text) => (*code, ErrorBody::new(text.clone())),
        }
    }

    fn of_auth(&self, error: &AuthError) -> (ErrorCode, ErrorBody) {
        let (code, text) = match error {
            AuthError::Rejected(rejection) => (of_rejection(rejection), rejection.to_string()),
            AuthError::UnknownToken => (
                ErrorCode::UnrecognizedClient,
                "The token is not known: it was mistyped, revoked or belongs to another site."
                    .to_owned(),
            ),
            AuthError::ExpiredToken => (
                ErrorCode::ExpiredToken,
                "The token's time is over; sign in again or ask for a new one.".to_owned(),
            ),
            AuthError::Ambiguous(text) => (ErrorCode::Validation, (*text).to_owned()),
            AuthError::Site(error) => return self.of_site(error),
        };
        (code, ErrorBody::new(text))
    }

    /// Marker and Limit have a code of their own where the operation declares it.
    fn of_violations(&self, violations: &Violations) -> ErrorCode {
        let only_paging = violations.members().all(|member| matches!(member, "Marker" | "Limit"));
        if only_paging && self.declares(ErrorCode::InvalidArgument) {
            ErrorCode::InvalidArgument
        } else {
            ErrorCode::Validation
        }
    }

    fn of_site(&self, error: &Error) -> (ErrorCode, ErrorBody) {
        match error.meaning() {
            Meaning::Refused(refusal) => (self.of_refusal(refusal), self.refusal_body(refusal)),
            Meaning::Busy => (
                self.first_declared(
                    ErrorCode::ConcurrentModification,
                    ErrorCode::ServiceUnavailable,
                ),
                ErrorBody::new("The resource is being changed by another call; try again."),
            ),
            Meaning::Fault => {
                tracing::error!(error = chain(error), "a defect");
                let text = "This server made a mistake; its operator finds it by the request id.";
                (ErrorCode::InternalFailure, ErrorBody::new(text))
            }
            Meaning::Dependency => {
                tracing::warn!(error = chain(error), "the directory failed");
                let text = "The directory of this site does not answer; try again in a moment.";
                (
                    self.first_declared(ErrorCode::FailedDependency, ErrorCode::ServiceUnavailable),
                    ErrorBody::new(text),
                )
            }
            Meaning::Unavailable => {
                tracing::error!(error = chain(error), "a store failed");
                let text = "A store of this server does not answer; try again in a moment.";
                (ErrorCode::ServiceUnavailable, ErrorBody::new(text))
            }
        }
    }

    fn of_refusal(&self, refusal: &Refusal) -> ErrorCode {
        match refusal {
            Refusal::NotFound { .. } => ErrorCode::EntityNotExists,
            Refusal::Hidden => ErrorCode::UnauthorizedResourceAccess,
            Refusal::NotAllowed(_) => self.not_allowed(),
            Refusal::AlreadyExists(_) => ErrorCode::EntityAlreadyExists,
            // In that state nobody is allowed to.
            Refusal::ProhibitedState(_) => {
                self.first_declared(ErrorCode::ProhibitedState, self.not_allowed())
            }
            Refusal::Conflicting(_) => ErrorCode::ConflictingOperation,
            Refusal::ConcurrentModification(_) => self
                .first_declared(ErrorCode::ConcurrentModification, ErrorCode::ServiceUnavailable),
            Refusal::InvalidOperation(_) => ErrorCode::InvalidOperation,
            Refusal::InvalidComment(_) => ErrorCode::InvalidCommentOperation,
            Refusal::LimitExceeded(_) => ErrorCode::LimitExceeded,
            Refusal::TooManyLabels => ErrorCode::TooManyLabels,
            Refusal::CustomMetadataLimitExceeded => ErrorCode::CustomMetadataLimitExceeded,
            Refusal::TooManySubscriptions => ErrorCode::TooManySubscriptions,
            Refusal::StorageExceeded => ErrorCode::StorageLimitExceeded,
            Refusal::StorageWillExceed => ErrorCode::StorageLimitWillExceed,
            Refusal::LastActiveUser => ErrorCode::DeactivatingLastSystemUser,
            Refusal::InvalidArgument { .. } => {
                self.first_declared(ErrorCode::InvalidArgument, ErrorCode::Validation)
            }
            Refusal::WeakPassword(_) | Refusal::Invalid { .. } => ErrorCode::Validation,
        }
    }

    /// A resource that does not exist, one the caller may not see, and a call their policy forbids
    /// get this same text.
    fn refusal_body(&self, refusal: &Refusal) -> ErrorBody {
        if self.of_refusal(refusal) == ErrorCode::UnauthorizedResourceAccess {
            let principal = self.principal.as_deref().unwrap_or("unknown");
            let operation = self.operation.map_or("unknown", Operation::name);
            return ErrorBody::new(format!(
                "Principal [{principal}] is not allowed to execute [workdocs:{operation}] on the \
                 resource."
            ));
        }
        match refusal {
            Refusal::NotFound { ids, .. } => {
                ErrorBody { message: refusal.to_string(), entity_ids: ids.clone() }
            }
            _ => ErrorBody::new(refusal.to_string()),
        }
    }

    fn not_allowed(&self) -> ErrorCode {
        self.first_declared(ErrorCode::UnauthorizedOperation, ErrorCode::UnauthorizedResourceAccess)
    }

    fn first_declared(&self, wanted: ErrorCode, otherwise: ErrorCode) -> ErrorCode {
        if self.declares(wanted) { wanted } else { otherwise }
    }

    fn declares(&self, code: ErrorCode) -> bool {
        self.operation.is_some_and(|operation| operation.declares(code))
    }
}

fn of_rejection(rejection: &Rejection) -> ErrorCode {
    match rejection {
        Rejection::MissingAuthentication => ErrorCode::MissingAuthenticationToken,
        Rejection::Incomplete(_) => ErrorCode::IncompleteSignature,
        Rejection::InvalidSignature(_)
        | Rejection::Expired { .. }
        | Rejection::NotYetValid { .. }
        | Rejection::SignatureMismatch => ErrorCode::InvalidSignature,
        Rejection::UnrecognizedClient => ErrorCode::UnrecognizedClient,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(operation: Operation, refusal: Refusal) -> ErrorCode {
        ApiError::new(operation, Problem::Site(refusal.into()), None).code_and_body().0
    }

    #[test]
    fn what_any_operation_may_meet_has_a_code_that_each_declares() {
        for &operation in Operation::ALL {
            for refusal in [
                Refusal::Hidden,
                Refusal::NotAllowed("your role does not allow this"),
                Refusal::ProhibitedState("it is in a recycle bin"),
                Refusal::ConcurrentModification("try again"),
                Refusal::InvalidArgument { member: "Limit", reason: "is too large" },
                Refusal::Invalid { member: "Limit", reason: "is too large" },
            ] {
                let code = code(operation, refusal.clone());
                assert!(operation.declares(code) || code.is_common(), "{operation:?} {refusal:?}");
            }
        }
    }

    #[test]
    fn a_forbidding_state_is_a_forbidden_operation_where_the_former_is_not_declared() {
        let recycled = || Refusal::ProhibitedState("it is in a recycle bin");
        assert_eq!(code(Operation::DeleteLabels, recycled()), ErrorCode::ProhibitedState);
        assert_eq!(code(Operation::CreateLabels, recycled()), ErrorCode::UnauthorizedOperation);
    }
}
