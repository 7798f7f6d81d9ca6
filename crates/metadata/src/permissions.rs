//! Permissions: whom an item is shared with, and what reaches one user.

use docharbor_domain::limits::TREE_WALK_MAX;
use docharbor_domain::{
    Found, Grants, GroupId, Life, OrganizationId, Principal, ResourceId, Role, Standing, Timestamp,
    UserId,
};

use crate::driver::Tx;
use crate::items::{decode_life, life, walk_up, walk_up_with_grants};
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
        // One list, so that an item's thousand other principals are not looked at.
        concat!(
            "p.principal_id IN (SELECT ",
            $user,
            " UNION ALL SELECT $1 UNION ALL SELECT 'anonymous'
              UNION ALL SELECT m.group_id FROM group_member m
                         WHERE m.organization_id = $1 AND m.user_id = ",
            $user,
            ")"
        )
    };
}
pub(crate) use is_mine;

/// Every principal with a permission that reaches the item, the owner among them, a page at a time;
/// beside them what decides whether the caller may see them.
const SHARING: &str = concat!(
    walk_up_with_grants!(),
    ", given AS (SELECT up.depth, p.principal_type, p.principal_id, ",
    rank!(),
    " AS strength
                 FROM up CROSS JOIN permission p
                WHERE p.organization_id = $1 AND p.resource_id = up.id),
     page AS (SELECT every.principal_type, every.principal_id,
                     MAX(CASE WHEN every.depth = 0 THEN every.strength END) AS direct,
                     MAX(CASE WHEN every.depth > 0 THEN every.strength END) AS inherited
                FROM (SELECT depth, principal_type, principal_id, strength FROM given
                      UNION ALL
                      SELECT 0, 'USER', o.owner_id, 4 FROM resource o
                       WHERE o.organization_id = $1 AND o.id = $2) every
               WHERE ($5 = '' OR every.principal_id = $5)
                 AND (every.principal_type, every.principal_id) > ($6, $7)
               GROUP BY every.principal_type, every.principal_id
               ORDER BY every.principal_type, every.principal_id LIMIT $8)
     SELECT walked.depth, walked.life, r.owner_id, r.kind, r.creator, mine.direct, mine.inherited,
            CASE WHEN v.status <> 'ACTIVE' THEN v.creator END,
            page.principal_type, page.principal_id, page.direct, page.inherited
       FROM walked CROSS JOIN mine
       JOIN resource r ON r.organization_id = $1 AND r.id = $2
       LEFT JOIN version v ON v.organization_id = $1 AND v.document_id = r.id
            AND v.id = r.latest_version_id
       LEFT JOIN page ON 1 = 1
      ORDER BY page.principal_type, page.principal_id"
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
       AND ($4 = '' OR principal_type = $4)
    RETURNING principal_type, principal_id";

const REMOVE_ALL: &str = "
    DELETE FROM permission WHERE organization_id = $1 AND resource_id = $2
    RETURNING principal_type, principal_id";

const REMOVE_PRINCIPAL: &str =
    "DELETE FROM permission WHERE organization_id = $1 AND principal_id = $2";

const HOLDERS: &str = "
    SELECT principal_type, principal_id, role FROM permission
     WHERE organization_id = $1 AND resource_id = $2";

/// What a principal has on an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Who has it.
    pub principal: Principal,
    /// The role given on the item itself.
    pub direct: Option<Role>,
    /// The strongest role given on a folder above.
    pub inherited: Option<Role>,
}

/// Which of the permissions that reach an item are wanted.
#[derive(Clone, Debug)]
pub struct PermissionListing {
    /// Those of the principals of this id alone.
    pub principal_id: Option<String>,
    /// Behind this type and id of a principal.
    pub after: Option<(String, String)>,
    /// At most so many.
    pub limit: i64,
}

/// The permissions that reach an item.
#[derive(Clone, Debug)]
pub struct Permissions {
    /// A page of them, by type and id of the principal.
    pub page: Vec<Permission>,
    /// Who began the document, while it has no ACTIVE version.
    pub draft_of: Option<String>,
}

impl Permission {
    /// The place of a permission in the list.
    pub fn place(&self) -> (String, String) {
        (principal_type(&self.principal).to_owned(), self.principal.id().to_owned())
    }
}

/// Statements whose plans are looked at.
#[cfg(test)]
pub(crate) const PLANNED: &[&str] = &[SHARING, REMOVE, REMOVE_ALL, REMOVE_PRINCIPAL, HOLDERS];

