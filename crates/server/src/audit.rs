//! The audit: one record of every call, in CloudTrail's form, made by the door that took the call.

mod accounts;
mod command;
mod identity;
mod parameters;
mod time;

use std::fmt;

use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use docharbor_domain::{ApplicationId, Caller, OrganizationId, UserId};
use docharbor_wire::{Input, Operation};
use futures::future::BoxFuture;
use serde_json::{Map, Value, json};

use crate::door::{Door, REGION};
use crate::request_id::RequestId;
pub(crate) use accounts::Accounts;
pub use command::CommandEvent;
pub use time::iso_8601;

/// What stands where something must not reach the audit, as CloudTrail writes it.
pub(crate) const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// The service of the API's operations and of transfers.
pub(crate) const WORKDOCS: &str = "workdocs.amazonaws.com";

/// The service of IAM users, roles and their keys.
pub(crate) const IAM: &str = "iam.amazonaws.com";

/// The service of the pages that people sign in on.
pub(crate) const SIGN_IN: &str = "signin.amazonaws.com";

/// A sign-in in CloudTrail's words, which says in an element of its own how it ended.
pub(crate) const CONSOLE_LOGIN: &str = "ConsoleLogin";

/// The account of the first site, to which what reaches no site is counted.
const ACCOUNT_ID: &str = "000000000000";

const EVENT_VERSION: &str = "1.09";

/// A longer `User-Agent` is cut off.
const USER_AGENT_MAX_CHARS: usize = 256;

/// One record, whole but for its place in the log.
#[derive(Clone)]
pub struct AuditRecord {
    event: Map<String, Value>,
    time_ms: i64,
    is_change: bool,
}

impl AuditRecord {
    /// A record of the log's own: that it began, was interrupted, or lost something.
    pub fn of_the_log(name: &str, time_ms: i64, event_id: &str, data: &Value) -> Self {
        let event = json!({
            "eventVersion": EVENT_VERSION,
            "userIdentity": { "type": "AWSService", "invokedBy": "docharbor" },
            "eventTime": iso_8601(time_ms),
            "eventSource": "audit.docharbor",
            "eventName": name,
            "awsRegion": REGION,
            "sourceIPAddress": "docharbor",
            "userAgent": "docharbor",
            "requestParameters": null,
            "responseElements": null,
            "additionalEventData": data,
            "eventID": event_id,
            "readOnly": true,
            "eventType": "AwsServiceEvent",
            "managementEvent": true,
            "recipientAccountId": ACCOUNT_ID,
        });
        let event = if let Value::Object(event) = event { event } else { Map::new() };
        Self { event, time_ms, is_change: false }
    }

    /// The CloudTrail event.
    pub fn event(&self) -> &Map<String, Value> {
        &self.event
    }

    /// When the call came, in milliseconds since 1970.
    pub fn time_ms(&self) -> i64 {
        self.time_ms
    }

    /// Whether the call may have changed something, so that its answer waits for this record.
    pub fn is_change(&self) -> bool {
        self.is_change
    }
}

/// Names the event and nothing of its members.
impl fmt::Debug for AuditRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditRecord")
            .field("event", &self.event.get("eventName"))
            .finish_non_exhaustive()
    }
}

/// A record could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unrecorded;

/// Where records go.
pub trait AuditLog: Send + Sync {
    /// Whether records can be written now. While they cannot, calls that change something are
    /// refused before they do.
    fn takes_changes(&self) -> bool;

    /// Takes a record. That of a change is on the disk when the result is there; that of a call
    /// that only looks is on its way.
    fn record(&self, record: AuditRecord) -> BoxFuture<'_, Result<(), Unrecorded>>;
}

/// No audit at all, for a site whose operator wants none.
#[derive(Clone, Copy, Debug)]
pub struct NoAudit;

impl AuditLog for NoAudit {
    fn takes_changes(&self) -> bool {
        true
    }

    fn record(&self, _: AuditRecord) -> BoxFuture<'_, Result<(), Unrecorded>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// The code with which a door refused, where the header `x-amzn-errortype` does not say it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ErrorName(pub(crate) &'static str);

