//! Groups of the built-in directory, and who is in them.

use docharbor_domain::{GroupId, OrganizationId, Timestamp, UserId, folded};

use crate::StoreError;
use crate::driver::{Inserted, Lock, Tx};

const INSERT: &str = "
    INSERT INTO site_group (organization_id, id, name, name_key, created_ms)
    VALUES ($1, $2, $3, $4, $5)";

const GROUP: &str = "SELECT id FROM site_group WHERE organization_id = $1 AND id = $2";

const BY_NAME: &str = "SELECT id FROM site_group WHERE organization_id = $1 AND name_key = $2";

const ADD_MEMBER: &str =
    "INSERT INTO group_member (organization_id, group_id, user_id) VALUES ($1, $2, $3)";

const REMOVE_MEMBERSHIPS: &str =
    "DELETE FROM group_member WHERE organization_id = $1 AND user_id = $2";

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

    /// Whether there is a group of this id; it is kept from being deleted until the transaction ends.
    pub async fn has_group_kept(
        &mut self,
        organization: &OrganizationId,
        id: &GroupId,
    ) -> Result<bool, StoreError> {
        let args = [organization.into(), id.into()];
        Ok(self.row_locked(Lock::KeyShare, GROUP, &args).await?.is_some())
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

    /// Puts a user into a group; one who is in it stays.
    pub async fn add_group_member(
        &mut self,
        organization: &OrganizationId,
        group: &GroupId,
        user: &UserId,
    ) -> Result<Inserted, StoreError> {
        let args = [organization.into(), group.into(), user.into()];
        self.insert_unique(ADD_MEMBER, &args).await
    }

    /// Takes a user out of every group.
    pub async fn remove_memberships(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
    ) -> Result<(), StoreError> {
        self.execute(REMOVE_MEMBERSHIPS, &[organization.into(), user.into()]).await?;
        Ok(())
    }
}
