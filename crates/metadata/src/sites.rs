//! The credentials that lead to a site.

use docharbor_domain::{
    ApplicationId, OrganizationId, Scopes, Timestamp, UserId, UserStatus, UserType,
};

use crate::StoreError;
use crate::driver::Tx;
use crate::users::{decode_status, decode_type};
use crate::value::Row;

const TOKEN: &str = "
    SELECT t.organization_id, t.read_scope, t.write_scope, t.expires_ms, u.id, u.type, u.status,
           CAST(CASE WHEN u.directory_key IS NULL THEN 0 ELSE 1 END AS BIGINT)
      FROM token t
      JOIN site_user u ON u.organization_id = t.organization_id AND u.id = t.user_id
     WHERE t.hash = $1";

const INSERT_TOKEN: &str = "
    INSERT INTO token (organization_id, hash, id, user_id, read_scope, write_scope, created_ms,
                       expires_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

const LISTED: &str = "
    SELECT t.id, u.username, t.read_scope, t.write_scope, t.created_ms, t.expires_ms,
           t.application_id
      FROM token t
      JOIN site_user u ON u.organization_id = t.organization_id AND u.id = t.user_id
     WHERE t.organization_id = $1 AND t.expires_ms > $2
     ORDER BY t.created_ms, t.id";

const LISTED_OF_USER: &str = "
    SELECT t.id, u.username, t.read_scope, t.write_scope, t.created_ms, t.expires_ms,
           t.application_id
      FROM token t
      JOIN site_user u ON u.organization_id = t.organization_id AND u.id = t.user_id
     WHERE t.organization_id = $1 AND t.expires_ms > $2 AND t.user_id = $3
     ORDER BY t.created_ms, t.id";

const DELETE_TOKEN: &str = "DELETE FROM token WHERE organization_id = $1 AND id = $2";

const DELETE_EXPIRED_TOKENS: &str =
    "DELETE FROM token WHERE organization_id = $1 AND expires_ms < $2";

/// How much of its hash a token is called by, where its text must not stand.
const TOKEN_ID_CHARS: usize = 16;

/// What a token is called where its text must not stand: the beginning of its hash.
pub fn token_id(hash: &str) -> &str {
    hash.get(..TOKEN_ID_CHARS).unwrap_or(hash)
}

/// A token in a list, without anything it could be used by.
#[derive(Clone)]
pub struct ListedToken {
    /// What it is called.
    pub id: String,
    /// The name of its user.
    pub username: String,
    /// What it may do.
    pub scopes: Scopes,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// The program it was given to, if a program asked for it.
    pub application: Option<ApplicationId>,
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
            token_id(hash).into(),
            user.into(),
            scopes.read.into(),
            scopes.write.into(),
            now.into(),
            expires.into(),
        ];
        self.execute(INSERT_TOKEN, &args).await?;
        Ok(())
    }

    /// The tokens of a site, or of one user of it, that have not ended, oldest first.
    pub async fn tokens(
        &mut self,
        organization: &OrganizationId,
        now: Timestamp,
        user: Option<&UserId>,
    ) -> Result<Vec<ListedToken>, StoreError> {
        let rows = match user {
            Some(user) => {
                self.rows(LISTED_OF_USER, &[organization.into(), now.into(), user.into()]).await?
            }
            None => self.rows(LISTED, &[organization.into(), now.into()]).await?,
        };
        rows.iter().map(decode_listed).collect()
    }

    /// Removes a token by what it is called. Tells whether there was one.
    pub async fn delete_token(
        &mut self,
        organization: &OrganizationId,
        id: &str,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(DELETE_TOKEN, &[organization.into(), id.into()]).await? != 0)
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

fn decode_listed(row: &Row) -> Result<ListedToken, StoreError> {
    Ok(ListedToken {
        id: row.text(0)?.to_owned(),
        username: row.text(1)?.to_owned(),
        scopes: Scopes { read: row.bool(2)?, write: row.bool(3)? },
        created: row.timestamp(4)?,
        expires: row.timestamp(5)?,
        application: row.text_opt(6)?.map(ApplicationId::new),
    })
}
