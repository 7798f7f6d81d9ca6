//! The first start of a server: its first site, the key that administers it, its first user.

use docharbor_domain::{AccessKeyId, OrganizationId, Refusal, User, UserType};
use docharbor_metadata::{Inserted, Organization};
use zeroize::Zeroizing;

use crate::users::create;
use crate::{Error, NewAccessKey, NewUser, Site};

/// The name of the access key that the first start makes.
pub(crate) const ROOT_KEY_NAME: &str = "root";

/// The account of the first site, which stands in ARNs.
const ACCOUNT_ID: &str = "000000000000";

/// The place of the first site among the server's.
pub(crate) const FIRST_ORDINAL: i64 = 1;

/// What a first start may be given; what is missing is made up.
#[derive(Default)]
pub struct FirstStart {
    /// The site's id.
    pub organization: Option<OrganizationId>,
    /// The access key that administers the site.
    pub root_key: Option<RootKey>,
    /// A user who administers the site.
    pub administrator: Option<FirstAdministrator>,
}

/// An access key that was chosen rather than made up.
pub struct RootKey {
    /// Its id.
    pub id: AccessKeyId,
    /// Its secret.
    pub secret: Zeroizing<String>,
}

/// A user who is made to administer a site, as the first one of it.
pub struct FirstAdministrator {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: Zeroizing<String>,
}

impl Site {
    /// The server's site, which its first start makes.
    pub async fn first_start(&self, wanted: FirstStart) -> Result<OrganizationId, Error> {
        if let Some(organization) = self.organization().await? {
            return Ok(organization);
        }
        let organization =
            wanted.organization.unwrap_or_else(|| OrganizationId::from_random(self.random()));
        let key = match wanted.root_key {
            Some(key) => NewAccessKey { id: key.id, secret: key.secret },
            None => self.new_access_key(),
        };
        let administrator = match wanted.administrator {
            Some(first) => Some(self.prepare_user(&organization, first.into_user()).await?),
            None => None,
        };
        let sealed = self.keyring().seal(&organization, &key.id, &key.secret, self.random())?;
        let first = Organization {
            id: organization,
            account_id: ACCOUNT_ID.to_owned(),
            alias: None,
            ordinal: FIRST_ORDINAL,
            created: self.now(),
        };
        // All or nothing: a site without its key could never be entered.
        let is_made = self
            .write((first.clone(), key.id, sealed, administrator), |tx, input| {
                Box::pin(async move {
                    let (first, key, sealed, administrator) = input;
                    // Another node may be at its first start too: of the two, one makes the site.
                    if tx.insert_organization(first).await? == Inserted::Duplicate {
                        return Ok(false);
                    }
                    let (id, now) = (&first.id, first.created);
                    tx.insert_access_key(id, key, ROOT_KEY_NAME, sealed, None, now).await?;
                    if let Some(administrator) = administrator {
                        create(tx, administrator).await?;
                    }
                    Ok::<_, Error>(true)
                })
            })
            .await?;
        if is_made {
            return Ok(first.id);
        }
        self.organization().await?.ok_or(Error::Fault("the site was just made and is gone"))
    }

    /// The server's first site, if it was ever started.
    pub async fn organization(&self) -> Result<Option<OrganizationId>, Error> {
        Ok(self.organizations().await?.into_iter().next())
    }

    /// What the link carries with which a site's first administrator is made, while it has none.
    pub async fn setup_token(
        &self,
        organization: &OrganizationId,
    ) -> Result<Option<Zeroizing<String>>, Error> {
        let is_set_up = self
            .look_up(organization.clone(), |tx, organization| {
                Box::pin(async move { Ok(tx.has_administrator(organization).await?) })
            })
            .await?;
        Ok((!is_set_up).then(|| self.keyring().setup_token(organization)))
    }

    /// The site that waits for its first administrator with this token.
    pub async fn waiting_site(&self, token: &str) -> Result<Option<OrganizationId>, Error> {
        for organization in self.organizations().await? {
            let known = self.keyring().setup_token(&organization);
            // Hashes are compared in constant time.
            if blake3::hash(known.as_bytes()) == blake3::hash(token.as_bytes()) {
                let token = self.setup_token(&organization).await?;
                return Ok(token.map(|_| organization));
            }
        }
        Ok(None)
    }

    /// Makes a site's first administrator; of two who try at once one does.
    pub async fn set_up(&self, token: &str, administrator: NewUser) -> Result<User, Error> {
        const USED: Refusal = Refusal::NotAllowed("the site has an administrator already");
        let organization = self.waiting_site(token).await?.ok_or(USED)?;
        let creation = self.prepare_user(&organization, administrator).await?;
        self.write((organization, creation), |tx, (organization, creation)| {
            Box::pin(async move {
                tx.lock_organization(organization).await?;
                if tx.has_administrator(organization).await? {
                    return Err(USED.into());
                }
                create(tx, creation).await
            })
        })
        .await
    }

    /// Makes a user who administers a site, whoever administers it already. The operator's word is
    /// enough, where people come from a directory too: it may be what fails.
    pub async fn create_administrator(
        &self,
        organization: &OrganizationId,
        administrator: FirstAdministrator,
    ) -> Result<User, Error> {
        let creation = self.prepare_user(organization, administrator.into_user()).await?;
        self.write(creation, |tx, creation| Box::pin(create(tx, creation))).await
    }

    /// The access key that was made with a site.
    pub async fn root_key(&self, organization: &OrganizationId) -> Result<NewAccessKey, Error> {
        self.access_key_named(organization, ROOT_KEY_NAME)
            .await?
            .ok_or(Error::Fault("the site has no access key named root"))
    }
}

impl FirstAdministrator {
    fn into_user(self) -> NewUser {
        NewUser {
            given_name: self.username.clone(),
            surname: "Administrator".to_owned(),
            username: self.username,
            password: self.password,
            email: None,
            time_zone: None,
            storage_rule: None,
            user_type: UserType::Admin,
        }
    }
}
