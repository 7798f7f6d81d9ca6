//! Signing in: what is kept of passwords, of failed attempts, and of browsers that are signed in.

use docharbor_domain::{OrganizationId, Timestamp, UserId, UserStatus, UserType, folded};

use crate::StoreError;
use crate::driver::{Lock, Tx};
use crate::users::{decode_status, decode_type};
use crate::value::Row;

const BY_NAME: &str = "
    SELECT id, username, password_hash, status, directory_key FROM site_user
     WHERE organization_id = $1 AND username_key = $2";

const BY_EMAIL: &str = "
    SELECT id, username, password_hash, status, directory_key FROM site_user
     WHERE organization_id = $1 AND lower(email) = $2 ORDER BY id LIMIT 2";

const PASSWORD: &str = "SELECT password_hash FROM site_user WHERE organization_id = $1 AND id = $2";

const SET_PASSWORD: &str =
    "UPDATE site_user SET password_hash = $1 WHERE organization_id = $2 AND id = $3";

const PLACE_FAILURES: &str = "
    INSERT INTO sign_in_failure (organization_id, subject, failures, last_ms)
    VALUES ($1, $2, 0, 0) ON CONFLICT (organization_id, subject) DO NOTHING";

const FAILURES: &str = "
    SELECT failures, last_ms FROM sign_in_failure WHERE organization_id = $1 AND subject = $2";

const PUT_FAILURES: &str = "
    UPDATE sign_in_failure SET failures = $1, last_ms = $2
     WHERE organization_id = $3 AND subject = $4";

const DELETE_OLD_FAILURES: &str =
    "DELETE FROM sign_in_failure WHERE organization_id = $1 AND last_ms < $2";

const INSERT_SESSION: &str = "
    INSERT INTO web_session (organization_id, hash, user_id, created_ms, expires_ms)
    VALUES ($1, $2, $3, $4, $5)";

const SESSION: &str = "
    SELECT s.organization_id, s.expires_ms, u.id, u.type, u.status
      FROM web_session s
      JOIN site_user u ON u.organization_id = s.organization_id AND u.id = s.user_id
     WHERE s.hash = $1";

const DELETE_SESSION: &str = "DELETE FROM web_session WHERE organization_id = $1 AND hash = $2";

const DELETE_SESSIONS: &str = "DELETE FROM web_session WHERE organization_id = $1 AND user_id = $2";

const DELETE_EXPIRED_SESSIONS: &str =
    "DELETE FROM web_session WHERE organization_id = $1 AND expires_ms < $2";

/// What decides whether somebody is who they say.
#[derive(Clone)]
pub struct PasswordRow {
    /// The user.
    pub user: UserId,
    /// The user name, whatever was typed.
    pub username: String,
    /// What is kept of the password; nothing for a guest who has none and for people of a directory.
    pub password_hash: String,
    /// Whether the user may use the site now.
    pub status: UserStatus,
    /// Whether a connected directory knows the password instead.
    pub is_from_directory: bool,
}

/// How often signing in failed for a subject, and when it last did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// How often.
    pub count: i64,
    /// The last time.
    pub last: Timestamp,
}

/// A browser in which a user is signed in, with the user as they are now.
#[derive(Clone)]
pub struct SessionRow {
    /// The user's site.
    pub organization: OrganizationId,
    /// The user.
    pub user: UserId,
    /// The user's type now.
    pub user_type: UserType,
    /// The user's status now.
    pub status: UserStatus,
    /// When the session ends.
    pub expires: Timestamp,
}

impl Tx {
    /// Finds whom a name to sign in with means: a user name, or an address that is one user's alone.
    pub async fn password(
        &mut self,
        organization: &OrganizationId,
        name: &str,
    ) -> Result<Option<PasswordRow>, StoreError> {
        let args = [organization.into(), folded(name).into()];
        if let Some(row) = self.row(BY_NAME, &args).await? {
            return decode_password(&row).map(Some);
        }
        let args = [organization.into(), name.to_ascii_lowercase().into()];
        match self.rows(BY_EMAIL, &args).await?.as_slice() {
            [row] => decode_password(row).map(Some),
            _ => Ok(None),
        }
    }

