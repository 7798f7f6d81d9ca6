//! The trust policy of a role: who may assume it.

use serde::Deserialize;
use serde_json::Value;

use super::condition::{self, Condition};
use super::pattern::action_matches;
use super::{Asked, Effect, OneOrMany, PolicyError, check_actions, statements};

/// Who may assume a role, and under which circumstances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustPolicy {
    statements: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Statement {
    allow: bool,
    principals: Vec<String>,
    actions: Vec<String>,
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Written {
    #[serde(default)]
    #[expect(dead_code, reason = "statements may carry an id, which means nothing to us")]
    sid: Option<String>,
    effect: Effect,
    principal: Value,
    action: OneOrMany<String>,
    condition: Option<Value>,
}

impl TrustPolicy {
    /// Reads a trust policy. Elements that are not understood are refused here.
    pub fn parse(json: &str) -> Result<Self, PolicyError> {
        let statements = statements::<Written>(json)?.into_iter().map(|written| {
            let actions = written.action.into_vec();
            check_actions(&actions)?;
            let conditions = written.condition.as_ref().map(condition::parse).transpose()?;
            Ok(Statement {
                allow: written.effect == Effect::Allow,
                principals: principals(&written.principal)?,
                actions,
                conditions: conditions.unwrap_or_default(),
            })
        });
        Ok(Self { statements: statements.collect::<Result<_, _>>()? })
    }

    /// Whether somebody is trusted. A session of a role is known by its own ARN and by the role's.
    pub fn trusts(&self, asked: &Asked<'_>, account: &str) -> bool {
        let is_named = |principal: &String| {
            principal == "*"
                || principal == account
                || *principal == format!("arn:aws:iam::{account}:root")
                || principal == asked.principal_arn
                || asked.role_arn.is_some_and(|arn| principal == arn)
        };
        let mut matching = self.statements.iter().filter(|statement| {
            statement.principals.iter().any(is_named)
                && statement.actions.iter().any(|action| action_matches(action, asked.action))
                && statement.conditions.iter().all(|condition| condition.holds(asked))
        });
        // At least one matches, and none of them forbids.
        let Some(first) = matching.next() else { return false };
        first.allow && matching.all(|statement| statement.allow)
    }
}

/// The principals of a statement. Services and federated identities are no callers of this server.
fn principals(written: &Value) -> Result<Vec<String>, PolicyError> {
    let named = match written {
        Value::String(text) if text == "*" => return Ok(vec![text.clone()]),
        Value::Object(kinds) if kinds.len() == 1 => kinds.get("AWS"),
        _ => None,
    };
    let named = match named {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(texts)) => {
            let texts = texts.iter().map(|text| text.as_str().map(str::to_owned));
            texts.collect::<Option<_>>().ok_or(PolicyError::Principal)?
        }
        _ => return Err(PolicyError::Principal),
    };
    if named.is_empty() || !named.iter().all(|text| is_principal(text)) {
        return Err(PolicyError::Principal);
    }
    Ok(named)
}

fn is_principal(text: &str) -> bool {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if text == "*" || is_account(text) {
        return true;
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let is_arn = matches!(
        parts[..],
        ["arn", "aws", "iam" | "sts", "", account, resource]
            if is_account(account) && !resource.is_empty()
    );
    is_arn && !text.contains(['*', '?'])
}
