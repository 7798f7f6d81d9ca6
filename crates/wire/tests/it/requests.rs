//! Requests are read whole, and refused with everything that is wrong with them.

use docharbor_wire::{
    AbortDocumentVersionUploadRequest, ActivateUserRequest, CreateFolderRequest, CreateUserRequest,
    DeactivateUserRequest, DeleteCommentRequest, DeleteCustomMetadataRequest,
    DeleteDocumentRequest, DeleteFolderContentsRequest, DeleteFolderRequest, DeleteLabelsRequest,
    DeleteUserRequest, DescribeCommentsRequest, DescribeDocumentVersionsRequest,
    DescribeFolderContentsRequest, DescribeResourcePermissionsRequest, DescribeUsersRequest,
    DocumentVersionStatus, FolderContentType, GetDocumentPathRequest, GetDocumentRequest,
    GetDocumentVersionRequest, GetFolderPathRequest, GetFolderRequest, GetResourcesRequest,
    InitiateDocumentVersionUploadRequest, Input, LimitType, Operation, OrderType, PageMarkerType,
    PrincipalType, RemoveAllResourcePermissionsRequest, RemoveResourcePermissionRequest, Request,
    ResourceCollectionType, ResourceSortType, ResourceStateType, RestoreDocumentVersionsRequest,
    SizeType, StorageType, UpdateDocumentRequest, UpdateDocumentVersionRequest,
    UpdateFolderRequest, UpdateUserRequest, UserSortType, UserType, Violations,
};
use serde_json::{Value, json};

pub(crate) fn decode<R: Request>(
    path: &[(&str, &str)],
    query: &[(&str, &str)],
    body: &Value,
) -> Result<R, Violations> {
    let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let (path, query) = (owned(path), owned(query));
    R::decode(&Input { path: &path, query: &query, body: body.as_object() })
}

/// What is wrong, each as `member: constraint`.
pub(crate) fn wrong<R: Request>(
    path: &[(&str, &str)],
    query: &[(&str, &str)],
    body: &Value,
) -> Vec<String> {
    match decode::<R>(path, query, body) {
        Ok(_) => Vec::new(),
        Err(violations) => {
            violations.iter().map(|v| format!("{}: {}", v.member, v.constraint)).collect()
        }
    }
}

pub(crate) const NONE: &[(&str, &str)] = &[];
const FOLDER: &[(&str, &str)] = &[("FolderId", "f1")];
pub(crate) const VERSION: &[(&str, &str)] = &[("DocumentId", "d1"), ("VersionId", "v1")];

