//! The Condition element: under which circumstances a statement counts.

use core::net::IpAddr;
use std::cmp::Ordering;

use ipnet::IpNet;
use serde_json::{Map, Value};

use super::moment::epoch_seconds;
use super::pattern::wildcard_matches;
use super::{Asked, PolicyError, has_variable};

/// What the text of a refusal offers instead.
const OPERATORS: &str = "IpAddress, NotIpAddress, Date…, Numeric…, StringEquals, StringNotEquals, \
                         StringEqualsIgnoreCase, StringNotEqualsIgnoreCase, StringLike, \
                         StringNotLike, ArnEquals, ArnLike, ArnNotEquals, ArnNotLike, each also \
                         with IfExists";

const KEYS: &str = "aws:SourceIp, aws:CurrentTime, aws:EpochTime, aws:username, aws:PrincipalArn, \
                    workdocs:OrganizationId, Resource.OrganizationId, sts:ExternalId";

/// One operator on one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    key: Key,
    test: Test,
    if_exists: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    SourceIp,
    CurrentTime,
    EpochTime,
    Organization,
    Username,
    PrincipalArn,
    ExternalId,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Address { networks: Vec<IpNet>, negated: bool },
    Moment { seconds: Vec<i64>, comparison: Comparison },
    Text { patterns: Vec<String>, way: Way, negated: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equals,
    NotEquals,
    Less,
    LessEquals,
    Greater,
    GreaterEquals,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Exact,
    IgnoreCase,
    Like,
}

/// An operator without its values.
#[derive(Clone, Copy)]
enum Operator {
    Address { negated: bool },
    Moment(Comparison),
    Number(Comparison),
    Text { way: Way, negated: bool },
}

impl Operator {
    fn parse(name: &str) -> Option<Self> {
        let text = |way, negated| Some(Self::Text { way, negated });
        if let Some(comparison) = name.strip_prefix("Date").and_then(Comparison::parse) {
            return Some(Self::Moment(comparison));
        }
        if let Some(comparison) = name.strip_prefix("Numeric").and_then(Comparison::parse) {
            return Some(Self::Number(comparison));
        }
        match name {
            "IpAddress" => Some(Self::Address { negated: false }),
            "NotIpAddress" => Some(Self::Address { negated: true }),
            "StringEquals" => text(Way::Exact, false),
            "StringNotEquals" => text(Way::Exact, true),
            "StringEqualsIgnoreCase" => text(Way::IgnoreCase, false),
            "StringNotEqualsIgnoreCase" => text(Way::IgnoreCase, true),
            "StringLike" | "ArnLike" | "ArnEquals" => text(Way::Like, false),
            "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => text(Way::Like, true),
            _ => None,
        }
    }
}

impl Comparison {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "Equals" => Self::Equals,
            "NotEquals" => Self::NotEquals,
            "LessThan" => Self::Less,
            "LessThanEquals" => Self::LessEquals,
            "GreaterThan" => Self::Greater,
            "GreaterThanEquals" => Self::GreaterEquals,
            _ => return None,
        })
    }

    fn holds(self, found: i64, wanted: i64) -> bool {
        let order = found.cmp(&wanted);
        match self {
            Self::Equals => order == Ordering::Equal,
            Self::NotEquals => order != Ordering::Equal,
            Self::Less => order == Ordering::Less,
            Self::LessEquals => order != Ordering::Greater,
            Self::Greater => order == Ordering::Greater,
            Self::GreaterEquals => order != Ordering::Less,
        }
    }
}

impl Key {
    fn parse(name: &str) -> Option<Self> {
        const NAMES: [(&str, Key); 9] = [
            ("aws:SourceIp", Key::SourceIp),
            ("aws:CurrentTime", Key::CurrentTime),
            ("aws:EpochTime", Key::EpochTime),
            ("Resource.OrganizationId", Key::Organization),
            ("workdocs:OrganizationId", Key::Organization),
            ("zocalo:OrganizationId", Key::Organization),
            ("aws:username", Key::Username),
            ("aws:PrincipalArn", Key::PrincipalArn),
            ("sts:ExternalId", Key::ExternalId),
        ];
        NAMES.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, key)| key)
    }
}

