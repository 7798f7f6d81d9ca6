//! What a transfer answers when it did not succeed: the XML that programs know from such URLs.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use docharbor_domain::Refusal;
use docharbor_sigv4::Rejection;
use docharbor_site::{Digest, Error, Meaning, ReceiveError, ReceiveRefusal, chain};

use crate::audit::ErrorName;
use crate::request_id::RequestId;

/// Why a transfer did not succeed.
#[derive(Debug)]
pub(super) enum Problem {
    /// The URL is not valid, or no longer.
    Rejected(Rejection),
    /// The site refused or failed.
    Site(Error),
    /// The bytes were not taken.
    Bytes(ReceiveError),
    /// A header cannot be read.
    Header(&'static str),
    /// A body in a form that is not taken.
    Encoding,
    /// The range lies outside of the bytes.
    Range {
        /// How many bytes there are.
        size_bytes: u64,
    },
    /// Another method than GET, HEAD and PUT.
    Method,
    /// The audit cannot be written.
    Unrecorded,
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Site(error)
    }
}

impl From<ReceiveRefusal> for Problem {
    fn from(refusal: ReceiveRefusal) -> Self {
        match refusal {
            ReceiveRefusal::Site(error) => Self::Site(error),
            ReceiveRefusal::Bytes(error) => Self::Bytes(error),
        }
    }
}

/// Writes the answer to a problem.
pub(super) fn answer(problem: &Problem, request_id: Option<&RequestId>) -> Response {
    let (status, code, message) = describe(problem);
    let id = request_id.map_or("", RequestId::as_str);
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{}\
         </Message><RequestId>{id}</RequestId></Error>",
        escaped(&message)
    );
    let mut response = Response::new(Body::from(xml));
    *response.status_mut() = status;
    response.extensions_mut().insert(ErrorName(code));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Problem::Range { size_bytes } = problem
        && let Ok(value) = HeaderValue::from_str(&format!("bytes */{size_bytes}"))
    {
        headers.insert(header::CONTENT_RANGE, value);
    }
    response
}

fn describe(problem: &Problem) -> (StatusCode, &'static str, String) {
    match problem {
        Problem::Rejected(rejection) => {
            let code = match rejection {
                Rejection::Expired { .. } | Rejection::NotYetValid { .. } => "AccessDenied",
                Rejection::MissingAuthentication
                | Rejection::Incomplete(_)
                | Rejection::InvalidSignature(_)
                | Rejection::SignatureMismatch
                | Rejection::UnrecognizedClient => "SignatureDoesNotMatch",
            };
            (StatusCode::FORBIDDEN, code, rejection.to_string())
        }
        Problem::Site(error) => of_site(error),
        Problem::Unrecorded => unavailable(),
        Problem::Bytes(error) => of_bytes(error),
        Problem::Header(text) => (StatusCode::BAD_REQUEST, "InvalidRequest", (*text).to_owned()),
        Problem::Encoding => (
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            "Send the bytes as they are, without Content-Encoding: aws-chunked.".to_owned(),
        ),
        Problem::Range { size_bytes } => (
            StatusCode::RANGE_NOT_SATISFIABLE,
            "InvalidRange",
            format!("The range lies outside of the {size_bytes} bytes."),
        ),
        Problem::Method => (
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "A transfer URL takes PUT, or GET and HEAD.".to_owned(),
        ),
    }
}

fn of_site(error: &Error) -> (StatusCode, &'static str, String) {
    match error.meaning() {
        Meaning::Refused(refusal @ (Refusal::StorageExceeded | Refusal::StorageWillExceed)) => {
            (StatusCode::PAYLOAD_TOO_LARGE, "EntityTooLarge", refusal.to_string())
        }
        Meaning::Refused(refusal) => (StatusCode::FORBIDDEN, "AccessDenied", refusal.to_string()),
        Meaning::Busy => (
            StatusCode::SERVICE_UNAVAILABLE,
            "SlowDown",
            "The document is being changed by another call; try again.".to_owned(),
        ),
        Meaning::Unavailable | Meaning::Dependency | Meaning::Fault => {
            tracing::error!(error = chain(error), "a transfer failed");
            unavailable()
        }
    }
}

fn of_bytes(error: &ReceiveError) -> (StatusCode, &'static str, String) {
    let code = match error {
        ReceiveError::Short { .. } | ReceiveError::Long { .. } => "IncompleteBody",
        ReceiveError::Digest { which: Digest::Md5 } => "BadDigest",
        ReceiveError::Digest { which: Digest::Sha256 | Digest::Crc32 } => {
            "XAmzContentChecksumMismatch"
        }
        ReceiveError::Body(_) => "RequestTimeout",
        ReceiveError::TooLarge { .. } => {
            return (StatusCode::PAYLOAD_TOO_LARGE, "EntityTooLarge", error.to_string());
        }
        ReceiveError::Exists | ReceiveError::Full | ReceiveError::Store { .. } => {
            tracing::error!(error = chain(error), "bytes could not be stored");
            return unavailable();
        }
    };
    (StatusCode::BAD_REQUEST, code, error.to_string())
}

fn unavailable() -> (StatusCode, &'static str, String) {
    let text = "A store of this server does not answer; try again in a moment.";
    (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", text.to_owned())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
