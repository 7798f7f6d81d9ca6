//! The comparison finds what it is there to find.
//!
//! The model these tests change is written from the tables, so they need no Python; that the
//! tables are right is what `cargo xtask check-model` says.

use docharbor_wire::shape::{Bounds, Location, Member, Shape, ShapeKind};
use docharbor_wire::{ErrorCode, Operation};
use serde_json::{Map, Value, json};

use super::findings;

/// A model that says what the tables say.
fn faithful_model() -> Value {
    let mut shapes: Map<String, Value> = docharbor_wire::shapes()
        .map(|shape| (shape.name.to_owned(), without_null(&modelled(shape))))
        .collect();
    for code in ErrorCode::ALL.iter().filter(|code| code.is_modelled()) {
        let exception = json!({
            "type": "structure", "exception": true, "members": {"Message": {"shape": "Text"}},
            "error": {"httpStatusCode": code.status()},
        });
        shapes.insert(code.name().to_owned(), exception);
    }
    let operations: Map<String, Value> = Operation::ALL
        .iter()
        .map(|operation| (operation.name().to_owned(), modelled_operation(*operation)))
        .collect();
    json!({"metadata": {"protocol": "rest-json"}, "operations": operations, "shapes": shapes})
}

fn modelled_operation(operation: Operation) -> Value {
    let refer = |name: &str| json!({"shape": name});
    let errors: Vec<Value> = operation.errors().iter().map(|code| refer(code.name())).collect();
    let exchange = docharbor_wire::exchanges().find(|e| e.operation == operation);
    without_null(&json!({
        "name": operation.name(),
        "http": {
            "method": operation.method(),
            "requestUri": operation.path(),
            "responseCode": operation.status(),
        },
        "input": exchange.map(|e| refer(e.request)),
        "output": exchange.and_then(|e| e.response).map(refer),
        "errors": errors,
    }))
}

fn modelled(shape: &Shape) -> Value {
    let number = |kind, Bounds { min, max }| json!({"type": kind, "min": min, "max": max});
    match shape.kind {
        ShapeKind::Structure(members) => {
            let entries: Map<String, Value> =
                members.iter().map(|m| (m.name.to_owned(), modelled_member(m))).collect();
            let required: Vec<_> = members.iter().filter(|m| m.required).map(|m| m.name).collect();
            json!({"type": "structure", "members": entries, "required": required})
        }
        ShapeKind::List { member, bounds: Bounds { min, max } } => {
            json!({"type": "list", "member": {"shape": member}, "min": min, "max": max})
        }
        ShapeKind::Map { key, value, bounds: Bounds { min, max } } => json!({
            "type": "map", "key": {"shape": key}, "value": {"shape": value}, "min": min, "max": max,
        }),
        ShapeKind::Text { bounds: Bounds { min, max }, pattern, sensitive } => json!({
            "type": "string", "min": min, "max": max, "pattern": pattern,
            "sensitive": sensitive.then_some(true),
        }),
        ShapeKind::Enumeration(words) => json!({"type": "string", "enum": words}),
        ShapeKind::Integer(bounds) => number("integer", bounds),
        ShapeKind::Long(bounds) => number("long", bounds),
        ShapeKind::Boolean => json!({"type": "boolean"}),
        ShapeKind::Timestamp => json!({"type": "timestamp"}),
    }
}

fn modelled_member(member: &Member) -> Value {
    let location = match member.location {
        Location::Body => None,
        Location::Uri => Some("uri"),
        Location::Query => Some("querystring"),
        Location::Header => Some("header"),
    };
    without_null(&json!({
        "shape": member.shape, "location": location, "locationName": member.location_name,
    }))
}

fn without_null(value: &Value) -> Value {
    let entries = value.as_object().into_iter().flatten();
    Value::Object(
        entries.filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect(),
    )
}

/// What is found after `place` of the model, a JSON pointer, is set to `value`, or removed if null.
fn found_after(place: &str, value: Value) -> Vec<String> {
    let mut model = faithful_model();
    let (parent, key) = place.rsplit_once('/').unwrap();
    let parent = model.pointer_mut(parent).unwrap_or_else(|| panic!("{place} leads nowhere"));
    if let (Value::Array(list), "-") = (&mut *parent, key) {
        list.push(value);
    } else if value.is_null() {
        parent.as_object_mut().unwrap().remove(key).unwrap();
    } else {
        parent[key] = value;
    }
    findings(&model)
}

/// Makes each change of the model alone, which may lead to the one finding beside it only.
fn expect_one_finding_each<const COUNT: usize>(changes: [(&str, Value, &str); COUNT]) {
    for (place, value, expected) in changes {
        let found = found_after(place, value);
        assert!(
            matches!(found.as_slice(), [only] if only.starts_with(expected)),
            "{place}: expected {expected:?}, found {found:#?}"
        );
    }
}

#[test]
fn a_model_that_says_what_the_tables_say_has_no_findings() {
    assert_eq!(findings(&faithful_model()), Vec::<String>::new());
}

#[test]
fn an_empty_model_lacks_everything() {
    let found = findings(&json!({}));
    assert!(found.len() > 44 + 25, "{}", found.len());
    assert!(found.contains(&"FolderMetadata: the model has no such shape".to_owned()));
}