#[test]
fn a_user_is_created_from_everything_the_body_says() {
    let body = json!({
        "OrganizationId": "d-9f3a61c04b",
        "Username": "ann.lee+x@example.com",
        "EmailAddress": "ann@example.com",
        "GivenName": "Ann",
        "Surname": "Lee",
        "Password": "correct horse",
        "TimeZoneId": "Europe/Berlin",
        "StorageRule": {"StorageType": "QUOTA", "StorageAllocatedInBytes": 1_048_576, "x": []},
        "Unknown": {"a": 1},
    });
    let request: CreateUserRequest = decode(NONE, &[("unknown", "1")], &body).unwrap();
    assert_eq!(request.organization_id.unwrap().as_str(), "d-9f3a61c04b");
    assert_eq!(request.username.as_str(), "ann.lee+x@example.com");
    assert_eq!(request.email_address.unwrap().as_str(), "ann@example.com");
    assert_eq!((request.given_name.as_str(), request.surname.as_str()), ("Ann", "Lee"));
    assert_eq!(request.password.as_str(), "correct horse");
    assert_eq!(request.time_zone_id.unwrap().as_str(), "Europe/Berlin");
    let rule = request.storage_rule.unwrap();
    assert_eq!(rule.storage_type, Some(StorageType::Quota));
    assert_eq!(rule.storage_allocated_in_bytes, Some(1_048_576));
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let body = json!({
        "OrganizationId": "no blanks",
        "Username": 7,
        "GivenName": "",
        "Surname": null,
        "Password": "abc",
        "StorageRule": {"StorageAllocatedInBytes": -1, "StorageType": "quota"},
    });
    let violations = decode::<CreateUserRequest>(NONE, NONE, &body).unwrap_err();
    assert_eq!(
        violations.members().collect::<Vec<_>>(),
        [
            "OrganizationId",
            "Username",
            "GivenName",
            "Surname",
            "Password",
            "StorageRule.StorageAllocatedInBytes",
            "StorageRule.StorageType",
        ]
    );
    assert_eq!(
        violations.message(),
        "7 validation errors detected: \
         Value at 'OrganizationId' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: [&\\w+-.@]+; \
         Value at 'Username' failed to satisfy constraint: Member must be a string; \
         Value at 'GivenName' failed to satisfy constraint: \
         Member must have length greater than or equal to 1; \
         Value at 'Surname' failed to satisfy constraint: Member must not be null; \
         Value at 'Password' failed to satisfy constraint: \
         Member must have length greater than or equal to 4; \
         Value at 'StorageRule.StorageAllocatedInBytes' failed to satisfy constraint: \
         Member must have value greater than or equal to 0; \
         Value at 'StorageRule.StorageType' failed to satisfy constraint: \
         Member must satisfy enum value set: [UNLIMITED, QUOTA]"
    );
}

#[test]
fn what_is_required_has_to_be_there_even_without_a_body() {
    let input = Input { path: &[], query: &[], body: None };
    let members = |violations: Violations| violations.members().collect::<Vec<_>>().join(" ");
    assert_eq!(
        CreateUserRequest::decode(&input).map_err(members),
        Err("Username GivenName Surname Password".to_owned())
    );
    assert_eq!(
        CreateFolderRequest::decode(&input).map_err(members),
        Err("ParentFolderId".to_owned())
    );
    assert_eq!(
        UpdateDocumentVersionRequest::decode(&input).map_err(members),
        Err("DocumentId VersionId".to_owned())
    );
    assert!(InitiateDocumentVersionUploadRequest::decode(&input).is_ok());
}

#[test]
fn null_is_the_same_as_nothing() {
    let body = json!({"ParentFolderId": "f1", "Name": null});
    let request: CreateFolderRequest = decode(NONE, NONE, &body).unwrap();
    assert_eq!(request.name, None);
    let body = json!({"StorageRule": null, "Type": null});
    let request: UpdateUserRequest = decode(&[("UserId", "u&1")], NONE, &body).unwrap();
    assert_eq!((request.storage_rule, request.user_type), (None, None));
}

#[test]
fn a_member_of_the_wrong_json_type_is_named() {
    let body = json!({"Name": ["a"], "ParentFolderId": {"a": 1}});
    assert_eq!(
        wrong::<CreateFolderRequest>(NONE, NONE, &body),
        ["Name: Member must be a string", "ParentFolderId: Member must be a string"]
    );
    let body = json!({"StorageRule": "QUOTA", "GrantPoweruserPrivileges": true});
    assert_eq!(
        wrong::<UpdateUserRequest>(&[("UserId", "u")], NONE, &body),
        [
            "StorageRule: Member must be an object",
            "GrantPoweruserPrivileges: Member must be a string"
        ]
    );
}

#[test]
fn a_folders_contents_are_asked_for_in_the_query_string() {
    let query = [
        ("sort", "DATE"),
        ("order", "DESCENDING"),
        ("limit", "999"),
        ("marker", "m"),
        ("type", "DOCUMENT"),
        ("include", "INITIALIZED"),
        ("Limit", "0"),
    ];
    let request: DescribeFolderContentsRequest = decode(FOLDER, &query, &json!({})).unwrap();
    assert_eq!(request.folder_id.as_str(), "f1");
    assert_eq!(request.sort, Some(ResourceSortType::Date));
    assert_eq!(request.order, Some(OrderType::Descending));
    assert_eq!(request.limit.map(LimitType::get), Some(999));
    assert_eq!(request.marker.as_ref().map(PageMarkerType::as_str), Some("m"));
    assert_eq!(request.content_type, Some(FolderContentType::Document));
    assert_eq!(request.include.unwrap().as_str(), "INITIALIZED");
}

