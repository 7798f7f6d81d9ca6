//! What differs between one declared shape and the model's.

use docharbor_wire::shape::{Bounds, Location, Member, Shape, ShapeKind};
use serde_json::Value;

use super::{Report, names, object};

/// Adds every difference between `shape` and what the model says under its name.
pub(super) fn compare(shape: &Shape, modelled: &Value, report: &mut Report) {
    let described = describe(shape);
    let place = shape.name;
    report.only_keys(place, object(modelled), described.keys);
    report.same(&format!("{place} type"), modelled.get("type"), Some(&described.kind.into()));
    for (key, ours) in &described.values {
        let modelled = match key {
            // The model leaves out what is false.
            &"sensitive" => Some(modelled.get("sensitive").unwrap_or(&Value::Bool(false))),
            _ => modelled.pointer(key),
        };
        report.same(&format!("{place} {}", key.replace('/', " ").trim()), modelled, ours.as_ref());
    }
    match shape.kind {
        ShapeKind::Structure(members) => compare_members(place, members, modelled, report),
        ShapeKind::Enumeration(words) => report.same_set(
            &format!("{place} enum"),
            names(&modelled["enum"]),
            words.iter().copied(),
        ),
        _ => {}
    }
}

/// A shape as the model would write it.
struct Described {
    kind: &'static str,
    /// The keys that are compared, here or below.
    keys: &'static [&'static str],
    /// JSON pointers with what they should lead to.
    values: Vec<(&'static str, Option<Value>)>,
}

fn describe(shape: &Shape) -> Described {
    let (kind, keys, values): (_, &[&str], _) = match shape.kind {
        ShapeKind::Structure(_) => {
            ("structure", &["type", "documentation", "members", "required"], Vec::new())
        }
        ShapeKind::List { member, bounds } => {
            let mut values = range(bounds);
            values.push(("/member/shape", Some(member.into())));
            ("list", &["type", "documentation", "member", "min", "max"], values)
        }
        ShapeKind::Map { key, value, bounds } => {
            let mut values = range(bounds);
            values.push(("/key/shape", Some(key.into())));
            values.push(("/value/shape", Some(value.into())));
            ("map", &["type", "documentation", "key", "value", "min", "max"], values)
        }
        ShapeKind::Text { bounds, pattern, sensitive } => {
            let mut values = range(bounds);
            values.push(("/pattern", pattern.map(Value::from)));
            values.push(("sensitive", Some(sensitive.into())));
            ("string", &["type", "documentation", "min", "max", "pattern", "sensitive"], values)
        }
        ShapeKind::Enumeration(_) => ("string", &["type", "documentation", "enum"], Vec::new()),
        ShapeKind::Integer(bounds) => ("integer", NUMBER_KEYS, range(bounds)),
        ShapeKind::Long(bounds) => ("long", NUMBER_KEYS, range(bounds)),
        ShapeKind::Boolean => ("boolean", &["type", "documentation"], Vec::new()),
        ShapeKind::Timestamp => ("timestamp", &["type", "documentation"], Vec::new()),
    };
    Described { kind, keys, values }
}

const NUMBER_KEYS: &[&str] = &["type", "documentation", "min", "max"];

/// Whether a member is deprecated changes nothing about how it travels.
const MEMBER_KEYS: &[&str] = &["shape", "location", "locationName", "documentation", "deprecated"];

fn range(bounds: Bounds) -> Vec<(&'static str, Option<Value>)> {
    vec![("/min", bounds.min.map(Value::from)), ("/max", bounds.max.map(Value::from))]
}

fn compare_members(place: &str, members: &[Member], modelled: &Value, report: &mut Report) {
    let entries = object(&modelled["members"]);
    report.same_set(
        &format!("{place} members"),
        entries.keys().map(String::as_str),
        members.iter().map(|member| member.name),
    );
    report.same_set(
        &format!("{place} required"),
        names(&modelled["required"]),
        members.iter().filter(|member| member.required).map(|member| member.name),
    );
    for member in members {
        let Some(entry) = entries.get(member.name) else { continue };
        let place = format!("{place}.{}", member.name);
        report.only_keys(&place, object(entry), MEMBER_KEYS);
        for (key, ours) in [
            ("shape", Some(member.shape)),
            ("location", location(member.location)),
            ("locationName", member.location_name),
        ] {
            report.same(&format!("{place} {key}"), entry.get(key), ours.map(Value::from).as_ref());
        }
    }
}

/// The word the model has for a place; it says nothing about members of the body.
fn location(location: Location) -> Option<&'static str> {
    match location {
        Location::Body => None,
        Location::Uri => Some("uri"),
        Location::Query => Some("querystring"),
        Location::Header => Some("header"),
    }
}
