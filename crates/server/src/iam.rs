//! IAM and STS: the query protocol at `/`, for what scripts need of them.

mod failure;
mod form;
mod operations;
mod roles;
mod sessions;
mod users;
mod xml;

use std::panic::AssertUnwindSafe;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::post;
use docharbor_domain::{Administrator, Circumstances, Identity, OrganizationId};
use docharbor_sigv4::{Rejection, payload_sha256_hex};
use futures::FutureExt as _;

use crate::access_log::OperationName;
use crate::audit::{Audited, Kind, Unrecorded};
use crate::auth::{AuthError, authenticate_signer, claims_identity};
use crate::door::Door;
use crate::request_id::RequestId;
use failure::{Failure, xml_response};
use form::Form;
use operations::{Operation, Service};
use xml::Xml;

/// A request that was let in: who asks, for what.
struct Asking<'a> {
    door: &'a Door,
    operation: &'static Operation,
    form: &'a Form,
    organization: &'a OrganizationId,
    holder: &'a Administrator,
    account: &'a str,
    circumstances: Circumstances,
}

impl Asking<'_> {
    /// Refuses what the caller's policies do not allow. `resource` is what follows the account in
    /// the ARN of what is asked about.
    fn require(&self, resource: &str) -> Result<(), Failure> {
        let action = format!("{}:{}", self.operation.service.name(), self.operation.name);
        let arn = format!("arn:aws:iam::{}:{resource}", self.account);
        let asked = self.holder.asked(&action, &arn, self.organization, self.circumstances);
        if self.holder.permit.allows(&asked) {
            Ok(())
        } else {
            Err(Failure::denied(&self.holder.arn, &action, &arn))
        }
    }

    /// Where in a list to go on, and how many of it to answer.
    fn page(&self) -> Result<(&str, usize), Failure> {
        let max = self.form.number("MaxItems", 100)?;
        let max = usize::try_from(max).ok().filter(|max| (1..=1000).contains(max));
        let max = max.ok_or_else(|| Failure::invalid("MaxItems must be from 1 to 1000."))?;
        Ok((self.form.get("Marker").unwrap_or_default(), max))
    }
}

/// Routes the query protocol; what is got from `/` is another door's.
pub(crate) fn router(door: Door) -> Router {
    Router::new().route("/", post(serve)).with_state(door)
}

async fn serve(State(door): State<Door>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // A task of its own, as every call: a client that goes away stops neither it nor its record.
    let work = tokio::spawn(async move { recorded(&door, &parts, body).await });
    work.await
        .unwrap_or_else(|_panic| Failure::panicked().into_response(Service::Iam.namespace(), "-"))
}

/// Answers a call and records it, however the answer came about.
async fn recorded(door: &Door, parts: &Parts, body: Body) -> Response {
    let read = read(door, parts, body).await;
    let operation = read.as_ref().ok().and_then(|(form, _)| operations::find(form).ok());
    let kind = operation.map_or(Kind::UNKNOWN, Operation::kind);
    let service = operation.map_or(Service::Iam, |operation| operation.service);
    let mut audited = Audited::begin(door, parts, kind);
    let id = parts.extensions.get::<RequestId>().map(RequestId::as_str).unwrap_or_default();
    let answering = async {
        let (form, hash) = read?;
        answer(door, parts, &form, &hash, &mut audited).await
    };
    let answered = AssertUnwindSafe(answering).catch_unwind().await;
    let mut response = match answered.unwrap_or_else(|_panic| Err(Failure::panicked())) {
        Ok((operation, result)) => succeeded(operation, &result, id),
        Err(failure) => failure.into_response(service.namespace(), id),
    };
    if let Some(operation) = operation {
        response.extensions_mut().insert(OperationName(operation.name));
    }
    let done = audited.done(response).await;
    done.unwrap_or_else(|Unrecorded| Failure::unrecorded().into_response(service.namespace(), id))
}

async fn read(door: &Door, parts: &Parts, body: Body) -> Result<(Form, String), Failure> {
    if !claims_identity(parts) {
        return Err(AuthError::from(Rejection::MissingAuthentication).into());
    }
    let body = crate::api::read_body(door, body).await.map_err(|(status, text)| {
        let code = if status.is_server_error() { "ServiceUnavailable" } else { "ValidationError" };
        Failure::new(status, code, text)
    })?;
    Ok((Form::parse(&body)?, payload_sha256_hex(&body)))
}

async fn answer(
    door: &Door,
    parts: &Parts,
    form: &Form,
    body_hash: &str,
    audited: &mut Audited,
) -> Result<(&'static Operation, Xml), Failure> {
    let services = Service::ALL.map(Service::name);
    let (caller, service) = authenticate_signer(door.site(), parts, body_hash, &services).await?;
    audited.caller(&caller);
    let Identity::Administrator(holder) = &caller.identity else {
        return Err(AuthError::UnknownToken.into());
    };
    let operation = operations::find(form)?;
    // A signature for one service is none for the other.
    if operation.service.name() != service {
        return Err(Failure::no_action(operation.name, &service));
    }
    form.allow_only(operation.parameters)?;
    audited.parameters(
        [
            ("userName", "UserName"),
            ("roleName", "RoleName"),
            ("policyName", "PolicyName"),
            ("accessKeyId", "AccessKeyId"),
        ]
        .into_iter()
        .filter_map(|(name, parameter)| Some((name, form.get(parameter)?))),
    );
    if audited.must_wait() {
        return Err(Failure::unrecorded());
    }
    let account = door.site().account_id(&caller.organization).await?;
    let asking = Asking {
        door,
        operation,
        form,
        organization: &caller.organization,
        holder,
        account: &account,
        circumstances: door.circumstances(parts),
    };
    let result = operations::run(&asking).await?;
    if !operation.read_only
        && let Some(id) = result.value("AccessKeyId")
    {
        audited.made_key(id);
    }
    Ok((operation, result))
}

fn succeeded(operation: &Operation, result: &Xml, id: &str) -> Response {
    let metadata = Xml::default().text("RequestId", id);
    let mut body = Xml::default();
    if operation.has_result {
        body = body.element(&format!("{}Result", operation.name), result);
    }
    let document = body
        .element("ResponseMetadata", &metadata)
        .document(&format!("{}Response", operation.name), operation.service.namespace());
    xml_response(StatusCode::OK, document)
}
