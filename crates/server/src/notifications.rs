//! What the links in notifications lead to: confirming a subscription, ending it, the certificate.
//!
//! Whoever visits shows no key of ours: a link carries a token that is for one thing alone.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use docharbor_domain::OrganizationId;
use docharbor_site::{Error, chain, confirm_response, unsubscribe_response};

use crate::audit::{Audited, Kind, Unrecorded, WORKDOCS};
use crate::door::Door;
use crate::request_id::RequestId;
use crate::web::Fields;

const CONFIRM: Kind = Kind {
    source: WORKDOCS,
    name: "ConfirmNotificationSubscription",
    read_only: false,
    data: false,
};

const UNSUBSCRIBE: Kind =
    Kind { source: WORKDOCS, name: "Unsubscribe", read_only: false, data: false };

/// What a link asks for.
#[derive(Clone, Copy)]
enum Visit {
    Confirm,
    Unsubscribe,
}

/// Routes the links.
pub(crate) fn router(door: Door) -> Router {
    Router::new()
        .route("/notifications/{organization}", get(visit))
        .route("/notifications/{organization}/{certificate}", get(certificate))
        .with_state(door)
}

async fn visit(
    State(door): State<Door>,
    Path(organization): Path<String>,
    request: Request,
) -> Response {
    let (parts, _body) = request.into_parts();
    // A task of its own: a client that goes away stops neither the change nor its record.
    let work = tokio::spawn(async move { recorded(&door, &organization, &parts).await });
    work.await.unwrap_or_else(|_panic| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn recorded(door: &Door, organization: &str, parts: &Parts) -> Response {
    // Who only asks for the head of an answer looks whether a link works, and means nothing by it.
    if parts.method != Method::GET {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let Some(fields) = Fields::of_query(parts) else { return unknown_link() };
    let (visit, kind) = match fields.get("Action") {
        "ConfirmSubscription" => (Visit::Confirm, CONFIRM),
        "Unsubscribe" => (Visit::Unsubscribe, UNSUBSCRIBE),
        _ => return unknown_link(),
    };
    let mut audited = Audited::begin(door, parts, kind);
    if audited.must_wait() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let organization = OrganizationId::new(organization);
    let response = done(door, &organization, &fields, visit, parts, &mut audited).await;
    let recorded = audited.done(response).await;
    recorded.unwrap_or_else(|Unrecorded| StatusCode::SERVICE_UNAVAILABLE.into_response())
}

async fn done(
    door: &Door,
    organization: &OrganizationId,
    fields: &Fields,
    visit: Visit,
    parts: &Parts,
    audited: &mut Audited,
) -> Response {
    let (site, token) = (door.site(), fields.get("Token"));
    let visited = match visit {
        Visit::Confirm => site.confirm_subscription(organization, token).await,
        Visit::Unsubscribe => site.unsubscribe(organization, token).await,
    };
    let visited = match visited {
        Ok(Some(visited)) => visited,
        Ok(None) => return unknown_link(),
        Err(error) => return failed(&error),
    };
    audited.person(organization, None);
    audited.parameters([("subscriptionId", visited.id.as_str())]);
    let request_id = parts.extensions.get::<RequestId>().map_or("", RequestId::as_str);
    let xml = match visit {
        Visit::Confirm => confirm_response(&visited.arn, request_id),
        Visit::Unsubscribe => unsubscribe_response(request_id),
    };
    (headers("text/xml", "no-store"), xml).into_response()
}

async fn certificate(
    State(door): State<Door>,
    Path((organization, certificate)): Path<(String, String)>,
) -> Response {
    let Some(id) = certificate.strip_suffix(".pem") else { return unknown_link() };
    let organization = OrganizationId::new(organization);
    match door.site().notification_certificate(&organization, id).await {
        Ok(Some(pem)) => {
            (headers("application/x-pem-file", "public, max-age=86400"), pem).into_response()
        }
        Ok(None) => unknown_link(),
        Err(error) => failed(&error),
    }
}

fn headers(content_type: &'static str, cache: &'static str) -> [(HeaderName, &'static str); 3] {
    [(CONTENT_TYPE, content_type), (CACHE_CONTROL, cache), (X_CONTENT_TYPE_OPTIONS, "nosniff")]
}

fn unknown_link() -> Response {
    let text = "This link leads nowhere: it was changed, its time is over, or it was for a \
                subscription that is gone. For a new one delete the subscription and make it anew.\n";
    (StatusCode::NOT_FOUND, headers("text/plain; charset=utf-8", "no-store"), text).into_response()
}

fn failed(error: &Error) -> Response {
    tracing::error!(error = chain(error), "a link of a notification failed");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}
