//! Users of the built-in directory: make, change, switch on and off, delete.

use argon2::{Argon2, PasswordHasher as _};
use docharbor_domain::{
    ActivityId, Call, Deed, Folder, FolderId, OrganizationId, PasswordRule, Refusal, StorageRule,
    Subject, Timestamp, User, UserChange, UserId, UserStatus, UserType,
};
use docharbor_metadata::{Inserted, Tx};
use zeroize::Zeroizing;

use crate::activities::{activity, record};
use crate::{Error, Site};

/// A user to be made.
#[derive(Clone)]
pub struct NewUser {
    /// The name the user signs in with.
    pub username: String,
    /// The password, under the site's rules.
    pub password: Zeroizing<String>,
    /// The mail address.
    pub email: Option<String>,
    /// The given name.
    pub given_name: String,
    /// The family name.
    pub surname: String,
    /// The time zone.
    pub time_zone: Option<String>,
    /// What the user may store; without it, the site's default.
    pub storage_rule: Option<StorageRule>,
    /// What the user may do to the site.
    pub user_type: UserType,
}

#[derive(Clone)]
pub(crate) struct Creation {
    user: User,
    folders: [Folder; 2],
    password_hash: Zeroizing<String>,
}

#[derive(Clone)]
struct StatusChange {
    call: Call,
    id: UserId,
    status: UserStatus,
    now: Timestamp,
}

#[derive(Clone)]
struct Departure {
    call: Call,
    id: UserId,
    now: Timestamp,
    activity: ActivityId,
}

impl Site {
    /// Makes a user with a root folder and a recycle bin.
    pub async fn create_user(&self, call: &Call, new: NewUser) -> Result<User, Error> {
        call.require_user_administration()?;
        self.require_no_directory(call.organization()).await?;
        let creation = self.prepare_user(call.organization(), new).await?;
        self.change(call, creation, |tx, input| Box::pin(create(tx, input))).await
    }

    /// Checks a user's password and turns it into what is kept of it.
    pub(crate) async fn prepare_user(
        &self,
        organization: &OrganizationId,
        new: NewUser,
    ) -> Result<Creation, Error> {
        let password_hash = self.hash_password(new.password).await?;
        let now = self.now();
        let id = UserId::from_random(organization, self.random());
        let [root, bin] = [self.random(), self.random()].map(FolderId::from_random);
        let folders = Folder::new_roots(&id, root.clone(), bin.clone(), now);
        let default = StorageRule::Quota(self.settings().users_default_quota_bytes);
        let user = User {
            id,
            organization: organization.clone(),
            username: new.username,
            email: new.email,
            given_name: new.given_name,
            surname: new.surname,
            status: UserStatus::Active,
            user_type: new.user_type,
            time_zone: new.time_zone,
            locale: None,
            storage_rule: new.storage_rule.unwrap_or(default),
            storage_used_bytes: 0,
            root_folder: root,
            recycle_bin: bin,
            created: now,
            modified: now,
        };
        Ok(Creation { user, folders, password_hash })
    }

    /// What is asked of a password here.
    pub fn password_rule(&self) -> PasswordRule {
        self.settings().password_rule
    }

    /// Hashes a password that keeps the site's rule. There is no other way to a hash.
    pub(crate) async fn hash_password(
        &self,
        password: Zeroizing<String>,
    ) -> Result<Zeroizing<String>, Error> {
        const FAULT: Error = Error::Fault("a password could not be hashed");
        self.password_rule().check(&password)?;
        let salt: [u8; 16] = self.random();
        let _turn = self.hashing.acquire().await.map_err(|_| FAULT)?;
        let hashing = tokio::task::spawn_blocking(move || {
            Argon2::default()
                .hash_password_with_salt(password.as_bytes(), &salt)
                .map(|hash| Zeroizing::new(hash.to_string()))
        });
        hashing.await.map_err(|_| FAULT)?.map_err(|_| FAULT)
    }

    /// Changes a user.
    pub async fn update_user(
        &self,
        call: &Call,
        id: UserId,
        change: UserChange,
    ) -> Result<User, Error> {
        call.require_user_administration()?;
        let input = (call.clone(), id, change, self.now());
        self.change(call, input, |tx, (call, id, change, now)| {
            Box::pin(update(tx, call, id, change, *now))
        })
        .await
    }

    /// Lets a user use the site.
    pub async fn activate_user(&self, call: &Call, id: UserId) -> Result<User, Error> {
        self.set_status(call, id, UserStatus::Active).await
    }

    /// Keeps a user from using the site; everything of theirs stays.
    pub async fn deactivate_user(&self, call: &Call, id: UserId) -> Result<(), Error> {
        self.set_status(call, id, UserStatus::Inactive).await.map(|_user| ())
    }

