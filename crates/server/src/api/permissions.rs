//! Permission operations: decode, ask the site, encode.

use docharbor_domain::{
    GroupId, OrganizationId, Principal, ResourceId, Role, Share, ShareFailure, ShareWith, limits,
};
use docharbor_site::{Permission, PermissionListing, Revoked};
use docharbor_wire as wire;
use docharbor_wire::{
    AddResourcePermissionsRequest, AddResourcePermissionsResponse,
    DescribeResourcePermissionsRequest, DescribeResourcePermissionsResponse, LimitType,
    PrincipalType, RemoveAllResourcePermissionsRequest, RemoveResourcePermissionRequest,
    Request as _, RolePermissionType, RoleType, SharePrincipal, ShareResult, ShareStatusType,
    Violations,
};

use super::error::Problem;
use super::{Admitted, Reply, encode, marker};

pub(super) async fn add(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = AddResourcePermissionsRequest::decode(&admitted.input)?;
    if request.principals.len() > limits::SHARE_PRINCIPALS_MAX {
        let rule = "Member must have length less than or equal to 1000";
        return Err(Violations::of("Principals", rule).into());
    }
    let shares = request.principals.iter().map(|principal| share(admitted, principal)).collect();
    let id = ResourceId::new(request.resource_id.as_str());
    let outcomes = admitted.door.site().share(&admitted.call, id, shares).await?;
    let result = |(asked, shared): (&SharePrincipal, docharbor_site::Shared)| ShareResult {
        principal_id: asked.id.as_str().to_owned(),
        invitee_principal_id: shared.invitee.map(|id| id.as_str().to_owned()),
        role: asked.role,
        status: match shared.failure {
            None => ShareStatusType::Success,
            Some(_) => ShareStatusType::Failure,
        },
        share_id: request.resource_id.as_str().to_owned(),
        status_message: shared.failure.map_or("", ShareFailure::text).to_owned(),
    };
    Reply::json(&AddResourcePermissionsResponse {
        share_results: request.principals.iter().zip(outcomes).map(result).collect(),
    })
}

fn share(admitted: &Admitted<'_>, principal: &SharePrincipal) -> Share {
    let id = principal.id.as_str();
    Share {
        with: match principal.principal_type {
            PrincipalType::Anonymous => ShareWith::Anonymous(id.to_owned()),
            PrincipalType::Group => ShareWith::Group(group_id(admitted, id)),
            PrincipalType::Invite => ShareWith::Address(id.to_owned()),
            PrincipalType::Organization => ShareWith::Organization(OrganizationId::new(id)),
            PrincipalType::User => ShareWith::User(encode::user_id(admitted, id)),
        },
        role: match principal.role {
            RoleType::Viewer => Role::Viewer,
            RoleType::Contributor => Role::Contributor,
            RoleType::CoOwner => Role::CoOwner,
            RoleType::Owner => Role::Owner,
        },
    }
}

/// A group's id, which may lack the organization's suffix as a user's may.
fn group_id(admitted: &Admitted<'_>, text: &str) -> GroupId {
    GroupId::new(encode::user_id(admitted, text).as_str())
}

pub(super) async fn describe(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = DescribeResourcePermissionsRequest::decode(&admitted.input)?;
    let id = ResourceId::new(request.resource_id.into_inner());
    let principal_id = request.principal_id.map(|id| encode::principal_id(admitted, id.as_str()));
    let list = format!(
        "DescribeResourcePermissions|{}|{id}|{principal_id:?}",
        admitted.call.organization()
    );
    let site = admitted.door.site();
    let listing = PermissionListing {
        principal_id,
        after: marker::read(site, &list, request.marker.as_ref())?,
        limit: request.limit.map_or(limits::PAGE_SIZE_DEFAULT, LimitType::get),
    };
    let page = site.permissions(&admitted.call, id, listing).await?;
    let next = page.next.map(|place| marker::write(site, &list, &place));
    Reply::json(&DescribeResourcePermissionsResponse {
        principals: page.permissions.iter().map(principal).collect(),
        marker: next.transpose()?,
    })
}

fn principal(permission: &Permission) -> wire::Principal {
    let roles = [
        (permission.direct, RolePermissionType::Direct),
        (permission.inherited, RolePermissionType::Inherited),
    ];
    let roles = roles.into_iter().filter_map(|(role, permission_type)| {
        Some(wire::PermissionInfo { role: role_type(role?), permission_type })
    });
    wire::Principal {
        id: permission.principal.id().to_owned(),
        principal_type: match permission.principal {
            Principal::Anonymous => PrincipalType::Anonymous,
            Principal::Group(_) => PrincipalType::Group,
            Principal::Organization(_) => PrincipalType::Organization,
            Principal::User(_) => PrincipalType::User,
        },
        roles: roles.collect(),
    }
}

fn role_type(role: Role) -> RoleType {
    match role {
        Role::Viewer => RoleType::Viewer,
        Role::Contributor => RoleType::Contributor,
        Role::CoOwner => RoleType::CoOwner,
        Role::Owner => RoleType::Owner,
    }
}

pub(super) async fn remove(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = RemoveResourcePermissionRequest::decode(&admitted.input)?;
    let id = ResourceId::new(request.resource_id.into_inner());
    let text = request.principal_id.as_str();
    let revoked = match request.principal_type {
        None => Revoked::Id(encode::principal_id(admitted, text)),
        // An invitation is kept as a permission of the user it made.
        Some(PrincipalType::Invite) if text.contains('@') => Revoked::Address(text.to_owned()),
        Some(PrincipalType::Invite | PrincipalType::User) => {
            Revoked::Principal(Principal::User(encode::user_id(admitted, text)))
        }
        Some(PrincipalType::Group) => {
            Revoked::Principal(Principal::Group(group_id(admitted, text)))
        }
        Some(PrincipalType::Organization) => {
            Revoked::Principal(Principal::Organization(OrganizationId::new(text)))
        }
        Some(PrincipalType::Anonymous) if text == Principal::ANONYMOUS_ID => {
            Revoked::Principal(Principal::Anonymous)
        }
        Some(PrincipalType::Anonymous) => Revoked::Nobody,
    };
    admitted.door.site().revoke(&admitted.call, id, revoked).await?;
    Ok(Reply::Empty)
}

pub(super) async fn remove_all(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = RemoveAllResourcePermissionsRequest::decode(&admitted.input)?;
    let id = ResourceId::new(request.resource_id.into_inner());
    admitted.door.site().revoke_all(&admitted.call, id).await?;
    Ok(Reply::Empty)
}
