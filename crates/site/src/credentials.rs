//! Who a credential stands for: access keys, users' tokens, and the holders of transfer URLs.

use docharbor_domain::{
    AccessKeyId, Administrator, Caller, Identity, OrganizationId, Permit, Policy, Refusal, Scopes,
    Timestamp, TokenUser, User, UserId,
};
use docharbor_metadata::{AccessKeyRow, ListedKey, TokenRow};
use zeroize::Zeroizing;

use crate::keyring::{has_token_form, token_hash};
use crate::{Error, Site};

/// The holder of an access key, and the secret that proves it.
pub struct KeyHolder {
    /// Who signs with the key.
    pub caller: Caller,
    /// What they sign with.
    pub secret: Zeroizing<String>,
    session: Option<SessionProof>,
}

/// What a temporary key is held to.
struct SessionProof {
    token_hash: String,
    expires: Timestamp,
}

impl KeyHolder {
    /// Whether this is the session token that belongs to the key. None belongs to a permanent key.
    pub fn accepts(&self, session_token: Option<&str>) -> bool {
        match (&self.session, session_token) {
            (None, None) => true,
            (Some(proof), Some(text)) => token_hash(text) == proof.token_hash,
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    /// Whether the key's time is over.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.session.as_ref().is_some_and(|proof| proof.expires <= now)
    }
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
        self.dispatch.asked();
        let row = self
            .look_up(id.clone(), |tx, id| Box::pin(async move { Ok(tx.access_key(id).await?) }))
            .await?;
        let Some(row) = row.filter(|row| row.is_active) else { return Ok(None) };
        let secret = self.keyring().open(&row.organization, id, &row.sealed_secret)?;
        let session = match (&row.session_token_hash, row.expires) {
            (Some(hash), Some(expires)) => Some(SessionProof { token_hash: hash.clone(), expires }),
            (None, None) => None,
            _ => return Err(Error::Fault("a stored temporary key lacks its token or its end")),
        };
        Ok(Some(KeyHolder { caller: administrator(id, row)?, secret, session }))
    }

    /// Finds the holder of a user's token. What was never a token costs the database nothing.
    pub async fn token_holder(&self, token: &str) -> Result<TokenHolder, Error> {
        if !has_token_form(token) {
            return Ok(TokenHolder::Unknown);
        }
        self.dispatch.asked();
        let row = self
            .look_up(token_hash(token), |tx, hash| {
                Box::pin(async move { Ok(tx.token(hash).await?) })
            })
            .await?;
        Ok(match row {
            None => TokenHolder::Unknown,
            Some(row) if row.expires <= self.now() => TokenHolder::Expired,
            Some(row) => {
                let TokenRow { organization, user, user_type, status, scopes, .. } = row;
                let from_directory = row.from_directory;
                let identity = Identity::User(TokenUser {
                    id: user,
                    user_type,
                    status,
                    scopes,
                    from_directory,
                });
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
        self.dispatch.asked();
        let key = AccessKeyId::new(holder);
        let input = (organization.clone(), key.clone(), UserId::new(holder));
        let (row, user) = self
            .look_up(input, |tx, (organization, key, user)| {
                Box::pin(async move {
                    let row = tx.access_key(key).await?;
                    if row.is_some() {
                        return Ok((row, None));
                    }
                    let Some(user) = tx.user(organization, user).await? else {
                        return Ok((None, None));
                    };
                    let from_directory = tx.directory_key(organization, &user.id).await?.is_some();
                    Ok((None, Some((user, from_directory))))
                })
            })
            .await?;
        let caller = match (row, user) {
            (Some(row), _) => {
                let now = self.now();
                if !row.is_active || row.expires.is_some_and(|end| end <= now) {
                    return Ok(None);
                }
                administrator(&key, row)?
            }
            (None, Some((user, from_directory))) => by_url(user, from_directory),
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
        // It stands in ARNs, in policies' variables and in what is printed.
        if name.is_empty() || name.contains(|c: char| c.is_control() || c == '/') {
            let reason = "must not be empty, and has neither slashes nor control characters";
            return Err(Refusal::Invalid { member: "the key's name", reason }.into());
        }
        let key = self.new_access_key();
        self.insert_access_key(organization, &key, name, policy).await?;
        Ok(key)
    }

    /// The permanent access keys of a site, oldest first.
    pub async fn access_keys(
        &self,
        organization: &OrganizationId,
    ) -> Result<Vec<ListedKey>, Error> {
        self.read(organization.clone(), |tx, organization| {
            Box::pin(async move { Ok(tx.access_keys(organization, None).await?) })
        })
        .await
    }

    /// Deletes a permanent access key, and ends what was got with it. The root key stays: it proves
    /// that the master key is the right one, and opens the site when every other key is lost.
    pub async fn delete_access_key(
        &self,
        organization: &OrganizationId,
        id: &AccessKeyId,
    ) -> Result<(), Error> {
        if self.root_key(organization).await?.id == *id {
            return Err(Refusal::InvalidOperation("the root key cannot be deleted").into());
        }
        self.write((organization.clone(), id.clone()), |tx, (organization, id)| {
            Box::pin(async move {
                let keys = tx.access_keys(organization, None).await?;
                if !keys.iter().any(|key| key.id == *id) {
                    let ids = vec![id.to_string()];
                    return Err(Refusal::NotFound { what: "the access key", ids }.into());
                }
                tx.delete_access_key(organization, id).await?;
                Ok(())
            })
        })
        .await
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
}

fn administrator(id: &AccessKeyId, row: AccessKeyRow) -> Result<Caller, Error> {
    let read = |json: &String| {
        Policy::parse(json).map_err(|_| Error::Fault("a stored policy cannot be read"))
    };
    let mut permit = Permit::everything();
    if row.principal.is_some() {
        let policies = row.principal_policies.iter().map(read);
        permit = permit.narrowed(policies.collect::<Result<_, _>>()?);
    }
    if let Some(json) = &row.policy {
        permit = permit.narrowed(vec![read(json)?]);
    }
    let arn = match &row.session_name {
        Some(session) => {
            let role = row.name.rsplit('/').next().unwrap_or_default();
            format!("arn:aws:sts::{}:assumed-role/{role}/{session}", row.account_id)
        }
        None => format!("arn:aws:iam::{}:user/{}", row.account_id, row.name),
    };
    let role_arn = row.session_name.is_some();
    let role_arn = role_arn.then(|| format!("arn:aws:iam::{}:role/{}", row.account_id, row.name));
    let access_key_id = id.clone();
    Ok(Caller {
        organization: row.organization,
        identity: Identity::Administrator(Administrator { access_key_id, arn, role_arn, permit }),
    })
}

fn by_url(user: User, from_directory: bool) -> Caller {
    Caller {
        organization: user.organization,
        identity: Identity::User(TokenUser {
            id: user.id,
            user_type: user.user_type,
            status: user.status,
            scopes: Scopes { read: true, write: true },
            from_directory,
        }),
    }
}