    /// Reads what is kept of a user's password, and holds it until the transaction ends.
    pub async fn password_hash_locked(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
    ) -> Result<Option<String>, StoreError> {
        let args = [organization.into(), user.into()];
        let row = self.row_locked(Lock::Update, PASSWORD, &args).await?;
        row.map(|row| row.text(0).map(str::to_owned)).transpose()
    }

    /// Writes what is kept of a user's password. False if there is no such user.
    pub async fn set_password(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
        password_hash: &str,
    ) -> Result<bool, StoreError> {
        let args = [password_hash.into(), organization.into(), user.into()];
        Ok(self.execute(SET_PASSWORD, &args).await? == 1)
    }

    /// Reads a subject's failures and holds them until the transaction ends.
    pub async fn failures_locked(
        &mut self,
        organization: &OrganizationId,
        subject: &str,
    ) -> Result<Failures, StoreError> {
        let args = [organization.into(), subject.into()];
        self.execute(PLACE_FAILURES, &args).await?;
        let row = self.row_locked(Lock::Update, FAILURES, &args).await?;
        row.map_or(Ok(Failures { count: 0, last: Timestamp::from_millis(0) }), |row| {
            Ok(Failures { count: row.int(0)?, last: Timestamp::from_millis(row.int(1)?) })
        })
    }

    /// Writes a subject's failures, which `failures_locked` holds.
    pub async fn put_failures(
        &mut self,
        organization: &OrganizationId,
        subject: &str,
        failures: Failures,
    ) -> Result<(), StoreError> {
        let args =
            [failures.count.into(), failures.last.into(), organization.into(), subject.into()];
        self.execute(PUT_FAILURES, &args).await?;
        Ok(())
    }

    /// Forgets failures that are older than a moment.
    pub async fn delete_old_failures(
        &mut self,
        organization: &OrganizationId,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        self.execute(DELETE_OLD_FAILURES, &[organization.into(), before.into()]).await
    }

    /// Adds a session, by the hash of its cookie's text.
    pub async fn insert_session(
        &mut self,
        organization: &OrganizationId,
        hash: &str,
        user: &UserId,
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        let args = [organization.into(), hash.into(), user.into(), now.into(), expires.into()];
        self.execute(INSERT_SESSION, &args).await?;
        Ok(())
    }

    /// Reads a session by its hash, which tells the organization.
    pub async fn session(&mut self, hash: &str) -> Result<Option<SessionRow>, StoreError> {
        let Some(row) = self.row(SESSION, &[hash.into()]).await? else { return Ok(None) };
        Ok(Some(SessionRow {
            organization: OrganizationId::new(row.text(0)?),
            expires: Timestamp::from_millis(row.int(1)?),
            user: UserId::new(row.text(2)?),
            user_type: decode_type(row.text(3)?)?,
            status: decode_status(row.text(4)?)?,
        }))
    }

    /// Ends a session.
    pub async fn delete_session(
        &mut self,
        organization: &OrganizationId,
        hash: &str,
    ) -> Result<(), StoreError> {
        self.execute(DELETE_SESSION, &[organization.into(), hash.into()]).await?;
        Ok(())
    }

    /// Ends every session of a user.
    pub async fn delete_web_sessions(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
    ) -> Result<(), StoreError> {
        self.execute(DELETE_SESSIONS, &[organization.into(), user.into()]).await?;
        Ok(())
    }

    /// Removes sessions that ended before a moment.
    pub async fn delete_expired_sessions(
        &mut self,
        organization: &OrganizationId,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        self.execute(DELETE_EXPIRED_SESSIONS, &[organization.into(), before.into()]).await
    }
}

fn decode_password(row: &Row) -> Result<PasswordRow, StoreError> {
    Ok(PasswordRow {
        user: UserId::new(row.text(0)?),
        username: row.text(1)?.to_owned(),
        password_hash: row.text(2)?.to_owned(),
        status: decode_status(row.text(3)?)?,
        is_from_directory: row.text_opt(4)?.is_some(),
    })
}
