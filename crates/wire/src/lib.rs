//! The WorkDocs protocol as data: operations, shapes, constraints, error codes.
//!
//! Nothing here knows what an operation does. Every table is held to the official service model
//! by `cargo xtask check-model`.

mod activities;
mod body;
mod collection;
mod comments;
mod custom_metadata;
mod documents;
mod enumeration;
mod errors;
mod folders;
mod groups;
mod labels;
mod notifications;
mod number;
mod operations;
mod patterns;
mod permissions;
mod query;
mod request;
mod resources;
mod search;
pub mod shape;
mod structure;
mod text;
mod time;
mod users;
mod violation;

pub use activities::{
    Activity, CommentMetadata, DescribeActivitiesRequest, DescribeActivitiesResponse, Participants,
    ResourceMetadata, UserActivities, UserMetadata, UserMetadataList,
};
pub use body::{BodyError, DEPTH_MAX, parse_body};
pub use comments::{
    Comment, CommentList, CreateCommentRequest, CreateCommentResponse, DeleteCommentRequest,
    DescribeCommentsRequest, DescribeCommentsResponse,
};
pub use custom_metadata::{
    CreateCustomMetadataRequest, CreateCustomMetadataResponse, CustomMetadataKeyList,
    CustomMetadataMap, DeleteCustomMetadataRequest, DeleteCustomMetadataResponse,
};
pub use documents::{
    AbortDocumentVersionUploadRequest, DeleteDocumentRequest, DeleteDocumentVersionRequest,
    DescribeDocumentVersionsRequest, DescribeDocumentVersionsResponse, DocumentMetadata,
    DocumentMetadataList, DocumentSourceUrlMap, DocumentThumbnailUrlMap, DocumentVersionMetadata,
    DocumentVersionMetadataList, GetDocumentPathRequest, GetDocumentPathResponse,
    GetDocumentRequest, GetDocumentResponse, GetDocumentVersionRequest, GetDocumentVersionResponse,
    InitiateDocumentVersionUploadRequest, InitiateDocumentVersionUploadResponse,
    RestoreDocumentVersionsRequest, SignedHeaderMap, UpdateDocumentRequest,
    UpdateDocumentVersionRequest, UploadMetadata,
};
pub use enumeration::{
    ActivityType, AdditionalResponseFieldType, BooleanEnumType, CommentStatusType,
    CommentVisibilityType, ContentCategoryType, DocumentSourceType, DocumentStatusType,
    DocumentThumbnailType, DocumentVersionStatus, FolderContentType, LanguageCodeType, LocaleType,
    OrderByFieldType, OrderType, PrincipalRoleType, PrincipalType, ResourceCollectionType,
    ResourceSortType, ResourceStateType, ResourceType, ResponseItemType, RolePermissionType,
    RoleType, SearchCollectionType, SearchQueryScopeType, SearchResourceType, ShareStatusType,
    SortOrder, StorageType, SubscriptionProtocolType, SubscriptionType, UserFilterType,
    UserSortType, UserStatusType, UserType,
};
pub use errors::{ErrorBody, ErrorCode};
pub use folders::{
    CreateFolderRequest, CreateFolderResponse, DeleteFolderContentsRequest, DeleteFolderRequest,
    DescribeFolderContentsRequest, DescribeFolderContentsResponse, DescribeRootFoldersRequest,
    DescribeRootFoldersResponse, FolderMetadata, FolderMetadataList, GetFolderPathRequest,
    GetFolderPathResponse, GetFolderRequest, GetFolderResponse, ResourcePath,
    ResourcePathComponent, ResourcePathComponentList, UpdateFolderRequest,
};
pub use groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, GroupMetadata, GroupMetadataList, GroupNameType,
};
pub use labels::{
    CreateLabelsRequest, CreateLabelsResponse, DeleteLabelsRequest, DeleteLabelsResponse,
    SharedLabels,
};
pub use notifications::{
    CreateNotificationSubscriptionRequest, CreateNotificationSubscriptionResponse,
    DeleteNotificationSubscriptionRequest, DescribeNotificationSubscriptionsRequest,
    DescribeNotificationSubscriptionsResponse, Subscription, SubscriptionList,
};
pub use number::{
    BooleanType, LimitType, LongType, PositiveIntegerType, PositiveSizeType,
    SearchResultsLimitType, SizeType,
};
pub use operations::{Operation, Scope};
pub use permissions::{
    AddResourcePermissionsRequest, AddResourcePermissionsResponse,
    DescribeResourcePermissionsRequest, DescribeResourcePermissionsResponse, NotificationOptions,
    PermissionInfo, PermissionInfoList, Principal, PrincipalList,
    RemoveAllResourcePermissionsRequest, RemoveResourcePermissionRequest, SharePrincipal,
    SharePrincipalList, ShareResult, ShareResultsList,
};
pub use query::{decode_path_segment, decode_query};
pub use request::{Input, Request};
pub use resources::{GetResourcesRequest, GetResourcesResponse};
pub use search::{
    AdditionalResponseFieldsList, DateRangeType, Filters, LongRangeType, ResponseItem,
    ResponseItemsList, SearchAncestorIdList, SearchCollectionTypeList,
    SearchContentCategoryTypeList, SearchLabelList, SearchPrincipalRoleList, SearchPrincipalType,
    SearchPrincipalTypeList, SearchQueryScopeTypeList, SearchResourceTypeList,
    SearchResourcesRequest, SearchResourcesResponse, SearchResultSortList, SearchSortResult,
    TextLocaleTypeList,
};
pub use text::{
    ActivityNamesFilterType, AuthenticationHeaderType, CommentIdType, CommentTextType,
    CustomMetadataKeyType, CustomMetadataValueType, DocumentContentType, DocumentVersionIdType,
    EmailAddressType, FieldNamesType, HashType, HeaderNameType, HeaderValueType, IdType,
    MarkerType, MessageType, NextMarkerType, PageMarkerType, PasswordType, ResourceIdType,
    ResourceNameType, ResponseItemWebUrl, SearchAncestorId, SearchLabel, SearchMarkerType,
    SearchQueryType, SharedLabel, SubscriptionEndPointType, TimeZoneIdType, UrlType,
    UserAttributeValueType, UserIdsType, UsernameType,
};
pub use time::{EpochSeconds, TimestampType};
pub use users::{
    ActivateUserRequest, ActivateUserResponse, CreateUserRequest, CreateUserResponse,
    DeactivateUserRequest, DeleteUserRequest, DescribeUsersRequest, DescribeUsersResponse,
    GetCurrentUserRequest, GetCurrentUserResponse, OrganizationUserList, StorageRuleType,
    UpdateUserRequest, UpdateUserResponse, User, UserStorageMetadata,
};
pub use violation::{Violation, Violations};

