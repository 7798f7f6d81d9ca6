//! IAM users, roles, and the policies written into them.

use docharbor_domain::{OrganizationId, Timestamp};

use crate::StoreError;
use crate::driver::{Inserted, Lock, Tx};
use crate::value::Row;

const ACCOUNT: &str = "SELECT o.account_id FROM organization o WHERE o.id = $1";

const INSERT_USER: &str = "
    INSERT INTO iam_user (organization_id, name_key, name, id, path, created_ms)
    VALUES ($1, $2, $3, $4, $5, $6)";

const USER: &str = "
    SELECT name, id, path, created_ms FROM iam_user WHERE organization_id = $1 AND name_key = $2";

const USERS: &str = "
    SELECT name, id, path, created_ms FROM iam_user
     WHERE organization_id = $1 AND name_key > $2 ORDER BY name_key LIMIT $3";

const DELETE_USER: &str = "DELETE FROM iam_user WHERE organization_id = $1 AND name_key = $2";

const INSERT_ROLE: &str = "
    INSERT INTO iam_role (organization_id, name_key, name, id, path, description, trust_policy,
                          session_max_secs, created_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const ROLE: &str = "
    SELECT name, id, path, created_ms, description, trust_policy, session_max_secs
      FROM iam_role WHERE organization_id = $1 AND name_key = $2";

const ROLES: &str = "
    SELECT name, id, path, created_ms, description, trust_policy, session_max_secs
      FROM iam_role WHERE organization_id = $1 AND name_key > $2 ORDER BY name_key LIMIT $3";

const SET_TRUST: &str = "
    UPDATE iam_role SET trust_policy = $3 WHERE organization_id = $1 AND name_key = $2";

const DELETE_ROLE: &str = "DELETE FROM iam_role WHERE organization_id = $1 AND name_key = $2";

const PUT_POLICY: &str = "
    INSERT INTO iam_policy (organization_id, principal, name, document) VALUES ($1, $2, $3, $4)
    ON CONFLICT (organization_id, principal, name) DO UPDATE SET document = excluded.document";

const POLICIES: &str = "
    SELECT name, document FROM iam_policy
     WHERE organization_id = $1 AND principal = $2 ORDER BY name";

const DELETE_POLICY: &str = "
    DELETE FROM iam_policy WHERE organization_id = $1 AND principal = $2 AND name = $3";

/// A user or a role of IAM: what both have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IamEntity {
    /// The name, as it was written.
    pub name: String,
    /// The lasting id, `AIDA…` or `AROA…`.
    pub id: String,
    /// The path, which begins and ends with a slash.
    pub path: String,
    /// When it was made.
    pub created: Timestamp,
}

/// A role of IAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IamRole {
    /// What it shares with users.
    pub entity: IamEntity,
    /// What its maker says it is for.
    pub description: String,
    /// Who may assume it, as JSON.
    pub trust_policy: String,
    /// The longest session, in seconds.
    pub session_max_secs: i64,
}

impl Tx {
    /// The account of a site.
    pub async fn account_id(
        &mut self,
        organization: &OrganizationId,
    ) -> Result<Option<String>, StoreError> {
        let row = self.row(ACCOUNT, &[organization.into()]).await?;
        row.map(|row| row.text(0).map(str::to_owned)).transpose()
    }

    /// Adds a user. Its name may be taken.
    pub async fn insert_iam_user(
        &mut self,
        organization: &OrganizationId,
        user: &IamEntity,
    ) -> Result<Inserted, StoreError> {
        let args = [
            organization.into(),
            name_key(&user.name).into(),
            (&user.name).into(),
            (&user.id).into(),
            (&user.path).into(),
            user.created.into(),
        ];
        self.insert_unique(INSERT_USER, &args).await
    }

    /// Finds a user, whatever the letter case of its name.
    pub async fn iam_user(
        &mut self,
        organization: &OrganizationId,
        name: &str,
    ) -> Result<Option<IamEntity>, StoreError> {
        let row = self.row(USER, &[organization.into(), name_key(name).into()]).await?;
        row.as_ref().map(entity).transpose()
    }

    /// Finds a user and holds it until the transaction ends.
    pub async fn hold_iam_user(
        &mut self,
        organization: &OrganizationId,
        name: &str,
    ) -> Result<Option<IamEntity>, StoreError> {
        let args = [organization.into(), name_key(name).into()];
        let row = self.row_locked(Lock::Update, USER, &args).await?;
        row.as_ref().map(entity).transpose()
    }

