//! What somebody changed on the server's own machine, with a command.

use docharbor_domain::OrganizationId;
use serde_json::{Map, Value, json};

use super::{ACCOUNT_ID, AuditRecord, EVENT_VERSION, REGION, iso_8601, parameters, site_of};

/// A command that changed something, or tried to.
#[derive(Clone, Debug)]
pub struct CommandEvent {
    /// What it did, in the words of an API.
    pub name: &'static str,
    /// Who ran it: a user of the operating system.
    pub uid: u32,
    /// The site it was about, and that site's account.
    pub organization: Option<(OrganizationId, String)>,
    /// What it was about. What is no id is hidden.
    pub parameters: Vec<(&'static str, String)>,
    /// What it made.
    pub made: Vec<(&'static str, String)>,
    /// Whether it did it.
    pub is_done: bool,
}

impl CommandEvent {
    /// A command of which nothing more is known yet.
    pub fn new(name: &'static str, uid: u32) -> Self {
        let (parameters, made) = (Vec::new(), Vec::new());
        Self { name, uid, organization: None, parameters, made, is_done: false }
    }
}

impl AuditRecord {
    /// The record of a command.
    pub fn of_a_command(command: &CommandEvent, time_ms: i64, event_id: &str) -> Self {
        let account = command.organization.as_ref().map_or(ACCOUNT_ID, |(_, account)| account);
        let event = json!({
            "eventVersion": EVENT_VERSION,
            // Not a type of CloudTrail's, which knows nobody who holds the machine itself.
            "userIdentity": {
                "type": "Operator",
                "principalId": format!("uid:{}", command.uid),
                "accountId": account,
            },
            "eventTime": iso_8601(time_ms),
            "eventSource": "command.docharbor",
            "eventName": command.name,
            "awsRegion": REGION,
            "sourceIPAddress": "docharbor",
            "userAgent": concat!("docharbor/", env!("CARGO_PKG_VERSION")),
            "requestParameters": members(&command.parameters),
            "responseElements": members(&command.made),
            "eventID": event_id,
            "readOnly": false,
            "eventType": "AwsApiCall",
            "eventCategory": "Management",
            "managementEvent": true,
            "recipientAccountId": account,
        });
        let mut event = if let Value::Object(event) = event { event } else { Map::new() };
        if let Some((organization, account)) = &command.organization {
            event.insert("resources".to_owned(), site_of(account, organization));
        }
        if !command.is_done {
            event.insert("errorCode".to_owned(), "CommandFailed".into());
            event.insert("errorMessage".to_owned(), "The command did not do it.".into());
        }
        Self { event, time_ms, is_change: true }
    }
}

fn members(of: &[(&'static str, String)]) -> Value {
    if of.is_empty() {
        return Value::Null;
    }
    let member = |(name, text): &(&'static str, String)| {
        ((*name).to_owned(), parameters::any_id_or_hidden(text))
    };
    Value::Object(of.iter().map(member).collect())
}