/// The shapes that an operation exchanges, for those operations that have a decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The operation.
    pub operation: Operation,
    /// The name of its request's shape.
    pub request: &'static str,
    /// The name of its answer's shape, if it answers with a body.
    pub response: Option<&'static str>,
}

/// Every shape that this crate implements.
pub fn shapes() -> impl Iterator<Item = &'static shape::Shape> {
    [
        text::SHAPES,
        number::SHAPES,
        enumeration::SHAPES,
        time::SHAPES,
        users::COLLECTIONS,
        users::STRUCTURES,
        users::REQUESTS,
        folders::COLLECTIONS,
        folders::STRUCTURES,
        folders::REQUESTS,
        groups::TEXTS,
        groups::COLLECTIONS,
        groups::STRUCTURES,
        groups::REQUESTS,
        documents::COLLECTIONS,
        documents::STRUCTURES,
        documents::REQUESTS,
        permissions::COLLECTIONS,
        permissions::REQUEST_STRUCTURES,
        permissions::STRUCTURES,
        permissions::REQUESTS,
        resources::STRUCTURES,
        resources::REQUESTS,
        search::COLLECTIONS,
        search::REQUEST_STRUCTURES,
        search::STRUCTURES,
        search::REQUESTS,
        labels::COLLECTIONS,
        labels::STRUCTURES,
        labels::REQUESTS,
        custom_metadata::COLLECTIONS,
        custom_metadata::STRUCTURES,
        custom_metadata::REQUESTS,
        activities::COLLECTIONS,
        activities::STRUCTURES,
        activities::REQUESTS,
        comments::COLLECTIONS,
        comments::STRUCTURES,
        comments::REQUESTS,
        notifications::COLLECTIONS,
        notifications::STRUCTURES,
        notifications::REQUESTS,
    ]
    .into_iter()
    .flatten()
}

/// What every operation with a decoder exchanges.
pub fn exchanges() -> impl Iterator<Item = &'static Exchange> {
    [
        users::EXCHANGES,
        folders::EXCHANGES,
        groups::EXCHANGES,
        documents::EXCHANGES,
        permissions::EXCHANGES,
        resources::EXCHANGES,
        search::EXCHANGES,
        labels::EXCHANGES,
        custom_metadata::EXCHANGES,
        activities::EXCHANGES,
        comments::EXCHANGES,
        notifications::EXCHANGES,
    ]
    .into_iter()
    .flatten()
}
