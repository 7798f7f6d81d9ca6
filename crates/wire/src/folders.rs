//! Folders and paths: their shapes, requests and answers.

use crate::collection::collections;
use crate::custom_metadata::CustomMetadataMap;
use crate::documents::DocumentMetadataList;
use crate::enumeration::{FolderContentType, OrderType, ResourceSortType, ResourceStateType};
use crate::labels::SharedLabels;
use crate::number::{BooleanType, LimitType, SizeType};
use crate::structure::{requests, structures};
use crate::text::{
    FieldNamesType, HashType, IdType, PageMarkerType, ResourceIdType, ResourceNameType,
};
use crate::time::TimestampType;

collections! {
    /// Folders of a folder.
    list FolderMetadataList of FolderMetadata, [] [];
    /// The steps of a path, the root first.
    list ResourcePathComponentList of ResourcePathComponent, [] [];
}

structures! {
    /// A folder.
    FolderMetadata {
        /// The folder's id.
        id: ResourceIdType, always "Id";
        /// The folder's name.
        name: ResourceNameType, optional "Name";
        /// The user who created the folder.
        creator_id: IdType, optional "CreatorId";
        /// The folder it is in.
        parent_folder_id: ResourceIdType, optional "ParentFolderId";
        /// When it was created.
        created_timestamp: TimestampType, optional "CreatedTimestamp";
        /// When it, or something in it, was last changed.
        modified_timestamp: TimestampType, optional "ModifiedTimestamp";
        /// The folder's state.
        resource_state: ResourceStateType, optional "ResourceState";
        /// A hash of what the folder holds.
        signature: HashType, optional "Signature";
        /// The folder's labels.
        labels: SharedLabels, filled "Labels";
        /// The size of everything in the folder, in bytes.
        size: SizeType, optional "Size";
        /// The size of the latest versions of everything in the folder, in bytes.
        latest_version_size: SizeType, optional "LatestVersionSize";
    }
    /// A step of a path.
    ResourcePathComponent {
        /// The id of the folder or document.
        id: IdType, always "Id";
        /// Its name, where it was asked for.
        name: ResourceNameType, optional "Name";
    }
    /// The way from the root to a folder or document.
    ResourcePath {
        /// The steps, the root first.
        components: ResourcePathComponentList, always "Components";
    }
    /// The answer to `CreateFolder`.
    CreateFolderResponse {
        /// The new folder.
        metadata: FolderMetadata, always "Metadata";
    }
    /// The answer to `GetFolder`.
    GetFolderResponse {
        /// The folder.
        metadata: FolderMetadata, always "Metadata";
        /// The folder's custom metadata, where it was asked for.
        custom_metadata: CustomMetadataMap, filled "CustomMetadata";
    }
    /// The answer to `DescribeFolderContents`.
    DescribeFolderContentsResponse {
        /// The folders of one page.
        folders: FolderMetadataList, always "Folders";
        /// The documents of one page.
        documents: DocumentMetadataList, always "Documents";
        /// Where the next page begins; absent on the last one.
        marker: PageMarkerType, optional "Marker";
    }
    /// The answer to `DescribeRootFolders`.
    DescribeRootFoldersResponse {
        /// The folders of one page.
        folders: FolderMetadataList, always "Folders";
        /// Where the next page begins; absent on the last one.
        marker: PageMarkerType, optional "Marker";
    }
    /// The answer to `GetFolderPath`.
    GetFolderPathResponse {
        /// The way from the root.
        path: ResourcePath, always "Path";
    }
}

requests! {
    CreateFolder(CreateFolderRequest) -> CreateFolderResponse {
        /// The new folder's name.
        name: ResourceNameType, optional body "Name";
        /// The folder to create it in.
        parent_folder_id: ResourceIdType, required body "ParentFolderId";
    }
    GetFolder(GetFolderRequest) -> GetFolderResponse {
        /// The folder.
        folder_id: ResourceIdType, required uri "FolderId";
        /// Whether the answer is to hold the custom metadata.
        include_custom_metadata: BooleanType,
            optional query "IncludeCustomMetadata" as "includeCustomMetadata";
    }
    DeleteFolder(DeleteFolderRequest) {
        /// The folder.
        folder_id: ResourceIdType, required uri "FolderId";
    }
    DeleteFolderContents(DeleteFolderContentsRequest) {
        /// The folder, which stays.
        folder_id: ResourceIdType, required uri "FolderId";
    }
    UpdateFolder(UpdateFolderRequest) {
        /// The folder.
        folder_id: ResourceIdType, required uri "FolderId";
        /// The new name.
        name: ResourceNameType, optional body "Name";
        /// The folder to move it to.
        parent_folder_id: ResourceIdType, optional body "ParentFolderId";
        /// The new state.
        resource_state: ResourceStateType, optional body "ResourceState";
    }
    DescribeFolderContents(DescribeFolderContentsRequest) -> DescribeFolderContentsResponse {
        /// The folder.
        folder_id: ResourceIdType, required uri "FolderId";
        /// What the list is ordered by.
        sort: ResourceSortType, optional query "Sort" as "sort";
        /// The direction of the list.
        order: OrderType, optional query "Order" as "order";
        /// How many items the page may hold.
        limit: LimitType, optional query "Limit" as "limit";
        /// Where the page begins.
        marker: PageMarkerType, optional query "Marker" as "marker";
        /// Which kinds of items are meant.
        content_type: FolderContentType, optional query "Type" as "type";
        /// What the list is to hold beyond the usual, with commas between the words.
        include: FieldNamesType, optional query "Include" as "include";
    }
    DescribeRootFolders(DescribeRootFoldersRequest) -> DescribeRootFoldersResponse {
        /// How many folders the page may hold.
        limit: LimitType, optional query "Limit" as "limit";
        /// Where the page begins.
        marker: PageMarkerType, optional query "Marker" as "marker";
    }
    GetFolderPath(GetFolderPathRequest) -> GetFolderPathResponse {
        /// The folder.
        folder_id: IdType, required uri "FolderId";
        /// How many steps the path may have.
        limit: LimitType, optional query "Limit" as "limit";
        /// What is to be said of each step beyond its id, with commas between the words.
        fields: FieldNamesType, optional query "Fields" as "fields";
        /// Where the path begins.
        marker: PageMarkerType, optional query "Marker" as "marker";
    }
}
