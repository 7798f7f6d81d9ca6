//! IAM policies: Effect, Action or `NotAction`, Resource, Condition; and roles' trust policies.

mod condition;
mod moment;
mod pattern;
mod permit;
mod trust;
mod unique;

use core::net::IpAddr;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use thiserror::Error;

use crate::{OrganizationId, Timestamp};
use condition::Condition;
use pattern::{action_matches, is_foreign, wildcard_matches};
pub use permit::Permit;
pub use trust::TrustPolicy;

/// A JSON policy, version 2012-10-17. An explicit deny wins over an allow, an allow over silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    statements: Vec<Statement>,
}

/// What is true of a call, whoever makes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// When it is decided.
    pub now: Timestamp,
    /// Where the call comes from; work of the server's own comes from nowhere.
    pub source_ip: Option<IpAddr>,
}

/// What a policy is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The action with its service: `workdocs:GetFolder`, `iam:CreateUser`, `sts:AssumeRole`.
    pub action: &'a str,
    /// What `iam` and `sts` actions are about, an ARN; every other action is about the organization.
    pub resource: &'a str,
    /// The organization it would be done in.
    pub organization: &'a OrganizationId,
    /// The ARN of who asks.
    pub principal_arn: &'a str,
    /// The role's own ARN, where who asks is in a session of one.
    pub role_arn: Option<&'a str>,
    /// The name of the IAM user who asks; a role has none.
    pub username: Option<&'a str>,
    /// What who assumes a role says to prove on whose behalf.
    pub external_id: Option<&'a str>,
    /// Time and place.
    pub circumstances: Circumstances,
}

/// What policies say about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// A statement forbids it, whatever others say.
    ExplicitDeny,
    /// No statement allows it.
    ImplicitDeny,
    /// A statement allows it and none forbids it.
    Allowed,
}

/// Why a policy was not taken.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PolicyError {
    /// The text is not a policy of the form that is supported.
    #[error("{0}")]
    Malformed(String),
    /// The policy speaks a language version that is not supported.
    #[error("Version must be \"2012-10-17\"")]
    Version,
    /// A statement is about something this server does not have.
    #[error(
        "Resource must be \"*\", an organization's ARN, or an ARN of iam or sts: there are no other \
         resources here"
    )]
    Resource,
    /// A statement has a variable, which would be taken for plain text and never match.
    #[error(
        "variables such as ${{aws:username}} are not supported in Resource or Condition: write out \
         what is meant"
    )]
    Variable,
    /// A statement names no actions, or names them twice.
    #[error("each statement needs either Action or NotAction, with at least one action")]
    Action,
    /// An action is not written as one.
    #[error("an action is \"*\" or a service and a name, as workdocs:Get*; {0:?} is neither")]
    ActionName(String),
    /// A trust policy does not say whom it trusts.
    #[error(
        "Principal must be \"*\" or {{\"AWS\": …}} with account ids, ARNs of users or roles, or \"*\""
    )]
    Principal,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Statement {
    allow: bool,
    actions: Vec<String>,
    negated: bool,
    resources: Vec<String>,
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document<S> {
    version: String,
    #[serde(default)]
    #[expect(dead_code, reason = "policies may carry an id, which means nothing to us")]
    id: Option<String>,
    #[serde(bound(deserialize = "S: DeserializeOwned"))]
    statement: OneOrMany<S>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Written {
    #[serde(default)]
    #[expect(dead_code, reason = "statements may carry an id, which means nothing to us")]
    sid: Option<String>,
    effect: Effect,
    action: Option<OneOrMany<String>>,
    not_action: Option<OneOrMany<String>>,
    resource: OneOrMany<String>,
    condition: Option<Value>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
}

enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

// Not serde's untagged form, whose errors do not say which element is wrong.
impl<'de, T: DeserializeOwned> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = match Value::deserialize(deserializer)? {
            list @ Value::Array(_) => serde_json::from_value(list).map(Self::Many),
            one => serde_json::from_value(one).map(Self::One),
        };
        read.map_err(D::Error::custom)
    }
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(item) => vec![item],
            Self::Many(items) => items,
        }
    }
}

/// A moment as policies write it: ISO 8601, or seconds since the epoch.
pub fn moment_of(text: &str) -> Option<Timestamp> {
    let seconds = moment::epoch_seconds(text)?;
    Some(Timestamp::from_millis(seconds.checked_mul(1_000)?))
}

/// The statements of a policy of any kind.
fn statements<S: DeserializeOwned>(json: &str) -> Result<Vec<S>, PolicyError> {
    let malformed = |error: serde_json::Error| PolicyError::Malformed(error.to_string());
    unique::refuse_repeated_names(json).map_err(malformed)?;
    let document: Document<S> = serde_json::from_str(json).map_err(malformed)?;
    if document.version != "2012-10-17" {
        return Err(PolicyError::Version);
    }
    Ok(document.statement.into_vec())
}

