//! Lists, maps and nested structures are read out of bodies and query strings, mistakes and all.

use docharbor_wire::{
    AddResourcePermissionsRequest, CreateCommentRequest, CreateCustomMetadataRequest,
    CreateLabelsRequest, CustomMetadataKeyType, CustomMetadataValueType,
    DeleteCustomMetadataRequest, DeleteDocumentVersionRequest, DeleteLabelsRequest, PrincipalType,
    RoleType, SharedLabel,
};
use serde_json::{Map, Value, json};

use crate::requests::{NONE, VERSION, decode, wrong};

const RESOURCE: &[(&str, &str)] = &[("ResourceId", "r1")];

const TOO_LONG: &str = "Member must have length less than or equal to";
const TOO_SHORT: &str = "Member must have length greater than or equal to";
const PATTERN: &str = "Member must satisfy regular expression pattern: \
                       [a-zA-Z0-9._+-/=][a-zA-Z0-9 ._+-/=]*";

fn principals(principals: &Value) -> Vec<String> {
    wrong::<AddResourcePermissionsRequest>(RESOURCE, NONE, &json!({"Principals": principals}))
}

fn metadata(entries: &Value) -> Vec<String> {
    wrong::<CreateCustomMetadataRequest>(RESOURCE, NONE, &json!({"CustomMetadata": entries}))
}

fn labels(labels: &Value) -> Vec<String> {
    wrong::<CreateLabelsRequest>(RESOURCE, NONE, &json!({"Labels": labels}))
}

#[test]
fn principals_are_read_in_their_order() {
    let body = json!({
        "Principals": [
            {"Id": "S-1&d-1", "Type": "USER", "Role": "COOWNER", "x": [1]},
            {"Id": "secret@example.com", "Type": "INVITE", "Role": "VIEWER"},
        ],
        "NotificationOptions": {"SendEmail": true, "EmailMessage": ""},
    });
    let request: AddResourcePermissionsRequest = decode(RESOURCE, NONE, &body).unwrap();
    let read: Vec<_> =
        request.principals.iter().map(|p| (p.id.as_str(), p.principal_type, p.role)).collect();
    assert_eq!(
        read,
        [
            ("S-1&d-1", PrincipalType::User, RoleType::CoOwner),
            ("secret@example.com", PrincipalType::Invite, RoleType::Viewer),
        ]
    );
    let shown = format!("{request:?}");
    assert!(!shown.contains("secret") && !shown.contains("S-1"), "{shown}");
    let options = request.notification_options.unwrap();
    assert_eq!(options.send_email, Some(true));
    assert_eq!(options.email_message.unwrap().as_str(), "");
}

#[test]
fn every_mistake_in_every_principal_is_named_by_its_place() {
    let body = json!({
        "Principals": [
            {"Id": "u1", "Type": "USER", "Role": "VIEWER"},
            {"Id": "", "Type": null, "Role": "viewer"},
            "u3",
            null,
            {},
        ],
        "NotificationOptions": {"SendEmail": "true", "EmailMessage": "a".repeat(2049)},
    });
    assert_eq!(
        wrong::<AddResourcePermissionsRequest>(&[("ResourceId", "/")], NONE, &body),
        [
            "ResourceId: Member must satisfy regular expression pattern: [\\w+-.@]+".to_owned(),
            format!("Principals.2.member.Id: {TOO_SHORT} 1"),
            "Principals.2.member.Type: Member must not be null".to_owned(),
            "Principals.2.member.Role: Member must satisfy enum value set: \
             [VIEWER, CONTRIBUTOR, OWNER, COOWNER]"
                .to_owned(),
            "Principals.3.member: Member must be an object".to_owned(),
            "Principals.4.member: Member must not be null".to_owned(),
            "Principals.5.member.Id: Member must not be null".to_owned(),
            "Principals.5.member.Type: Member must not be null".to_owned(),
            "Principals.5.member.Role: Member must not be null".to_owned(),
            "NotificationOptions.SendEmail: Member must be true or false".to_owned(),
            format!("NotificationOptions.EmailMessage: {TOO_LONG} 2048"),
        ]
    );
}

#[test]
fn principals_have_to_be_a_list_which_may_be_empty() {
    for (given, constraint) in [
        (json!(null), "Member must not be null"),
        (json!({"Id": "u1"}), "Member must be a list"),
        (json!("u1"), "Member must be a list"),
    ] {
        assert_eq!(principals(&given), [format!("Principals: {constraint}")]);
    }
    assert!(principals(&json!([])).is_empty());
    assert_eq!(
        wrong::<AddResourcePermissionsRequest>(RESOURCE, NONE, &json!({})),
        ["Principals: Member must not be null"]
    );
}

