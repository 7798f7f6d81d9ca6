//! Groups: their shapes, request and answer.

use crate::collection::collections;
use crate::number::PositiveIntegerType;
use crate::shape::{Bounds, Declared, Shape, ShapeKind};
use crate::structure::{requests, structures};
use crate::text::{IdType, MarkerType, SearchQueryType};

/// The name of a group, which the model does not bound. Nothing but answers holds it.
#[derive(Clone, Copy, Debug)]
pub enum GroupNameType {}

impl Declared for GroupNameType {
    const SHAPE: Shape = Shape {
        name: "GroupNameType",
        kind: ShapeKind::Text {
            bounds: Bounds { min: None, max: None },
            pattern: None,
            sensitive: false,
        },
    };
    type Output = String;
}

/// The texts of this file.
pub(crate) static TEXTS: &[Shape] = &[GroupNameType::SHAPE];

collections! {
    /// Groups of an organization.
    list GroupMetadataList of GroupMetadata, [] [];
}

structures! {
    /// A group.
    GroupMetadata {
        /// The id.
        id: IdType, optional "Id";
        /// The name.
        name: GroupNameType, optional "Name";
    }
    /// The answer to `DescribeGroups`.
    DescribeGroupsResponse {
        /// One page of the groups.
        groups: GroupMetadataList, always "Groups";
        /// Where the next page begins; absent on the last one.
        marker: MarkerType, optional "Marker";
    }
}

requests! {
    DescribeGroups(DescribeGroupsRequest) -> DescribeGroupsResponse {
        /// What the words of the groups' names have to begin with.
        search_query: SearchQueryType, required query "SearchQuery" as "searchQuery";
        /// The organization whose groups are meant.
        organization_id: IdType, optional query "OrganizationId" as "organizationId";
        /// Where the page begins.
        marker: MarkerType, optional query "Marker" as "marker";
        /// How many groups the page may hold.
        limit: PositiveIntegerType, optional query "Limit" as "limit";
    }
}