impl Tx {
    /// Reads the permissions that reach an item, whoever holds them, in one statement at any depth.
    pub async fn permissions(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
        user: Option<&UserId>,
        listing: &PermissionListing,
    ) -> Result<Option<Found<Permissions>>, StoreError> {
        let (kind, principal) = match &listing.after {
            Some((kind, principal)) => (kind.as_str(), principal.as_str()),
            None => ("", ""),
        };
        let args = [
            organization.into(),
            id.into(),
            TREE_WALK_MAX.into(),
            user.map_or("", UserId::as_str).into(),
            listing.principal_id.as_deref().unwrap_or_default().into(),
            kind.into(),
            principal.into(),
            listing.limit.into(),
        ];
        let rows = self.rows(SHARING, &args).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let (depth, life) = (first.int(0)?, decode_life(first.int(1)?));
        if life == Life::Deleted || depth >= TREE_WALK_MAX {
            return Ok(None);
        }
        let page: Result<Vec<_>, _> =
            rows.iter().filter_map(|row| decode(row).transpose()).collect();
        Ok(Some(Found {
            owner: UserId::new(first.text(2)?),
            is_document: first.text(3)? == "DOCUMENT",
            creator: first.text(4)?.to_owned(),
            depth,
            life,
            grants: Grants {
                direct: decode_standing(first.int_opt(5)?),
                inherited: decode_standing(first.int_opt(6)?),
            },
            resource: Permissions { page: page?, draft_of: first.text_opt(7)?.map(str::to_owned) },
        }))
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

    /// Takes the permissions given on an item to the principals of an id away; to the given one,
    /// where the id alone does not say who is meant. Tells who had one.
    pub async fn remove_permission(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
        principal_id: &str,
        principal: Option<&Principal>,
    ) -> Result<Vec<Principal>, StoreError> {
        let args = [
            organization.into(),
            id.into(),
            principal_id.into(),
            principal.map_or("", principal_type).into(),
        ];
        decode_principals(&self.rows(REMOVE, &args).await?)
    }

    /// Takes all permissions given on an item away. Tells who had one.
    pub async fn remove_permissions(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
    ) -> Result<Vec<Principal>, StoreError> {
        decode_principals(&self.rows(REMOVE_ALL, &[organization.into(), id.into()]).await?)
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

    /// Who was given which role on an item itself.
    pub async fn permission_holders(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
    ) -> Result<Vec<(Principal, Role)>, StoreError> {
        let rows = self.rows(HOLDERS, &[organization.into(), id.into()]).await?;
        let holder = |row: &Row| {
            let principal = decode_principal(row.text(0)?, row.text(1)?)?;
            Ok((principal, decode_role(row.text(2)?)?))
        };
        rows.iter().map(holder).collect()
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

/// A row that says who may see the permissions need not hold one.
fn decode(row: &Row) -> Result<Option<Permission>, StoreError> {
    let Some(kind) = row.text_opt(8)? else { return Ok(None) };
    Ok(Some(Permission {
        principal: decode_principal(kind, row.text(9)?)?,
        direct: row.int_opt(10)?.map(role_of),
        inherited: row.int_opt(11)?.map(role_of),
    }))
}

/// The role of a strength, as `rank!` writes it; what everybody is given is always VIEWER.
fn role_of(rank: i64) -> Role {
    match rank {
        0 | 1 => Role::Viewer,
        2 => Role::Contributor,
        3 => Role::CoOwner,
        _ => Role::Owner,
    }
}

fn decode_principals(rows: &[Row]) -> Result<Vec<Principal>, StoreError> {
    rows.iter().map(|row| decode_principal(row.text(0)?, row.text(1)?)).collect()
}

fn decode_principal(kind: &str, id: &str) -> Result<Principal, StoreError> {
    Ok(match kind {
        "ANONYMOUS" => Principal::Anonymous,
        "GROUP" => Principal::Group(GroupId::new(id)),
        "ORGANIZATION" => Principal::Organization(OrganizationId::new(id)),
        "USER" => Principal::User(UserId::new(id)),
        other => return Err(corrupt("permission", &format!("principal type {other}"))),
    })
}

pub(crate) fn principal_type(principal: &Principal) -> &'static str {
    match principal {
        Principal::Anonymous => "ANONYMOUS",
        Principal::Group(_) => "GROUP",
        Principal::Organization(_) => "ORGANIZATION",
        Principal::User(_) => "USER",
    }
}

fn decode_role(role: &str) -> Result<Role, StoreError> {
    match role {
        "VIEWER" => Ok(Role::Viewer),
        "CONTRIBUTOR" => Ok(Role::Contributor),
        "COOWNER" => Ok(Role::CoOwner),
        "OWNER" => Ok(Role::Owner),
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
