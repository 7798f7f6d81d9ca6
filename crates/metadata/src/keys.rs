//! Access keys: permanent ones, and those of sessions.

use docharbor_domain::{AccessKeyId, OrganizationId, Timestamp};

use crate::StoreError;
use crate::driver::{Inserted, Lock, Tx};

// One row for each policy of the principal, or a single row without any.
const ACCESS_KEY: &str = "
    SELECT k.organization_id, k.name, k.sealed_secret, k.policy, o.account_id, k.principal, k.status,
           k.session_token_hash, k.session_name, k.expires_ms, k.parent, p.document
      FROM access_key k
      JOIN organization o ON o.id = k.organization_id
      LEFT JOIN iam_policy p
        ON p.organization_id = k.organization_id AND p.principal = k.principal
     WHERE k.id = $1";

const INSERT: &str = "
    INSERT INTO access_key (organization_id, id, name, sealed_secret, policy, created_ms, principal,
                            session_token_hash, session_name, expires_ms, parent)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

const INSERT_PERMANENT: &str = "
    INSERT INTO access_key (organization_id, id, name, sealed_secret, policy, created_ms)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (organization_id, id) DO NOTHING";

const FIRST: &str = "
    SELECT id, sealed_secret FROM access_key
     WHERE organization_id = $1 AND name = $2 AND principal IS NULL AND parent IS NULL
     ORDER BY created_ms, id LIMIT 1";

const LISTED: &str = "
    SELECT id, name, principal, status, created_ms FROM access_key
     WHERE organization_id = $1 AND expires_ms IS NULL ORDER BY created_ms, id";

const OF_PRINCIPAL: &str = "
    SELECT id, name, principal, status, created_ms FROM access_key
     WHERE organization_id = $1 AND principal = $2 AND expires_ms IS NULL ORDER BY created_ms, id";

const HELD: &str =
    "SELECT id FROM access_key WHERE organization_id = $1 AND id = $2 AND status = $3";

const SET_STATUS: &str = "UPDATE access_key SET status = $3 WHERE organization_id = $1 AND id = $2";

const DELETE: &str = "DELETE FROM access_key WHERE organization_id = $1 AND id = $2";

const DELETE_SESSIONS_OF_KEY: &str =
    "DELETE FROM access_key WHERE organization_id = $1 AND parent = $2";

const DELETE_SESSIONS_OF_PRINCIPAL: &str = "
    DELETE FROM access_key
     WHERE organization_id = $1 AND principal = $2 AND expires_ms IS NOT NULL";

const DELETE_EXPIRED: &str =
    "DELETE FROM access_key WHERE organization_id = $1 AND expires_ms < $2";

const ACTIVE: &str = "Active";

/// An access key as it is kept.
#[derive(Clone)]
pub struct AccessKeyRow {
    /// The site whose administrator the key's holder is.
    pub organization: OrganizationId,
    /// The name it was given, or that of its user or role, after the path.
    pub name: String,
    /// The secret, sealed under the master key.
    pub sealed_secret: String,
    /// The policy that limits this key, as JSON: its own, or its session's.
    pub policy: Option<String>,
    /// The account of the site, twelve digits, for ARNs.
    pub account_id: String,
    /// Whose policies limit it: `user/NAME_KEY` or `role/NAME_KEY`.
    pub principal: Option<String>,
    /// Whether it can be used.
    pub is_active: bool,
    /// The hash of the session token that belongs to a temporary key.
    pub session_token_hash: Option<String>,
    /// The name of the session in which a role was assumed.
    pub session_name: Option<String>,
    /// When a temporary key ends.
    pub expires: Option<Timestamp>,
    /// The permanent key this one was got with, and with which it ends.
    pub parent: Option<AccessKeyId>,
    /// The policies of the principal, as JSON.
    pub principal_policies: Vec<String>,
}

/// An access key to be kept.
#[derive(Clone)]
pub struct NewAccessKeyRow {
    /// Its site.
    pub organization: OrganizationId,
    /// Its id.
    pub id: AccessKeyId,
    /// As in [`AccessKeyRow`].
    pub name: String,
    /// As in [`AccessKeyRow`].
    pub sealed_secret: String,
    /// As in [`AccessKeyRow`].
    pub policy: Option<String>,
    /// When it is made.
    pub created: Timestamp,
    /// As in [`AccessKeyRow`].
    pub principal: Option<String>,
    /// As in [`AccessKeyRow`].
    pub session_token_hash: Option<String>,
    /// As in [`AccessKeyRow`].
    pub session_name: Option<String>,
    /// As in [`AccessKeyRow`].
    pub expires: Option<Timestamp>,
    /// As in [`AccessKeyRow`].
    pub parent: Option<AccessKeyId>,
}

/// A permanent access key in a list.
#[derive(Clone, Debug)]
pub struct ListedKey {
    /// The key.
    pub id: AccessKeyId,
    /// The name it was given, or its user's.
    pub name: String,
    /// Whose policies limit it.
    pub principal: Option<String>,
    /// Whether it can be used.
    pub is_active: bool,
    /// When it was made.
    pub created: Timestamp,
}

