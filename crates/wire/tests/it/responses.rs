//! Answers are written with the model's names, and without what there is not.

use std::collections::BTreeMap;

use docharbor_wire::{
    AddResourcePermissionsResponse, Comment, CommentStatusType, CommentVisibilityType,
    CreateCommentResponse, CreateCustomMetadataResponse, CreateLabelsResponse, CreateUserResponse,
    DeleteCustomMetadataResponse, DeleteLabelsResponse, DescribeCommentsResponse,
    DescribeDocumentVersionsResponse, DescribeFolderContentsResponse,
    DescribeResourcePermissionsResponse, DescribeUsersResponse, DocumentMetadata,
    DocumentSourceType, DocumentStatusType, DocumentVersionMetadata, EpochSeconds, FolderMetadata,
    GetFolderPathResponse, GetFolderResponse, GetResourcesResponse,
    InitiateDocumentVersionUploadResponse, LocaleType, PermissionInfo, Principal, PrincipalType,
    ResourcePath, ResourcePathComponent, ResourceStateType, RolePermissionType, RoleType,
    ShareResult, ShareStatusType, StorageRuleType, StorageType, UploadMetadata, User,
    UserStatusType, UserStorageMetadata, UserType,
};
use serde::Serialize;
use serde_json::{Value, json};

fn written(answer: &impl Serialize) -> Value {
    serde_json::to_value(answer).unwrap()
}

fn bare_folder() -> FolderMetadata {
    FolderMetadata {
        id: "f1".to_owned(),
        name: None,
        creator_id: None,
        parent_folder_id: None,
        created_timestamp: None,
        modified_timestamp: None,
        resource_state: None,
        signature: None,
        labels: Vec::new(),
        size: None,
        latest_version_size: None,
    }
}

fn version() -> DocumentVersionMetadata {
    DocumentVersionMetadata {
        id: "v1".to_owned(),
        name: Some("secret 😀".to_owned()),
        content_type: Some("text/plain".to_owned()),
        size: Some(0),
        signature: None,
        status: Some(DocumentStatusType::Initialized),
        created_timestamp: Some(EpochSeconds::from_millis(1_534_450_467_622)),
        modified_timestamp: Some(EpochSeconds::from_millis(1_534_450_468_000)),
        content_created_timestamp: None,
        content_modified_timestamp: None,
        creator_id: Some("u1".to_owned()),
        thumbnail: BTreeMap::new(),
        source: BTreeMap::from([(DocumentSourceType::Original, "http://x/secret".to_owned())]),
    }
}

fn document() -> DocumentMetadata {
    DocumentMetadata {
        id: "d1".to_owned(),
        creator_id: Some("u1".to_owned()),
        parent_folder_id: Some("f1".to_owned()),
        created_timestamp: Some(EpochSeconds::from_millis(1)),
        modified_timestamp: Some(EpochSeconds::from_millis(2000)),
        latest_version_metadata: Some(version()),
        resource_state: Some(ResourceStateType::Active),
        labels: vec!["blue".to_owned()],
    }
}

fn version_json() -> Value {
    json!({
        "Id": "v1",
        "Name": "secret 😀",
        "ContentType": "text/plain",
        "Size": 0,
        "Status": "INITIALIZED",
        "CreatedTimestamp": 1_534_450_467.622,
        "ModifiedTimestamp": 1_534_450_468,
        "CreatorId": "u1",
        "Source": {"ORIGINAL": "http://x/secret"},
    })
}

fn document_json() -> Value {
    json!({
        "Id": "d1",
        "CreatorId": "u1",
        "ParentFolderId": "f1",
        "CreatedTimestamp": 0.001,
        "ModifiedTimestamp": 2,
        "LatestVersionMetadata": version_json(),
        "ResourceState": "ACTIVE",
        "Labels": ["blue"],
    })
}

#[test]
fn what_there_is_not_is_left_out() {
    let mut answer =
        GetFolderResponse { metadata: bare_folder(), custom_metadata: BTreeMap::new() };
    assert_eq!(written(&answer), json!({"Metadata": {"Id": "f1"}}));
    answer.custom_metadata.insert("key".to_owned(), "value".to_owned());
    answer.metadata.name = Some("/".to_owned());
    answer.metadata.size = Some(7);
    answer.metadata.latest_version_size = Some(3);
    answer.metadata.resource_state = Some(ResourceStateType::Recycled);
    answer.metadata.signature = Some("00".to_owned());
    assert_eq!(
        written(&answer),
        json!({
            "Metadata": {
                "Id": "f1", "Name": "/", "Size": 7, "LatestVersionSize": 3,
                "ResourceState": "RECYCLED", "Signature": "00",
            },
            "CustomMetadata": {"key": "value"},
        })
    );
}

