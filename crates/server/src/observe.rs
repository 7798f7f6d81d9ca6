//! What happens around every request, whatever its door: id, limits on the head, panics, log line.

use std::panic::AssertUnwindSafe;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use http::StatusCode;

use crate::access_log::Line;
use crate::request_id::{self, RequestIds};

/// The most headers a request may have.
pub const HEADERS_MAX: usize = 100;

/// The most bytes a request's target and headers may have together.
pub const HEAD_MAX_BYTES: usize = 32 * 1024;

/// Puts `doors` behind the layer that every request passes first and every answer last.
pub fn observe(doors: Router, ids: RequestIds) -> Router {
    doors.layer(from_fn_with_state(ids, around))
}

async fn around(State(ids): State<RequestIds>, mut request: Request, next: Next) -> Response {
    let id = ids.next();
    let line = Line::begin(&id, &request);
    let mut response = if head_is_too_large(&request) {
        let text = "the request has too many or too long headers\n";
        (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text).into_response()
    } else {
        request.extensions_mut().insert(id.clone());
        // A panic is a defect of one request; its connection and the process go on.
        AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| after_panic())
    };
    response.headers_mut().insert(request_id::HEADER, id.header_value());
    line.until_sent(response)
}

fn head_is_too_large(request: &Request) -> bool {
    // A name, a value, `: ` and the end of the line.
    let headers = request.headers();
    let header_bytes: usize =
        headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let target_bytes = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    headers.len() > HEADERS_MAX || header_bytes + target_bytes > HEAD_MAX_BYTES
}

fn after_panic() -> Response {
    tracing::error!("a request's handler panicked");
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