#[test]
fn a_list_of_nothing_but_mistakes_does_not_make_an_endless_answer() {
    let found = principals(&json!(vec![json!({}); 100_000]));
    assert_eq!(found.len(), 102);
    assert_eq!(found[101], "Principals.34.member.Role: Member must not be null");
}

#[test]
fn labels_are_at_most_twenty_and_each_keeps_its_constraints() {
    let body = json!({"Labels": ["b lue", "b lue", "=a"]});
    let request: CreateLabelsRequest = decode(RESOURCE, NONE, &body).unwrap();
    let read: Vec<_> = request.labels.iter().map(SharedLabel::as_str).collect();
    assert_eq!(read, ["b lue", "b lue", "=a"]);
    let shown = format!("{request:?}");
    assert!(!shown.contains("lue"), "{shown}");

    assert!(labels(&json!(vec!["a"; 20])).is_empty());
    assert_eq!(labels(&json!(vec!["a"; 21])), [format!("Labels: {TOO_LONG} 20")]);
    assert!(labels(&json!(["a".repeat(32)])).is_empty());
    assert_eq!(
        labels(&json!(["a", " a", "", 7, null, "a".repeat(33)])),
        [
            format!("Labels.2.member: {PATTERN}"),
            format!("Labels.3.member: {TOO_SHORT} 1"),
            "Labels.4.member: Member must be a string".to_owned(),
            "Labels.5.member: Member must not be null".to_owned(),
            format!("Labels.6.member: {TOO_LONG} 32"),
        ]
    );
    let both = json!(vec!["é"; 21]);
    assert_eq!(labels(&both).len(), 22);
}

#[test]
fn a_list_in_the_query_string_repeats_its_parameter() {
    let query = [("labels", "red"), ("deleteAll", "false"), ("labels", "b,l"), ("Labels", "é")];
    let request: DeleteLabelsRequest = decode(RESOURCE, &query, &json!({})).unwrap();
    let read: Vec<_> = request.labels.iter().flatten().map(SharedLabel::as_str).collect();
    assert_eq!((read, request.delete_all), (vec!["red", "b,l"], Some(false)));

    let request: DeleteLabelsRequest = decode(RESOURCE, NONE, &json!({"Labels": ["a"]})).unwrap();
    assert_eq!((request.labels, request.delete_all), (None, None));

    let query =
        [("labels", "a"), ("labels", ""), ("labels", "é"), ("deleteAll", "1"), ("deleteAll", "1")];
    assert_eq!(
        wrong::<DeleteLabelsRequest>(RESOURCE, &query, &json!({})),
        [
            format!("Labels.2.member: {TOO_SHORT} 1"),
            format!("Labels.3.member: {PATTERN}"),
            "DeleteAll: Member must not be given more than once".to_owned(),
        ]
    );
    assert!(wrong::<DeleteLabelsRequest>(RESOURCE, &[("labels", "a"); 20], &json!({})).is_empty());
    assert_eq!(
        wrong::<DeleteLabelsRequest>(RESOURCE, &[("labels", "a"); 21], &json!({})),
        [format!("Labels: {TOO_LONG} 20")]
    );
}

#[test]
fn the_keys_of_custom_metadata_are_named_in_the_query_string() {
    let query = [("keys", "a b"), ("versionId", "v1"), ("keys", "c"), ("deleteAll", "true")];
    let request: DeleteCustomMetadataRequest = decode(RESOURCE, &query, &json!({})).unwrap();
    let keys: Vec<_> = request.keys.iter().flatten().map(CustomMetadataKeyType::as_str).collect();
    assert_eq!((keys, request.delete_all), (vec!["a b", "c"], Some(true)));
    assert_eq!(request.version_id.unwrap().as_str(), "v1");
    let keys = |count| {
        let query = vec![("keys", "a"); count];
        wrong::<DeleteCustomMetadataRequest>(RESOURCE, &query, &json!({}))
    };
    assert!(keys(8).is_empty());
    assert_eq!(keys(9), [format!("Keys: {TOO_LONG} 8")]);
}

#[test]
fn custom_metadata_is_an_object_of_texts() {
    let body = json!({"CustomMetadata": {"co lor": "secret", "a": "1"}});
    let request: CreateCustomMetadataRequest =
        decode(RESOURCE, &[("versionid", "v1"), ("versionId", "v2")], &body).unwrap();
    assert_eq!(request.version_id.as_ref().unwrap().as_str(), "v1");
    let shown = format!("{request:?}");
    assert!(!shown.contains("lor") && !shown.contains("secret"), "{shown}");
    let entries = request.custom_metadata.into_iter();
    let read: Vec<_> = entries
        .map(|(key, value)| {
            (CustomMetadataKeyType::into_inner(key), CustomMetadataValueType::into_inner(value))
        })
        .collect();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(read, [pair("a", "1"), pair("co lor", "secret")]);
}

