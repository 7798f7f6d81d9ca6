//! Groups, who was put into them, and who is in them in effect.
//!
//! `group_direct_member` holds who was put into a group: users and other groups. `group_member` holds
//! the users that follow from it, so that a permission is found without a walk through groups.

use docharbor_domain::limits::USER_QUERY_WORDS_MAX;
use docharbor_domain::{GroupId, OrganizationId, Timestamp, UserId, folded};

use crate::StoreError;
use crate::driver::{Inserted, Lock, Tx};
use crate::users::escaped;
use crate::value::{Row, Value};

const INSERT: &str = "
    INSERT INTO site_group (organization_id, id, name, name_key, created_ms)
    VALUES ($1, $2, $3, $4, $5)";

const GROUP: &str = "
    SELECT id, name, name_key, directory_key FROM site_group WHERE organization_id = $1 AND id = $2";

const BY_NAME: &str = "
    SELECT id, name, name_key, directory_key FROM site_group
     WHERE organization_id = $1 AND name_key = $2";

const DELETE: &str = "DELETE FROM site_group WHERE organization_id = $1 AND id = $2";

/// The groups a query is about: `$2`–`$9` are patterns for words.
const MATCHING: &str = "
    SELECT g.id, g.name, g.name_key, g.directory_key FROM site_group g
     WHERE g.organization_id = $1 AND ' ' || g.name_key LIKE $2 ESCAPE '!'
       AND ' ' || g.name_key LIKE $3 ESCAPE '!' AND ' ' || g.name_key LIKE $4 ESCAPE '!'
       AND ' ' || g.name_key LIKE $5 ESCAPE '!' AND ' ' || g.name_key LIKE $6 ESCAPE '!'
       AND ' ' || g.name_key LIKE $7 ESCAPE '!' AND ' ' || g.name_key LIKE $8 ESCAPE '!'
       AND ' ' || g.name_key LIKE $9 ESCAPE '!' AND g.name_key > $10
     ORDER BY g.name_key LIMIT $11";

const ADD_MEMBER: &str = "
    INSERT INTO group_direct_member (organization_id, group_id, member_type, member_id)
    VALUES ($1, $2, $3, $4)";

const REMOVE_MEMBER: &str = "
    DELETE FROM group_direct_member
     WHERE organization_id = $1 AND group_id = $2 AND member_type = $3 AND member_id = $4";

const REMOVE_MEMBERS: &str =
    "DELETE FROM group_direct_member WHERE organization_id = $1 AND group_id = $2";

const REMOVE_FROM_GROUPS: &str = "
    DELETE FROM group_direct_member
     WHERE organization_id = $1 AND member_type = $2 AND member_id = $3";

const REMOVE_MEMBERSHIPS: &str =
    "DELETE FROM group_member WHERE organization_id = $1 AND user_id = $2";

/// A group and every group it is in, directly or not.
macro_rules! above {
    () => {
        "WITH RECURSIVE above(id) AS (
             SELECT g.id FROM site_group g WHERE g.organization_id = $1 AND g.id = $2
             UNION
             SELECT d.group_id FROM above CROSS JOIN group_direct_member d
              WHERE d.organization_id = $1 AND d.member_type = 'GROUP' AND d.member_id = above.id)"
    };
}

/// The users in the groups of `above`, in effect. UNION keeps a circle of groups from going on.
macro_rules! effective {
    () => {
        ", below(root, id) AS (
             SELECT id, id FROM above
             UNION
             SELECT below.root, d.member_id FROM below CROSS JOIN group_direct_member d
              WHERE d.organization_id = $1 AND d.group_id = below.id AND d.member_type = 'GROUP')
         SELECT DISTINCT u.organization_id, below.root, u.member_id
           FROM below CROSS JOIN group_direct_member u
          WHERE u.organization_id = $1 AND u.group_id = below.id AND u.member_type = 'USER'"
    };
}

const FORGET_ABOVE: &str = concat!(
    above!(),
    " DELETE FROM group_member
       WHERE organization_id = $1 AND group_id IN (SELECT id FROM above)"
);

const FOLLOW_ABOVE: &str = concat!(
    "INSERT INTO group_member (organization_id, group_id, user_id) ",
    above!(),
    effective!()
);

const FORGET_ALL: &str = "DELETE FROM group_member WHERE organization_id = $1";

const FOLLOW_ALL: &str = concat!(
    "INSERT INTO group_member (organization_id, group_id, user_id)
     WITH RECURSIVE above(id) AS (SELECT id FROM site_group WHERE organization_id = $1)",
    effective!()
);

/// A group as it is kept.
#[derive(Clone)]
pub struct Group {
    /// The id.
    pub id: GroupId,
    /// The name.
    pub name: String,
    /// The name without regard to letter case and accents, by which groups are listed.
    pub name_key: String,
    /// Whether it comes from a connected directory, which alone may change it.
    pub is_from_directory: bool,
}

/// Who can be put into a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Member {
    /// A user.
    User(UserId),
    /// All who are in another group.
    Group(GroupId),
}

/// Which groups are wanted.
#[derive(Clone, Debug)]
pub struct GroupListing {
    /// Words each of which begins a word of the name; folded.
    pub words: Vec<String>,
    /// Behind this name key.
    pub after: Option<String>,
    /// At most so many.
    pub limit: i64,
}

