//! The credentials that lead to a site.

use docharbor_domain::{OrganizationId, Scopes, Timestamp, UserId, UserStatus, UserType};

use crate::StoreError;
use crate::driver::Tx;
use crate::users::{decode_status, decode_type};

const TOKEN: &str = "
    SELECT t.organization_id, t.read_scope, t.write_scope, t.expires_ms, u.id, u.type, u.status,
           CAST(CASE WHEN u.directory_key IS NULL THEN 0 ELSE 1 END AS BIGINT)
      FROM token t
      JOIN site_user u ON u.organization_id = t.organization_id AND u.id = t.user_id
     WHERE t.hash = $1";

const INSERT_TOKEN: &str = "
    INSERT INTO token (organization_id, hash, user_id, read_scope, write_scope, created_ms,
                       expires_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

const DELETE_EXPIRED_TOKENS: &str =
    "DELETE FROM token WHERE organization_id = $1 AND expires_ms < $2";

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
    /// Whether the user is one of a connected directory.
    pub from_directory: bool,
}

impl Tx {
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
            from_directory: row.bool(7)?,
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
