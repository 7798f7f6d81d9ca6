//! Searching: its shapes, request and answer.

use crate::activities::CommentMetadata;
use crate::collection::{collections, decoded_collections};
use crate::documents::{DocumentMetadata, DocumentVersionMetadata};
use crate::enumeration::{
    AdditionalResponseFieldType, ContentCategoryType, LanguageCodeType, OrderByFieldType,
    PrincipalRoleType, ResponseItemType, SearchCollectionType, SearchQueryScopeType,
    SearchResourceType, SortOrder,
};
use crate::folders::FolderMetadata;
use crate::number::{LongType, SearchResultsLimitType};
use crate::structure::{request_structures, requests, structures};
use crate::text::{
    IdType, NextMarkerType, ResponseItemWebUrl, SearchAncestorId, SearchLabel, SearchQueryType,
};
use crate::time::TimestampType;

collections! {
    /// What is to be said of each item beyond the usual.
    list AdditionalResponseFieldsList of AdditionalResponseFieldType, [] [];
    /// What was found.
    list ResponseItemsList of ResponseItem, [] [100];
    /// Folders above.
    list SearchAncestorIdList of SearchAncestorId, [] [10];
    /// Whose items are looked through.
    list SearchCollectionTypeList of SearchCollectionType, [] [2];
    /// Kinds of contents.
    list SearchContentCategoryTypeList of ContentCategoryType, [] [9];
    /// Labels.
    list SearchLabelList of SearchLabel, [] [10];
    /// The roles of a principal.
    list SearchPrincipalRoleList of PrincipalRoleType, [] [4];
    /// Principals with their roles.
    list SearchPrincipalTypeList of SearchPrincipalType, [] [10];
    /// Which texts are looked through.
    list SearchQueryScopeTypeList of SearchQueryScopeType, [] [2];
    /// Kinds of things that can be found.
    list SearchResourceTypeList of SearchResourceType, [] [4];
    /// What the answer is ordered by.
    list SearchResultSortList of SearchSortResult, [] [1];
    /// The languages of contents.
    list TextLocaleTypeList of LanguageCodeType, [] [1];
}

decoded_collections! {
    list AdditionalResponseFieldsList of AdditionalResponseFieldType;
    list SearchAncestorIdList of SearchAncestorId;
    list SearchCollectionTypeList of SearchCollectionType;
    list SearchContentCategoryTypeList of ContentCategoryType;
    list SearchLabelList of SearchLabel;
    list SearchPrincipalRoleList of PrincipalRoleType;
    list SearchPrincipalTypeList of SearchPrincipalType;
    list SearchQueryScopeTypeList of SearchQueryScopeType;
    list SearchResourceTypeList of SearchResourceType;
    list SearchResultSortList of SearchSortResult;
    list TextLocaleTypeList of LanguageCodeType;
}

request_structures! {
    /// Two moments and what lies between them.
    DateRangeType {
        /// The first.
        start_value: TimestampType, optional "StartValue";
        /// The last.
        end_value: TimestampType, optional "EndValue";
    }
    /// What of all that matches is wanted.
    Filters {
        /// Of a content in this language.
        text_locales: TextLocaleTypeList, optional "TextLocales";
        /// Of these kinds of content.
        content_categories: SearchContentCategoryTypeList, optional "ContentCategories";
        /// Of these kinds of things.
        resource_types: SearchResourceTypeList, optional "ResourceTypes";
        /// With these labels.
        labels: SearchLabelList, optional "Labels";
        /// To which these principals have a role.
        principals: SearchPrincipalTypeList, optional "Principals";
        /// Below these folders.
        ancestor_ids: SearchAncestorIdList, optional "AncestorIds";
        /// Of these owners.
        search_collection_types: SearchCollectionTypeList, optional "SearchCollectionTypes";
        /// Of this size.
        size_range: LongRangeType, optional "SizeRange";
        /// Made then.
        created_range: DateRangeType, optional "CreatedRange";
        /// Changed then.
        modified_range: DateRangeType, optional "ModifiedRange";
    }
    /// Two numbers and what lies between them.
    LongRangeType {
        /// The least.
        start_value: LongType, optional "StartValue";
        /// The greatest.
        end_value: LongType, optional "EndValue";
    }
    /// A principal with their roles.
    SearchPrincipalType {
        /// The id of the user or group.
        id: IdType, required "Id";
        /// The roles; any, where none is named.
        roles: SearchPrincipalRoleList, optional "Roles";
    }
    /// What the answer is ordered by.
    SearchSortResult {
        /// What is compared.
        field: OrderByFieldType, optional "Field";
        /// In which direction.
        order: SortOrder, optional "Order";
    }
}

structures! {
    /// Something that was found: the member its kind names holds it.
    ResponseItem {
        /// What it is.
        resource_type: ResponseItemType, always "ResourceType";
        /// Where a browser shows it, where it was asked for.
        web_url: ResponseItemWebUrl, optional "WebUrl";
        /// The document.
        document_metadata: DocumentMetadata, optional "DocumentMetadata";
        /// The folder.
        folder_metadata: FolderMetadata, optional "FolderMetadata";
        /// The comment.
        comment_metadata: CommentMetadata, optional "CommentMetadata";
        /// The version.
        document_version_metadata: DocumentVersionMetadata, optional "DocumentVersionMetadata";
    }
    /// The answer to `SearchResources`.
    SearchResourcesResponse {
        /// One page of what was found.
        items: ResponseItemsList, always "Items";
        /// Where the next page begins; absent on the last one.
        marker: NextMarkerType, optional "Marker";
    }
}

requests! {
    SearchResources(SearchResourcesRequest) -> SearchResourcesResponse {
        /// What is looked for.
        query_text: SearchQueryType, optional body "QueryText";
        /// Which texts are looked through.
        query_scopes: SearchQueryScopeTypeList, optional body "QueryScopes";
        /// The organization; an access key must name it.
        organization_id: IdType, optional body "OrganizationId";
        /// What is to be said of each item beyond the usual.
        additional_response_fields: AdditionalResponseFieldsList,
            optional body "AdditionalResponseFields";
        /// What of all that matches is wanted.
        filters: Filters, optional body "Filters";
        /// What the answer is ordered by.
        order_by: SearchResultSortList, optional body "OrderBy";
        /// How many items the page may hold.
        limit: SearchResultsLimitType, optional body "Limit";
        /// Where the page begins.
        marker: NextMarkerType, optional body "Marker";
    }
}