#[test]
fn every_difference_of_an_operation_or_an_error_is_found_and_named() {
    expect_one_finding_each([
        ("/metadata/protocol", json!("query"), "protocol: the model says"),
        ("/operations/GetFolder", Value::Null, "operations: GetFolder is in the table"),
        ("/operations/GetFolder/name", json!("Get"), "GetFolder name: the model says"),
        ("/operations/GetFolder/http/method", json!("PUT"), "GetFolder method: the model says"),
        ("/operations/GetFolder/http/requestUri", json!("/"), "GetFolder requestUri: the model"),
        ("/operations/GetFolder/http/responseCode", json!(201), "GetFolder responseCode: the"),
        ("/operations/GetFolder/http/streaming", json!(true), "GetFolder: the model says 'stre"),
        ("/operations/GetFolder/endpoint", json!("x"), "GetFolder: the model says 'endpoint'"),
        ("/operations/GetFolder/input", Value::Null, "GetFolder input: the model says null"),
        ("/operations/GetFolder/output/shape", json!("X"), "GetFolder output: the model says"),
        ("/operations/DeleteFolder/output", json!({"shape": "X"}), "DeleteFolder output: the"),
        ("/operations/GetFolder/errors/-", json!({"shape": "X"}), "GetFolder errors: X is in t"),
        ("/shapes/LimitExceededException", Value::Null, "errors: LimitExceededException is in"),
        ("/shapes/X", json!({"exception": true}), "errors: X is in the model"),
        (
            "/shapes/LimitExceededException/error/httpStatusCode",
            json!(429),
            "LimitExceededException status: the model says 429, the table says 409",
        ),
        (
            "/shapes/LimitExceededException/members/Limit",
            json!({}),
            "LimitExceededException: its body lacks Limit",
        ),
    ]);
}

#[test]
fn every_difference_of_a_shape_is_found_and_named() {
    expect_one_finding_each([
        ("/shapes/User", Value::Null, "User: the model has no such shape"),
        ("/shapes/User/members/Locale", Value::Null, "User members: Locale is in the table"),
        ("/shapes/User/members/X", json!({}), "User members: X is in the model"),
        ("/shapes/User/members/Locale/shape", json!("X"), "User.Locale shape: the model says"),
        ("/shapes/User/members/Locale/jsonvalue", json!(true), "User.Locale: the model says 'j"),
        ("/shapes/User/type", json!("map"), "User type: the model says \"map\""),
        ("/shapes/User/union", json!(true), "User: the model says 'union'"),
        (
            "/shapes/GetFolderRequest/members/FolderId/location",
            json!("querystring"),
            "GetFolderRequest.FolderId location: the model says",
        ),
        (
            "/shapes/GetFolderRequest/members/IncludeCustomMetadata/locationName",
            Value::Null,
            "GetFolderRequest.IncludeCustomMetadata locationName: the model says null",
        ),
        ("/shapes/GetFolderRequest/required", json!([]), "GetFolderRequest required: FolderId"),
        ("/shapes/CreateFolderRequest/required/-", json!("Name"), "CreateFolderRequest require"),
        ("/shapes/SharePrincipal/required", json!(["Id", "Role"]), "SharePrincipal required: Ty"),
        ("/shapes/Comment/required", Value::Null, "Comment required: CommentId is in the table"),
        ("/shapes/CreateLabelsResponse/members/X", json!({}), "CreateLabelsResponse members: X"),
        ("/shapes/IdType/min", json!(2), "IdType min: the model says 2, the table says 1"),
        ("/shapes/IdType/max", Value::Null, "IdType max: the model says null, the table says"),
        ("/shapes/IdType/pattern", json!(".*"), "IdType pattern: the model says"),
        ("/shapes/IdType/sensitive", json!(true), "IdType sensitive: the model says true"),
        ("/shapes/UrlType/sensitive", Value::Null, "UrlType sensitive: the model says false"),
        ("/shapes/UrlType/pattern", json!("x"), "UrlType pattern: the model says"),
        ("/shapes/IdType/enum", json!(["A"]), "IdType: the model says 'enum'"),
        ("/shapes/OrderType/enum/-", json!("RANDOM"), "OrderType enum: RANDOM is in the model"),
        ("/shapes/OrderType/enum", json!(["ASCENDING"]), "OrderType enum: DESCENDING is in the"),
        ("/shapes/SharedLabels/max", json!(21), "SharedLabels max: the model says 21"),
        ("/shapes/SharedLabels/member/shape", json!("X"), "SharedLabels member shape: the mode"),
        ("/shapes/CustomMetadataMap/min", json!(2), "CustomMetadataMap min: the model says 2"),
        ("/shapes/SignedHeaderMap/key/shape", json!("X"), "SignedHeaderMap key shape: the mod"),
        ("/shapes/SignedHeaderMap/value/shape", json!("X"), "SignedHeaderMap value shape: the"),
        ("/shapes/LimitType/max", json!(1000), "LimitType max: the model says 1000"),
        ("/shapes/SizeType/min", json!(0), "SizeType min: the model says 0, the table says n"),
        ("/shapes/SizeType/type", json!("integer"), "SizeType type: the model says"),
        ("/shapes/BooleanType/type", json!("string"), "BooleanType type: the model says"),
        ("/shapes/TimestampType/timestampFormat", json!("x"), "TimestampType: the model says"),
    ]);
}

#[test]
fn an_operation_and_an_error_that_only_the_model_has_are_found() {
    let found = found_after("/operations/NewOperation", json!({"name": "NewOperation"}));
    assert_eq!(found, ["operations: NewOperation is in the model and not in the table"]);
    let mut model = faithful_model();
    model["operations"]["GetFolder"]["errors"].as_array_mut().unwrap().remove(0);
    let found = findings(&model);
    assert_eq!(
        found,
        ["GetFolder errors: EntityNotExistsException is in the table and not in the model"]
    );
}
