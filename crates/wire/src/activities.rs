//! Activities: their shapes, request and answer.

use crate::collection::collections;
use crate::enumeration::{ActivityType, CommentStatusType, ResourceType};
use crate::groups::GroupMetadataList;
use crate::number::{BooleanType, LimitType};
use crate::structure::{requests, structures};
use crate::text::{
    ActivityNamesFilterType, CommentIdType, DocumentVersionIdType, EmailAddressType, IdType,
    ResourceIdType, ResourceNameType, SearchMarkerType, UserAttributeValueType, UsernameType,
};
use crate::time::TimestampType;
use crate::users::User;

collections! {
    /// Activities, newest first.
    list UserActivities of Activity, [] [];
    /// People an activity is about.
    list UserMetadataList of UserMetadata, [] [];
}

structures! {
    /// What happened once.
    Activity {
        /// What was done.
        activity_type: ActivityType, optional "Type";
        /// When it was done.
        time_stamp: TimestampType, optional "TimeStamp";
        /// Whether it was done to a folder above the resource.
        is_indirect_activity: BooleanType, optional "IsIndirectActivity";
        /// The organization it happened in.
        organization_id: IdType, optional "OrganizationId";
        /// Who did it.
        initiator: UserMetadata, optional "Initiator";
        /// Whom the resource was shared with, or no longer is.
        participants: Participants, optional "Participants";
        /// What it was done to.
        resource_metadata: ResourceMetadata, optional "ResourceMetadata";
        /// The folder the resource stood in before it was moved.
        original_parent: ResourceMetadata, optional "OriginalParent";
        /// The comment that was written or deleted.
        comment_metadata: CommentMetadata, optional "CommentMetadata";
    }
    /// Users and groups an activity is about.
    Participants {
        /// The users.
        users: UserMetadataList, always "Users";
        /// The groups.
        groups: GroupMetadataList, always "Groups";
    }
    /// A user as activities show them; the holder of an access key has an ARN for an id.
    UserMetadata {
        /// The id.
        id: IdType, optional "Id";
        /// The name the user signs in with.
        username: UsernameType, optional "Username";
        /// The given name.
        given_name: UserAttributeValueType, optional "GivenName";
        /// The surname.
        surname: UserAttributeValueType, optional "Surname";
        /// The e-mail address.
        email_address: EmailAddressType, optional "EmailAddress";
    }
    /// A folder or document as it was when something happened to it.
    ResourceMetadata {
        /// Whether it is a folder or a document.
        resource_type: ResourceType, optional "Type";
        /// Its name.
        name: ResourceNameType, optional "Name";
        /// Its name before it was renamed.
        original_name: ResourceNameType, optional "OriginalName";
        /// Its id.
        id: ResourceIdType, optional "Id";
        /// The version the activity is about.
        version_id: DocumentVersionIdType, optional "VersionId";
        /// The user its tree belongs to.
        owner: UserMetadata, optional "Owner";
        /// The folder it stands in.
        parent_id: ResourceIdType, optional "ParentId";
    }
    /// A comment without its text.
    CommentMetadata {
        /// The comment's id.
        comment_id: CommentIdType, optional "CommentId";
        /// Who wrote it.
        contributor: User, optional "Contributor";
        /// When it was written.
        created_timestamp: TimestampType, optional "CreatedTimestamp";
        /// The comment's state.
        comment_status: CommentStatusType, optional "CommentStatus";
        /// Who wrote what it replies to.
        recipient_id: IdType, optional "RecipientId";
        /// The id of who wrote it.
        contributor_id: IdType, optional "ContributorId";
    }
    /// The answer to `DescribeActivities`.
    DescribeActivitiesResponse {
        /// One page of the activities.
        user_activities: UserActivities, always "UserActivities";
        /// Where the next page begins; absent on the last one.
        marker: SearchMarkerType, optional "Marker";
    }
}

requests! {
    DescribeActivities(DescribeActivitiesRequest) -> DescribeActivitiesResponse {
        /// After which moment.
        start_time: TimestampType, optional query "StartTime" as "startTime";
        /// Before which moment.
        end_time: TimestampType, optional query "EndTime" as "endTime";
        /// The organization whose activities are meant.
        organization_id: IdType, optional query "OrganizationId" as "organizationId";
        /// The types that are meant, with commas between them.
        activity_types: ActivityNamesFilterType, optional query "ActivityTypes" as "activityTypes";
        /// The folder or document that is meant.
        resource_id: IdType, optional query "ResourceId" as "resourceId";
        /// The user whose doings are meant.
        user_id: IdType, optional query "UserId" as "userId";
        /// Whether what was done to folders above the resource is meant as well.
        include_indirect_activities: BooleanType, optional query "IncludeIndirectActivities" as "includeIndirectActivities";
        /// How many activities the page may hold.
        limit: LimitType, optional query "Limit" as "limit";
        /// Where the page begins.
        marker: SearchMarkerType, optional query "Marker" as "marker";
    }
}
