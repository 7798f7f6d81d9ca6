//! The part of IAM policies that decides about calls: Effect, Action or `NotAction`, Resource.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use thiserror::Error;

use crate::OrganizationId;

/// A JSON policy, version 2012-10-17. An explicit deny wins over an allow, an allow over silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    statements: Vec<Statement>,
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
    /// A statement is about something other than the site's own resources.
    #[error("Resource must be \"*\" or an organization's ARN: WorkDocs knows no other resources")]
    Resource,
    /// A statement names no actions, or names them twice.
    #[error("each statement needs either Action or NotAction, with at least one action")]
    Action,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Statement {
    allow: bool,
    actions: Vec<String>,
    negated: bool,
    resources: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    version: String,
    #[serde(default)]
    #[expect(dead_code, reason = "policies may carry an id, which means nothing to us")]
    id: Option<String>,
    statement: OneOrMany<Written>,
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
}

#[derive(Deserialize, PartialEq, Eq)]
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

impl Policy {
    /// Reads a policy. Elements that are not understood are refused here, so that no rule is ever
    /// silently left out; actions of other services are taken and match nothing.
    pub fn parse(json: &str) -> Result<Self, PolicyError> {
        let document: Document =
            serde_json::from_str(json).map_err(|e| PolicyError::Malformed(e.to_string()))?;
        if document.version != "2012-10-17" {
            return Err(PolicyError::Version);
        }
        let statements = document.statement.into_vec().into_iter().map(Statement::check);
        Ok(Self { statements: statements.collect::<Result<_, _>>()? })
    }

    /// Whether the policy lets its holder call `operation` on the organization.
    pub fn allows(&self, operation: &str, organization: &OrganizationId) -> bool {
        let matching = || self.statements.iter().filter(|s| s.matches(operation, organization));
        matching().any(|statement| statement.allow) && !matching().any(|statement| !statement.allow)
    }
}

impl Statement {
    fn check(written: Written) -> Result<Self, PolicyError> {
        let (actions, negated) = match (written.action, written.not_action) {
            (Some(actions), None) => (actions.into_vec(), false),
            (None, Some(actions)) => (actions.into_vec(), true),
            (Some(_), Some(_)) | (None, None) => return Err(PolicyError::Action),
        };
        if actions.is_empty() {
            return Err(PolicyError::Action);
        }
        let resources = written.resource.into_vec();
        let known = |text: &String| text == "*" || is_organization_arn(text);
        if resources.is_empty() || !resources.iter().all(known) {
            return Err(PolicyError::Resource);
        }
        Ok(Self { allow: written.effect == Effect::Allow, actions, negated, resources })
    }

    fn matches(&self, operation: &str, organization: &OrganizationId) -> bool {
        let named = self.actions.iter().any(|pattern| action_matches(pattern, operation));
        let here = self.resources.iter().any(|text| names_organization(text, organization));
        named != self.negated && here
    }
}

/// Whether a text is `arn:aws:workdocs:REGION:ACCOUNT:organization/ID`, with wildcards or without.
fn is_organization_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    matches!(parts[..], ["arn", "aws", "workdocs", _, _, last] if last.starts_with("organization/"))
}

/// Whether a resource covers an organization. A site has no region and no account of its own, so only
/// the id decides: a rule for any region is a rule for this site.
fn names_organization(resource: &str, organization: &OrganizationId) -> bool {
    let id = resource.rsplit_once(":organization/").map_or(resource, |(_, id)| id);
    wildcard_matches(id.as_bytes(), organization.as_str().as_bytes())
}

/// Matches `workdocs:Get*`, `zocalo:*` or `*` with an operation; letter case does not count.
fn action_matches(pattern: &str, operation: &str) -> bool {
    let wanted = operation.to_ascii_lowercase();
    match pattern.to_ascii_lowercase().split_once(':') {
        None => pattern == "*",
        Some(("workdocs" | "zocalo", name)) => wildcard_matches(name.as_bytes(), wanted.as_bytes()),
        Some(_) => false,
    }
}

/// `*` stands for any run of characters, `?` for one. Linear in space, without recursion.
fn wildcard_matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut star, mut resume) = (0, None, 0);
    let mut position = 0;
    while position < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some(at);
                resume = position;
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[position] => {
                at += 1;
                position += 1;
            }
            Some(_) | None => {
                let Some(star) = star else { return false };
                at = star + 1;
                resume += 1;
                position = resume;
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(statements: &str) -> Policy {
        Policy::parse(&format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#)).unwrap()
    }

    #[test]
    fn a_deny_wins_over_an_allow_and_silence_is_a_no() {
        let organization = OrganizationId::new("d-0123456789");
        for (statements, allowed) in [
            (r#"{"Effect":"Allow","Action":"workdocs:*","Resource":"*"}"#, true),
            (r#"{"Effect":"Allow","Action":["workdocs:Get*","s3:*"],"Resource":"*"}"#, true),
            (r#"{"Effect":"Allow","Action":"WORKDOCS:getfolder","Resource":["*"]}"#, true),
            (r#"{"Effect":"Allow","Action":"zocalo:*","Resource":"*"}"#, true),
            (r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#, true),
            (r#"{"Effect":"Allow","Action":"workdocs:Get?older","Resource":"*"}"#, true),
            (r#"{"Effect":"Allow","Action":"workdocs:GetFolderPath","Resource":"*"}"#, false),
            (r#"{"Effect":"Allow","Action":"s3:GetFolder","Resource":"*"}"#, false),
            (r#"{"Effect":"Allow","NotAction":"workdocs:Delete*","Resource":"*"}"#, true),
            (r#"{"Effect":"Allow","NotAction":"workdocs:Get*","Resource":"*"}"#, false),
            (
                r#"[{"Effect":"Allow","Action":"*","Resource":"*"},
                    {"Effect":"Deny","Action":"workdocs:GetFolder","Resource":"*"}]"#,
                false,
            ),
            (
                r#"{"Effect":"Allow","Action":"*",
                    "Resource":"arn:aws:workdocs:us-east-1:1:organization/d-0123456789"}"#,
                true,
            ),
            (
                r#"{"Effect":"Allow","Action":"*",
                    "Resource":"arn:aws:workdocs:us-east-1:1:organization/d-9999999999"}"#,
                false,
            ),
            (
                r#"[{"Effect":"Allow","Action":"*","Resource":"*"},
                    {"Effect":"Deny","Action":"workdocs:Get*",
                     "Resource":"arn:aws:workdocs:*:*:organization/*"}]"#,
                false,
            ),
            (
                r#"{"Effect":"Allow","Action":"*",
                    "Resource":"arn:aws:workdocs:*:*:organization/d-01234*"}"#,
                true,
            ),
            ("[]", false),
        ] {
            assert_eq!(
                policy(statements).allows("GetFolder", &organization),
                allowed,
                "{statements}"
            );
        }
    }

    #[test]
    fn the_element_that_is_not_understood_is_named() {
        let refused = Policy::parse(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{}}]}"#,
        );
        assert!(refused.unwrap_err().to_string().contains("Condition"));
    }

    #[test]
    fn what_is_not_understood_is_refused_when_it_is_written() {
        for text in [
            "",
            "[]",
            r#"{"Version":"2008-10-17","Statement":[]}"#,
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*"}]}"#,
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Maybe","Action":"*","Resource":"*"}]}"#,
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*"}]}"#,
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b"}]}"#,
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"arn:aws:workdocs:*:*:folder/x:organization/d-0123456789"}]}"#,
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{}}]}"#,
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}]}"#,
        ] {
            assert!(Policy::parse(text).is_err(), "{text}");
        }
    }
}
