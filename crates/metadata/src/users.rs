//! Users, and what they are charged for.

use docharbor_domain::limits::USER_QUERY_WORDS_MAX;
use docharbor_domain::{
    FolderId, OrganizationId, StorageRule, Timestamp, User, UserId, UserStatus, UserType, folded,
};

use crate::driver::{Inserted, Lock, Tx};
use crate::value::{Row, Value};
use crate::{StoreError, corrupt};

macro_rules! user_columns {
    () => {
        "u.id, u.organization_id, u.username, u.email, u.given_name, u.surname, u.status, u.type, \
         u.time_zone, u.locale, u.storage_allocated_bytes, u.storage_used_bytes, \
         u.root_folder_id, u.recycle_bin_id, u.created_ms, u.modified_ms"
    };
}

const USER: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM site_user u WHERE u.organization_id = $1 AND u.id = $2"
);

const USER_BY_NAME: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM site_user u WHERE u.organization_id = $1 AND u.username_key = $2"
);

const TYPE: &str = "SELECT type FROM site_user WHERE organization_id = $1 AND id = $2";

const BY_EMAIL: &str = "
    SELECT id FROM site_user
     WHERE organization_id = $1 AND lower(email) = $2 ORDER BY created_ms, id LIMIT 1";

const INSERT: &str = "
    INSERT INTO site_user (organization_id, id, username, username_key, email, given_name, surname,
                           full_name_key, search_text, password_hash, status, type, time_zone,
                           locale, storage_allocated_bytes, storage_used_bytes, root_folder_id,
                           recycle_bin_id, created_ms, modified_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
            $20)";

const UPDATE: &str = "
    UPDATE site_user
       SET given_name = $1, surname = $2, full_name_key = $3, search_text = $4, status = $5,
           type = $6, time_zone = $7, locale = $8, storage_allocated_bytes = $9, modified_ms = $10
     WHERE organization_id = $11 AND id = $12";

const DELETE: &str = "DELETE FROM site_user WHERE organization_id = $1 AND id = $2";

const DELETE_TOKENS: &str = "DELETE FROM token WHERE organization_id = $1 AND user_id = $2";

const OTHER_ADMINISTRATORS: &str = "
    SELECT id FROM site_user
     WHERE organization_id = $1 AND type = 'ADMIN' AND status = 'ACTIVE' AND id <> $2 LIMIT 1";

const ANY_ADMINISTRATOR: &str =
    "SELECT id FROM site_user WHERE organization_id = $1 AND type = 'ADMIN' LIMIT 1";

const CHARGE: &str = "
    UPDATE site_user SET storage_used_bytes = storage_used_bytes + $1
     WHERE organization_id = $2 AND id = $3
       AND ($4 <= 0 OR storage_allocated_bytes IS NULL
            OR storage_used_bytes <= storage_allocated_bytes - $4)";

/// The users a query is about: `$2`–`$9` are patterns for words, `$10` asks for inactive ones too. Of
/// the guests who were invited and have not come, `$11`, if that is not empty, finds only those who
/// were invited to something that is theirs or is shared with them: others' addresses are not theirs
/// to look up. This costs a look by key for each such guest, and none for anybody else.
macro_rules! filtered {
    () => {
        " FROM site_user u
         WHERE u.organization_id = $1 AND u.search_text LIKE $2 ESCAPE '!'
           AND u.search_text LIKE $3 ESCAPE '!' AND u.search_text LIKE $4 ESCAPE '!'
           AND u.search_text LIKE $5 ESCAPE '!' AND u.search_text LIKE $6 ESCAPE '!'
           AND u.search_text LIKE $7 ESCAPE '!' AND u.search_text LIKE $8 ESCAPE '!'
           AND u.search_text LIKE $9 ESCAPE '!' AND (u.status <> 'INACTIVE' OR $10 = 1)
           AND ($11 = '' OR u.status <> 'PENDING' OR u.type <> 'MINIMALUSER' OR EXISTS (
                SELECT 1 FROM permission p
                  JOIN resource r ON r.organization_id = p.organization_id AND r.id = p.resource_id
                 WHERE p.organization_id = $1 AND p.principal_id = u.id
                   AND (r.owner_id = $11 OR EXISTS (
                        SELECT 1 FROM permission q
                         WHERE q.organization_id = $1 AND q.resource_id = p.resource_id
                           AND q.principal_id IN (SELECT $11
                                UNION ALL SELECT m.group_id FROM group_member m
                                 WHERE m.organization_id = $1 AND m.user_id = $11))))) "
    };
}

