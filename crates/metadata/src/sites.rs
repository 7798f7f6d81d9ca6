//! Sites, and the credentials that lead to them.

use docharbor_domain::{
    AccessKeyId, OrganizationId, Scopes, Timestamp, UserId, UserStatus, UserType,
};

use crate::StoreError;
use crate::driver::{Lock, Tx};
use crate::users::{decode_status, decode_type};

const ORGANIZATIONS: &str = "SELECT id, account_id FROM organization ORDER BY id";

const ORGANIZATION: &str = "SELECT id FROM organization WHERE id = $1";

const INSERT_ORGANIZATION: &str =
    "INSERT INTO organization (id, account_id, created_ms) VALUES ($1, $2, $3)";

const ACCESS_KEY: &str = "
    SELECT k.organization_id, k.name, k.sealed_secret, k.policy, o.account_id
      FROM access_key k JOIN organization o ON o.id = k.organization_id WHERE k.id = $1";

const INSERT_ACCESS_KEY: &str = "
    INSERT INTO access_key (organization_id, id, name, sealed_secret, policy, created_ms)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (organization_id, id) DO NOTHING";

const FIRST_ACCESS_KEY: &str = "
    SELECT id, sealed_secret FROM access_key
     WHERE organization_id = $1 AND name = $2 ORDER BY created_ms, id LIMIT 1";

const TOKEN: &str = "
    SELECT t.organization_id, t.read_scope, t.write_scope, t.expires_ms, u.id, u.type, u.status
      FROM token t
      JOIN site_user u ON u.organization_id = t.organization_id AND u.id = t.user_id
     WHERE t.hash = $1";

const INSERT_TOKEN: &str = "
    INSERT INTO token (organization_id, hash, user_id, read_scope, write_scope, created_ms,
                       expires_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

const DELETE_EXPIRED_TOKENS: &str =
    "DELETE FROM token WHERE organization_id = $1 AND expires_ms < $2";

/// An access key as it is kept.
#[derive(Clone)]
pub struct AccessKeyRow {
    /// The site whose administrator the key's holder is.
    pub organization: OrganizationId,
    /// The name it was given.
    pub name: String,
    /// The secret, sealed under the master key.
    pub sealed_secret: String,
    /// The policy that limits it, as JSON.
    pub policy: Option<String>,
    /// The account of the site, twelve digits, for ARNs.
    pub account_id: String,
}

/// A token as it is kept, with the user it stands for as they are now.
#[derive(Clone)]
pub struct TokenRow {
    /// The user's site.
    pub organization: OrganizationId,
    /// The user.
    pub user: UserId,
    /// The user's type now.
    pub user_type: UserType,
    /// The user's status now.
    pub status: UserStatus,
    /// What the token may do.
    pub scopes: Scopes,
    /// When it ends.
    pub expires: Timestamp,
}

impl Tx {
    /// The sites of this server, with the account each belongs to.
    pub async fn organizations(&mut self) -> Result<Vec<(OrganizationId, String)>, StoreError> {
        let rows = self.rows(ORGANIZATIONS, &[]).await?;
        rows.iter()
            .map(|row| Ok((OrganizationId::new(row.text(0)?), row.text(1)?.to_owned())))
            .collect()
    }

    /// Holds a site until the transaction ends, where who administers it is decided.
    pub async fn lock_organization(
        &mut self,
        organization: &OrganizationId,
    ) -> Result<(), StoreError> {
        self.row_locked(Lock::Update, ORGANIZATION, &[organization.into()]).await?;
        Ok(())
    }

    /// Adds a site.
    pub async fn insert_organization(
        &mut self,
        id: &OrganizationId,
        account_id: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(INSERT_ORGANIZATION, &[id.into(), account_id.into(), now.into()]).await?;
        Ok(())
    }

    /// Reads an access key, which tells the organization.
    pub async fn access_key(
        &mut self,
        id: &AccessKeyId,
    ) -> Result<Option<AccessKeyRow>, StoreError> {
        let Some(row) = self.row(ACCESS_KEY, &[id.into()]).await? else { return Ok(None) };
        Ok(Some(AccessKeyRow {
            organization: OrganizationId::new(row.text(0)?),
            name: row.text(1)?.to_owned(),
            sealed_secret: row.text(2)?.to_owned(),
            policy: row.text_opt(3)?.map(str::to_owned),
            account_id: row.text(4)?.to_owned(),
        }))
    }

    /// Adds an access key; one with this id that the site already has stays.
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
        self.execute(INSERT_ACCESS_KEY, &args).await?;
        Ok(())
    }

    /// The oldest key of a name, with its sealed secret.
    pub async fn first_access_key(
        &mut self,
        organization: &OrganizationId,
        name: &str,
    ) -> Result<Option<(AccessKeyId, String)>, StoreError> {
        let row = self.row(FIRST_ACCESS_KEY, &[organization.into(), name.into()]).await?;
        row.map(|row| Ok((AccessKeyId::new(row.text(0)?), row.text(1)?.to_owned()))).transpose()
    }

    /// Reads a token by its hash, which tells the organization.
    pub async fn token(&mut self, hash: &str) -> Result<Option<TokenRow>, StoreError> {
        let Some(row) = self.row(TOKEN, &[hash.into()]).await? else { return Ok(None) };
        Ok(Some(TokenRow {
            organization: OrganizationId::new(row.text(0)?),
            scopes: Scopes { read: row.bool(1)?, write: row.bool(2)? },
            expires: Timestamp::from_millis(row.int(3)?),
            user: UserId::new(row.text(4)?),
            user_type: decode_type(row.text(5)?)?,
            status: decode_status(row.text(6)?)?,
        }))
    }

    /// Adds a token of a user.
    pub async fn insert_token(
        &mut self,
        organization: &OrganizationId,
        hash: &str,
        user: &UserId,
        scopes: Scopes,
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        let args = [
            organization.into(),
            hash.into(),
            user.into(),
            scopes.read.into(),
            scopes.write.into(),
            now.into(),
            expires.into(),
        ];
        self.execute(INSERT_TOKEN, &args).await?;
        Ok(())
    }

    /// Removes tokens that ended before a moment.
    pub async fn delete_expired_tokens(
        &mut self,
        organization: &OrganizationId,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        self.execute(DELETE_EXPIRED_TOKENS, &[organization.into(), before.into()]).await
    }
}
