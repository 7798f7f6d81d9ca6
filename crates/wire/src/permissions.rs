//! Permissions on folders and documents: their shapes, requests and answers.

use crate::collection::{collections, decoded_collections};
use crate::enumeration::{PrincipalType, RolePermissionType, RoleType, ShareStatusType};
use crate::number::{BooleanType, LimitType};
use crate::structure::{request_structures, requests, structures};
use crate::text::{IdType, MessageType, PageMarkerType, ResourceIdType};

collections! {
    /// Whom a resource is to be shared with.
    list SharePrincipalList of SharePrincipal, [] [];
    /// What became of each principal that a resource was to be shared with.
    list ShareResultsList of ShareResult, [] [];
    /// Whom a resource is shared with.
    list PrincipalList of Principal, [] [];
    /// The roles of a principal.
    list PermissionInfoList of PermissionInfo, [] [];
}

decoded_collections! {
    list SharePrincipalList of SharePrincipal;
}

request_structures! {
    /// A principal that a resource is to be shared with.
    SharePrincipal {
        /// The id of the user, group or organization; the e-mail address of who is invited.
        id: IdType, required "Id";
        /// What the id means.
        principal_type: PrincipalType, required "Type";
        /// The role to give.
        role: RoleType, required "Role";
    }
    /// What the principals are told.
    NotificationOptions {
        /// Whether they get an e-mail.
        send_email: BooleanType, optional "SendEmail";
        /// What it says beyond the usual.
        email_message: MessageType, optional "EmailMessage";
    }
}

structures! {
    /// What became of a principal that a resource was to be shared with.
    ShareResult {
        /// The id as it was given.
        principal_id: IdType, always "PrincipalId";
        /// The id of the user who was invited.
        invitee_principal_id: IdType, optional "InviteePrincipalId";
        /// The role that was asked for.
        role: RoleType, always "Role";
        /// Whether it was given.
        status: ShareStatusType, always "Status";
        /// The id of the share.
        share_id: ResourceIdType, always "ShareId";
        /// Why it was not given, for a person; empty if it was.
        status_message: MessageType, always "StatusMessage";
    }
    /// A role of a principal on a resource.
    PermissionInfo {
        /// The role.
        role: RoleType, always "Role";
        /// Where it comes from.
        permission_type: RolePermissionType, always "Type";
    }
    /// A principal that a resource is shared with.
    Principal {
        /// The id of the user, group or organization.
        id: IdType, always "Id";
        /// What the id means.
        principal_type: PrincipalType, always "Type";
        /// Its roles.
        roles: PermissionInfoList, always "Roles";
    }
    /// The answer to `AddResourcePermissions`.
    AddResourcePermissionsResponse {
        /// What became of each principal, in the order of the request.
        share_results: ShareResultsList, always "ShareResults";
    }
    /// The answer to `DescribeResourcePermissions`.
    DescribeResourcePermissionsResponse {
        /// One page of the principals.
        principals: PrincipalList, always "Principals";
        /// Where the next page begins; absent on the last one.
        marker: PageMarkerType, optional "Marker";
    }
}

requests! {
    AddResourcePermissions(AddResourcePermissionsRequest) -> AddResourcePermissionsResponse {
        /// The folder or document.
        resource_id: ResourceIdType, required uri "ResourceId";
        /// Whom to share it with.
        principals: SharePrincipalList, required body "Principals";
        /// What they are told.
        notification_options: NotificationOptions, optional body "NotificationOptions";
    }
    DescribeResourcePermissions(DescribeResourcePermissionsRequest)
        -> DescribeResourcePermissionsResponse
    {
        /// The folder or document.
        resource_id: ResourceIdType, required uri "ResourceId";
        /// The one principal that is meant.
        principal_id: IdType, optional query "PrincipalId" as "principalId";
        /// How many principals the page may hold.
        limit: LimitType, optional query "Limit" as "limit";
        /// Where the page begins.
        marker: PageMarkerType, optional query "Marker" as "marker";
    }
    RemoveResourcePermission(RemoveResourcePermissionRequest) {
        /// The folder or document.
        resource_id: ResourceIdType, required uri "ResourceId";
        /// The principal that loses its role.
        principal_id: IdType, required uri "PrincipalId";
        /// What the principal's id means.
        principal_type: PrincipalType, optional query "PrincipalType" as "type";
    }
    RemoveAllResourcePermissions(RemoveAllResourcePermissionsRequest) {
        /// The folder or document.
        resource_id: ResourceIdType, required uri "ResourceId";
    }
}