const COUNT: &str = concat!("SELECT COUNT(*)", filtered!());

macro_rules! users_page {
    ($key:literal, $after:literal, $order:literal) => {
        concat!(
            "SELECT ",
            user_columns!(),
            ", ",
            $key,
            filtered!(),
            "AND (",
            $key,
            ", u.id) ",
            $after,
            " ($12, $13)
             ORDER BY ",
            $key,
            " ",
            $order,
            ", u.id ",
            $order,
            " LIMIT $14"
        )
    };
}

const BY_USER_NAME: [&str; 2] =
    [users_page!("u.username_key", ">", "ASC"), users_page!("u.username_key", "<", "DESC")];
const BY_FULL_NAME: [&str; 2] =
    [users_page!("u.full_name_key", ">", "ASC"), users_page!("u.full_name_key", "<", "DESC")];
const BY_STATUS: [&str; 2] =
    [users_page!("u.status", ">", "ASC"), users_page!("u.status", "<", "DESC")];
const BY_STORAGE_LIMIT: [&str; 2] = [
    users_page!("COALESCE(u.storage_allocated_bytes, 9223372036854775807)", ">", "ASC"),
    users_page!("COALESCE(u.storage_allocated_bytes, 9223372036854775807)", "<", "DESC"),
];
const BY_STORAGE_USED: [&str; 2] = [
    users_page!("u.storage_used_bytes", ">", "ASC"),
    users_page!("u.storage_used_bytes", "<", "DESC"),
];

/// What users are listed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserSort {
    /// The user name, whatever its letter case.
    UserName,
    /// Given name and surname.
    FullName,
    /// The quota; no quota is the largest.
    StorageLimit,
    /// The status' name.
    UserStatus,
    /// The bytes stored.
    StorageUsed,
}

impl UserSort {
    fn is_by_text(self) -> bool {
        match self {
            Self::UserName | Self::FullName | Self::UserStatus => true,
            Self::StorageLimit | Self::StorageUsed => false,
        }
    }
}

/// Which users are listed, and how.
#[derive(Clone, Debug)]
pub struct UserListing {
    /// Words each of which begins a name or the mail address; folded.
    pub words: Vec<String>,
    /// With inactive users.
    pub include_inactive: bool,
    /// In which order.
    pub sort: UserSort,
    /// Backwards.
    pub descending: bool,
    /// Behind this sort key (a number's digits where the key is one) and id.
    pub after: Option<(String, String)>,
    /// At most so many.
    pub limit: i64,
}

impl Tx {
    /// Reads a user.
    pub async fn user(
        &mut self,
        organization: &OrganizationId,
        id: &UserId,
    ) -> Result<Option<User>, StoreError> {
        let row = self.row(USER, &[organization.into(), id.into()]).await?;
        row.as_ref().map(decode_user).transpose()
    }

    /// Reads a user and holds the row until the transaction ends.
    pub async fn user_locked(
        &mut self,
        organization: &OrganizationId,
        id: &UserId,
    ) -> Result<Option<User>, StoreError> {
        let row = self.row_locked(Lock::Update, USER, &[organization.into(), id.into()]).await?;
        row.as_ref().map(decode_user).transpose()
    }

    /// Reads the user of a user name, whatever its letter case.
    pub async fn user_by_name(
        &mut self,
        organization: &OrganizationId,
        username: &str,
    ) -> Result<Option<User>, StoreError> {
        let args = [organization.into(), folded(username).into()];
        let row = self.row(USER_BY_NAME, &args).await?;
        row.as_ref().map(decode_user).transpose()
    }

    /// Reads a user's type, and keeps the user from being deleted until the transaction ends.
    pub async fn user_type_kept(
        &mut self,
        organization: &OrganizationId,
        id: &UserId,
    ) -> Result<Option<UserType>, StoreError> {
        let row = self.row_locked(Lock::KeyShare, TYPE, &[organization.into(), id.into()]).await?;
        row.map(|row| decode_type(row.text(0)?)).transpose()
    }

