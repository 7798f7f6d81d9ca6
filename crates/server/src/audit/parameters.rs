//! What a call is asked and what it made, without a word that a person wrote.
//!
//! What may stand in a record is listed, not what may not: a member that a later release adds is
//! hidden until it is an id, a number, a moment or a word of a closed list.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::request::Parts;
use docharbor_wire::shape::{Location, Member, Shape, ShapeKind};
use docharbor_wire::{Input, Operation, exchanges, shapes};
use serde_json::{Map, Value};

use super::{HIDDEN, identity};

/// Of a longer list only so many values are recorded.
const VALUES_MAX: usize = 50;

/// The word a truncated list ends with.
const AND_MORE: &str = "AND_MORE";

/// Nothing of ours nests deeper.
const DEPTH_MAX: usize = 6;

/// How many hexadecimal digits the ids of applications and of tokens have.
const APPLICATION_AND_TOKEN_CHARS: [usize; 2] = [32, 16];

static SHAPES: LazyLock<HashMap<&'static str, &'static Shape>> =
    LazyLock::new(|| shapes().map(|shape| (shape.name, shape)).collect());

/// The members of an operation's request that say something and give nothing away.
pub(super) fn of(operation: Operation, input: &Input<'_>, parts: &Parts) -> Value {
    let mut out = Map::new();
    for (name, value) in input.path {
        out.insert(member_name(name), id_or_hidden(value));
    }
    if parts.headers.contains_key("authentication") || has_bearer(parts) {
        out.insert("authenticationToken".to_owned(), HIDDEN.into());
    }
    let exchange = exchanges().find(|exchange| exchange.operation == operation);
    let request = exchange.and_then(|exchange| SHAPES.get(exchange.request));
    if let Some(Shape { kind: ShapeKind::Structure(members), .. }) = request {
        for member in *members {
            if let Some(value) = member_value(member, input) {
                out.insert(member_name(member.name), value);
            }
        }
    }
    Value::Object(out)
}

fn has_bearer(parts: &Parts) -> bool {
    let mut values = parts.headers.get_all("authorization").iter();
    values.any(|value| value.as_bytes().to_ascii_lowercase().starts_with(b"bearer "))
}

fn member_value(member: &Member, input: &Input<'_>) -> Option<Value> {
    match member.location {
        Location::Query => {
            let parameter = member.location_name.unwrap_or(member.name);
            let mut values: Vec<Value> = input
                .query
                .iter()
                .filter(|(name, _)| name == parameter)
                .take(VALUES_MAX)
                .map(|(_, text)| of_text(member.shape, text))
                .collect();
            if values.len() > 1 { Some(Value::Array(values)) } else { values.pop() }
        }
        Location::Body => {
            let value = input.body?.get(member.name).filter(|value| !value.is_null())?;
            Some(of_json(member.shape, value, DEPTH_MAX))
        }
        // The path is there already, and the only header is the token.
        Location::Uri | Location::Header => None,
    }
}

/// A parameter of a query string, whose every value is text.
fn of_text(shape: &str, text: &str) -> Value {
    let hidden = || HIDDEN.into();
    match SHAPES.get(shape).map(|shape| shape.kind) {
        Some(ShapeKind::Integer(_) | ShapeKind::Long(_)) => {
            text.parse::<i64>().map_or_else(|_| hidden(), Value::from)
        }
        Some(ShapeKind::Boolean) => text.parse::<bool>().map_or_else(|_| hidden(), Value::from),
        Some(ShapeKind::Timestamp) if is_moment(text) => text.into(),
        Some(ShapeKind::List { member, .. }) => of_text(member, text),
        _ => of_json(shape, &Value::from(text), 1),
    }
}