#[test]
fn lists_that_programs_iterate_over_are_there_even_when_empty() {
    let contents =
        DescribeFolderContentsResponse { folders: Vec::new(), documents: Vec::new(), marker: None };
    assert_eq!(written(&contents), json!({"Folders": [], "Documents": []}));
    let versions = DescribeDocumentVersionsResponse { document_versions: Vec::new(), marker: None };
    assert_eq!(written(&versions), json!({"DocumentVersions": []}));
    let users =
        DescribeUsersResponse { users: Vec::new(), total_number_of_users: Some(0), marker: None };
    assert_eq!(written(&users), json!({"Users": [], "TotalNumberOfUsers": 0}));
    let path = GetFolderPathResponse { path: ResourcePath { components: Vec::new() } };
    assert_eq!(written(&path), json!({"Path": {"Components": []}}));
}

#[test]
fn a_page_holds_folders_documents_and_where_the_next_begins() {
    let contents = DescribeFolderContentsResponse {
        folders: vec![bare_folder()],
        documents: vec![document()],
        marker: Some("m".to_owned()),
    };
    assert_eq!(
        written(&contents),
        json!({"Folders": [{"Id": "f1"}], "Documents": [document_json()], "Marker": "m"})
    );
}

#[test]
fn an_upload_begins_with_where_to_send_what() {
    let answer = InitiateDocumentVersionUploadResponse {
        metadata: document(),
        upload_metadata: UploadMetadata {
            upload_url: "http://x/put".to_owned(),
            signed_headers: BTreeMap::from([("Content-Type".to_owned(), "text/plain".to_owned())]),
        },
    };
    assert_eq!(
        written(&answer),
        json!({
            "Metadata": document_json(),
            "UploadMetadata": {
                "UploadUrl": "http://x/put",
                "SignedHeaders": {"Content-Type": "text/plain"},
            },
        })
    );
}

#[test]
fn a_path_has_names_where_they_were_asked_for() {
    let component = |id: &str, name: Option<&str>| ResourcePathComponent {
        id: id.to_owned(),
        name: name.map(ToOwned::to_owned),
    };
    let path = ResourcePath { components: vec![component("r", Some("/")), component("f", None)] };
    assert_eq!(written(&path), json!({"Components": [{"Id": "r", "Name": "/"}, {"Id": "f"}]}));
}

fn ann() -> User {
    User {
        id: Some("S-1&d-1".to_owned()),
        username: Some("secret".to_owned()),
        email_address: Some("secret@example.com".to_owned()),
        given_name: Some("Ann".to_owned()),
        surname: Some("Lee".to_owned()),
        organization_id: Some("d-1".to_owned()),
        root_folder_id: Some("r".to_owned()),
        recycle_bin_folder_id: Some("b".to_owned()),
        status: Some(UserStatusType::Active),
        user_type: Some(UserType::MinimalUser),
        created_timestamp: Some(EpochSeconds::from_millis(1_500)),
        modified_timestamp: None,
        time_zone_id: Some("UTC".to_owned()),
        locale: Some(LocaleType::PortugueseBrazil),
        storage: Some(UserStorageMetadata {
            storage_utilized_in_bytes: Some(1),
            storage_rule: Some(StorageRuleType {
                storage_allocated_in_bytes: None,
                storage_type: Some(StorageType::Unlimited),
            }),
        }),
    }
}

#[test]
fn a_user_is_written_whole() {
    assert_eq!(
        written(&CreateUserResponse { user: ann() }),
        json!({"User": {
            "Id": "S-1&d-1",
            "Username": "secret",
            "EmailAddress": "secret@example.com",
            "GivenName": "Ann",
            "Surname": "Lee",
            "OrganizationId": "d-1",
            "RootFolderId": "r",
            "RecycleBinFolderId": "b",
            "Status": "ACTIVE",
            "Type": "MINIMALUSER",
            "CreatedTimestamp": 1.5,
            "TimeZoneId": "UTC",
            "Locale": "pt_BR",
            "Storage": {
                "StorageUtilizedInBytes": 1,
                "StorageRule": {"StorageType": "UNLIMITED"},
            },
        }})
    );
}

#[test]
fn an_answer_does_not_show_in_debug_output() {
    let shown = format!("{:?} {:?} {:?}", ann(), version(), document());
    assert!(!shown.contains("secret"), "{shown}");
    assert!(shown.starts_with("User { .. }"), "{shown}");
}

