//! The connected directory of a site, and who and what of a site comes from it.

use docharbor_domain::{GroupId, OrganizationId, Timestamp, User, UserId, UserStatus, folded};

use crate::StoreError;
use crate::driver::{Lock, Tx};
use crate::groups::Member;
use crate::users::{decode_status, encode_status};
use crate::value::Row;

const DIRECTORY: &str =
    "SELECT settings, sealed_password, synced_ms FROM directory WHERE organization_id = $1";

const INSERT: &str = "
    INSERT INTO directory (organization_id, settings, sealed_password) VALUES ($1, $2, $3)";

const DELETE: &str = "DELETE FROM directory WHERE organization_id = $1";

const SYNCED: &str = "UPDATE directory SET synced_ms = $2 WHERE organization_id = $1";

const USER_KEY: &str = "
    SELECT directory_key FROM site_user WHERE organization_id = $1 AND id = $2";

const USER_BY_KEY: &str = "
    SELECT id FROM site_user WHERE organization_id = $1 AND directory_key = $2";

const USERS: &str = "
    SELECT id, directory_key, username, email, given_name, surname, status, status_before
      FROM site_user WHERE organization_id = $1 AND directory_key IS NOT NULL";

const USER: &str = "
    SELECT id, directory_key, username, email, given_name, surname, status, status_before
      FROM site_user WHERE organization_id = $1 AND id = $2 AND directory_key IS NOT NULL";

const KEEP_INACTIVE: &str = "
    UPDATE site_user SET status_before = 'INACTIVE'
     WHERE organization_id = $1 AND id = $2 AND status_before IS NOT NULL";

const SET_USER_KEY: &str = "
    UPDATE site_user SET directory_key = $3, status_before = $4
     WHERE organization_id = $1 AND id = $2";

const UPDATE_USER: &str = "
    UPDATE site_user
       SET username = $3, username_key = $4, email = $5, given_name = $6, surname = $7,
           full_name_key = $8, search_text = $9, status = $10, status_before = $11, modified_ms = $12
     WHERE organization_id = $1 AND id = $2
       AND NOT EXISTS (SELECT 1 FROM site_user o
                        WHERE o.organization_id = $1 AND o.username_key = $4 AND o.id <> $2)";

const GROUPS: &str = "
    SELECT id, directory_key, name FROM site_group
     WHERE organization_id = $1 AND directory_key IS NOT NULL";

const SET_GROUP_KEY: &str =
    "UPDATE site_group SET directory_key = $3 WHERE organization_id = $1 AND id = $2";

const RENAME_GROUP: &str = "
    UPDATE site_group SET name = $3, name_key = $4
     WHERE organization_id = $1 AND id = $2
       AND NOT EXISTS (SELECT 1 FROM site_group o
                        WHERE o.organization_id = $1 AND o.name_key = $4 AND o.id <> $2)";

const MEMBERS: &str = "
    SELECT d.group_id, d.member_type, d.member_id
      FROM group_direct_member d
      JOIN site_group g ON g.organization_id = d.organization_id AND g.id = d.group_id
     WHERE d.organization_id = $1 AND g.directory_key IS NOT NULL";

/// A connected directory as it is kept.
#[derive(Clone)]
pub struct DirectoryRow {
    /// Where it is and what it is asked for, as JSON.
    pub settings: String,
    /// The password it is asked with, sealed under the master key.
    pub sealed_password: String,
    /// When everybody was read last.
    pub synced: Option<Timestamp>,
}

/// What is kept of a user who comes from the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryUser {
    /// The user.
    pub id: UserId,
    /// The entry's own lasting id.
    pub key: String,
    /// The user name.
    pub username: String,
    /// The mail address.
    pub email: Option<String>,
    /// The given name.
    pub given_name: String,
    /// The family name.
    pub surname: String,
    /// The status.
    pub status: UserStatus,
    /// The status there was before the directory no longer had them.
    pub status_before: Option<UserStatus>,
}

/// What is kept of a group that comes from the directory.
#[derive(Clone, Debug)]
pub struct DirectoryGroup {
    /// The group.
    pub id: GroupId,
    /// The entry's own lasting id.
    pub key: String,
    /// The name.
    pub name: String,
}

impl Tx {
    /// The connected directory of a site, if it has one.
    pub async fn directory(
        &mut self,
        organization: &OrganizationId,
    ) -> Result<Option<DirectoryRow>, StoreError> {
        let Some(row) = self.row(DIRECTORY, &[organization.into()]).await? else { return Ok(None) };
        Ok(Some(DirectoryRow {
            settings: row.text(0)?.to_owned(),
            sealed_password: row.text(1)?.to_owned(),
            synced: row.int_opt(2)?.map(Timestamp::from_millis),
        }))
    }

    /// Connects a site to a directory, instead of the one it was connected to.
    pub async fn set_directory(
        &mut self,
        organization: &OrganizationId,
        settings: &str,
        sealed_password: &str,
    ) -> Result<(), StoreError> {
        self.execute(DELETE, &[organization.into()]).await?;
        let args = [organization.into(), settings.into(), sealed_password.into()];
        self.execute(INSERT, &args).await?;
        Ok(())
    }

