//! Custom metadata: its map, requests and answers.

use crate::collection::{collections, decoded_collections};
use crate::number::BooleanType;
use crate::structure::{requests, structures};
use crate::text::{
    CustomMetadataKeyType, CustomMetadataValueType, DocumentVersionIdType, ResourceIdType,
};

collections! {
    /// Custom metadata of a folder, document or version.
    map CustomMetadataMap of CustomMetadataKeyType to CustomMetadataValueType, [1] [8];
    /// Keys of custom metadata.
    list CustomMetadataKeyList of CustomMetadataKeyType, [] [8];
}

decoded_collections! {
    map CustomMetadataMap of CustomMetadataKeyType to CustomMetadataValueType;
    list CustomMetadataKeyList of CustomMetadataKeyType;
}

structures! {
    /// The answer to `CreateCustomMetadata`.
    CreateCustomMetadataResponse {}
    /// The answer to `DeleteCustomMetadata`.
    DeleteCustomMetadataResponse {}
}

requests! {
    CreateCustomMetadata(CreateCustomMetadataRequest) -> CreateCustomMetadataResponse {
        /// The folder or document.
        resource_id: ResourceIdType, required uri "ResourceId";
        /// The version of the document, if that is meant.
        version_id: DocumentVersionIdType, optional query "VersionId" as "versionid";
        /// The entries to set.
        custom_metadata: CustomMetadataMap, required body "CustomMetadata";
    }
    DeleteCustomMetadata(DeleteCustomMetadataRequest) -> DeleteCustomMetadataResponse {
        /// The folder or document.
        resource_id: ResourceIdType, required uri "ResourceId";
        /// The version of the document, if that is meant.
        version_id: DocumentVersionIdType, optional query "VersionId" as "versionId";
        /// The keys of the entries to remove.
        keys: CustomMetadataKeyList, optional query "Keys" as "keys";
        /// Whether every entry is meant.
        delete_all: BooleanType, optional query "DeleteAll" as "deleteAll";
    }
}