impl Tx {
    /// Reads an access key with its principal's policies, which tells the organization.
    pub async fn access_key(
        &mut self,
        id: &AccessKeyId,
    ) -> Result<Option<AccessKeyRow>, StoreError> {
        let rows = self.rows(ACCESS_KEY, &[id.into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let text = |at| Ok::<_, StoreError>(row.text_opt(at)?.map(str::to_owned));
        let mut principal_policies = Vec::new();
        for row in &rows {
            principal_policies.extend(row.text_opt(11)?.map(str::to_owned));
        }
        Ok(Some(AccessKeyRow {
            organization: OrganizationId::new(row.text(0)?),
            name: row.text(1)?.to_owned(),
            sealed_secret: row.text(2)?.to_owned(),
            policy: text(3)?,
            account_id: row.text(4)?.to_owned(),
            principal: text(5)?,
            is_active: row.text(6)? == ACTIVE,
            session_token_hash: text(7)?,
            session_name: text(8)?,
            expires: row.int_opt(9)?.map(Timestamp::from_millis),
            parent: text(10)?.map(AccessKeyId::new),
            principal_policies,
        }))
    }

    /// Adds a permanent access key that belongs to no IAM user; one with this id that the site
    /// already has stays.
    pub async fn insert_access_key(
        &mut self,
        organization: &OrganizationId,
        id: &AccessKeyId,
        name: &str,
        sealed_secret: &str,
        policy: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let args = [
            organization.into(),
            id.into(),
            name.into(),
            sealed_secret.into(),
            policy.into(),
            now.into(),
        ];
        self.execute(INSERT_PERMANENT, &args).await?;
        Ok(())
    }

    /// Adds an access key of an IAM user or of a session.
    pub async fn insert_iam_key(&mut self, key: &NewAccessKeyRow) -> Result<Inserted, StoreError> {
        let args = [
            (&key.organization).into(),
            (&key.id).into(),
            (&key.name).into(),
            (&key.sealed_secret).into(),
            key.policy.as_deref().into(),
            key.created.into(),
            key.principal.as_deref().into(),
            key.session_token_hash.as_deref().into(),
            key.session_name.as_deref().into(),
            key.expires.into(),
            key.parent.as_ref().into(),
        ];
        self.insert_unique(INSERT, &args).await
    }

    /// The oldest key of a name that belongs to no IAM user, with its sealed secret.
    pub async fn first_access_key(
        &mut self,
        organization: &OrganizationId,
        name: &str,
    ) -> Result<Option<(AccessKeyId, String)>, StoreError> {
        let row = self.row(FIRST, &[organization.into(), name.into()]).await?;
        row.map(|row| Ok((AccessKeyId::new(row.text(0)?), row.text(1)?.to_owned()))).transpose()
    }

    /// The permanent keys of a site, or of one principal of it, oldest first.
    pub async fn access_keys(
        &mut self,
        organization: &OrganizationId,
        principal: Option<&str>,
    ) -> Result<Vec<ListedKey>, StoreError> {
        let rows = match principal {
            Some(principal) => {
                self.rows(OF_PRINCIPAL, &[organization.into(), principal.into()]).await?
            }
            None => self.rows(LISTED, &[organization.into()]).await?,
        };
        let key = |row: &crate::value::Row| {
            Ok(ListedKey {
                id: AccessKeyId::new(row.text(0)?),
                name: row.text(1)?.to_owned(),
                principal: row.text_opt(2)?.map(str::to_owned),
                is_active: row.text(3)? == ACTIVE,
                created: row.timestamp(4)?,
            })
        };
        rows.iter().map(key).collect()
    }

    /// Whether a key can be used; it is kept as it is until the transaction ends.
    pub async fn hold_active_key(
        &mut self,
        organization: &OrganizationId,
        id: &AccessKeyId,
    ) -> Result<bool, StoreError> {
        let args = [organization.into(), id.into(), ACTIVE.into()];
        Ok(self.row_locked(Lock::Update, HELD, &args).await?.is_some())
    }

    /// Makes a key usable or not. What was got with one that no longer is ends with it.
    pub async fn set_access_key_status(
        &mut self,
        organization: &OrganizationId,
        id: &AccessKeyId,
        is_active: bool,
    ) -> Result<(), StoreError> {
        let status = if is_active { ACTIVE } else { "Inactive" };
        self.execute(SET_STATUS, &[organization.into(), id.into(), status.into()]).await?;
        if !is_active {
            self.execute(DELETE_SESSIONS_OF_KEY, &[organization.into(), id.into()]).await?;
        }
        Ok(())
    }

    /// Removes a key, and what was got with it.
    pub async fn delete_access_key(
        &mut self,
        organization: &OrganizationId,
        id: &AccessKeyId,
    ) -> Result<u64, StoreError> {
        let args = [organization.into(), id.into()];
        let deleted = self.execute(DELETE, &args).await?;
        self.execute(DELETE_SESSIONS_OF_KEY, &args).await?;
        Ok(deleted)
    }

    /// Ends the sessions of a user or role.
    pub async fn delete_sessions(
        &mut self,
        organization: &OrganizationId,
        principal: &str,
    ) -> Result<u64, StoreError> {
        self.execute(DELETE_SESSIONS_OF_PRINCIPAL, &[organization.into(), principal.into()]).await
    }

    /// Removes temporary keys that ended before a moment.
    pub async fn delete_expired_keys(
        &mut self,
        organization: &OrganizationId,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        self.execute(DELETE_EXPIRED, &[organization.into(), before.into()]).await
    }
}
