//! The bytes of versions, through URLs that carry their own permission: PUT in, GET and HEAD out.

mod answer;
mod disposition;
mod download;
mod range;
mod thumbnail;
mod upload;

use std::panic::AssertUnwindSafe;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::any;
use docharbor_domain::{Action, Call, DocumentId, OrganizationId, Refusal, Scope, VersionId};
use docharbor_sigv4::{Rejection, verify_presigned};
use docharbor_site::Error;
use futures::FutureExt as _;

use crate::audit::{Audited, Kind, Unrecorded, WORKDOCS};
use crate::auth::signed_request;
use crate::door::{Door, HOLDER, LISTED};
use crate::request_id::RequestId;
use answer::{Problem, answer};

/// What a valid URL lets its holder do.
struct Grant {
    call: Call,
    document: DocumentId,
    version: VersionId,
    /// Whether the URL was one of a list.
    is_listed: bool,
    /// What follows the version in the path.
    of: Option<String>,
}

/// Routes transfer URLs.
pub(crate) fn router(door: Door) -> Router {
    Router::new().route("/transfer/{*rest}", any(serve)).with_state(door)
}

async fn serve(State(door): State<Door>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let id = parts.extensions.get::<RequestId>().cloned();
    // A task of its own: a client that goes away right after its last byte changes nothing, neither
    // about its bytes nor about their record.
    let work = tokio::spawn(async move { recorded(&door, &parts, body).await });
    let done = work.await.unwrap_or_else(|_panic| Err(after_panic()));
    done.unwrap_or_else(|problem| answer(&problem, id.as_ref()))
}

fn after_panic() -> Problem {
    Problem::Site(Error::Fault("the handler of a transfer panicked"))
}

/// Answers a request and records it. What has been recorded is that the bytes were asked for and
/// begin to flow, or that all of them came in.
async fn recorded(door: &Door, parts: &Parts, body: Body) -> Result<Response, Problem> {
    let mut audited = Audited::begin(door, parts, kind(parts));
    let moved = AssertUnwindSafe(moved(door, parts, body, &mut audited)).catch_unwind().await;
    let id = parts.extensions.get::<RequestId>();
    let done = moved.unwrap_or_else(|_panic| Err(after_panic()));
    let response = done.unwrap_or_else(|problem| answer(&problem, id));
    audited.done(response).await.map_err(|Unrecorded| Problem::Unrecorded)
}

fn kind(parts: &Parts) -> Kind {
    match parts.method {
        Method::GET | Method::HEAD => {
            let name = if names_a_picture(parts) { "GetThumbnail" } else { "GetContent" };
            Kind { source: WORKDOCS, name, read_only: true, data: true }
        }
        Method::PUT => Kind { source: WORKDOCS, name: "PutContent", read_only: false, data: true },
        _ => Kind::UNKNOWN,
    }
}

/// Whether the path goes on behind the version.
fn names_a_picture(parts: &Parts) -> bool {
    parts.uri.path().split('/').nth(5).is_some()
}

async fn moved(
    door: &Door,
    parts: &Parts,
    body: Body,
    audited: &mut Audited,
) -> Result<Response, Problem> {
    match parts.method {
        Method::GET | Method::HEAD => {
            let action = if names_a_picture(parts) { THUMBNAIL } else { DOWNLOAD };
            let grant = admit(door, parts, "GET", action, audited).await?;
            match grant.of.as_deref() {
                None => download::serve(door, parts, grant).await,
                Some(_) => thumbnail::serve(door, parts, grant).await,
            }
        }
        Method::PUT => upload::serve(door, parts, body, audited).await,
        _ => Err(Problem::Method),
    }
}

/// Admits whoever holds a URL, as whom it was given to: whatever was taken from them since is gone
/// for the URL too.
async fn admit(
    door: &Door,
    parts: &Parts,
    signed_method: &str,
    action: Action,
    audited: &mut Audited,
) -> Result<Grant, Problem> {
    let now_ms = door.site().now().as_millis();
    let request = signed_request(parts);
    let granted =
        verify_presigned(&request, signed_method, |key_id| door.url_secret(key_id), now_ms)?;
    let (holder, is_listed) = match granted.extra_query.as_slice() {
        [(name, holder)] if name == HOLDER => (holder, false),
        [(name, holder), (listed, _)] if name == HOLDER && listed == LISTED => (holder, true),
        _ => return Err(not_ours()),
    };
    let mut segments = parts.uri.path().split('/').skip(2);
    let (Some(organization), Some(document), Some(version), of, None) =
        (segments.next(), segments.next(), segments.next(), segments.next(), segments.next())
    else {
        return Err(not_ours());
    };
    let organization = OrganizationId::new(organization);
    let caller = door.site().url_holder(&organization, holder).await?;
    let caller = caller.ok_or(Error::Refused(Refusal::Hidden))?;
    audited.caller(&caller);
    audited.parameters([("documentId", document), ("versionId", version)]);
    let here = door.circumstances(parts);
    let call = Call::admit(caller, action, here, None).map_err(Error::Refused)?;
    if audited.must_wait() {
        return Err(Problem::Unrecorded);
    }
    door.site().require_directory(&call).await?;
    let (document, version) = (DocumentId::new(document), VersionId::new(version));
    Ok(Grant { call, document, version, is_listed, of: of.map(str::to_owned) })
}

fn not_ours() -> Problem {
    Problem::Rejected(Rejection::InvalidSignature("The URL is not one this server gave out."))
}

/// What a holder of an upload URL does.
const UPLOAD: Action = Action { name: "InitiateDocumentVersionUpload", scope: Scope::Write };

/// What a holder of a picture's URL does.
const THUMBNAIL: Action = Action { name: "GetDocument", scope: Scope::Read };

/// What a holder of a download URL does.
const DOWNLOAD: Action = Action { name: "GetDocumentVersion", scope: Scope::Read };
