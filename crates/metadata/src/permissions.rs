//! Permissions: whom an item is shared with, and what reaches one user.

use docharbor_domain::limits::TREE_WALK_MAX;
use docharbor_domain::{
    Found, Grants, GroupId, OrganizationId, Principal, ResourceId, Role, Standing, Timestamp,
    UserId,
};

use crate::driver::Tx;
use crate::items::{decode_life, life, walk_up};
use crate::value::Row;
use crate::{StoreError, corrupt};

/// A permission's strength as a number that `decode_standing` reads.
macro_rules! rank {
    () => {
        "CASE p.principal_type WHEN 'ANONYMOUS' THEN 0
              ELSE CASE p.role WHEN 'VIEWER' THEN 1 WHEN 'CONTRIBUTOR' THEN 2 ELSE 3 END END"
    };
}
pub(crate) use rank;

/// Whether a permission is given to a user, to a group of theirs, to all users or to everybody.
macro_rules! is_mine {
    ($user:literal) => {
        concat!(
            "(p.principal_id IN (",
            $user,
            ", $1, 'anonymous') OR p.principal_id IN (SELECT m.group_id FROM group_member m
              WHERE m.organization_id = $1 AND m.user_id = ",
            $user,
            "))"
        )
    };
}
pub(crate) use is_mine;

const REACHING: &str = concat!(
    walk_up!(),
    " SELECT up.depth, ",
    life!(),
    ", r.owner_id, r.kind, r.creator, p.principal_type, p.principal_id, p.role, ",
    rank!(),
    ", CASE WHEN $4 <> '' AND ",
    is_mine!("$4"),
    " THEN 1 ELSE 0 END
        FROM up JOIN resource r ON r.organization_id = $1 AND r.id = up.id
        LEFT JOIN permission p ON p.organization_id = $1 AND p.resource_id = up.id
       ORDER BY up.depth DESC"
);

const PUT: &str = "
    INSERT INTO permission (organization_id, resource_id, principal_id, principal_type, role,
                            created_ms)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (organization_id, resource_id, principal_id, principal_type)
    DO UPDATE SET role = excluded.role";

const REMOVE: &str = "
    DELETE FROM permission
     WHERE organization_id = $1 AND resource_id = $2 AND principal_id = $3
       AND ($4 = '' OR principal_type = $4)";

const REMOVE_ALL: &str = "DELETE FROM permission WHERE organization_id = $1 AND resource_id = $2";

const REMOVE_PRINCIPAL: &str =
    "DELETE FROM permission WHERE organization_id = $1 AND principal_id = $2";

const COUNT: &str =
    "SELECT COUNT(*) FROM permission WHERE organization_id = $1 AND resource_id = $2";

/// One permission that reaches an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Whom it is given to.
    pub principal: Principal,
    /// What it gives.
    pub role: Role,
    /// Whether it was given on a folder above.
    pub is_inherited: bool,
}