#[test]
fn a_parameter_given_twice_is_refused_even_if_it_says_the_same() {
    let query = [("limit", "1"), ("limit", "1"), ("marker", ""), ("sort", "name")];
    assert_eq!(
        wrong::<DescribeFolderContentsRequest>(FOLDER, &query, &json!({})),
        [
            "Sort: Member must satisfy enum value set: [DATE, NAME]",
            "Limit: Member must not be given more than once",
            "Marker: Member must have length greater than or equal to 1",
        ]
    );
    let unknown_twice = [("x", "1"), ("x", "2")];
    assert!(wrong::<DescribeFolderContentsRequest>(FOLDER, &unknown_twice, &json!({})).is_empty());
}

#[test]
fn query_and_body_do_not_stand_in_for_each_other() {
    let request: GetFolderRequest =
        decode(FOLDER, NONE, &json!({"IncludeCustomMetadata": true})).unwrap();
    assert_eq!(request.include_custom_metadata, None);
    let given = [("includeCustomMetadata", "true")];
    let request: GetFolderRequest = decode(FOLDER, &given, &json!({})).unwrap();
    assert_eq!(request.include_custom_metadata, Some(true));
    assert_eq!(
        wrong::<CreateFolderRequest>(NONE, &[("ParentFolderId", "f1")], &json!({})),
        ["ParentFolderId: Member must not be null"]
    );
}

#[test]
fn users_are_asked_for_in_the_query_string() {
    let query = [
        ("organizationId", "d-1"),
        ("userIds", "S-1&d-1,S-2&d-1"),
        ("query", "Ma J"),
        ("include", "ALL"),
        ("order", "ASCENDING"),
        ("sort", "STORAGE_USED"),
        ("marker", "m"),
        ("limit", "1"),
        ("fields", "STORAGE_METADATA"),
    ];
    let request: DescribeUsersRequest = decode(NONE, &query, &json!({})).unwrap();
    assert_eq!(request.user_ids.unwrap().as_str(), "S-1&d-1,S-2&d-1");
    assert_eq!(request.query.unwrap().as_str(), "Ma J");
    assert_eq!(request.sort, Some(UserSortType::StorageUsed));
    assert_eq!(request.fields.unwrap().as_str(), "STORAGE_METADATA");
    let empty: DescribeUsersRequest = decode(NONE, NONE, &json!({})).unwrap();
    assert_eq!((empty.organization_id, empty.limit), (None, None));
}

#[test]
fn an_upload_begins_with_times_and_a_size() {
    let body = json!({
        "Name": "plan 😀.txt",
        "ParentFolderId": "f1",
        "ContentCreatedTimestamp": 1_534_450_467.622,
        "ContentModifiedTimestamp": 1_534_450_467,
        "ContentType": "text/plain",
        "DocumentSizeInBytes": 0,
    });
    let request: InitiateDocumentVersionUploadRequest = decode(NONE, NONE, &body).unwrap();
    assert_eq!(request.content_created_timestamp.unwrap().as_millis(), 1_534_450_467_622);
    assert_eq!(request.content_modified_timestamp.unwrap().as_millis(), 1_534_450_467_000);
    assert_eq!(request.document_size_in_bytes.map(SizeType::get), Some(0));
    assert_eq!(request.id, None);

    let body = json!({
        "Name": "a\u{202e}b",
        "DocumentSizeInBytes": -1,
        "ContentCreatedTimestamp": "2026-11-22T23:26:17Z",
        "ContentModifiedTimestamp": 1e300,
    });
    let violations = decode::<InitiateDocumentVersionUploadRequest>(NONE, NONE, &body).unwrap_err();
    assert_eq!(
        violations.members().collect::<Vec<_>>(),
        ["Name", "ContentCreatedTimestamp", "ContentModifiedTimestamp", "DocumentSizeInBytes"]
    );
}