/// What kind of call it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// The service: [`WORKDOCS`], `iam.amazonaws.com`, `sts.amazonaws.com`, `signin.amazonaws.com`.
    pub(crate) source: &'static str,
    /// The operation, in the service's words.
    pub(crate) name: &'static str,
    /// Whether it can change nothing.
    pub(crate) read_only: bool,
    /// Whether it moves bytes; everything else is management.
    pub(crate) data: bool,
}

impl Kind {
    /// An operation of the API.
    pub(crate) fn of(operation: Operation) -> Self {
        let read_only = operation.scope() == docharbor_wire::Scope::Read;
        Self { source: WORKDOCS, name: operation.name(), read_only, data: false }
    }

    fn event_type(self) -> &'static str {
        if self.source == SIGN_IN { "AwsConsoleSignIn" } else { "AwsApiCall" }
    }

    /// What is no operation.
    pub(crate) const UNKNOWN: Self =
        Self { source: WORKDOCS, name: "UnknownOperation", read_only: true, data: false };
}

/// A call that is being answered, and will be recorded when [`Audited::done`] is given its answer.
///
/// It must live in a task of its own: a client that goes away takes the rest of its request with
/// it, and the record must not be among that.
pub(crate) struct Audited {
    door: Door,
    kind: Kind,
    time_ms: i64,
    organization: Option<OrganizationId>,
    event: Map<String, Value>,
}

impl Audited {
    /// Notes what the head of a request says.
    pub(crate) fn begin(door: &Door, parts: &Parts, kind: Kind) -> Self {
        let mut event = Map::new();
        let time_ms = door.site().now().as_millis();
        let request_id = parts.extensions.get::<RequestId>();
        let address = door.client_ip(parts);
        for (name, value) in [
            ("eventVersion", EVENT_VERSION.into()),
            ("userIdentity", identity::of_nobody(parts)),
            ("eventTime", iso_8601(time_ms).into()),
            ("eventSource", kind.source.into()),
            ("eventName", kind.name.into()),
            ("awsRegion", REGION.into()),
            ("sourceIPAddress", address.map_or("unknown".to_owned(), |ip| ip.to_string()).into()),
            ("userAgent", user_agent(parts).into()),
            ("requestParameters", Value::Null),
            ("responseElements", Value::Null),
            ("requestID", request_id.map(RequestId::as_str).into()),
            ("eventID", door.event_id().into()),
            ("readOnly", kind.read_only.into()),
            ("eventType", kind.event_type().into()),
            ("eventCategory", if kind.data { "Data" } else { "Management" }.into()),
            ("managementEvent", (!kind.data).into()),
            ("recipientAccountId", ACCOUNT_ID.into()),
        ] {
            event.insert(name.to_owned(), value);
        }
        Self { door: door.clone(), kind, time_ms, organization: None, event }
    }

    /// Whether the call must be refused before it does anything, because what it changes could not
    /// be recorded.
    pub(crate) fn must_wait(&self) -> bool {
        !self.kind.read_only && !self.door.audit().takes_changes()
    }

    /// Notes who is asking.
    pub(crate) fn caller(&mut self, caller: &Caller) {
        self.set("userIdentity", identity::of(caller));
        self.organization = Some(caller.organization.clone());
    }

    /// Notes which site a form is for and whose name or session it has. Of a name that is nobody's
    /// nothing is noted: people type passwords into the wrong field.
    pub(crate) fn person(&mut self, organization: &OrganizationId, user: Option<&UserId>) {
        if let Some(user) = user {
            self.set("userIdentity", identity::of_user(user));
        }
        self.organization = Some(organization.clone());
    }

    /// Gives the call another name, once it is known what it asks for.
    pub(crate) fn renamed(&mut self, name: &'static str) {
        self.set("eventName", name.into());
    }

    /// Notes which program a call is about.
    pub(crate) fn application(&mut self, id: &ApplicationId) {
        self.set("requestParameters", json!({ "applicationId": id.as_str() }));
    }

    /// Notes what an operation is asked: ids, words of closed lists and numbers, nothing else.
    pub(crate) fn input(&mut self, operation: Operation, input: &Input<'_>, parts: &Parts) {
        self.set("requestParameters", parameters::of(operation, input, parts));
    }

