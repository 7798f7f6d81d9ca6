//! The WorkDocs protocol as data: operations, shapes, constraints, error codes.
//!
//! Nothing here knows what an operation does. Every table is held to the official service model
//! by `cargo xtask check-model`.

mod body;
mod documents;
mod enumeration;
mod errors;
mod folders;
mod number;
mod operations;
mod patterns;
mod query;
mod request;
pub mod shape;
mod structure;
mod text;
mod time;
mod users;
mod violation;

pub use body::{BodyError, DEPTH_MAX, parse_body};
pub use documents::{
    AbortDocumentVersionUploadRequest, CustomMetadataMap, DeleteDocumentRequest,
    DeleteDocumentVersionRequest, DescribeDocumentVersionsRequest,
    DescribeDocumentVersionsResponse, DocumentMetadata, DocumentMetadataList, DocumentSourceUrlMap,
    DocumentThumbnailUrlMap, DocumentVersionMetadata, DocumentVersionMetadataList,
    GetDocumentPathRequest, GetDocumentPathResponse, GetDocumentRequest, GetDocumentResponse,
    GetDocumentVersionRequest, GetDocumentVersionResponse, InitiateDocumentVersionUploadRequest,
    InitiateDocumentVersionUploadResponse, RestoreDocumentVersionsRequest, SharedLabels,
    SignedHeaderMap, UpdateDocumentRequest, UpdateDocumentVersionRequest, UploadMetadata,
};
pub use enumeration::{
    BooleanEnumType, DocumentSourceType, DocumentStatusType, DocumentThumbnailType,
    DocumentVersionStatus, FolderContentType, LocaleType, OrderType, ResourceSortType,
    ResourceStateType, StorageType, UserFilterType, UserSortType, UserStatusType, UserType,
};
pub use errors::{ErrorBody, ErrorCode};
pub use folders::{
    CreateFolderRequest, CreateFolderResponse, DeleteFolderContentsRequest, DeleteFolderRequest,
    DescribeFolderContentsRequest, DescribeFolderContentsResponse, FolderMetadata,
    FolderMetadataList, GetFolderPathRequest, GetFolderPathResponse, GetFolderRequest,
    GetFolderResponse, ResourcePath, ResourcePathComponent, ResourcePathComponentList,
    UpdateFolderRequest,
};
pub use number::{BooleanType, LimitType, PositiveSizeType, SizeType};
pub use operations::{Operation, Scope};
pub use query::{decode_path_segment, decode_query};
pub use request::{Input, Request};
pub use text::{
    AuthenticationHeaderType, CustomMetadataKeyType, CustomMetadataValueType, DocumentContentType,
    DocumentVersionIdType, EmailAddressType, FieldNamesType, HashType, HeaderNameType,
    HeaderValueType, IdType, PageMarkerType, PasswordType, ResourceIdType, ResourceNameType,
    SearchQueryType, SharedLabel, TimeZoneIdType, UrlType, UserAttributeValueType, UserIdsType,
    UsernameType,
};
pub use time::{EpochSeconds, TimestampType};
pub use users::{
    ActivateUserRequest, ActivateUserResponse, CreateUserRequest, CreateUserResponse,
    DeactivateUserRequest, DeleteUserRequest, DescribeUsersRequest, DescribeUsersResponse,
    OrganizationUserList, StorageRuleType, UpdateUserRequest, UpdateUserResponse, User,
    UserStorageMetadata,
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
        documents::COLLECTIONS,
        documents::STRUCTURES,
        documents::REQUESTS,
    ]
    .into_iter()
    .flatten()
}

/// What every operation with a decoder exchanges.
pub fn exchanges() -> impl Iterator<Item = &'static Exchange> {
    [users::EXCHANGES, folders::EXCHANGES, documents::EXCHANGES].into_iter().flatten()
}