impl Tx {
    /// Reads every permission that reaches an item, whoever holds it, in one statement at any depth.
    pub async fn permissions(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
        user: Option<&UserId>,
    ) -> Result<Option<Found<Vec<Permission>>>, StoreError> {
        let user = user.map_or("", UserId::as_str);
        let args = [organization.into(), id.into(), TREE_WALK_MAX.into(), user.into()];
        let rows = self.rows(REACHING, &args).await?;
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(None) };
        if first.int(0)? >= TREE_WALK_MAX {
            return Ok(None);
        }
        let mut found = Found {
            resource: Vec::new(),
            owner: UserId::new(last.text(2)?),
            is_document: last.text(3)? == "DOCUMENT",
            creator: last.text(4)?.to_owned(),
            depth: first.int(0)?,
            life: decode_life(0),
            grants: Grants::default(),
        };
        for row in &rows {
            found.life = found.life.max(decode_life(row.int(1)?));
            let is_inherited = row.int(0)? > 0;
            let Some(principal) = decode_principal(row)? else { continue };
            found.resource.push(Permission { principal, role: decode_role(row)?, is_inherited });
            if row.int(9)? == 1 {
                let standing = decode_standing(row.int_opt(8)?);
                let grants = &mut found.grants;
                let held = if is_inherited { &mut grants.inherited } else { &mut grants.direct };
                *held = (*held).max(standing);
            }
        }
        Ok(Some(found))
    }

    /// Gives a principal a role on an item, in place of the one it had there.
    pub async fn put_permission(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
        principal: &Principal,
        role: Role,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let args = [
            organization.into(),
            id.into(),
            principal.id().into(),
            principal_type(principal).into(),
            encode_role(role).into(),
            now.into(),
        ];
        self.execute(PUT, &args).await?;
        Ok(())
    }

    /// Takes a principal's permissions on an item away; those of one type, where one is named.
    pub async fn remove_permission(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
        principal_id: &str,
        principal_type: Option<&str>,
    ) -> Result<(), StoreError> {
        let args = [
            organization.into(),
            id.into(),
            principal_id.into(),
            principal_type.unwrap_or_default().into(),
        ];
        self.execute(REMOVE, &args).await?;
        Ok(())
    }

    /// Takes all permissions given on an item away.
    pub async fn remove_permissions(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
    ) -> Result<(), StoreError> {
        self.execute(REMOVE_ALL, &[organization.into(), id.into()]).await?;
        Ok(())
    }

    /// Takes away all a principal was ever given.
    pub async fn remove_principal(
        &mut self,
        organization: &OrganizationId,
        principal_id: &str,
    ) -> Result<(), StoreError> {
        self.execute(REMOVE_PRINCIPAL, &[organization.into(), principal_id.into()]).await?;
        Ok(())
    }

    /// How many permissions were given on an item.
    pub async fn count_permissions(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
    ) -> Result<i64, StoreError> {
        let row = self.row(COUNT, &[organization.into(), id.into()]).await?;
        row.map_or(Ok(0), |row| row.int(0))
    }
}

/// Reads a permission's strength, as `rank!` writes it.
pub(crate) fn decode_standing(rank: Option<i64>) -> Option<Standing> {
    Some(match rank? {
        0 => Standing::Public,
        1 => Standing::Viewer,
        2 => Standing::Contributor,
        _ => Standing::CoOwner,
    })
}

fn decode_principal(row: &Row) -> Result<Option<Principal>, StoreError> {
    let Some(kind) = row.text_opt(5)? else { return Ok(None) };
    let id = row.text(6)?;
    Ok(Some(match kind {
        "ANONYMOUS" => Principal::Anonymous,
        "GROUP" => Principal::Group(GroupId::new(id)),
        "ORGANIZATION" => Principal::Organization(OrganizationId::new(id)),
        "USER" => Principal::User(UserId::new(id)),
        other => return Err(corrupt("permission", &format!("principal type {other}"))),
    }))
}

fn principal_type(principal: &Principal) -> &'static str {
    match principal {
        Principal::Anonymous => "ANONYMOUS",
        Principal::Group(_) => "GROUP",
        Principal::Organization(_) => "ORGANIZATION",
        Principal::User(_) => "USER",
    }
}

fn decode_role(row: &Row) -> Result<Role, StoreError> {
    match row.text(7)? {
        "VIEWER" => Ok(Role::Viewer),
        "CONTRIBUTOR" => Ok(Role::Contributor),
        "COOWNER" => Ok(Role::CoOwner),
        other => Err(corrupt("permission", &format!("role {other}"))),
    }
}

fn encode_role(role: Role) -> &'static str {
    match role {
        Role::Viewer => "VIEWER",
        Role::Contributor => "CONTRIBUTOR",
        Role::CoOwner => "COOWNER",
        Role::Owner => "OWNER",
    }
}
