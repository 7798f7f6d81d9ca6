//! Who a credential stands for: access keys, users' tokens, and the holders of transfer URLs.

use std::sync::Arc;

use docharbor_domain::{
    AccessKeyId, Administrator, Caller, Identity, OrganizationId, Policy, Refusal, Scopes,
    TokenUser, User, UserId,
};
use docharbor_metadata::{AccessKeyRow, TokenRow};
use zeroize::Zeroizing;

use crate::keyring::{token_hash, token_text};
use crate::{Error, Site};

/// The holder of an access key, and the secret that proves it.
pub struct KeyHolder {
    /// Who signs with the key.
    pub caller: Caller,
    /// What they sign with.
    pub secret: Zeroizing<String>,
}

/// A token's holder, or why it has none.
pub enum TokenHolder {
    /// A user.
    User(Caller),
    /// The token's time is over.
    Expired,
    /// Nobody: the token was never given out, or was revoked.
    Unknown,
}

/// An access key that was just made; its secret is never shown again.
pub struct NewAccessKey {
    /// The key's id.
    pub id: AccessKeyId,
    /// Its secret.
    pub secret: Zeroizing<String>,
}

impl Site {
    /// Finds the holder of an access key.
    pub async fn key_holder(&self, id: &AccessKeyId) -> Result<Option<KeyHolder>, Error> {
        let row = self
            .look_up(id.clone(), |tx, id| Box::pin(async move { Ok(tx.access_key(id).await?) }))
            .await?;
        let Some(row) = row else { return Ok(None) };
        let secret = self.keyring().open(&row.organization, id, &row.sealed_secret)?;
        Ok(Some(KeyHolder { caller: administrator(id, row)?, secret }))
    }

    /// Finds the holder of a user's token.
    pub async fn token_holder(&self, token: &str) -> Result<TokenHolder, Error> {
        let row = self
            .look_up(token_hash(token), |tx, hash| {
                Box::pin(async move { Ok(tx.token(hash).await?) })
            })
            .await?;
        Ok(match row {
            None => TokenHolder::Unknown,
            Some(row) if row.expires <= self.now() => TokenHolder::Expired,
            Some(TokenRow { organization, user, user_type, status, scopes, .. }) => {
                let identity = Identity::User(TokenUser { id: user, user_type, status, scopes });
                TokenHolder::User(Caller { organization, identity })
            }
        })
    }

    /// Finds whom a transfer URL was given to, as they are now: a key that was deleted or a user who
    /// is gone holds nothing. The URL itself is the proof that its scope was covered.
    pub async fn url_holder(
        &self,
        organization: &OrganizationId,
        holder: &str,
    ) -> Result<Option<Caller>, Error> {
        let key = AccessKeyId::new(holder);
        let input = (organization.clone(), key.clone(), UserId::new(holder));
        let (row, user) = self
            .look_up(input, |tx, (organization, key, user)| {
                Box::pin(async move {
                    let row = tx.access_key(key).await?;
                    let user =
                        if row.is_none() { tx.user(organization, user).await? } else { None };
                    Ok((row, user))
                })
            })
            .await?;
        let caller = match (row, user) {
            (Some(row), _) => administrator(&key, row)?,
            (None, Some(user)) => by_url(user),
            (None, None) => return Ok(None),
        };
        Ok(Some(caller).filter(|caller| caller.organization == *organization))
    }

    /// Makes an access key of a site, limited by a policy if one is given.
    pub async fn create_access_key(
        &self,
        organization: &OrganizationId,
        name: &str,
        policy: Option<String>,
    ) -> Result<NewAccessKey, Error> {
        if let Some(policy) = &policy
            && Policy::parse(policy).is_err()
        {
            return Err(Refusal::Invalid { member: "policy", reason: "is not a policy" }.into());
        }
        let key = self.new_access_key();
        self.insert_access_key(organization, &key, name, policy).await?;
        Ok(key)
    }

    pub(crate) fn new_access_key(&self) -> NewAccessKey {
        let secret: [u8; 20] = self.random();
        NewAccessKey {
            id: AccessKeyId::from_random(self.random()),
            secret: Zeroizing::new(hex::encode(secret)),
        }
    }

    pub(crate) async fn insert_access_key(
        &self,
        organization: &OrganizationId,
        key: &NewAccessKey,
        name: &str,
        policy: Option<String>,
    ) -> Result<(), Error> {
        let sealed = self.keyring().seal(organization, &key.id, &key.secret, self.random())?;
        let input =
            (organization.clone(), key.id.clone(), name.to_owned(), sealed, policy, self.now());
        self.write(input, |tx, (organization, id, name, sealed, policy, now)| {
            Box::pin(async move {
                let policy = policy.as_deref();
                tx.insert_access_key(organization, id, name, sealed, policy, *now).await?;
                Ok(())
            })
        })
        .await
    }

    /// The oldest access key of a name, as the one made at the first start.
    pub async fn access_key_named(
        &self,
        organization: &OrganizationId,
        name: &str,
    ) -> Result<Option<NewAccessKey>, Error> {
        let input = (organization.clone(), name.to_owned());
        let found = self
            .look_up(input, |tx, (organization, name)| {
                Box::pin(async move { Ok(tx.first_access_key(organization, name).await?) })
            })
            .await?;
        let Some((id, sealed)) = found else { return Ok(None) };
        let secret = self.keyring().open(organization, &id, &sealed)?;
        Ok(Some(NewAccessKey { id, secret }))
    }

    /// Gives a user a token. Nobody can be shown it again.
    pub async fn create_token(
        &self,
        organization: &OrganizationId,
        username: &str,
        scopes: Scopes,
        lifetime_ms: i64,
    ) -> Result<Zeroizing<String>, Error> {
        let text = token_text(self.random());
        let now = self.now();
        let input = (
            organization.clone(),
            username.to_owned(),
            token_hash(&text),
            scopes,
            now,
            now.plus_millis(lifetime_ms),
        );
        self.write(input, |tx, (organization, username, hash, scopes, now, expires)| {
            Box::pin(async move {
                let user = tx.user_by_name(organization, username).await?;
                let user = user.ok_or(Refusal::NotFound { what: "the user", ids: Vec::new() })?;
                tx.insert_token(organization, hash, &user.id, *scopes, *now, *expires).await?;
                Ok::<_, Error>(())
            })
        })
        .await?;
        Ok(text)
    }
}

fn administrator(id: &AccessKeyId, row: AccessKeyRow) -> Result<Caller, Error> {
    let policy = row
        .policy
        .map(|json| Policy::parse(&json).map(Arc::new))
        .transpose()
        .map_err(|_| Error::Fault("a stored policy cannot be read"))?;
    Ok(Caller {
        organization: row.organization,
        identity: Identity::Administrator(Administrator {
            access_key_id: id.clone(),
            arn: format!("arn:aws:iam::{}:user/{}", row.account_id, row.name),
            policy,
        }),
    })
}

fn by_url(user: User) -> Caller {
    Caller {
        organization: user.organization,
        identity: Identity::User(TokenUser {
            id: user.id,
            user_type: user.user_type,
            status: user.status,
            scopes: Scopes { read: true, write: true },
        }),
    }
}
