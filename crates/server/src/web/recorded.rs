//! The record that each form leaves in the audit.

use std::panic::AssertUnwindSafe;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use docharbor_site::Error;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::page::{failed, message, with_error_name};
use crate::access_log::OperationName;
use crate::audit::{Audited, Kind, SIGN_IN, Unrecorded};
use crate::door::Door;

/// Does what a form asks, and records it under a name however it ends.
///
/// It is a task of its own: a client that goes away must stop neither a change half way nor its
/// record. While nothing can be recorded, nothing is done.
pub(crate) async fn recorded<Work>(
    door: Door,
    request: Request,
    name: &'static str,
    work: Work,
) -> Response
where
    Work: for<'a> FnOnce(&'a Door, &'a Parts, Body, &'a mut Audited) -> BoxFuture<'a, Response>
        + Send
        + 'static,
{
    let (parts, body) = request.into_parts();
    let task = tokio::spawn(async move {
        let kind = Kind { source: SIGN_IN, name, read_only: false, data: false };
        let mut audited = Audited::begin(&door, &parts, kind);
        let response = if audited.must_wait() {
            unrecorded(&parts)
        } else {
            let answering = AssertUnwindSafe(work(&door, &parts, body, &mut audited));
            answering.catch_unwind().await.unwrap_or_else(|_panic| {
                failed(&parts, &Error::Fault("the handler of a form panicked"))
            })
        };
        let done = audited.done(response).await;
        let mut response = done.unwrap_or_else(|Unrecorded| unrecorded(&parts));
        response.extensions_mut().insert(OperationName(name));
        response
    });
    task.await.unwrap_or_else(|_panic| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

fn unrecorded(parts: &Parts) -> Response {
    let text = "What happens here is recorded, and this server cannot write its records; try again \
                in a moment.";
    let page = message(parts, StatusCode::SERVICE_UNAVAILABLE, "It did not work", text);
    with_error_name(page, "ServiceUnavailable")
}
