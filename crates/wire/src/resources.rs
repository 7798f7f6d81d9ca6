//! Folders and documents taken together: their request and answer.

use crate::documents::DocumentMetadataList;
use crate::enumeration::ResourceCollectionType;
use crate::folders::FolderMetadataList;
use crate::number::LimitType;
use crate::structure::{requests, structures};
use crate::text::{IdType, PageMarkerType};

structures! {
    /// The answer to `GetResources`.
    GetResourcesResponse {
        /// The folders of one page.
        folders: FolderMetadataList, always "Folders";
        /// The documents of one page.
        documents: DocumentMetadataList, always "Documents";
        /// Where the next page begins; absent on the last one.
        marker: PageMarkerType, optional "Marker";
    }
}

requests! {
    GetResources(GetResourcesRequest) -> GetResourcesResponse {
        /// The user whose resources are meant.
        user_id: IdType, optional query "UserId" as "userId";
        /// Which of them are meant.
        collection_type: ResourceCollectionType,
            optional query "CollectionType" as "collectionType";
        /// How many items the page may hold.
        limit: LimitType, optional query "Limit" as "limit";
        /// Where the page begins.
        marker: PageMarkerType, optional query "Marker" as "marker";
    }
}