#[test]
fn a_version_is_made_active_and_nothing_else() {
    let request: UpdateDocumentVersionRequest =
        decode(VERSION, NONE, &json!({"VersionStatus": "ACTIVE"})).unwrap();
    assert_eq!(request.version_status, Some(DocumentVersionStatus::Active));
    assert_eq!((request.document_id.as_str(), request.version_id.as_str()), ("d1", "v1"));
    assert_eq!(
        wrong::<UpdateDocumentVersionRequest>(VERSION, NONE, &json!({"VersionStatus": "active"})),
        ["VersionStatus: Member must satisfy enum value set: [ACTIVE]"]
    );
}

#[test]
fn a_user_is_changed_by_what_the_body_names() {
    let body = json!({"Type": "POWERUSER", "Locale": "zh_CN", "GrantPoweruserPrivileges": "TRUE"});
    let request: UpdateUserRequest = decode(&[("UserId", "S-1&d-1")], NONE, &body).unwrap();
    assert_eq!(request.user_id.as_str(), "S-1&d-1");
    assert_eq!(request.user_type, Some(UserType::PowerUser));
    assert_eq!(request.locale.map(docharbor_wire::LocaleType::as_str), Some("zh_CN"));
    assert_eq!(request.given_name, None);
}

#[test]
fn a_folder_is_renamed_moved_and_given_a_state_in_one_request() {
    let body = json!({"Name": "secret", "ParentFolderId": "f2", "ResourceState": "RECYCLED"});
    let request: UpdateFolderRequest = decode(FOLDER, NONE, &body).unwrap();
    assert_eq!(request.name.as_ref().unwrap().as_str(), "secret");
    assert_eq!(request.parent_folder_id.as_ref().unwrap().as_str(), "f2");
    assert_eq!(request.resource_state, Some(ResourceStateType::Recycled));
    assert!(!format!("{request:?}").contains("secret"));
    let body = json!({"Name": "", "ParentFolderId": 1, "ResourceState": "GONE"});
    let state = "Member must satisfy enum value set: [ACTIVE, RESTORING, RECYCLING, RECYCLED]";
    assert_eq!(
        wrong::<UpdateDocumentRequest>(&VERSION[..1], NONE, &body),
        [
            "Name: Member must have length greater than or equal to 1",
            "ParentFolderId: Member must be a string",
            &format!("ResourceState: {state}"),
        ]
    );
}

#[test]
fn what_is_shared_is_asked_for_in_the_query_string() {
    let query = [
        ("userId", "S-1&d-1"),
        ("collectionType", "SHARED_WITH_ME"),
        ("limit", "5"),
        ("marker", "m"),
    ];
    let request: GetResourcesRequest = decode(NONE, &query, &json!({})).unwrap();
    assert_eq!(request.user_id.unwrap().as_str(), "S-1&d-1");
    assert_eq!(request.collection_type, Some(ResourceCollectionType::SharedWithMe));
    assert_eq!((request.limit.map(LimitType::get), request.marker.is_some()), (Some(5), true));
    assert!(wrong::<GetResourcesRequest>(NONE, NONE, &json!({})).is_empty());

    let resource = [("ResourceId", "r1"), ("PrincipalId", "S-1&d-1")];
    let request: RemoveResourcePermissionRequest =
        decode(&resource, &[("type", "ORGANIZATION")], &json!({})).unwrap();
    assert_eq!(request.principal_type, Some(PrincipalType::Organization));
    let query = [("principalId", "a b"), ("limit", "1000"), ("marker", "")];
    assert_eq!(
        wrong::<DescribeResourcePermissionsRequest>(&resource, &query, &json!({})),
        [
            "PrincipalId: Member must satisfy regular expression pattern: [&\\w+-.@]+",
            "Limit: Member must have value less than or equal to 999",
            "Marker: Member must have length greater than or equal to 1",
        ]
    );
    let found = wrong::<DescribeCommentsRequest>(VERSION, &[("marker", "\u{100}")], &json!({}));
    assert_eq!(
        found,
        ["Marker: Member must satisfy regular expression pattern: [\\u0000-\\u00FF]+"]
    );
}

