//! The WorkDocs API: 44 operations, each decode, one call of the site, encode.

mod activities;
mod bodies;
mod comments;
mod custom_metadata;
mod documents;
mod encode;
mod error;
mod folders;
mod groups;
mod labels;
mod marker;
mod notifications;
mod permissions;
mod resources;
mod search;
mod users;

use std::panic::AssertUnwindSafe;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{MethodRouter, any};
use docharbor_domain::{Action, Call, Caller, DocumentId, Refusal, Scope, VersionId};
use docharbor_sigv4::{Rejection, payload_sha256_hex};
use docharbor_wire::{
    ErrorCode, Input, Operation, Violations, decode_path_segment, decode_query, parse_body,
};
use futures::FutureExt as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::access_log::OperationName;
use crate::audit::{Audited, Kind, Unrecorded};
use crate::auth::{AuthError, authenticate, claims_identity};
use crate::door::{Direction, Door};
pub(crate) use bodies::Bodies;
use error::{ApiError, Problem};

/// The longest `amz-sdk-invocation-id` that is taken: a UUID has 36 bytes.
const INVOCATION_ID_MAX_BYTES: usize = 128;

/// What a handler answers.
enum Reply {
    /// The operation's shape.
    Json(Vec<u8>),
    /// Nothing but the status.
    Empty,
}

impl Reply {
    fn json(shape: &impl Serialize) -> Result<Self, Problem> {
        let json = serde_json::to_vec(shape);
        json.map(Self::Json).map_err(|_| Problem::fault("an answer could not be written"))
    }
}

/// A request that was let in, with what a handler reads of it.
struct Admitted<'a> {
    door: &'a Door,
    call: Call,
    parts: &'a Parts,
    input: Input<'a>,
}

impl Admitted<'_> {
    /// A URL for the bytes of one version, given to whoever is asking.
    fn transfer_url(
        &self,
        direction: Direction,
        document: &DocumentId,
        version: &VersionId,
    ) -> Result<String, Problem> {
        let base_url = self.door.base_url(self.parts);
        let caller = self.call.caller();
        Ok(self.door.transfer_url(direction, &base_url, caller, document, version)?)
    }
}

/// Routes every operation of the table; what is none gets the protocol's answer for that.
pub(crate) fn router(door: Door) -> Router {
    let mut paths: Vec<&str> = Operation::ALL.iter().map(|operation| operation.path()).collect();
    paths.sort_unstable();
    paths.dedup();
    let route = |router: Router<Door>, path: &'static str| router.route(path, operations(path));
    paths
        .into_iter()
        .fold(Router::new(), route)
        .route("/api/{*rest}", any(unknown))
        .with_state(door)
}

/// Reads the body of another door's call, within the bound that all bodies have together.
pub(crate) async fn read_body(door: &Door, body: Body) -> Result<Bytes, (StatusCode, String)> {
    door.bodies().read(body).await.map_err(|problem| match problem {
        Problem::Code(code, text) => {
            (StatusCode::from_u16(code.status()).unwrap_or(StatusCode::BAD_REQUEST), text)
        }
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "The body could not be read.".to_owned()),
    })
}

/// The operations of one path, told apart by their methods.
fn operations(path: &'static str) -> MethodRouter<Door> {
    any(move |State(door): State<Door>, request: Request| async move {
        let found = Operation::ALL.iter().copied().find(|operation| {
            operation.path() == path && operation.method() == request.method().as_str()
        });
        match found {
            Some(operation) => serve(door, operation, request).await,
            None => unknown(State(door), request).await,
        }
    })
}

async fn unknown(State(door): State<Door>, request: Request) -> Response {
    let (parts, _body) = request.into_parts();
    let problem = Problem::Code(
        ErrorCode::UnknownOperation,
        format!("{} on this path is no operation of the WorkDocs API.", parts.method),
    );
    let response = ApiError::early(problem).into_response();
    let done = Audited::begin(&door, &parts, Kind::UNKNOWN).done(response).await;
    done.unwrap_or_else(|Unrecorded| ApiError::early(not_recorded()).into_response())
}

async fn serve(door: Door, operation: Operation, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // A client that goes away must stop neither a change half way nor its record, so the work is a
    // task of its own.
    let work = tokio::spawn(async move { recorded(&door, operation, &parts, body).await });
    let mut response = work.await.unwrap_or_else(|_panic| after_panic().into_response());
    response.extensions_mut().insert(OperationName(operation.name()));
    response
}