    /// Finds the user of an e-mail address, whatever its letter case; the oldest, if several have it.
    pub async fn user_by_email(
        &mut self,
        organization: &OrganizationId,
        email: &str,
    ) -> Result<Option<UserId>, StoreError> {
        let args = [organization.into(), email.to_ascii_lowercase().into()];
        let row = self.row(BY_EMAIL, &args).await?;
        row.map(|row| row.text(0).map(UserId::new)).transpose()
    }

    /// Adds a user. The user name may be taken.
    pub async fn insert_user(
        &mut self,
        user: &User,
        password_hash: &str,
    ) -> Result<Inserted, StoreError> {
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
            password_hash.into(),
            encode_status(user.status).into(),
            encode_type(user.user_type).into(),
            user.time_zone.as_deref().into(),
            user.locale.as_deref().into(),
            user.storage_rule.allocated_bytes().into(),
            user.storage_used_bytes.into(),
            (&user.root_folder).into(),
            (&user.recycle_bin).into(),
            user.created.into(),
            user.modified.into(),
        ];
        self.insert_unique(INSERT, &args).await
    }

    /// Writes what can change about a user; what is stored is counted elsewhere.
    pub async fn update_user(&mut self, user: &User) -> Result<(), StoreError> {
        let args = [
            user.given_name.as_str().into(),
            user.surname.as_str().into(),
            user.full_name_key().into(),
            user.search_text().into(),
            encode_status(user.status).into(),
            encode_type(user.user_type).into(),
            user.time_zone.as_deref().into(),
            user.locale.as_deref().into(),
            user.storage_rule.allocated_bytes().into(),
            user.modified.into(),
            (&user.organization).into(),
            (&user.id).into(),
        ];
        self.execute(UPDATE, &args).await?;
        Ok(())
    }

    /// Removes a user and every token of theirs.
    pub async fn delete_user(
        &mut self,
        organization: &OrganizationId,
        id: &UserId,
    ) -> Result<bool, StoreError> {
        self.execute(DELETE_TOKENS, &[organization.into(), id.into()]).await?;
        self.delete_web_sessions(organization, id).await?;
        Ok(self.execute(DELETE, &[organization.into(), id.into()]).await? == 1)
    }

    /// Whether the site has an active administrator beside this user.
    pub async fn has_other_administrator(
        &mut self,
        organization: &OrganizationId,
        id: &UserId,
    ) -> Result<bool, StoreError> {
        let row = self.row(OTHER_ADMINISTRATORS, &[organization.into(), id.into()]).await?;
        Ok(row.is_some())
    }

    /// Whether the site has a user who administers it, active or not.
    pub async fn has_administrator(
        &mut self,
        organization: &OrganizationId,
    ) -> Result<bool, StoreError> {
        Ok(self.row(ANY_ADMINISTRATOR, &[organization.into()]).await?.is_some())
    }

    /// Charges an owner with bytes, or gives them back. False when a charge exceeds the quota, or the
    /// user is gone.
    pub async fn charge(
        &mut self,
        organization: &OrganizationId,
        owner: &UserId,
        bytes: i64,
    ) -> Result<bool, StoreError> {
        let args = [bytes.into(), organization.into(), owner.into(), bytes.into()];
        Ok(self.execute(CHARGE, &args).await? == 1)
    }

    /// How many users a listing has in all its pages, for somebody who finds their own guests alone,
    /// or for one who finds all.
    pub async fn count_users(
        &mut self,
        organization: &OrganizationId,
        listing: &UserListing,
        host: Option<&UserId>,
    ) -> Result<i64, StoreError> {
        let row = self.row(COUNT, &filter(organization, listing, host)).await?;
        row.map_or(Ok(0), |row| row.int(0))
    }

    /// A page of users, each with its sort key, as `count_users` counts them.
    pub async fn users(
        &mut self,
        organization: &OrganizationId,
        listing: &UserListing,
        host: Option<&UserId>,
    ) -> Result<Vec<(User, String)>, StoreError> {
        let statements = match listing.sort {
            UserSort::UserName => BY_USER_NAME,
            UserSort::FullName => BY_FULL_NAME,
            UserSort::StorageLimit => BY_STORAGE_LIMIT,
            UserSort::UserStatus => BY_STATUS,
            UserSort::StorageUsed => BY_STORAGE_USED,
        };
        let mut args = filter(organization, listing, host);
        let (key, id) = first_place(listing);
        args.extend([key, id.into(), listing.limit.into()]);
        let rows = self.rows(statements[usize::from(listing.descending)], &args).await?;
        let key = |row: &Row| {
            if listing.sort.is_by_text() {
                row.text(16).map(str::to_owned)
            } else {
                row.int(16).map(|number| number.to_string())
            }
        };
        rows.iter().map(|row| Ok((decode_user(row)?, key(row)?))).collect()
    }
}

