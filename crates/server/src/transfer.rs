//! The bytes of versions, through URLs that carry their own permission: PUT in, GET and HEAD out.

mod answer;
mod disposition;
mod download;
mod range;
mod upload;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::any;
use docharbor_domain::{Action, Call, DocumentId, OrganizationId, Refusal, Scope, VersionId};
use docharbor_sigv4::{Rejection, verify_presigned};
use docharbor_site::Error;

use crate::auth::signed_request;
use crate::door::{Door, HOLDER};
use crate::request_id::RequestId;
use answer::{Problem, answer};

/// What a valid URL lets its holder do.
struct Grant {
    call: Call,
    document: DocumentId,
    version: VersionId,
}

/// Routes transfer URLs.
pub(crate) fn router(door: Door) -> Router {
    Router::new().route("/transfer/{*rest}", any(serve)).with_state(door)
}

async fn serve(State(door): State<Door>, request: Request) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let done = match *request.method() {
        Method::GET | Method::HEAD => download::serve(&door, request).await,
        Method::PUT => upload::serve(&door, request).await,
        _ => Err(Problem::Method),
    };
    done.unwrap_or_else(|problem| answer(&problem, id.as_ref()))
}

/// Admits whoever holds a URL, as whom it was given to: whatever was taken from them since is gone
/// for the URL too.
async fn admit(
    door: &Door,
    parts: &Parts,
    signed_method: &str,
    action: Action,
) -> Result<Grant, Problem> {
    let now_ms = door.site().now().as_millis();
    let request = signed_request(parts);
    let granted =
        verify_presigned(&request, signed_method, |key_id| door.url_secret(key_id), now_ms)?;
    let [(name, holder)] = granted.extra_query.as_slice() else { return Err(not_ours()) };
    if name != HOLDER {
        return Err(not_ours());
    }
    let mut segments = parts.uri.path().split('/').skip(2);
    let (Some(organization), Some(document), Some(version), None) =
        (segments.next(), segments.next(), segments.next(), segments.next())
    else {
        return Err(not_ours());
    };
    let organization = OrganizationId::new(organization);
    let caller = door.site().url_holder(&organization, holder).await?;
    let caller = caller.ok_or(Error::Refused(Refusal::Hidden))?;
    let call = Call::admit(caller, action, None).map_err(Error::Refused)?;
    let (document, version) = (DocumentId::new(document), VersionId::new(version));
    Ok(Grant { call, document, version })
}

fn not_ours() -> Problem {
    Problem::Rejected(Rejection::InvalidSignature("The URL is not one this server gave out."))
}

/// What a holder of an upload URL does.
const UPLOAD: Action = Action { name: "InitiateDocumentVersionUpload", scope: Scope::Write };

/// What a holder of a download URL does.
const DOWNLOAD: Action = Action { name: "GetDocumentVersion", scope: Scope::Read };
