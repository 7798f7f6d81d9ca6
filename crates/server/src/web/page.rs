//! A page as it is answered: what a browser may do with it.

use askama::Template;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use docharbor_site::{Error, Meaning, chain};

use crate::audit::ErrorName;
use crate::request_id::RequestId;

/// What holds for every page: nothing but our own style is loaded, nobody frames it, nobody keeps it.
///
/// The referrer goes to ourselves alone, because without one browsers leave the origin out of a form
/// they send, which is how we know our own.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; \
         base-uri 'none'",
    ),
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    heading: &'a str,
    text: &'a str,
    request_id: Option<&'a str>,
}

/// A page of a template.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Response {
    let Ok(html) = template.render() else {
        tracing::error!("a page could not be written");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = (status, html).into_response();
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A page whose form leads on to an origin elsewhere, which browsers must be told.
pub(crate) fn page_leading_to(
    status: StatusCode,
    template: &impl Template,
    origin: &str,
) -> Response {
    let mut response = page(status, template);
    let policy = response.headers().get(header::CONTENT_SECURITY_POLICY);
    let policy = policy.and_then(|policy| policy.to_str().ok()).unwrap_or_default();
    let led = policy.replace("form-action 'self'", &format!("form-action 'self' {origin}"));
    if let Ok(policy) = HeaderValue::from_str(&led) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// A page that says what happened and what to do, with the id of the request.
pub(crate) fn message(parts: &Parts, status: StatusCode, heading: &str, text: &str) -> Response {
    let request_id = parts.extensions.get::<RequestId>().map(RequestId::as_str);
    page(status, &Message { heading, text, request_id })
}

/// The page for a form that is none of ours.
pub(crate) fn refused_form(parts: &Parts) -> Response {
    let text = "The form did not come from a page of this server, or was changed on the way. \
                Go back, load the page again, and send it from there.";
    let page = message(parts, StatusCode::FORBIDDEN, "The form was not taken", text);
    with_error_name(page, "RefusedForm")
}

/// Says in the record of a form why it was refused.
pub(crate) fn with_error_name(mut page: Response, name: &'static str) -> Response {
    page.extensions_mut().insert(ErrorName(name));
    page
}

/// The page for what kept us from answering.
pub(crate) fn failed(parts: &Parts, error: &Error) -> Response {
    let (status, name, text) = match error.meaning() {
        Meaning::Refused(refusal) => {
            (StatusCode::BAD_REQUEST, "ValidationError", refusal.to_string())
        }
        Meaning::Dependency => {
            let text = "The directory that knows the passwords does not answer; try again later.";
            (StatusCode::SERVICE_UNAVAILABLE, "FailedDependency", text.to_owned())
        }
        Meaning::Busy | Meaning::Unavailable => {
            tracing::error!(error = chain(error), "a store failed");
            let text = "A store of this server does not answer; try again in a moment.";
            (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", text.to_owned())
        }
        Meaning::Fault => {
            tracing::error!(error = chain(error), "a defect");
            let text = "This server made a mistake; its operator finds it by the request id.";
            (StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure", text.to_owned())
        }
    };
    with_error_name(message(parts, status, "It did not work", &text), name)
}

/// Sends the browser on, with a GET.
pub(crate) fn see_other(path: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(location) = HeaderValue::from_str(path) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