    /// Users after a name, in order of their names.
    pub async fn iam_users(
        &mut self,
        organization: &OrganizationId,
        after: &str,
        limit: i64,
    ) -> Result<Vec<IamEntity>, StoreError> {
        let args = [organization.into(), name_key(after).into(), limit.into()];
        self.rows(USERS, &args).await?.iter().map(entity).collect()
    }

    /// Removes a user.
    pub async fn delete_iam_user(
        &mut self,
        organization: &OrganizationId,
        name: &str,
    ) -> Result<(), StoreError> {
        self.execute(DELETE_USER, &[organization.into(), name_key(name).into()]).await?;
        Ok(())
    }

    /// Adds a role. Its name may be taken.
    pub async fn insert_iam_role(
        &mut self,
        organization: &OrganizationId,
        role: &IamRole,
    ) -> Result<Inserted, StoreError> {
        let args = [
            organization.into(),
            name_key(&role.entity.name).into(),
            (&role.entity.name).into(),
            (&role.entity.id).into(),
            (&role.entity.path).into(),
            (&role.description).into(),
            (&role.trust_policy).into(),
            role.session_max_secs.into(),
            role.entity.created.into(),
        ];
        self.insert_unique(INSERT_ROLE, &args).await
    }

    /// Finds a role, whatever the letter case of its name.
    pub async fn iam_role(
        &mut self,
        organization: &OrganizationId,
        name: &str,
    ) -> Result<Option<IamRole>, StoreError> {
        let row = self.row(ROLE, &[organization.into(), name_key(name).into()]).await?;
        row.as_ref().map(role).transpose()
    }

    /// Finds a role and holds it until the transaction ends.
    pub async fn hold_iam_role(
        &mut self,
        organization: &OrganizationId,
        name: &str,
    ) -> Result<Option<IamRole>, StoreError> {
        let args = [organization.into(), name_key(name).into()];
        let row = self.row_locked(Lock::Update, ROLE, &args).await?;
        row.as_ref().map(role).transpose()
    }

    /// Roles after a name, in order of their names.
    pub async fn iam_roles(
        &mut self,
        organization: &OrganizationId,
        after: &str,
        limit: i64,
    ) -> Result<Vec<IamRole>, StoreError> {
        let args = [organization.into(), name_key(after).into(), limit.into()];
        self.rows(ROLES, &args).await?.iter().map(role).collect()
    }

    /// Changes who may assume a role.
    pub async fn set_trust_policy(
        &mut self,
        organization: &OrganizationId,
        name: &str,
        trust_policy: &str,
    ) -> Result<(), StoreError> {
        let args = [organization.into(), name_key(name).into(), trust_policy.into()];
        self.execute(SET_TRUST, &args).await?;
        Ok(())
    }

    /// Removes a role.
    pub async fn delete_iam_role(
        &mut self,
        organization: &OrganizationId,
        name: &str,
    ) -> Result<(), StoreError> {
        self.execute(DELETE_ROLE, &[organization.into(), name_key(name).into()]).await?;
        Ok(())
    }

    /// Adds a policy to a principal, or replaces the one of this name.
    pub async fn put_iam_policy(
        &mut self,
        organization: &OrganizationId,
        principal: &str,
        name: &str,
        document: &str,
    ) -> Result<(), StoreError> {
        let args = [organization.into(), principal.into(), name.into(), document.into()];
        self.execute(PUT_POLICY, &args).await?;
        Ok(())
    }

    /// The policies of a principal by name, each with its document.
    pub async fn iam_policies(
        &mut self,
        organization: &OrganizationId,
        principal: &str,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let rows = self.rows(POLICIES, &[organization.into(), principal.into()]).await?;
        rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned()))).collect()
    }

    /// Removes a policy of a principal; answers how many there were.
    pub async fn delete_iam_policy(
        &mut self,
        organization: &OrganizationId,
        principal: &str,
        name: &str,
    ) -> Result<u64, StoreError> {
        let args = [organization.into(), principal.into(), name.into()];
        self.execute(DELETE_POLICY, &args).await
    }
}

/// Names of IAM are ASCII and unique without regard to letter case.
fn name_key(name: &str) -> String {
    name.to_ascii_lowercase()
}

fn entity(row: &Row) -> Result<IamEntity, StoreError> {
    Ok(IamEntity {
        name: row.text(0)?.to_owned(),
        id: row.text(1)?.to_owned(),
        path: row.text(2)?.to_owned(),
        created: row.timestamp(3)?,
    })
}

fn role(row: &Row) -> Result<IamRole, StoreError> {
    Ok(IamRole {
        entity: entity(row)?,
        description: row.text(4)?.to_owned(),
        trust_policy: row.text(5)?.to_owned(),
        session_max_secs: row.int(6)?,
    })
}