/// Answers a call and records it, however the answer came about.
async fn recorded(door: &Door, operation: Operation, parts: &Parts, body: Body) -> Response {
    let mut audited = Audited::begin(door, parts, Kind::of(operation));
    let answered = AssertUnwindSafe(answer(door, operation, parts, body, &mut audited));
    let response = match answered.catch_unwind().await {
        Ok(Ok(reply)) => {
            if let Reply::Json(json) = &reply {
                audited.made_json(json);
            }
            success(operation, reply)
        }
        Ok(Err(error)) => error.into_response(),
        Err(_panic) => after_panic().into_response(),
    };
    let done = audited.done(response).await;
    done.unwrap_or_else(|Unrecorded| ApiError::early(not_recorded()).into_response())
}

fn after_panic() -> ApiError {
    ApiError::early(Problem::fault("the handler of an operation panicked"))
}

fn not_recorded() -> Problem {
    Problem::Code(
        ErrorCode::ServiceUnavailable,
        "The audit of this server cannot be written; try again in a moment.".to_owned(),
    )
}

async fn answer(
    door: &Door,
    operation: Operation,
    parts: &Parts,
    body: Body,
    audited: &mut Audited,
) -> Result<Reply, ApiError> {
    let early = |problem: Problem| ApiError::new(operation, problem, None);
    if !claims_identity(parts) {
        return Err(early(AuthError::from(Rejection::MissingAuthentication).into()));
    }
    let body = door.bodies().read(body).await.map_err(early)?;
    let body_hash = payload_sha256_hex(&body);
    let caller =
        authenticate(door.site(), parts, &body_hash).await.map_err(|error| early(error.into()))?;
    audited.caller(&caller);
    let principal = caller.principal().to_owned();
    let refused = |problem: Problem| ApiError::new(operation, problem, Some(principal.clone()));
    let action = Action {
        name: operation.name(),
        scope: match operation.scope() {
            docharbor_wire::Scope::Read => Scope::Read,
            docharbor_wire::Scope::Write => Scope::Write,
        },
    };
    let retry_key = retry_key(operation, &caller, parts, &body_hash);
    let here = door.circumstances(parts);
    let call = Call::admit(caller, action, here, retry_key).map_err(|r| refused(r.into()))?;
    if audited.must_wait() {
        return Err(refused(not_recorded()));
    }
    door.site().require_directory(&call).await.map_err(|error| refused(error.into()))?;
    dispatch(door, operation, call, parts, &body, audited).await.map_err(refused)
}

