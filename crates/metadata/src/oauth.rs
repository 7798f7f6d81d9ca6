//! Programs that ask users for access, and the codes they are given on the way to a token.

use docharbor_domain::{ApplicationId, OrganizationId, RedirectUri, Scopes, Timestamp, UserId};

use crate::driver::{Inserted, Tx};
use crate::sites::token_id;
use crate::value::Row;
use crate::{StoreError, corrupt};

const INSERT_APPLICATION: &str = "
    INSERT INTO application (organization_id, id, name, email, read_scope, write_scope, created_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

const INSERT_REDIRECT: &str = "
    INSERT INTO application_redirect (organization_id, application_id, uri) VALUES ($1, $2, $3)";

const APPLICATION: &str = "
    SELECT organization_id, id, name, email, read_scope, write_scope, created_ms
      FROM application WHERE id = $1";

const APPLICATIONS: &str = "
    SELECT organization_id, id, name, email, read_scope, write_scope, created_ms
      FROM application WHERE organization_id = $1 ORDER BY name, id";

const REDIRECTS: &str = "
    SELECT uri FROM application_redirect
     WHERE organization_id = $1 AND application_id = $2 ORDER BY uri";

const DELETE_APPLICATION: &str = "DELETE FROM application WHERE organization_id = $1 AND id = $2";

/// What goes with an application: its tokens and codes end at once.
const DELETE_PARTS: [&str; 4] = [
    "DELETE FROM application_redirect WHERE organization_id = $1 AND application_id = $2",
    "DELETE FROM authorization_code WHERE organization_id = $1 AND application_id = $2",
    "DELETE FROM device_code WHERE organization_id = $1 AND application_id = $2",
    "DELETE FROM token WHERE organization_id = $1 AND application_id = $2",
];

const INSERT_TOKEN: &str = "
    INSERT INTO token (organization_id, hash, id, user_id, read_scope, write_scope, created_ms,
                       expires_ms, application_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const INSERT_CODE: &str = "
    INSERT INTO authorization_code (organization_id, hash, application_id, user_id, redirect_uri,
                                    read_scope, write_scope, challenge, expires_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const CODE: &str = "
    SELECT organization_id, application_id, user_id, redirect_uri, read_scope, write_scope,
           challenge, expires_ms
      FROM authorization_code WHERE hash = $1";

const DELETE_CODE: &str = "DELETE FROM authorization_code WHERE organization_id = $1 AND hash = $2";

const DELETE_EXPIRED_CODES: &str =
    "DELETE FROM authorization_code WHERE organization_id = $1 AND expires_ms < $2";

const INSERT_DEVICE: &str = "
    INSERT INTO device_code (organization_id, hash, user_code, application_id, read_scope,
                             write_scope, status, polled_ms, expires_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8)";

const COUNT_DEVICES: &str = "
    SELECT COUNT(*) FROM device_code
     WHERE organization_id = $1 AND application_id = $2 AND expires_ms > $3";

const DEVICE: &str = "
    SELECT organization_id, hash, application_id, read_scope, write_scope, status, user_id,
           polled_ms, expires_ms
      FROM device_code WHERE hash = $1";

const DEVICE_BY_USER_CODE: &str = "
    SELECT organization_id, hash, application_id, read_scope, write_scope, status, user_id,
           polled_ms, expires_ms
      FROM device_code WHERE organization_id = $1 AND user_code = $2";

const POLLED: &str =
    "UPDATE device_code SET polled_ms = $3 WHERE organization_id = $1 AND hash = $2";

const DECIDE: &str = "
    UPDATE device_code SET status = $3, user_id = $4
     WHERE organization_id = $1 AND hash = $2 AND status = $5";

const DELETE_DEVICE: &str = "DELETE FROM device_code WHERE organization_id = $1 AND hash = $2";

const DELETE_EXPIRED_DEVICES: &str =
    "DELETE FROM device_code WHERE organization_id = $1 AND expires_ms < $2";

const GUESSES: &str = "
    SELECT failures, last_ms FROM sign_in_failure WHERE organization_id = $1 AND subject = $2";

const COUNT_GUESS: &str = "
    INSERT INTO sign_in_failure (organization_id, subject, failures, last_ms)
    VALUES ($1, $2, 1, $3)
    ON CONFLICT (organization_id, subject)
    DO UPDATE SET failures = sign_in_failure.failures + 1, last_ms = excluded.last_ms";

const FORGET_GUESSES: &str =
    "DELETE FROM sign_in_failure WHERE organization_id = $1 AND subject = $2";

/// Statements that must not read more than they are about, however many devices and tokens there are.
/// Deleting an application may read every code of the site: they end within minutes.
#[cfg(test)]
pub(crate) const PLANNED: &[&str] = &[
    APPLICATION,
    REDIRECTS,
    DELETE_APPLICATION,
    DELETE_PARTS[0],
    DELETE_PARTS[3],
    CODE,
    DELETE_CODE,
    DELETE_EXPIRED_CODES,
    COUNT_DEVICES,
    DEVICE,
    DEVICE_BY_USER_CODE,
    POLLED,
    DECIDE,
    DELETE_DEVICE,
    DELETE_EXPIRED_DEVICES,
    GUESSES,
    FORGET_GUESSES,
];

/// A program that asks users for access.
#[derive(Clone, Debug)]
pub struct Application {
    /// The site whose users it may ask.
    pub organization: OrganizationId,
    /// What it names itself by.
    pub id: ApplicationId,
    /// What people are told it is called.
    pub name: String,
    /// Whom to ask about it.
    pub email: Option<String>,
    /// The most it may ask for.
    pub scopes: Scopes,
    /// When it was registered.
    pub created: Timestamp,
    /// Where users may be sent back to.
    pub redirect_uris: Vec<RedirectUri>,
}

/// A token to be kept.
#[derive(Clone)]
pub struct NewToken {
    /// The user's site.
    pub organization: OrganizationId,
    /// The SHA-256 of its text.
    pub hash: String,
    /// Whom it stands for.
    pub user: UserId,
    /// What it may do.
    pub scopes: Scopes,
    /// When it is made.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// The program that asked for it.
    pub application: ApplicationId,
}

/// An authorization code as it is kept.
#[derive(Clone)]
pub struct CodeRow {
    /// The user's site.
    pub organization: OrganizationId,
    /// The SHA-256 of its text.
    pub hash: String,
    /// The program it was given to.
    pub application: ApplicationId,
    /// Who consented.
    pub user: UserId,
    /// Where it was sent.
    pub redirect_uri: String,
    /// What was consented to.
    pub scopes: Scopes,
    /// The SHA-256 of the verifier, in base 64.
    pub challenge: String,
    /// When it ends.
    pub expires: Timestamp,
}

/// What became of a device's question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceStatus {
    /// Nobody answered yet.
    Pending,
    /// A user consented.
    Allowed,
    /// A user refused.
    Denied,
}

/// A device that waits for a person.
#[derive(Clone)]
pub struct DeviceRow {
    /// The site whose users are asked.
    pub organization: OrganizationId,
    /// The SHA-256 of its code.
    pub hash: String,
    /// The program on it.
    pub application: ApplicationId,
    /// What it asks for.
    pub scopes: Scopes,
    /// What became of it.
    pub status: DeviceStatus,
    /// Who answered.
    pub user: Option<UserId>,
    /// When it last asked.
    pub polled: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
}

impl Tx {
    /// Adds an application.
    pub async fn insert_application(&mut self, new: &Application) -> Result<(), StoreError> {
        let args = [
            (&new.organization).into(),
            (&new.id).into(),
            new.name.as_str().into(),
            new.email.as_deref().into(),
            new.scopes.read.into(),
            new.scopes.write.into(),
            new.created.into(),
        ];
        self.execute(INSERT_APPLICATION, &args).await?;
        for uri in &new.redirect_uris {
            let args = [(&new.organization).into(), (&new.id).into(), uri.as_str().into()];
            self.execute(INSERT_REDIRECT, &args).await?;
        }
        Ok(())
    }

    /// Reads an application, which tells the organization.
    pub async fn application(
        &mut self,
        id: &ApplicationId,
    ) -> Result<Option<Application>, StoreError> {
        let Some(row) = self.row(APPLICATION, &[id.into()]).await? else { return Ok(None) };
        self.with_redirects(&row).await.map(Some)
    }

    /// Reads every application of a site, by name.
    pub async fn applications(
        &mut self,
        organization: &OrganizationId,
    ) -> Result<Vec<Application>, StoreError> {
        let mut all = Vec::new();
        for row in self.rows(APPLICATIONS, &[organization.into()]).await? {
            all.push(self.with_redirects(&row).await?);
        }
        Ok(all)
    }

    async fn with_redirects(&mut self, row: &Row) -> Result<Application, StoreError> {
        let organization = OrganizationId::new(row.text(0)?);
        let id = ApplicationId::new(row.text(1)?);
        let uris = self.rows(REDIRECTS, &[(&organization).into(), (&id).into()]).await?;
        let uri = |row: &Row| Ok(RedirectUri::stored(row.text(0)?));
        Ok(Application {
            name: row.text(2)?.to_owned(),
            email: row.text_opt(3)?.map(str::to_owned),
            scopes: Scopes { read: row.bool(4)?, write: row.bool(5)? },
            created: row.timestamp(6)?,
            redirect_uris: uris.iter().map(uri).collect::<Result<_, StoreError>>()?,
            organization,
            id,
        })
    }

    /// Removes an application with its tokens and codes. Tells whether there was one.
    pub async fn delete_application(
        &mut self,
        organization: &OrganizationId,
        id: &ApplicationId,
    ) -> Result<bool, StoreError> {
        for part in DELETE_PARTS {
            self.execute(part, &[organization.into(), id.into()]).await?;
        }
        Ok(self.execute(DELETE_APPLICATION, &[organization.into(), id.into()]).await? == 1)
    }

    /// Adds a token that an application asked for.
    pub async fn insert_application_token(&mut self, token: &NewToken) -> Result<(), StoreError> {
        let args = [
            (&token.organization).into(),
            token.hash.as_str().into(),
            token_id(&token.hash).into(),
            (&token.user).into(),
            token.scopes.read.into(),
            token.scopes.write.into(),
            token.created.into(),
            token.expires.into(),
            (&token.application).into(),
        ];
        self.execute(INSERT_TOKEN, &args).await?;
        Ok(())
    }

    /// Adds an authorization code.
    pub async fn insert_authorization_code(&mut self, code: &CodeRow) -> Result<(), StoreError> {
        let args = [
            (&code.organization).into(),
            code.hash.as_str().into(),
            (&code.application).into(),
            (&code.user).into(),
            code.redirect_uri.as_str().into(),
            code.scopes.read.into(),
            code.scopes.write.into(),
            code.challenge.as_str().into(),
            code.expires.into(),
        ];
        self.execute(INSERT_CODE, &args).await?;
        Ok(())
    }

    /// Reads and removes an authorization code: of those who try at once, one has it.
    pub async fn take_authorization_code(
        &mut self,
        hash: &str,
    ) -> Result<Option<CodeRow>, StoreError> {
        let Some(row) = self.row(CODE, &[hash.into()]).await? else { return Ok(None) };
        let code = CodeRow {
            organization: OrganizationId::new(row.text(0)?),
            hash: hash.to_owned(),
            application: ApplicationId::new(row.text(1)?),
            user: UserId::new(row.text(2)?),
            redirect_uri: row.text(3)?.to_owned(),
            scopes: Scopes { read: row.bool(4)?, write: row.bool(5)? },
            challenge: row.text(6)?.to_owned(),
            expires: row.timestamp(7)?,
        };
        let args = [(&code.organization).into(), hash.into()];
        Ok((self.execute(DELETE_CODE, &args).await? == 1).then_some(code))
    }

    /// Adds a device that waits, unless another has one of its codes.
    pub async fn insert_device(
        &mut self,
        device: &DeviceRow,
        user_code: &str,
    ) -> Result<Inserted, StoreError> {
        let args = [
            (&device.organization).into(),
            device.hash.as_str().into(),
            user_code.into(),
            (&device.application).into(),
            device.scopes.read.into(),
            device.scopes.write.into(),
            encode(device.status).into(),
            device.expires.into(),
        ];
        self.insert_unique(INSERT_DEVICE, &args).await
    }

    /// How many devices of an application have not reached their end.
    pub async fn count_devices(
        &mut self,
        organization: &OrganizationId,
        application: &ApplicationId,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let args = [organization.into(), application.into(), now.into()];
        self.row(COUNT_DEVICES, &args).await?.map_or(Ok(0), |row| row.int(0))
    }

    /// Reads a waiting device by its own code, which tells the organization.
    pub async fn device(&mut self, hash: &str) -> Result<Option<DeviceRow>, StoreError> {
        let row = self.row(DEVICE, &[hash.into()]).await?;
        row.as_ref().map(decode_device).transpose()
    }

    /// Reads a waiting device by what a person types.
    pub async fn device_by_user_code(
        &mut self,
        organization: &OrganizationId,
        user_code: &str,
    ) -> Result<Option<DeviceRow>, StoreError> {
        let row = self.row(DEVICE_BY_USER_CODE, &[organization.into(), user_code.into()]).await?;
        row.as_ref().map(decode_device).transpose()
    }

    /// Notes that a device asked.
    pub async fn device_polled(
        &mut self,
        organization: &OrganizationId,
        hash: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(POLLED, &[organization.into(), hash.into(), now.into()]).await?;
        Ok(())
    }

    /// Notes what a user answered. Tells whether nobody had before.
    pub async fn decide_device(
        &mut self,
        organization: &OrganizationId,
        hash: &str,
        status: DeviceStatus,
        user: &UserId,
    ) -> Result<bool, StoreError> {
        let args = [
            organization.into(),
            hash.into(),
            encode(status).into(),
            user.into(),
            encode(DeviceStatus::Pending).into(),
        ];
        Ok(self.execute(DECIDE, &args).await? == 1)
    }

    /// Removes a device's codes. Tells whether they were there: of those who try at once, one did it.
    pub async fn delete_device(
        &mut self,
        organization: &OrganizationId,
        hash: &str,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(DELETE_DEVICE, &[organization.into(), hash.into()]).await? == 1)
    }

    /// Removes codes that ended before a moment.
    pub async fn delete_expired_codes(
        &mut self,
        organization: &OrganizationId,
        before: Timestamp,
    ) -> Result<(), StoreError> {
        let args = [organization.into(), before.into()];
        self.execute(DELETE_EXPIRED_CODES, &args).await?;
        self.execute(DELETE_EXPIRED_DEVICES, &args).await?;
        Ok(())
    }

    /// How often a subject guessed wrong, and when it last did.
    pub async fn guesses(
        &mut self,
        organization: &OrganizationId,
        subject: &str,
    ) -> Result<Option<(i64, Timestamp)>, StoreError> {
        let row = self.row(GUESSES, &[organization.into(), subject.into()]).await?;
        row.map(|row| Ok((row.int(0)?, row.timestamp(1)?))).transpose()
    }

    /// Counts a wrong guess of a subject.
    pub async fn count_guess(
        &mut self,
        organization: &OrganizationId,
        subject: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(COUNT_GUESS, &[organization.into(), subject.into(), now.into()]).await?;
        Ok(())
    }

    /// Forgets the wrong guesses of a subject.
    pub async fn forget_guesses(
        &mut self,
        organization: &OrganizationId,
        subject: &str,
    ) -> Result<(), StoreError> {
        self.execute(FORGET_GUESSES, &[organization.into(), subject.into()]).await?;
        Ok(())
    }
}

fn encode(status: DeviceStatus) -> &'static str {
    match status {
        DeviceStatus::Pending => "PENDING",
        DeviceStatus::Allowed => "ALLOWED",
        DeviceStatus::Denied => "DENIED",
    }
}

fn decode_device(row: &Row) -> Result<DeviceRow, StoreError> {
    Ok(DeviceRow {
        organization: OrganizationId::new(row.text(0)?),
        hash: row.text(1)?.to_owned(),
        application: ApplicationId::new(row.text(2)?),
        scopes: Scopes { read: row.bool(3)?, write: row.bool(4)? },
        status: match row.text(5)? {
            "PENDING" => DeviceStatus::Pending,
            "ALLOWED" => DeviceStatus::Allowed,
            "DENIED" => DeviceStatus::Denied,
            _ => return Err(corrupt("device_code", "its status is none there is")),
        },
        user: row.text_opt(6)?.map(UserId::new),
        polled: row.timestamp(7)?,
        expires: row.timestamp(8)?,
    })
}