    async fn set_status(&self, call: &Call, id: UserId, status: UserStatus) -> Result<User, Error> {
        call.require_user_administration()?;
        let input = StatusChange { call: call.clone(), id, status, now: self.now() };
        self.change(call, input, |tx, input| Box::pin(set_status(tx, input))).await
    }

    /// Deletes a user with everything they own, at once and for good.
    pub async fn delete_user(&self, call: &Call, id: UserId) -> Result<(), Error> {
        call.require_user_administration()?;
        let input =
            Departure { call: call.clone(), id, now: self.now(), activity: self.activity_id() };
        self.change(call, input, |tx, input| Box::pin(delete(tx, input))).await?;
        self.wake_jobs();
        Ok(())
    }
}

pub(crate) async fn create(tx: &mut Tx, input: &Creation) -> Result<User, Error> {
    let organization = &input.user.organization;
    for folder in &input.folders {
        tx.insert_folder(organization, folder).await?;
    }
    match tx.insert_user(&input.user, &input.password_hash).await? {
        Inserted::Yes => Ok(input.user.clone()),
        Inserted::Duplicate => Err(Refusal::AlreadyExists(
            "the site already has a user of this name; choose another user name",
        )
        .into()),
    }
}

async fn update(
    tx: &mut Tx,
    call: &Call,
    id: &UserId,
    change: &UserChange,
    now: Timestamp,
) -> Result<User, Error> {
    tx.lock_organization(call.organization()).await?;
    let user = existing(tx, call, id).await?;
    let was_administrator = is_active_administrator(&user);
    let user = user.changed(change, now)?;
    if was_administrator && !is_active_administrator(&user) {
        require_another_administrator(tx, &user, Refusal::LastActiveUser).await?;
    }
    tx.update_user(&user).await?;
    Ok(user)
}

async fn set_status(tx: &mut Tx, input: &StatusChange) -> Result<User, Error> {
    tx.lock_organization(input.call.organization()).await?;
    let mut user = existing(tx, &input.call, &input.id).await?;
    if user.status == input.status {
        if user.status == UserStatus::Inactive {
            // Whom the directory let go is deactivated here as well, and does not come back with it.
            tx.keep_directory_user_inactive(input.call.organization(), &user.id).await?;
        }
        return Ok(user);
    }
    if is_active_administrator(&user) {
        require_another_administrator(tx, &user, last_administrator()).await?;
    }
    user.status = input.status;
    user.modified = input.now;
    tx.update_user(&user).await?;
    if input.status != UserStatus::Active {
        // What ends with the user's activity does not begin again with it.
        tx.delete_web_sessions(input.call.organization(), &user.id).await?;
    }
    Ok(user)
}

async fn delete(tx: &mut Tx, input: &Departure) -> Result<(), Error> {
    let Departure { call, id, now, activity: activity_id } = input;
    let organization = call.organization();
    tx.lock_organization(organization).await?;
    let user = tx.user(organization, id).await?.ok_or_else(|| not_found(id))?;
    // The folders before the user, as every upload takes them: the other way round the two would
    // wait for each other.
    let root = tx.item(organization, &user.root_folder.clone().into(), None).await?;
    for folder in [user.root_folder, user.recycle_bin] {
        let folder = folder.into();
        if !tx.detach(organization, &folder).await? {
            return Err(not_found(id).into());
        }
        tx.insert_purge(organization, &folder, *now).await?;
    }
    if let Some(root) = root {
        let subject = Subject::from(&root.resource);
        let done = activity(call, activity_id, *now, Deed::DeletedFolder, subject);
        record(tx, organization, &done).await?;
    }
    let user = existing(tx, call, id).await?;
    if is_active_administrator(&user) {
        require_another_administrator(tx, &user, last_administrator()).await?;
    }
    tx.remove_principal(organization, id.as_str()).await?;
    tx.remove_memberships(organization, id).await?;
    tx.delete_user(organization, id).await?;
    Ok(())
}

async fn existing(tx: &mut Tx, call: &Call, id: &UserId) -> Result<User, Error> {
    let user = tx.user_locked(call.organization(), id).await?;
    Ok(user.ok_or_else(|| not_found(id))?)
}

fn not_found(id: &UserId) -> Refusal {
    Refusal::NotFound { what: "the user", ids: vec![id.as_str().to_owned()] }
}

fn is_active_administrator(user: &User) -> bool {
    user.user_type == UserType::Admin && user.status == UserStatus::Active
}

fn last_administrator() -> Refusal {
    Refusal::NotAllowed("this is the site's last active administrator; make another one first")
}

async fn require_another_administrator(
    tx: &mut Tx,
    user: &User,
    refusal: Refusal,
) -> Result<(), Error> {
    if tx.has_other_administrator(&user.organization, &user.id).await? {
        Ok(())
    } else {
        Err(refusal.into())
    }
}