fn of_json(shape: &str, value: &Value, depth: usize) -> Value {
    let hidden = || HIDDEN.into();
    let (Some(shape), Some(depth)) = (SHAPES.get(shape), depth.checked_sub(1)) else {
        return hidden();
    };
    match (shape.kind, value) {
        (ShapeKind::Structure(members), Value::Object(object)) => {
            let known = members.iter().filter_map(|member| {
                let value = object.get(member.name).filter(|value| !value.is_null())?;
                Some((member_name(member.name), of_json(member.shape, value, depth)))
            });
            Value::Object(known.collect())
        }
        (ShapeKind::List { member, .. }, Value::Array(values)) => {
            bounded(values.iter().map(|value| of_json(member, value, depth)), values.len())
        }
        (ShapeKind::Enumeration(words), Value::String(text)) if words.contains(&text.as_str()) => {
            value.clone()
        }
        (ShapeKind::Integer(_) | ShapeKind::Long(_) | ShapeKind::Timestamp, Value::Number(_))
        | (ShapeKind::Boolean, Value::Bool(_)) => value.clone(),
        (ShapeKind::Text { sensitive: false, .. }, Value::String(text)) => {
            if shape.name == "FieldNamesType" && is_field_list(text) {
                return value.clone();
            }
            id_or_hidden(text)
        }
        // The keys of maps are what users write, as much as the values.
        _ => hidden(),
    }
}

fn bounded(values: impl Iterator<Item = Value>, count: usize) -> Value {
    let mut kept: Vec<Value> = values.take(VALUES_MAX).collect();
    if count > VALUES_MAX {
        kept.push(AND_MORE.into());
    }
    Value::Array(kept)
}

/// An id, or several with commas between them; anything else is hidden.
pub(super) fn id_or_hidden(text: &str) -> Value {
    let are_ids = text.split(',').map(str::trim).all(is_id);
    let count = text.split(',').count();
    if are_ids && count <= VALUES_MAX { text.into() } else { HIDDEN.into() }
}

/// The same for what may be the id of a key, an application or a token.
pub(super) fn any_id_or_hidden(text: &str) -> Value {
    let is_short = APPLICATION_AND_TOKEN_CHARS.iter().any(|length| is_hex(text, *length));
    if is_short || identity::is_key_id(text) { text.into() } else { id_or_hidden(text) }
}

/// The members of an answer that are ids, in their places; nothing when there are none.
pub(super) fn ids_of(answer: &Value) -> Option<Value> {
    match answer {
        Value::Object(object) => {
            let kept: Map<String, Value> = object
                .iter()
                .filter(|(name, value)| !value.is_string() || name.ends_with("Id"))
                .filter_map(|(name, value)| Some((member_name(name), ids_of(value)?)))
                .collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(values) => {
            let kept: Vec<Value> = values.iter().filter_map(ids_of).collect();
            let count = kept.len();
            (count > 0).then(|| bounded(kept.into_iter(), count))
        }
        Value::String(text) if is_id(text) => Some(answer.clone()),
        _ => None,
    }
}

/// CloudTrail's spelling of a member: `DocumentId` is `documentId`.
fn member_name(name: &str) -> String {
    let mut chars = name.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + chars.as_str())
}

