//! The first start of a server: its site, the key that administers it, its first user.

use docharbor_domain::{AccessKeyId, OrganizationId, UserType};
use zeroize::Zeroizing;

use crate::users::create;
use crate::{Error, NewAccessKey, NewUser, Site};

/// The name of the access key that the first start makes.
const ROOT_KEY_NAME: &str = "root";

/// The account of a site, which stands in ARNs.
const ACCOUNT_ID: &str = "000000000000";

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

/// The first user of a site.
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
        let input = (organization.clone(), key.id, sealed, administrator, self.now());
        // All or nothing: a site without its key could never be entered.
        self.write(input, |tx, (organization, key, sealed, administrator, now)| {
            Box::pin(async move {
                tx.insert_organization(organization, ACCOUNT_ID, *now).await?;
                tx.insert_access_key(organization, key, ROOT_KEY_NAME, sealed, None, *now).await?;
                if let Some(administrator) = administrator {
                    create(tx, administrator).await?;
                }
                Ok::<_, Error>(())
            })
        })
        .await?;
        Ok(organization)
    }

    /// The server's site, if it was ever started.
    pub async fn organization(&self) -> Result<Option<OrganizationId>, Error> {
        Ok(self.organizations().await?.into_iter().next())
    }

    /// The sites of this server.
    pub(crate) async fn organizations(&self) -> Result<Vec<OrganizationId>, Error> {
        let rows =
            self.read((), |tx, ()| Box::pin(async move { Ok(tx.organizations().await?) })).await?;
        Ok(rows.into_iter().map(|(id, _account)| id).collect())
    }

    /// The access key that the first start made.
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
