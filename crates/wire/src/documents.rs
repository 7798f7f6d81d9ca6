//! Documents and versions: their shapes, requests and answers.

use crate::collection::collections;
use crate::custom_metadata::CustomMetadataMap;
use crate::enumeration::{
    DocumentSourceType, DocumentStatusType, DocumentThumbnailType, DocumentVersionStatus,
    ResourceStateType,
};
use crate::folders::ResourcePath;
use crate::labels::SharedLabels;
use crate::number::{BooleanType, LimitType, SizeType};
use crate::structure::{requests, structures};
use crate::text::{
    DocumentContentType, DocumentVersionIdType, FieldNamesType, HashType, HeaderNameType,
    HeaderValueType, IdType, PageMarkerType, ResourceIdType, ResourceNameType, UrlType,
};
use crate::time::TimestampType;

collections! {
    /// Documents of a folder.
    list DocumentMetadataList of DocumentMetadata, [] [];
    /// Versions of a document.
    list DocumentVersionMetadataList of DocumentVersionMetadata, [] [];
    /// Where the thumbnails of a version are.
    map DocumentThumbnailUrlMap of DocumentThumbnailType to UrlType, [] [];
    /// Where the bytes of a version are.
    map DocumentSourceUrlMap of DocumentSourceType to UrlType, [] [];
    /// The headers that an upload must send.
    map SignedHeaderMap of HeaderNameType to HeaderValueType, [] [];
}

structures! {
    /// A document.
    DocumentMetadata {
        /// The document's id.
        id: ResourceIdType, always "Id";
        /// The user who created the document.
        creator_id: IdType, optional "CreatorId";
        /// The folder it is in.
        parent_folder_id: ResourceIdType, optional "ParentFolderId";
        /// When it was created.
        created_timestamp: TimestampType, optional "CreatedTimestamp";
        /// When it was last changed.
        modified_timestamp: TimestampType, optional "ModifiedTimestamp";
        /// The latest version.
        latest_version_metadata: DocumentVersionMetadata, optional "LatestVersionMetadata";
        /// The document's state.
        resource_state: ResourceStateType, optional "ResourceState";
        /// The document's labels.
        labels: SharedLabels, filled "Labels";
    }
    /// A version of a document.
    DocumentVersionMetadata {
        /// The version's id.
        id: DocumentVersionIdType, always "Id";
        /// The name of the document.
        name: ResourceNameType, optional "Name";
        /// The media type.
        content_type: DocumentContentType, optional "ContentType";
        /// The size, in bytes.
        size: SizeType, optional "Size";
        /// The MD5 of the bytes.
        signature: HashType, optional "Signature";
        /// The version's state.
        status: DocumentStatusType, optional "Status";
        /// When it was begun.
        created_timestamp: TimestampType, optional "CreatedTimestamp";
        /// When it was last changed.
        modified_timestamp: TimestampType, optional "ModifiedTimestamp";
        /// When the content came into being, as the uploader said.
        content_created_timestamp: TimestampType, optional "ContentCreatedTimestamp";
        /// When the content was last changed, as the uploader said.
        content_modified_timestamp: TimestampType, optional "ContentModifiedTimestamp";
        /// The user who uploaded it.
        creator_id: IdType, optional "CreatorId";
        /// Where its thumbnails are.
        thumbnail: DocumentThumbnailUrlMap, filled "Thumbnail";
        /// Where its bytes are, if it was asked for.
        source: DocumentSourceUrlMap, filled "Source";
    }
    /// How the bytes of a version get here.
    UploadMetadata {
        /// Where to send them.
        upload_url: UrlType, always "UploadUrl";
        /// The headers to send with them.
        signed_headers: SignedHeaderMap, always "SignedHeaders";
    }
    /// The answer to `InitiateDocumentVersionUpload`.
    InitiateDocumentVersionUploadResponse {
        /// The document, with the version that is begun.
        metadata: DocumentMetadata, always "Metadata";
        /// How the bytes get here.
        upload_metadata: UploadMetadata, always "UploadMetadata";
    }
    /// The answer to `GetDocument`.
    GetDocumentResponse {
        /// The document.
        metadata: DocumentMetadata, always "Metadata";
        /// The document's custom metadata, where it was asked for.
        custom_metadata: CustomMetadataMap, filled "CustomMetadata";
    }
    /// The answer to `GetDocumentVersion`.
    GetDocumentVersionResponse {
        /// The version.
        metadata: DocumentVersionMetadata, always "Metadata";
        /// The version's custom metadata, where it was asked for.
        custom_metadata: CustomMetadataMap, filled "CustomMetadata";
    }
    /// The answer to `GetDocumentPath`.
    GetDocumentPathResponse {
        /// The way from the root.
        path: ResourcePath, always "Path";
    }
    /// The answer to `DescribeDocumentVersions`.
    DescribeDocumentVersionsResponse {
        /// One page of the versions.
        document_versions: DocumentVersionMetadataList, always "DocumentVersions";
        /// Where the next page begins; absent on the last one.
        marker: PageMarkerType, optional "Marker";
    }
}