impl Member {
    fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "USER",
            Self::Group(_) => "GROUP",
        }
    }

    fn id(&self) -> &str {
        match self {
            Self::User(id) => id.as_str(),
            Self::Group(id) => id.as_str(),
        }
    }
}

impl Tx {
    /// Adds a group. Its name may be taken.
    pub async fn insert_group(
        &mut self,
        organization: &OrganizationId,
        id: &GroupId,
        name: &str,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        let args = [organization.into(), id.into(), name.into(), folded(name).into(), now.into()];
        self.insert_unique(INSERT, &args).await
    }

    /// Reads a group; it is kept from being deleted until the transaction ends.
    pub async fn group_kept(
        &mut self,
        organization: &OrganizationId,
        id: &GroupId,
    ) -> Result<Option<Group>, StoreError> {
        let args = [organization.into(), id.into()];
        let row = self.row_locked(Lock::KeyShare, GROUP, &args).await?;
        row.as_ref().map(decode).transpose()
    }

    /// Finds the group of a name, whatever its letter case.
    pub async fn group_by_name(
        &mut self,
        organization: &OrganizationId,
        name: &str,
    ) -> Result<Option<GroupId>, StoreError> {
        let row = self.row(BY_NAME, &[organization.into(), folded(name).into()]).await?;
        row.map(|row| row.text(0).map(GroupId::new)).transpose()
    }

    /// A page of the groups whose names have words that begin so, by name.
    pub async fn groups(
        &mut self,
        organization: &OrganizationId,
        listing: &GroupListing,
    ) -> Result<Vec<Group>, StoreError> {
        let mut args: Vec<Value> = vec![organization.into()];
        let patterns = listing.words.iter().map(|word| format!("% {}%", escaped(word)));
        let rest = std::iter::repeat_with(|| "%".to_owned());
        args.extend(patterns.chain(rest).take(USER_QUERY_WORDS_MAX).map(Value::from));
        args.extend([listing.after.as_deref().unwrap_or_default().into(), listing.limit.into()]);
        let rows = self.rows(MATCHING, &args).await?;
        rows.iter().map(decode).collect()
    }

    /// Removes a group and all that was said of its members. Permissions are removed elsewhere.
    pub async fn delete_group(
        &mut self,
        organization: &OrganizationId,
        id: &GroupId,
    ) -> Result<(), StoreError> {
        self.execute(REMOVE_MEMBERS, &[organization.into(), id.into()]).await?;
        self.execute(REMOVE_FROM_GROUPS, &[organization.into(), "GROUP".into(), id.into()]).await?;
        self.execute(DELETE, &[organization.into(), id.into()]).await?;
        self.recompute_all_members(organization).await
    }

    /// Puts somebody into a group; who is in it stays. `recompute_members` gives it effect.
    pub async fn add_group_member(
        &mut self,
        organization: &OrganizationId,
        group: &GroupId,
        member: &Member,
    ) -> Result<Inserted, StoreError> {
        let args = [organization.into(), group.into(), member.kind().into(), member.id().into()];
        self.insert_unique(ADD_MEMBER, &args).await
    }

    /// Takes somebody out of a group. False if they were not put into it.
    pub async fn remove_group_member(
        &mut self,
        organization: &OrganizationId,
        group: &GroupId,
        member: &Member,
    ) -> Result<bool, StoreError> {
        let args = [organization.into(), group.into(), member.kind().into(), member.id().into()];
        Ok(self.execute(REMOVE_MEMBER, &args).await? == 1)
    }

    /// Takes everybody out of a group, as before a directory says anew who is in it.
    pub async fn remove_group_members(
        &mut self,
        organization: &OrganizationId,
        group: &GroupId,
    ) -> Result<(), StoreError> {
        self.execute(REMOVE_MEMBERS, &[organization.into(), group.into()]).await?;
        Ok(())
    }

    /// Takes a user out of every group.
    pub async fn remove_memberships(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
    ) -> Result<(), StoreError> {
        let args = [organization.into(), "USER".into(), user.into()];
        self.execute(REMOVE_FROM_GROUPS, &args).await?;
        self.execute(REMOVE_MEMBERSHIPS, &[organization.into(), user.into()]).await?;
        Ok(())
    }

    /// Reckons anew who is in a group and in every group above it. The caller holds the
    /// organization's row, so that two changes do not reckon from each other's half.
    pub async fn recompute_members(
        &mut self,
        organization: &OrganizationId,
        group: &GroupId,
    ) -> Result<(), StoreError> {
        let args = [organization.into(), group.into()];
        self.execute(FORGET_ABOVE, &args).await?;
        self.execute(FOLLOW_ABOVE, &args).await?;
        Ok(())
    }

    /// Reckons anew who is in every group of a site. The caller holds the organization's row.
    pub async fn recompute_all_members(
        &mut self,
        organization: &OrganizationId,
    ) -> Result<(), StoreError> {
        self.execute(FORGET_ALL, &[organization.into()]).await?;
        self.execute(FOLLOW_ALL, &[organization.into()]).await?;
        Ok(())
    }
}

fn decode(row: &Row) -> Result<Group, StoreError> {
    Ok(Group {
        id: GroupId::new(row.text(0)?),
        name: row.text(1)?.to_owned(),
        name_key: row.text(2)?.to_owned(),
        is_from_directory: row.text_opt(3)?.is_some(),
    })
}
