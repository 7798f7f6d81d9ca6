//! What differs between a service model and the tables of `docharbor-wire`.

mod shapes;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use docharbor_wire::shape::{Shape, ShapeKind};
use docharbor_wire::{ErrorCode, Exchange, Operation};
use serde_json::{Map, Value};

/// Every difference, one line each.
pub(super) fn findings(model: &Value) -> Vec<String> {
    let mut report = Report::default();
    report.same("protocol", model.pointer("/metadata/protocol"), Some(&"rest-json".into()));
    operations(object(&model["operations"]), &mut report);
    let declared = object(&model["shapes"]);
    errors(declared, &mut report);
    let known: Vec<&Shape> = docharbor_wire::shapes().collect();
    for shape in &known {
        match declared.get(shape.name) {
            Some(modelled) => shapes::compare(shape, modelled, &mut report),
            None => report.add(format!("{}: the model has no such shape", shape.name)),
        }
    }
    closure(&known, &mut report);
    report.0
}

/// The differences found so far.
#[derive(Default)]
struct Report(Vec<String>);

impl Report {
    fn add(&mut self, finding: String) {
        self.0.push(finding);
    }

    /// Reports two values that differ; nothing and null are the same.
    fn same(&mut self, place: &str, modelled: Option<&Value>, ours: Option<&Value>) {
        let [modelled, ours] = [modelled, ours].map(|value| value.unwrap_or(&Value::Null));
        if modelled != ours {
            self.add(format!("{place}: the model says {modelled}, the table says {ours}"));
        }
    }

    /// Reports what only one of two sets has.
    fn same_set<'a>(
        &mut self,
        place: &str,
        modelled: impl IntoIterator<Item = &'a str>,
        ours: impl IntoIterator<Item = &'a str>,
    ) {
        let modelled: BTreeSet<&str> = modelled.into_iter().collect();
        let ours: BTreeSet<&str> = ours.into_iter().collect();
        for missing in modelled.difference(&ours) {
            self.add(format!("{place}: {missing} is in the model and not in the table"));
        }
        for surplus in ours.difference(&modelled) {
            self.add(format!("{place}: {surplus} is in the table and not in the model"));
        }
    }

    /// Reports keys of the model that nothing here compares: a newer model may say more.
    fn only_keys(&mut self, place: &str, modelled: &Map<String, Value>, known: &[&str]) {
        for key in modelled.keys().filter(|key| !known.contains(&key.as_str())) {
            self.add(format!("{place}: the model says '{key}', which is not compared"));
        }
    }
}

/// The value as an object; anything else counts as an empty one, and is reported as missing.
fn object(value: &Value) -> &Map<String, Value> {
    static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    value.as_object().unwrap_or(&EMPTY)
}

/// The names in a list of text, or in a list of objects that refer to a shape.
fn names(value: &Value) -> impl Iterator<Item = &str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.as_str().or_else(|| entry["shape"].as_str()))
}

fn operations(modelled: &Map<String, Value>, report: &mut Report) {
    report.same_set(
        "operations",
        modelled.keys().map(String::as_str),
        Operation::ALL.iter().map(|operation| operation.name()),
    );
    for &operation in Operation::ALL {
        if let Some(entry) = modelled.get(operation.name()) {
            compare_operation(operation, entry, report);
        }
    }
}

fn compare_operation(operation: Operation, entry: &Value, report: &mut Report) {
    const KNOWN: &[&str] = &["name", "http", "input", "output", "errors", "documentation"];
    let name = operation.name();
    let http = &entry["http"];
    report.only_keys(name, object(entry), KNOWN);
    report.only_keys(name, object(http), &["method", "requestUri", "responseCode"]);
    report.same(&format!("{name} name"), entry.get("name"), Some(&name.into()));
    for (key, ours) in [
        ("method", Value::from(operation.method())),
        ("requestUri", operation.path().into()),
        ("responseCode", operation.status().into()),
    ] {
        report.same(&format!("{name} {key}"), http.get(key), Some(&ours));
    }
    report.same_set(
        &format!("{name} errors"),
        names(&entry["errors"]),
        operation.errors().iter().map(|code| code.name()),
    );
    for exchange in docharbor_wire::exchanges().filter(|e| e.operation == operation) {
        compare_exchange(exchange, entry, report);
    }
}

/// Compares the shapes that an operation with a decoder takes and gives.
fn compare_exchange(exchange: &Exchange, entry: &Value, report: &mut Report) {
    let name = exchange.operation.name();
    let request = Value::from(exchange.request);
    report.same(&format!("{name} input"), entry.pointer("/input/shape"), Some(&request));
    let response = exchange.response.map(Value::from);
    report.same(&format!("{name} output"), entry.pointer("/output/shape"), response.as_ref());
    for shape in [Some(exchange.request), exchange.response].into_iter().flatten() {
        if docharbor_wire::shapes().all(|declared| declared.name != shape) {
            report.add(format!("{name}: its shape {shape} is not declared"));
        }
    }
}

fn errors(declared: &Map<String, Value>, report: &mut Report) {
    let exceptions = declared.iter().filter(|(_, shape)| shape["exception"] == true);
    report.same_set(
        "errors",
        exceptions.map(|(name, _)| name.as_str()),
        ErrorCode::ALL.iter().filter(|code| code.is_modelled()).map(|code| code.name()),
    );
    for code in ErrorCode::ALL.iter().filter(|code| code.is_modelled()) {
        let Some(shape) = declared.get(code.name()) else { continue };
        let status = shape.pointer("/error/httpStatusCode");
        report.same(&format!("{} status", code.name()), status, Some(&code.status().into()));
        // The one body that all errors share has these members, and no error needs another.
        for member in object(&shape["members"]).keys() {
            if !["Message", "EntityIds"].contains(&member.as_str()) {
                report.add(format!("{}: its body lacks {member}", code.name()));
            }
        }
    }
}

/// Reports a shape that a declared shape refers to and that is not declared, hence not compared.
fn closure(known: &[&Shape], report: &mut Report) {
    for shape in known {
        let referred: Vec<&str> = match shape.kind {
            ShapeKind::Structure(members) => members.iter().map(|member| member.shape).collect(),
            ShapeKind::List { member, .. } => vec![member],
            ShapeKind::Map { key, value, .. } => vec![key, value],
            ShapeKind::Text { .. }
            | ShapeKind::Enumeration(_)
            | ShapeKind::Integer(_)
            | ShapeKind::Long(_)
            | ShapeKind::Boolean
            | ShapeKind::Timestamp => Vec::new(),
        };
        for name in referred {
            if known.iter().all(|other| other.name != name) {
                report.add(format!("{}: refers to {name}, which is not declared", shape.name));
            }
        }
    }
}