requests! {
    InitiateDocumentVersionUpload(InitiateDocumentVersionUploadRequest)
        -> InitiateDocumentVersionUploadResponse
    {
        /// The document that gets a new version; absent for a new document.
        id: ResourceIdType, optional body "Id";
        /// The document's name.
        name: ResourceNameType, optional body "Name";
        /// When the content came into being.
        content_created_timestamp: TimestampType, optional body "ContentCreatedTimestamp";
        /// When the content was last changed.
        content_modified_timestamp: TimestampType, optional body "ContentModifiedTimestamp";
        /// The media type.
        content_type: DocumentContentType, optional body "ContentType";
        /// How many bytes are going to come.
        document_size_in_bytes: SizeType, optional body "DocumentSizeInBytes";
        /// The folder to create the document in.
        parent_folder_id: ResourceIdType, optional body "ParentFolderId";
    }
    AbortDocumentVersionUpload(AbortDocumentVersionUploadRequest) {
        /// The document.
        document_id: ResourceIdType, required uri "DocumentId";
        /// The version whose upload ends.
        version_id: DocumentVersionIdType, required uri "VersionId";
    }
    UpdateDocumentVersion(UpdateDocumentVersionRequest) {
        /// The document.
        document_id: ResourceIdType, required uri "DocumentId";
        /// The version.
        version_id: DocumentVersionIdType, required uri "VersionId";
        /// The version's new state.
        version_status: DocumentVersionStatus, optional body "VersionStatus";
    }
    GetDocument(GetDocumentRequest) -> GetDocumentResponse {
        /// The document.
        document_id: ResourceIdType, required uri "DocumentId";
        /// Whether the answer is to hold the custom metadata.
        include_custom_metadata: BooleanType,
            optional query "IncludeCustomMetadata" as "includeCustomMetadata";
    }
    GetDocumentVersion(GetDocumentVersionRequest) -> GetDocumentVersionResponse {
        /// The document.
        document_id: ResourceIdType, required uri "DocumentId";
        /// The version.
        version_id: DocumentVersionIdType, required uri "VersionId";
        /// What is to be said of the version beyond the usual, with commas between the words.
        fields: FieldNamesType, optional query "Fields" as "fields";
        /// Whether the answer is to hold the custom metadata.
        include_custom_metadata: BooleanType,
            optional query "IncludeCustomMetadata" as "includeCustomMetadata";
    }
    GetDocumentPath(GetDocumentPathRequest) -> GetDocumentPathResponse {
        /// The document.
        document_id: IdType, required uri "DocumentId";
        /// How many steps the path may have.
        limit: LimitType, optional query "Limit" as "limit";
        /// What is to be said of each step beyond its id, with commas between the words.
        fields: FieldNamesType, optional query "Fields" as "fields";
        /// Where the path begins.
        marker: PageMarkerType, optional query "Marker" as "marker";
    }
    DescribeDocumentVersions(DescribeDocumentVersionsRequest) -> DescribeDocumentVersionsResponse {
        /// The document.
        document_id: ResourceIdType, required uri "DocumentId";
        /// Where the page begins.
        marker: PageMarkerType, optional query "Marker" as "marker";
        /// How many versions the page may hold.
        limit: LimitType, optional query "Limit" as "limit";
        /// Which versions the list is to hold beyond the usual, with commas between the words.
        include: FieldNamesType, optional query "Include" as "include";
        /// What is to be said of each version beyond the usual, with commas between the words.
        fields: FieldNamesType, optional query "Fields" as "fields";
    }
    DeleteDocument(DeleteDocumentRequest) {
        /// The document.
        document_id: ResourceIdType, required uri "DocumentId";
    }
    UpdateDocument(UpdateDocumentRequest) {
        /// The document.
        document_id: ResourceIdType, required uri "DocumentId";
        /// The new name.
        name: ResourceNameType, optional body "Name";
        /// The folder to move it to.
        parent_folder_id: ResourceIdType, optional body "ParentFolderId";
        /// The new state.
        resource_state: ResourceStateType, optional body "ResourceState";
    }
    DeleteDocumentVersion(DeleteDocumentVersionRequest) {
        /// The document.
        document_id: ResourceIdType, required uri "DocumentId";
        /// The version.
        version_id: DocumentVersionIdType, required uri "VersionId";
        /// Whether every version before it is meant as well.
        delete_prior_versions: BooleanType,
            required query "DeletePriorVersions" as "deletePriorVersions";
    }
    RestoreDocumentVersions(RestoreDocumentVersionsRequest) {
        /// The document.
        document_id: ResourceIdType, required uri "DocumentId";
    }
}