#[test]
fn answers_that_say_nothing_are_empty_objects() {
    assert_eq!(written(&CreateLabelsResponse {}), json!({}));
    assert_eq!(written(&DeleteLabelsResponse {}), json!({}));
    assert_eq!(written(&CreateCustomMetadataResponse {}), json!({}));
    assert_eq!(written(&DeleteCustomMetadataResponse {}), json!({}));
}

#[test]
fn who_has_which_role_is_written_with_where_it_comes_from() {
    let role = |role, permission_type| PermissionInfo { role, permission_type };
    let answer = DescribeResourcePermissionsResponse {
        principals: vec![Principal {
            id: "u1".to_owned(),
            principal_type: PrincipalType::User,
            roles: vec![
                role(RoleType::CoOwner, RolePermissionType::Direct),
                role(RoleType::Viewer, RolePermissionType::Inherited),
            ],
        }],
        marker: None,
    };
    assert_eq!(
        written(&answer),
        json!({"Principals": [{"Id": "u1", "Type": "USER", "Roles": [
            {"Role": "COOWNER", "Type": "DIRECT"}, {"Role": "VIEWER", "Type": "INHERITED"},
        ]}]})
    );
}

#[test]
fn every_share_says_what_became_of_it() {
    let share = ShareResult {
        principal_id: "bob@example.com".to_owned(),
        invitee_principal_id: Some("u2".to_owned()),
        role: RoleType::Viewer,
        status: ShareStatusType::Success,
        share_id: "r1".to_owned(),
        status_message: String::new(),
    };
    let failed = ShareResult {
        principal_id: "u3".to_owned(),
        invitee_principal_id: None,
        status: ShareStatusType::Failure,
        status_message: "There is no such user.".to_owned(),
        ..share.clone()
    };
    let answer = AddResourcePermissionsResponse { share_results: vec![share, failed] };
    assert!(!format!("{:?}", answer.share_results).contains("example"));
    assert_eq!(
        written(&answer),
        json!({"ShareResults": [
            {
                "PrincipalId": "bob@example.com", "InviteePrincipalId": "u2", "Role": "VIEWER",
                "Status": "SUCCESS", "ShareId": "r1", "StatusMessage": "",
            },
            {
                "PrincipalId": "u3", "Role": "VIEWER", "Status": "FAILURE", "ShareId": "r1",
                "StatusMessage": "There is no such user.",
            },
        ]})
    );
}

#[test]
fn a_comment_keeps_its_id_when_its_text_is_gone() {
    let deleted = Comment {
        comment_id: "c1".to_owned(),
        parent_id: None,
        thread_id: Some("c1".to_owned()),
        text: None,
        contributor: None,
        created_timestamp: Some(EpochSeconds::from_millis(1500)),
        status: Some(CommentStatusType::Deleted),
        visibility: Some(CommentVisibilityType::Public),
        recipient_id: None,
    };
    let reply = Comment {
        comment_id: "c2".to_owned(),
        parent_id: Some("c1".to_owned()),
        text: Some("secret".to_owned()),
        status: Some(CommentStatusType::Published),
        visibility: Some(CommentVisibilityType::Private),
        recipient_id: Some("u1".to_owned()),
        ..deleted.clone()
    };
    let deleted_json = json!({
        "CommentId": "c1", "ThreadId": "c1", "CreatedTimestamp": 1.5, "Status": "DELETED",
        "Visibility": "PUBLIC",
    });
    let reply_json = json!({
        "CommentId": "c2", "ParentId": "c1", "ThreadId": "c1", "Text": "secret",
        "CreatedTimestamp": 1.5, "Status": "PUBLISHED", "Visibility": "PRIVATE",
        "RecipientId": "u1",
    });
    let answer = CreateCommentResponse { comment: reply.clone() };
    assert!(!format!("{answer:?} {reply:?}").contains("secret"));
    assert_eq!(written(&answer), json!({"Comment": reply_json}));
    let answer =
        DescribeCommentsResponse { comments: vec![deleted, reply], marker: Some("m".to_owned()) };
    assert_eq!(written(&answer), json!({"Comments": [deleted_json, reply_json], "Marker": "m"}));
}

#[test]
fn shared_resources_are_there_even_when_there_are_none() {
    let answer = GetResourcesResponse { folders: Vec::new(), documents: Vec::new(), marker: None };
    assert_eq!(written(&answer), json!({"Folders": [], "Documents": []}));
}