    /// Notes what another door's call is asked. Values that are no ids are hidden.
    pub(crate) fn parameters<'a>(
        &mut self,
        members: impl IntoIterator<Item = (&'static str, &'a str)>,
    ) {
        let member = |(name, value): (&'static str, &str)| {
            (name.to_owned(), parameters::any_id_or_hidden(value))
        };
        let members: Map<String, Value> = members.into_iter().map(member).collect();
        self.set("requestParameters", Value::Object(members));
    }

    /// Notes the ids of what a change made, out of the answer's JSON.
    pub(crate) fn made_json(&mut self, json: &[u8]) {
        if !self.kind.read_only {
            self.made(&serde_json::from_slice(json).unwrap_or(Value::Null));
        }
    }

    /// Notes the ids of what a change made, out of its answer.
    pub(crate) fn made(&mut self, answer: &Value) {
        self.set("responseElements", parameters::ids_of(answer).unwrap_or(Value::Null));
    }

    /// Notes which access key a change made; its secret is in no record.
    pub(crate) fn made_key(&mut self, access_key_id: &str) {
        let place = if self.kind.source == IAM { "accessKey" } else { "credentials" };
        let id = parameters::any_id_or_hidden(access_key_id);
        self.set("responseElements", json!({ place: { "accessKeyId": id } }));
    }

    /// Records the call with its answer. The answer to a change must not be given when this fails:
    /// nobody would find out who did it.
    pub(crate) async fn done(mut self, response: Response) -> Result<Response, Unrecorded> {
        let status = response.status();
        let is_refused = status.is_client_error() || status.is_server_error();
        if is_refused {
            self.set("errorCode", error_name(&response).into());
            let message = format!("The call was refused with HTTP status {}.", status.as_u16());
            self.set("errorMessage", message.into());
            self.set("responseElements", Value::Null);
        }
        if self.kind.name == CONSOLE_LOGIN {
            let outcome = if is_refused { "Failure" } else { "Success" };
            self.set("responseElements", json!({ CONSOLE_LOGIN: outcome }));
        }
        if let Some(organization) = self.organization.take() {
            self.of_site(&organization).await;
        }
        // A change that was refused changed nothing: nobody has to wait for its record.
        let is_change = !self.kind.read_only && !status.is_client_error();
        let record = AuditRecord { event: self.event, time_ms: self.time_ms, is_change };
        self.door.audit().record(record).await?;
        Ok(response)
    }

    /// Notes the site that the call was for, and whose account it is.
    async fn of_site(&mut self, organization: &OrganizationId) {
        let account = self.door.accounts().of(self.door.site(), organization).await;
        if let Some(Value::Object(identity)) = self.event.get_mut("userIdentity") {
            identity.entry("accountId").or_insert_with(|| account.clone().into());
        }
        self.set("resources", site_of(&account, organization));
        self.set("recipientAccountId", account.into());
    }

    fn set(&mut self, name: &str, value: Value) {
        self.event.insert(name.to_owned(), value);
    }
}

/// A site, as `resources` has it.
fn site_of(account: &str, organization: &OrganizationId) -> Value {
    let arn = format!("arn:aws:workdocs:{REGION}:{account}:organization/{organization}");
    json!([{ "accountId": account, "type": "AWS::WorkDocs::Organization", "ARN": arn }])
}

fn error_name(response: &Response) -> String {
    if let Some(ErrorName(name)) = response.extensions().get() {
        return (*name).to_owned();
    }
    let header = response.headers().get("x-amzn-errortype");
    header.and_then(|name| name.to_str().ok()).map_or_else(
        || match response.status() {
            StatusCode::PRECONDITION_FAILED => "PreconditionFailed".to_owned(),
            status => format!("Http{}", status.as_u16()),
        },
        str::to_owned,
    )
}

/// What programs say of themselves, in one line of printable ASCII.
fn user_agent(parts: &Parts) -> Option<String> {
    let text = parts.headers.get("user-agent")?.as_bytes();
    let printable = text.iter().filter(|byte| (0x20..0x7f).contains(*byte));
    Some(printable.take(USER_AGENT_MAX_CHARS).map(|byte| char::from(*byte)).collect())
}