    /// Forgets the directory of a site. False if it had none.
    pub async fn delete_directory(
        &mut self,
        organization: &OrganizationId,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(DELETE, &[organization.into()]).await? == 1)
    }

    /// Notes when everybody was read.
    pub async fn set_directory_synced(
        &mut self,
        organization: &OrganizationId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(SYNCED, &[organization.into(), now.into()]).await?;
        Ok(())
    }

    /// The key by which a directory knows a user; built-in users have none.
    pub async fn directory_key(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
    ) -> Result<Option<String>, StoreError> {
        let row = self.row(USER_KEY, &[organization.into(), user.into()]).await?;
        row.map_or(Ok(None), |row| Ok(row.text_opt(0)?.map(str::to_owned)))
    }

    /// The user whom a directory knows by a key.
    pub async fn user_by_directory_key(
        &mut self,
        organization: &OrganizationId,
        key: &str,
    ) -> Result<Option<UserId>, StoreError> {
        let row = self.row(USER_BY_KEY, &[organization.into(), key.into()]).await?;
        row.map(|row| row.text(0).map(UserId::new)).transpose()
    }

    /// Everybody of a site who comes from the directory.
    pub async fn directory_users(
        &mut self,
        organization: &OrganizationId,
    ) -> Result<Vec<DirectoryUser>, StoreError> {
        let rows = self.rows(USERS, &[organization.into()]).await?;
        rows.iter().map(decode_user).collect()
    }

    /// Reads a user who comes from the directory, and holds them until the transaction ends.
    pub async fn directory_user_locked(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
    ) -> Result<Option<DirectoryUser>, StoreError> {
        let row = self.row_locked(Lock::Update, USER, &[organization.into(), user.into()]).await?;
        row.as_ref().map(decode_user).transpose()
    }

    /// Lets a user whom the directory no longer has stay inactive when it has them again.
    pub async fn keep_directory_user_inactive(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
    ) -> Result<(), StoreError> {
        self.execute(KEEP_INACTIVE, &[organization.into(), user.into()]).await?;
        Ok(())
    }

    /// Says of a user just made that they come from the directory.
    pub async fn set_directory_key(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
        key: &str,
        status_before: Option<UserStatus>,
    ) -> Result<(), StoreError> {
        let before = status_before.map(encode_status);
        let args = [organization.into(), user.into(), key.into(), before.into()];
        self.execute(SET_USER_KEY, &args).await?;
        Ok(())
    }

    /// Writes what the directory says of a user. False if somebody else has the user name.
    pub async fn update_directory_user(
        &mut self,
        user: &User,
        status_before: Option<UserStatus>,
    ) -> Result<bool, StoreError> {
        let args = [
            (&user.organization).into(),
            (&user.id).into(),
            user.username.as_str().into(),
            folded(&user.username).into(),
            user.email.as_deref().into(),
            user.given_name.as_str().into(),
            user.surname.as_str().into(),
            user.full_name_key().into(),
            user.search_text().into(),
            encode_status(user.status).into(),
            status_before.map(encode_status).into(),
            user.modified.into(),
        ];
        Ok(self.execute(UPDATE_USER, &args).await? == 1)
    }

    /// The groups of a site that come from the directory.
    pub async fn directory_groups(
        &mut self,
        organization: &OrganizationId,
    ) -> Result<Vec<DirectoryGroup>, StoreError> {
        let rows = self.rows(GROUPS, &[organization.into()]).await?;
        rows.iter()
            .map(|row| {
                Ok(DirectoryGroup {
                    id: GroupId::new(row.text(0)?),
                    key: row.text(1)?.to_owned(),
                    name: row.text(2)?.to_owned(),
                })
            })
            .collect()
    }

    /// Says of a group just made that it comes from the directory.
    pub async fn set_group_directory_key(
        &mut self,
        organization: &OrganizationId,
        group: &GroupId,
        key: &str,
    ) -> Result<(), StoreError> {
        self.execute(SET_GROUP_KEY, &[organization.into(), group.into(), key.into()]).await?;
        Ok(())
    }

    /// Renames a group as the directory did. False if another group has the name.
    pub async fn rename_directory_group(
        &mut self,
        organization: &OrganizationId,
        group: &GroupId,
        name: &str,
    ) -> Result<bool, StoreError> {
        let args = [organization.into(), group.into(), name.into(), folded(name).into()];
        Ok(self.execute(RENAME_GROUP, &args).await? == 1)
    }

    /// Who is directly in which of the directory's groups.
    pub async fn directory_members(
        &mut self,
        organization: &OrganizationId,
    ) -> Result<Vec<(GroupId, Member)>, StoreError> {
        let rows = self.rows(MEMBERS, &[organization.into()]).await?;
        rows.iter()
            .map(|row| {
                let member = match row.text(1)? {
                    "USER" => Member::User(UserId::new(row.text(2)?)),
                    "GROUP" => Member::Group(GroupId::new(row.text(2)?)),
                    other => return Err(row.corrupt(format!("member type {other}"))),
                };
                Ok((GroupId::new(row.text(0)?), member))
            })
            .collect()
    }
}

fn decode_user(row: &Row) -> Result<DirectoryUser, StoreError> {
    Ok(DirectoryUser {
        id: UserId::new(row.text(0)?),
        key: row.text(1)?.to_owned(),
        username: row.text(2)?.to_owned(),
        email: row.text_opt(3)?.map(str::to_owned),
        given_name: row.text(4)?.to_owned(),
        surname: row.text(5)?.to_owned(),
        status: decode_status(row.text(6)?)?,
        status_before: row.text_opt(7)?.map(decode_status).transpose()?,
    })
}