#[test]
fn custom_metadata_has_one_to_eight_entries() {
    let entries = |count: usize| {
        let entries: Map<String, Value> =
            (0..count).map(|at| (format!("k{at}"), json!("v"))).collect();
        metadata(&Value::Object(entries))
    };
    assert_eq!(entries(0), [format!("CustomMetadata: {TOO_SHORT} 1")]);
    assert!(entries(1).is_empty());
    assert!(entries(8).is_empty());
    assert_eq!(entries(9), [format!("CustomMetadata: {TOO_LONG} 8")]);
    for (given, constraint) in [
        (json!(null), "Member must not be null"),
        (json!([]), "Member must be an object"),
        (json!("a"), "Member must be an object"),
    ] {
        assert_eq!(metadata(&given), [format!("CustomMetadata: {constraint}")]);
    }
}

#[test]
fn an_entry_of_custom_metadata_is_held_to_its_constraints_and_not_echoed() {
    let longest = json!({"k".repeat(56): "v".repeat(256)});
    assert!(metadata(&longest).is_empty());
    assert_eq!(
        metadata(&json!({"": "v"})),
        [format!("CustomMetadata: Map keys must satisfy constraint: [{TOO_SHORT} 1]")]
    );
    let entries = json!({
        "é-secret": "é-secret",
        "k".repeat(57): "v".repeat(257),
        "l".repeat(57): 7,
        "good": null,
    });
    let mut found = metadata(&entries);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|text| !text.contains("secret") && !text.contains("good")));
    // The order of an object's members is nobody's promise.
    let values = found.remove(1);
    for constraint in
        [PATTERN, &format!("{TOO_LONG} 256"), "Member must be a string", "Member must not be null"]
    {
        assert!(values.contains(constraint), "{values}");
    }
    let keys = found.remove(0);
    assert_eq!(keys.matches(&format!("{TOO_LONG} 56")).count(), 1, "{keys}");
    assert!(keys.starts_with("CustomMetadata: Map keys must satisfy constraint: ["), "{keys}");
    assert!(keys.contains(PATTERN), "{keys}");
}

#[test]
fn whether_prior_versions_are_deleted_has_to_be_said() {
    let query = [("deletePriorVersions", "true")];
    let request: DeleteDocumentVersionRequest = decode(VERSION, &query, &json!({})).unwrap();
    assert!(request.delete_prior_versions);
    let body = json!({"DeletePriorVersions": true});
    for (query, constraint) in [
        (NONE, "Member must not be null"),
        (&[("DeletePriorVersions", "true")], "Member must not be null"),
        (&[("deletePriorVersions", "")], "Member must be true or false"),
        (&[("deletePriorVersions", "True")], "Member must be true or false"),
        (&[("deletePriorVersions", "true"); 2], "Member must not be given more than once"),
    ] {
        assert_eq!(
            wrong::<DeleteDocumentVersionRequest>(VERSION, query, &body),
            [format!("DeletePriorVersions: {constraint}")]
        );
    }
}

#[test]
fn a_comment_has_a_text() {
    let body = json!({
        "Text": "secret\n😀", "ParentId": "c1", "ThreadId": "c0", "Visibility": "PRIVATE",
        "NotifyCollaborators": false,
    });
    let request: CreateCommentRequest = decode(VERSION, NONE, &body).unwrap();
    assert_eq!(request.text.as_str(), "secret\n😀");
    assert_eq!(request.parent_id.as_ref().unwrap().as_str(), "c1");
    assert_eq!(request.notify_collaborators, Some(false));
    assert!(!format!("{request:?}").contains("secret"));
    let body = json!({
        "Text": "", "ParentId": "c 1", "Visibility": "ALL", "NotifyCollaborators": "true",
    });
    assert_eq!(
        wrong::<CreateCommentRequest>(VERSION, NONE, &body),
        [
            "ParentId: Member must satisfy regular expression pattern: [\\w+-.@]+".to_owned(),
            format!("Text: {TOO_SHORT} 1"),
            "Visibility: Member must satisfy enum value set: [PUBLIC, PRIVATE]".to_owned(),
            "NotifyCollaborators: Member must be true or false".to_owned(),
        ]
    );
    let text = |text: String| wrong::<CreateCommentRequest>(VERSION, NONE, &json!({"Text": text}));
    assert!(text("😀".repeat(2048)).is_empty());
    assert_eq!(text("a".repeat(2049)), [format!("Text: {TOO_LONG} 2048")]);
    assert_eq!(text("a\0".to_owned()), ["Text: Member must not contain the character U+0000"]);
}