/// Decodes a request whose path is right, and one whose every path member is wrong.
fn reads_its_path<R: Request>() {
    let names: Vec<_> = R::OPERATION
        .path()
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .collect();
    let right: Vec<_> = names.iter().map(|name| (*name, "id-1")).collect();
    assert!(decode::<R>(&right, NONE, &json!({})).is_ok(), "{:?}", R::OPERATION);
    let slashes: Vec<_> = names.iter().map(|name| (*name, "../secret")).collect();
    let violations = decode::<R>(&slashes, NONE, &json!({})).err().unwrap();
    assert_eq!(violations.members().collect::<Vec<_>>(), names, "{:?}", R::OPERATION);
    assert!(!violations.message().contains("secret"));
    assert_eq!(decode::<R>(NONE, NONE, &json!({})).err().unwrap().len(), names.len());
}

#[test]
fn every_member_of_every_path_is_read_and_held_to_its_constraint() {
    reads_its_path::<AbortDocumentVersionUploadRequest>();
    reads_its_path::<ActivateUserRequest>();
    reads_its_path::<DeactivateUserRequest>();
    reads_its_path::<DeleteDocumentRequest>();
    reads_its_path::<DeleteFolderRequest>();
    reads_its_path::<DeleteUserRequest>();
    reads_its_path::<DescribeDocumentVersionsRequest>();
    reads_its_path::<DescribeFolderContentsRequest>();
    reads_its_path::<GetDocumentPathRequest>();
    reads_its_path::<GetDocumentRequest>();
    reads_its_path::<GetDocumentVersionRequest>();
    reads_its_path::<GetFolderPathRequest>();
    reads_its_path::<GetFolderRequest>();
    reads_its_path::<DeleteCommentRequest>();
    reads_its_path::<DeleteCustomMetadataRequest>();
    reads_its_path::<DeleteFolderContentsRequest>();
    reads_its_path::<DeleteLabelsRequest>();
    reads_its_path::<DescribeCommentsRequest>();
    reads_its_path::<DescribeResourcePermissionsRequest>();
    reads_its_path::<RemoveAllResourcePermissionsRequest>();
    reads_its_path::<RemoveResourcePermissionRequest>();
    reads_its_path::<RestoreDocumentVersionsRequest>();
    reads_its_path::<UpdateDocumentRequest>();
    reads_its_path::<UpdateFolderRequest>();
    reads_its_path::<UpdateDocumentVersionRequest>();
    reads_its_path::<UpdateUserRequest>();
    assert_eq!(UpdateUserRequest::OPERATION, Operation::UpdateUser);
}

#[test]
fn nothing_sensitive_shows_in_debug_output() {
    let body = json!({
        "Username": "secret.user", "GivenName": "secret-given", "Surname": "secret-surname",
        "Password": "secret-password", "EmailAddress": "secret@example.com",
    });
    let request: CreateUserRequest = decode(NONE, NONE, &body).unwrap();
    let body = json!({"Name": "secret-name", "ParentFolderId": "f1"});
    let folder: CreateFolderRequest = decode(NONE, NONE, &body).unwrap();
    let query = [("secret-query".to_owned(), "secret".to_owned())];
    let input = Input { path: &[], query: &query, body: body.as_object() };
    let shown = format!("{request:?} {folder:?} {input:?}");
    assert!(!shown.contains("secret"), "{shown}");
    assert!(shown.contains("ResourceIdType(\"f1\")"));
}