/// Whether a text has the form of an id that a server gives out. An id that a person could have
/// chosen, an e-mail address among them, has not.
fn is_id(text: &str) -> bool {
    text == "anonymous"
        || is_hex(text, 64)
        || is_version_id(text)
        || is_organization_id(text)
        || is_principal_id(text)
        || is_uuid(text)
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_number(text: &str) -> bool {
    (1..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_version_id(text: &str) -> bool {
    text.split_once('-').is_some_and(|(moment, random)| is_number(moment) && is_hex(random, 64))
}

fn is_organization_id(text: &str) -> bool {
    text.strip_prefix("d-").is_some_and(|rest| is_hex(rest, 10))
}

fn is_principal_id(text: &str) -> bool {
    let Some((sid, organization)) = text.split_once('&') else { return false };
    let numbers = sid.strip_prefix("S-1-");
    is_organization_id(organization)
        && numbers.is_some_and(|numbers| numbers.len() <= 100 && numbers.split('-').all(is_number))
}

fn is_uuid(text: &str) -> bool {
    let mut groups = text.split('-');
    [8, 4, 4, 4, 12].into_iter().all(|length| groups.next().is_some_and(|g| is_hex(g, length)))
        && groups.next().is_none()
}

fn is_moment(text: &str) -> bool {
    text.len() <= 35 && text.bytes().all(|byte| byte.is_ascii_digit() || b"-:.TZ+".contains(&byte))
}

/// `SOURCE,USER_STORAGE`: names of members, which are capital letters.
fn is_field_list(text: &str) -> bool {
    const FIELDS: [&str; 5] = ["SOURCE", "THUMBNAIL", "STORAGE_METADATA", "WORKING_COPY", "USER"];
    text.split(',').all(|field| FIELDS.contains(&field))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parts() -> Parts {
        axum::http::Request::builder().body(()).unwrap().into_parts().0
    }

    #[test]
    fn every_text_a_person_could_write_is_hidden_whatever_the_member() {
        for &operation in Operation::ALL {
            let path: Vec<(String, String)> = vec![("ResourceId".into(), "CANARY@x.org".into())];
            let Some(exchange) = exchanges().find(|found| found.operation == operation) else {
                continue;
            };
            let ShapeKind::Structure(members) = SHAPES[exchange.request].kind else { panic!() };
            let mut query = Vec::new();
            let mut body = Map::new();
            for member in members {
                let name = member.location_name.unwrap_or(member.name).to_owned();
                query.push((name.clone(), "CANARY".to_owned()));
                query.push((name, "CANARY@x.org".to_owned()));
                body.insert(member.name.to_owned(), canary(member.shape, 0));
            }
            let input = Input { path: &path, query: &query, body: Some(&body) };
            let recorded = of(operation, &input, &parts()).to_string();
            assert!(!recorded.contains("CANARY"), "{operation:?}: {recorded}");
        }
    }

    /// A value of the shape in which every text is one that must not get out.
    fn canary(shape: &str, depth: usize) -> Value {
        match SHAPES[shape].kind {
            ShapeKind::Structure(members) if depth < 5 => Value::Object(
                members
                    .iter()
                    .map(|member| (member.name.to_owned(), canary(member.shape, depth + 1)))
                    .collect(),
            ),
            ShapeKind::List { member, .. } => json!([canary(member, depth + 1), "CANARY"]),
            ShapeKind::Map { .. } => json!({ "CANARY": "CANARY" }),
            _ => json!("CANARY"),
        }
    }

    #[test]
    fn ids_numbers_and_words_of_closed_lists_are_kept() {
        let id = "a".repeat(64);
        let user = "S-1-5-21-1-2-3-1001&d-0123456789";
        let path = vec![("ResourceId".to_owned(), id.clone())];
        let body = json!({
            "Principals": [{ "Id": user, "Type": "USER", "Role": "VIEWER" },
                           { "Id": "a@example.com", "Type": "INVITE", "Role": "no such role" }],
            "NotificationOptions": { "SendEmail": true, "EmailMessage": "hello" },
        });
        let input = Input { path: &path, query: &[], body: body.as_object() };
        assert_eq!(
            of(Operation::AddResourcePermissions, &input, &parts()),
            json!({
                "resourceId": id,
                "principals": [{ "id": user, "type": "USER", "role": "VIEWER" },
                               { "id": HIDDEN, "type": "INVITE", "role": HIDDEN }],
                "notificationOptions": { "sendEmail": true, "emailMessage": HIDDEN },
            })
        );
        let query =
            vec![("limit".to_owned(), "7".to_owned()), ("marker".to_owned(), "x".to_owned())];
        let input = Input { path: &[], query: &query, body: None };
        assert_eq!(
            of(Operation::DescribeFolderContents, &input, &parts()),
            json!({ "limit": 7, "marker": HIDDEN })
        );
    }

    #[test]
    fn a_long_list_is_cut_off() {
        let many = vec![json!({ "Id": "x", "Type": "USER", "Role": "VIEWER" }); 10_000];
        let body = json!({ "Principals": many });
        let input = Input { path: &[], query: &[], body: body.as_object() };
        let recorded = of(Operation::AddResourcePermissions, &input, &parts());
        assert_eq!(recorded["principals"].as_array().unwrap().len(), VALUES_MAX + 1);
        assert_eq!(recorded["principals"][VALUES_MAX], AND_MORE);
    }

    #[test]
    fn of_an_answer_only_ids_are_kept() {
        let id = "b".repeat(64);
        let answer = json!({
            "Metadata": { "Id": id, "Name": "secret", "LatestVersionMetadata": { "Name": "s" } },
            "UploadMetadata": { "UploadUrl": "https://x", "SignedHeaders": { "a": id } },
        });
        assert_eq!(ids_of(&answer), Some(json!({ "metadata": { "id": id } })));
        assert_eq!(ids_of(&json!({ "Comment": { "Text": "x" } })), None);
    }
}