/// Reads the whole element: all of its conditions must hold.
pub(super) fn parse(written: &Value) -> Result<Vec<Condition>, PolicyError> {
    let operators = object(written, "Condition")?;
    let mut conditions = Vec::new();
    for (name, keys) in operators {
        let (base, if_exists) =
            name.strip_suffix("IfExists").map_or((name.as_str(), false), |base| (base, true));
        let Some(operator) = Operator::parse(base) else {
            return Err(PolicyError::Malformed(format!(
                "Condition: the operator {name:?} is not supported; supported are {OPERATORS}"
            )));
        };
        for (key, values) in object(keys, name)? {
            let Some(known) = Key::parse(key) else {
                return Err(PolicyError::Malformed(format!(
                    "Condition: the key {key:?} is not supported; supported are {KEYS}"
                )));
            };
            let texts = texts(values, key)?;
            if texts.iter().any(|text| has_variable(text)) {
                return Err(PolicyError::Variable);
            }
            let test = test(operator, known, &texts).ok_or_else(|| {
                PolicyError::Malformed(format!(
                    "Condition: {name} cannot be used with {key} and these values"
                ))
            })?;
            conditions.push(Condition { key: known, test, if_exists });
        }
    }
    Ok(conditions)
}

fn object<'a>(value: &'a Value, what: &str) -> Result<&'a Map<String, Value>, PolicyError> {
    value.as_object().ok_or_else(|| PolicyError::Malformed(format!("{what} must be a JSON object")))
}

fn texts(values: &Value, key: &str) -> Result<Vec<String>, PolicyError> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let read: Option<Vec<String>> = match values {
        Value::Array(values) => values.iter().map(text).collect(),
        one => text(one).map(|text| vec![text]),
    };
    read.filter(|values| !values.is_empty()).ok_or_else(|| {
        PolicyError::Malformed(format!("Condition: {key} needs a text or a list of texts"))
    })
}

/// The test of an operator on a key; nothing where they do not go together.
fn test(operator: Operator, key: Key, values: &[String]) -> Option<Test> {
    match (operator, key) {
        (Operator::Address { negated }, Key::SourceIp) => {
            let networks = values.iter().map(|value| network(value)).collect::<Option<_>>()?;
            Some(Test::Address { networks, negated })
        }
        (Operator::Moment(comparison), Key::CurrentTime | Key::EpochTime) => {
            let seconds = values.iter().map(|value| epoch_seconds(value)).collect::<Option<_>>()?;
            Some(Test::Moment { seconds, comparison })
        }
        (Operator::Number(comparison), Key::EpochTime) => {
            let seconds = values.iter().map(|value| value.parse().ok()).collect::<Option<_>>()?;
            Some(Test::Moment { seconds, comparison })
        }
        (
            Operator::Text { way, negated },
            Key::Organization | Key::Username | Key::PrincipalArn | Key::ExternalId,
        ) => Some(Test::Text { patterns: values.to_vec(), way, negated }),
        _ => None,
    }
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

impl Condition {
    /// Whether the condition holds. A key that is absent fulfils what is negated and nothing else,
    /// so that a Deny of all but some addresses also denies whoever has none.
    pub(super) fn holds(&self, asked: &Asked<'_>) -> bool {
        match &self.test {
            Test::Address { networks, negated } => {
                let among = |ip: IpAddr| networks.iter().any(|network| network.contains(&ip));
                let found = asked.circumstances.source_ip.map(|ip| among(ip.to_canonical()));
                self.decide(found, *negated)
            }
            Test::Moment { seconds, comparison } => {
                let now = asked.circumstances.now.as_millis().div_euclid(1_000);
                // A negation is about all values, everything else about any of them.
                if *comparison == Comparison::NotEquals {
                    seconds.iter().all(|wanted| comparison.holds(now, *wanted))
                } else {
                    seconds.iter().any(|wanted| comparison.holds(now, *wanted))
                }
            }
            Test::Text { patterns, way, negated } => {
                let found = self.text(asked);
                let matches = found.map(|text| patterns.iter().any(|p| way.matches(p, text)));
                self.decide(matches, *negated)
            }
        }
    }

    fn decide(&self, found: Option<bool>, negated: bool) -> bool {
        match found {
            Some(found) => found != negated,
            None => negated || self.if_exists,
        }
    }

    fn text<'a>(&self, asked: &Asked<'a>) -> Option<&'a str> {
        match self.key {
            Key::Organization => Some(asked.organization.as_str()),
            Key::Username => asked.username,
            // A rule about a role is one about all its sessions.
            Key::PrincipalArn => asked.role_arn.or(Some(asked.principal_arn)),
            Key::ExternalId => asked.external_id,
            Key::SourceIp | Key::CurrentTime | Key::EpochTime => None,
        }
    }
}

impl Way {
    fn matches(self, pattern: &str, text: &str) -> bool {
        match self {
            Self::Exact => pattern == text,
            Self::IgnoreCase => pattern.to_lowercase() == text.to_lowercase(),
            Self::Like => wildcard_matches(pattern.as_bytes(), text.as_bytes()),
        }
    }
}
