//! What went wrong, in the codes of IAM and STS.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use docharbor_domain::Refusal;
use docharbor_sigv4::Rejection;
use docharbor_site::{Error, Meaning, chain};

use super::xml::Xml;
use crate::audit::ErrorName;
use crate::auth::AuthError;

/// An answer that is an error.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    code: &'static str,
    text: String,
}

impl Failure {
    pub(super) fn new(status: StatusCode, code: &'static str, text: impl Into<String>) -> Self {
        Self { status, code, text: text.into() }
    }

    pub(super) fn invalid(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ValidationError", text)
    }

    pub(super) fn denied(principal: &str, action: &str, resource: &str) -> Self {
        let text = format!(
            "User: {principal} is not authorized to perform: {action} on resource: {resource}"
        );
        Self::new(StatusCode::FORBIDDEN, "AccessDenied", text)
    }

    pub(super) fn no_action(action: &str, version: &str) -> Self {
        let shown = |text: &str| text.chars().take(64).collect::<String>();
        let text =
            format!("Could not find operation {} for version {}.", shown(action), shown(version));
        Self::new(StatusCode::BAD_REQUEST, "InvalidAction", text)
    }

    pub(super) fn unrecorded() -> Self {
        let text = "The audit of this server cannot be written; try again in a moment.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", text)
    }

    pub(super) fn panicked() -> Self {
        Error::Fault("the handler of an operation panicked").into()
    }

    pub(super) fn into_response(self, namespace: &str, request_id: &str) -> Response {
        let kind = if self.status.is_server_error() { "Receiver" } else { "Sender" };
        let error =
            Xml::default().text("Type", kind).text("Code", self.code).text("Message", &self.text);
        let document = Xml::default()
            .element("Error", &error)
            .text("RequestId", request_id)
            .document("ErrorResponse", namespace);
        let mut response = xml_response(self.status, document);
        response.extensions_mut().insert(ErrorName(self.code));
        response
    }
}

/// An XML answer, which belongs to its caller and is kept nowhere on the way.
pub(super) fn xml_response(status: StatusCode, document: String) -> Response {
    let mut response = Response::new(Body::from(document));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
    let private = HeaderValue::from_static("private, no-cache, no-store, max-age=0");
    headers.insert(header::CACHE_CONTROL, private);
    response
}

impl From<AuthError> for Failure {
    fn from(error: AuthError) -> Self {
        let (status, code, text) = match error {
            AuthError::Site(error) => return error.into(),
            AuthError::Rejected(rejection) => {
                let (status, code) = match rejection {
                    Rejection::MissingAuthentication => {
                        (StatusCode::FORBIDDEN, "MissingAuthenticationToken")
                    }
                    Rejection::Incomplete(_) => (StatusCode::BAD_REQUEST, "IncompleteSignature"),
                    Rejection::UnrecognizedClient => {
                        (StatusCode::FORBIDDEN, "InvalidClientTokenId")
                    }
                    _ => (StatusCode::FORBIDDEN, "SignatureDoesNotMatch"),
                };
                (status, code, rejection.to_string())
            }
            AuthError::ExpiredToken => (
                StatusCode::FORBIDDEN,
                "ExpiredToken",
                "The session's time is over; begin a new one.".to_owned(),
            ),
            AuthError::UnknownToken | AuthError::Ambiguous(_) => (
                StatusCode::FORBIDDEN,
                "AccessDenied",
                "Users' tokens are for the WorkDocs API only; sign with an access key.".to_owned(),
            ),
        };
        Self::new(status, code, text)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let (status, code) = match &refusal {
            Refusal::NotFound { .. } => (StatusCode::NOT_FOUND, "NoSuchEntity"),
            Refusal::Hidden | Refusal::NotAllowed(_) => (StatusCode::FORBIDDEN, "AccessDenied"),
            Refusal::AlreadyExists(_) => (StatusCode::CONFLICT, "EntityAlreadyExists"),
            Refusal::Conflicting(_) => (StatusCode::CONFLICT, "DeleteConflict"),
            Refusal::LimitExceeded(_) => (StatusCode::CONFLICT, "LimitExceeded"),
            _ => (StatusCode::BAD_REQUEST, "ValidationError"),
        };
        Self::new(status, code, refusal.to_string())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.meaning() {
            Meaning::Refused(refusal) => refusal.clone().into(),
            Meaning::Fault => {
                tracing::error!(error = chain(&error), "a defect");
                let text = "This server made a mistake; its operator finds it by the request id.";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure", text)
            }
            _ => {
                tracing::error!(error = chain(&error), "a store failed");
                let text = "A store of this server does not answer; try again in a moment.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", text)
            }
        }
    }
}