async fn dispatch(
    door: &Door,
    operation: Operation,
    call: Call,
    parts: &Parts,
    body: &Bytes,
    audited: &mut Audited,
) -> Result<Reply, Problem> {
    let body = parse_body(body)
        .map_err(|error| Problem::Code(ErrorCode::Serialization, error.message().to_owned()))?;
    let path = path_members(operation, parts.uri.path())?;
    let query = decode_query(parts.uri.query().unwrap_or_default())?;
    let input = Input { path: &path, query: &query, body: Some(&body) };
    audited.input(operation, &input, parts);
    let admitted = Admitted { door, call, parts, input };
    match operation {
        Operation::AbortDocumentVersionUpload => documents::abort_upload(&admitted).await,
        Operation::ActivateUser => users::activate(&admitted).await,
        Operation::AddResourcePermissions => permissions::add(&admitted).await,
        Operation::CreateComment => comments::create(&admitted).await,
        Operation::CreateCustomMetadata => custom_metadata::create(&admitted).await,
        Operation::CreateFolder => folders::create(&admitted).await,
        Operation::CreateLabels => labels::create(&admitted).await,
        Operation::CreateUser => users::create(&admitted).await,
        Operation::DeactivateUser => users::deactivate(&admitted).await,
        Operation::DeleteComment => comments::delete(&admitted).await,
        Operation::DeleteCustomMetadata => custom_metadata::delete(&admitted).await,
        Operation::DeleteDocument => documents::delete(&admitted).await,
        Operation::DeleteFolder => folders::delete(&admitted).await,
        Operation::DeleteLabels => labels::delete(&admitted).await,
        Operation::DeleteUser => users::delete(&admitted).await,
        Operation::DescribeActivities => activities::describe(&admitted).await,
        Operation::DescribeComments => comments::describe(&admitted).await,
        Operation::DescribeDocumentVersions => documents::describe_versions(&admitted).await,
        Operation::DescribeFolderContents => folders::describe_contents(&admitted).await,
        Operation::DescribeGroups => groups::describe(&admitted).await,
        Operation::DescribeRootFolders => folders::describe_roots(&admitted).await,
        Operation::GetCurrentUser => users::get_current(&admitted).await,
        Operation::DescribeResourcePermissions => permissions::describe(&admitted).await,
        Operation::DescribeUsers => users::describe(&admitted).await,
        Operation::GetDocument => documents::get(&admitted).await,
        Operation::GetDocumentPath => documents::get_path(&admitted).await,
        Operation::GetDocumentVersion => documents::get_version(&admitted).await,
        Operation::GetFolder => folders::get(&admitted).await,
        Operation::GetFolderPath => folders::get_path(&admitted).await,
        Operation::GetResources => resources::get(&admitted).await,
        Operation::SearchResources => search::search(&admitted).await,
        Operation::InitiateDocumentVersionUpload => documents::initiate_upload(&admitted).await,
        Operation::DeleteDocumentVersion => documents::delete_version(&admitted).await,
        Operation::DeleteFolderContents => folders::delete_contents(&admitted).await,
        Operation::RestoreDocumentVersions => documents::restore_versions(&admitted).await,
        Operation::UpdateDocument => documents::update(&admitted).await,
        Operation::UpdateFolder => folders::update(&admitted).await,
        Operation::RemoveAllResourcePermissions => permissions::remove_all(&admitted).await,
        Operation::RemoveResourcePermission => permissions::remove(&admitted).await,
        Operation::UpdateDocumentVersion => documents::update_version(&admitted).await,
        Operation::UpdateUser => users::update(&admitted).await,
        Operation::CreateNotificationSubscription => notifications::create(&admitted).await,
        Operation::DeleteNotificationSubscription => notifications::delete(&admitted).await,
        Operation::DescribeNotificationSubscriptions => notifications::describe(&admitted).await,
    }
}

/// The members in the path, by the operation's template.
fn path_members(operation: Operation, raw: &str) -> Result<Vec<(String, String)>, Violations> {
    let mut members = Vec::new();
    let mut violations = Violations::new();
    for (template, segment) in operation.path().split('/').zip(raw.split('/')) {
        let Some(name) = template.strip_prefix('{').and_then(|t| t.strip_suffix('}')) else {
            continue;
        };
        match decode_path_segment(name, segment) {
            Ok(value) => members.push((name.to_owned(), value)),
            Err(more) => violations.append(more),
        }
    }
    if violations.is_empty() { Ok(members) } else { Err(violations) }
}

/// Names this very request of this very caller. The id alone is never trusted: another request
/// under the same id is another request.
fn retry_key(
    operation: Operation,
    caller: &Caller,
    parts: &Parts,
    body_hash: &str,
) -> Option<String> {
    let id = invocation_id(&parts.headers)?;
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let mut hash = Sha256::new();
    for part in [operation.name(), caller.principal(), id, parts.method.as_str(), target, body_hash]
    {
        hash.update(part);
        hash.update([0]);
    }
    Some(hex::encode(hash.finalize()))
}

fn invocation_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get("amz-sdk-invocation-id")?.to_str().ok()?;
    (!id.is_empty() && id.len() <= INVOCATION_ID_MAX_BYTES).then_some(id)
}

fn success(operation: Operation, reply: Reply) -> Response {
    let is_json = matches!(reply, Reply::Json(_));
    let mut response = Response::new(match reply {
        Reply::Json(json) => Body::from(json),
        Reply::Empty => Body::empty(),
    });
    *response.status_mut() = StatusCode::from_u16(operation.status()).unwrap_or(StatusCode::OK);
    if is_json {
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
    }
    private(&mut response);
    response
}

/// Answers of the API belong to their caller and are never kept on the way.
fn private(response: &mut Response) {
    let value = HeaderValue::from_static("private, no-cache, no-store, max-age=0");
    response.headers_mut().insert(header::CACHE_CONTROL, value);
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Site(refusal.into())
    }
}