impl Policy {
    /// Reads a policy. Elements that are not understood are refused here, so that no rule is ever
    /// silently left out; statements about other services' actions are taken and match nothing.
    pub fn parse(json: &str) -> Result<Self, PolicyError> {
        let statements = statements::<Written>(json)?.into_iter().map(Statement::check);
        let statements = statements.collect::<Result<Vec<_>, _>>()?;
        Ok(Self { statements: statements.into_iter().flatten().collect() })
    }

    /// What the policy says about a call.
    pub fn decide(&self, asked: &Asked<'_>) -> Decision {
        let matching = self.statements.iter().filter(|statement| statement.matches(asked));
        matching.fold(Decision::ImplicitDeny, |so_far, statement| {
            so_far.joined(if statement.allow { Decision::Allowed } else { Decision::ExplicitDeny })
        })
    }
}

impl Decision {
    /// What two policies of one holder say together.
    fn joined(self, other: Self) -> Self {
        match (self, other) {
            (Self::ExplicitDeny, _) | (_, Self::ExplicitDeny) => Self::ExplicitDeny,
            (one, other) => one.max(other),
        }
    }
}

impl Statement {
    /// Checks a statement; one that can match no action of this server is left out, with whatever
    /// its other elements say.
    fn check(written: Written) -> Result<Option<Self>, PolicyError> {
        let (actions, negated) = match (written.action, written.not_action) {
            (Some(actions), None) => (actions.into_vec(), false),
            (None, Some(actions)) => (actions.into_vec(), true),
            (Some(_), Some(_)) | (None, None) => return Err(PolicyError::Action),
        };
        check_actions(&actions)?;
        if !negated && actions.iter().all(|action| is_foreign(action)) {
            return Ok(None);
        }
        let resources = written.resource.into_vec();
        if resources.is_empty() || !resources.iter().all(|text| is_resource(text)) {
            return Err(PolicyError::Resource);
        }
        if resources.iter().any(|text| has_variable(text)) {
            return Err(PolicyError::Variable);
        }
        let conditions = written.condition.as_ref().map(condition::parse).transpose()?;
        Ok(Some(Self {
            allow: written.effect == Effect::Allow,
            actions,
            negated,
            resources,
            conditions: conditions.unwrap_or_default(),
        }))
    }

    fn matches(&self, asked: &Asked<'_>) -> bool {
        let named = self.actions.iter().any(|pattern| action_matches(pattern, asked.action));
        let is_workdocs = asked.action.starts_with("workdocs:");
        let covers = |text: &String| {
            if is_workdocs {
                names_organization(text, asked.organization)
            } else {
                wildcard_matches(text.as_bytes(), asked.resource.as_bytes())
            }
        };
        named != self.negated
            && self.resources.iter().any(covers)
            && self.conditions.iter().all(|condition| condition.holds(asked))
    }
}

fn check_actions(actions: &[String]) -> Result<(), PolicyError> {
    if actions.is_empty() {
        return Err(PolicyError::Action);
    }
    let is_service = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_action = |text: &str| {
        text == "*"
            || text.split_once(':').is_some_and(|(service, name)| {
                is_service(service) && !name.is_empty() && !name.contains(':')
            })
    };
    match actions.iter().find(|text| !is_action(text)) {
        Some(text) => Err(PolicyError::ActionName(text.clone())),
        None => Ok(()),
    }
}

fn has_variable(text: &str) -> bool {
    text.contains("${")
}

fn is_resource(text: &str) -> bool {
    text == "*" || is_organization_arn(text) || is_identity_arn(text)
}

/// Whether a text is `arn:aws:workdocs:REGION:ACCOUNT:organization/ID`, with wildcards or without. What
/// names something within an organization would cover nothing, and as a Deny forbid nothing.
fn is_organization_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let is_id = |id: &str| {
        !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-*?".contains(&b))
    };
    matches!(
        parts[..],
        ["arn", "aws", "workdocs", _, _, last] if last.strip_prefix("organization/").is_some_and(is_id)
    )
}

/// Whether a text is the ARN of a user, a role or a session, with wildcards or without.
fn is_identity_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    matches!(parts[..], ["arn", "aws", "iam" | "sts", "", _, _])
}

/// Whether a resource covers an organization. A site has no region and no account of its own, so only
/// the id decides: a rule for any region is a rule for this site.
fn names_organization(resource: &str, organization: &OrganizationId) -> bool {
    let id = resource.rsplit_once(":organization/").map_or(resource, |(_, id)| id);
    wildcard_matches(id.as_bytes(), organization.as_str().as_bytes())
}

#[cfg(test)]
mod tests;