fn first_place(listing: &UserListing) -> (Value, String) {
    let number = |text: &str| text.parse::<i64>().unwrap_or(i64::MIN);
    match (&listing.after, listing.sort.is_by_text(), listing.descending) {
        (Some((key, id)), true, _) => (key.as_str().into(), id.clone()),
        (Some((key, id)), false, _) => (number(key).into(), id.clone()),
        (None, true, false) => ("".into(), String::new()),
        // No folded name has so many of the last character.
        (None, true, true) => ("\u{10FFFF}".repeat(300).into(), String::new()),
        (None, false, false) => (i64::MIN.into(), String::new()),
        (None, false, true) => (i64::MAX.into(), "\u{10FFFF}".to_owned()),
    }
}

fn filter(
    organization: &OrganizationId,
    listing: &UserListing,
    host: Option<&UserId>,
) -> Vec<Value> {
    let mut args = vec![organization.into()];
    let patterns = listing.words.iter().map(|word| format!("% {}%", escaped(word)));
    let rest = std::iter::repeat_with(|| "%".to_owned());
    args.extend(patterns.chain(rest).take(USER_QUERY_WORDS_MAX).map(Value::from));
    args.push(listing.include_inactive.into());
    args.push(host.map_or("", UserId::as_str).into());
    args
}

/// Keeps the wildcards of LIKE from meaning anything in a user's text.
pub(crate) fn escaped(word: &str) -> String {
    word.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

fn decode_user(row: &Row) -> Result<User, StoreError> {
    let text = |at: usize| row.text(at).map(str::to_owned);
    let optional = |at: usize| row.text_opt(at).map(|text| text.map(str::to_owned));
    Ok(User {
        id: UserId::new(row.text(0)?),
        organization: OrganizationId::new(row.text(1)?),
        username: text(2)?,
        email: optional(3)?,
        given_name: text(4)?,
        surname: text(5)?,
        status: decode_status(row.text(6)?)?,
        user_type: decode_type(row.text(7)?)?,
        time_zone: optional(8)?,
        locale: optional(9)?,
        storage_rule: row.int_opt(10)?.map_or(StorageRule::Unlimited, StorageRule::Quota),
        storage_used_bytes: row.int(11)?,
        root_folder: FolderId::new(row.text(12)?),
        recycle_bin: FolderId::new(row.text(13)?),
        created: Timestamp::from_millis(row.int(14)?),
        modified: Timestamp::from_millis(row.int(15)?),
    })
}

pub(crate) fn encode_status(status: UserStatus) -> &'static str {
    match status {
        UserStatus::Active => "ACTIVE",
        UserStatus::Inactive => "INACTIVE",
        UserStatus::Pending => "PENDING",
    }
}

pub(crate) fn decode_status(text: &str) -> Result<UserStatus, StoreError> {
    match text {
        "ACTIVE" => Ok(UserStatus::Active),
        "INACTIVE" => Ok(UserStatus::Inactive),
        "PENDING" => Ok(UserStatus::Pending),
        other => Err(corrupt("site_user", &format!("status {other}"))),
    }
}

fn encode_type(user_type: UserType) -> &'static str {
    match user_type {
        UserType::User => "USER",
        UserType::Admin => "ADMIN",
        UserType::PowerUser => "POWERUSER",
        UserType::MinimalUser => "MINIMALUSER",
        UserType::WorkspacesUser => "WORKSPACESUSER",
    }
}

pub(crate) fn decode_type(text: &str) -> Result<UserType, StoreError> {
    match text {
        "USER" => Ok(UserType::User),
        "ADMIN" => Ok(UserType::Admin),
        "POWERUSER" => Ok(UserType::PowerUser),
        "MINIMALUSER" => Ok(UserType::MinimalUser),
        "WORKSPACESUSER" => Ok(UserType::WorkspacesUser),
        other => Err(corrupt("site_user", &format!("type {other}"))),
    }
}
