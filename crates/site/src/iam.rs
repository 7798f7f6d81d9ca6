//! IAM: users and roles of a site for programs, their keys, and the policies that limit them.

use docharbor_domain::{AccessKeyId, OrganizationId, Policy, Refusal, Timestamp, TrustPolicy};
use docharbor_metadata::{IamEntity, IamRole, Inserted, ListedKey, NewAccessKeyRow, Tx};

use crate::{Error, NewAccessKey, Site};

/// Access keys a user may have, as with AWS: one in use and one to replace it.
const KEYS_MAX: usize = 2;

/// Policies a user or role may have. All of them are read at each of its calls.
const POLICIES_MAX: usize = 10;

/// Bytes a policy may have.
pub(crate) const POLICY_MAX_BYTES: usize = 10_240;

/// What has policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyOwner {
    /// An IAM user.
    User,
    /// A role.
    Role,
}

impl PolicyOwner {
    /// How the policies and keys of one are found.
    pub(crate) fn principal(self, name: &str) -> String {
        let kind = match self {
            Self::User => "user",
            Self::Role => "role",
        };
        format!("{kind}/{}", name.to_ascii_lowercase())
    }

    async fn held(
        self,
        tx: &mut Tx,
        organization: &OrganizationId,
        name: &str,
    ) -> Result<(), Error> {
        match self {
            Self::User => held_user(tx, organization, name).await.map(|_| ()),
            Self::Role => held_role(tx, organization, name).await.map(|_| ()),
        }
    }
}

/// A role to be made.
#[derive(Clone, Debug)]
pub struct NewIamRole {
    /// Its name.
    pub name: String,
    /// Its path, `/` for most.
    pub path: String,
    /// What it is for.
    pub description: String,
    /// Who may assume it, as JSON.
    pub trust_policy: String,
    /// The longest session, in seconds.
    pub session_max_secs: i64,
}

impl Site {
    /// The account of a site: the number in its ARNs.
    pub async fn account_id(&self, organization: &OrganizationId) -> Result<String, Error> {
        let found = self.look_up(organization.clone(), |tx, organization| {
            Box::pin(async move { Ok(tx.account_id(organization).await?) })
        });
        found.await?.ok_or(Error::Refused(Refusal::Hidden))
    }

    /// Makes an IAM user, who may do nothing yet.
    pub async fn create_iam_user(
        &self,
        organization: &OrganizationId,
        name: &str,
        path: &str,
    ) -> Result<IamEntity, Error> {
        let user = self.new_entity("AIDA", name, path)?;
        self.write((organization.clone(), user), |tx, (organization, user)| {
            Box::pin(async move {
                match tx.insert_iam_user(organization, user).await? {
                    Inserted::Yes => Ok(user.clone()),
                    Inserted::Duplicate => Err(taken().into()),
                }
            })
        })
        .await
    }

    /// Finds an IAM user.
    pub async fn iam_user(
        &self,
        organization: &OrganizationId,
        name: &str,
    ) -> Result<IamEntity, Error> {
        let found = self
            .look_up((organization.clone(), name.to_owned()), |tx, (organization, name)| {
                Box::pin(async move { Ok(tx.iam_user(organization, name).await?) })
            })
            .await?;
        found.ok_or_else(|| missing("the user", name))
    }

    /// IAM users after a name, at most `limit`.
    pub async fn iam_users(
        &self,
        organization: &OrganizationId,
        after: &str,
        limit: i64,
    ) -> Result<Vec<IamEntity>, Error> {
        let input = (organization.clone(), after.to_owned(), limit);
        self.read(input, |tx, (organization, after, limit)| {
            Box::pin(async move { Ok(tx.iam_users(organization, after, *limit).await?) })
        })
        .await
    }

    /// Deletes an IAM user, who must have neither keys nor policies any more.
    pub async fn delete_iam_user(
        &self,
        organization: &OrganizationId,
        name: &str,
    ) -> Result<(), Error> {
        self.write((organization.clone(), name.to_owned()), |tx, (organization, name)| {
            Box::pin(async move {
                held_user(tx, organization, name).await?;
                let principal = PolicyOwner::User.principal(name);
                if !tx.access_keys(organization, Some(&principal)).await?.is_empty() {
                    let text = "the user still has access keys; delete them first";
                    return Err(Refusal::Conflicting(text).into());
                }
                without_policies(tx, organization, &principal).await?;
                tx.delete_sessions(organization, &principal).await?;
                Ok(tx.delete_iam_user(organization, name).await?)
            })
        })
        .await
    }

    /// Makes an access key of an IAM user.
    pub async fn create_iam_key(
        &self,
        organization: &OrganizationId,
        user: &str,
    ) -> Result<(NewAccessKey, Timestamp), Error> {
        let (key, now) = (self.new_access_key(), self.now());
        let row = NewAccessKeyRow {
            organization: organization.clone(),
            id: key.id.clone(),
            name: String::new(),
            sealed_secret: self.keyring().seal(
                organization,
                &key.id,
                &key.secret,
                self.random(),
            )?,
            policy: None,
            created: now,
            principal: Some(PolicyOwner::User.principal(user)),
            session_token_hash: None,
            session_name: None,
            expires: None,
            parent: None,
        };
        self.write((row, user.to_owned()), |tx, (row, user)| {
            Box::pin(async move {
                let user = held_user(tx, &row.organization, user).await?;
                let keys = tx.access_keys(&row.organization, row.principal.as_deref()).await?;
                if KEYS_MAX <= keys.len() {
                    let text = "a user has at most 2 access keys; delete one first";
                    return Err(Refusal::LimitExceeded(text).into());
                }
                let name = resource_name(&user);
                tx.insert_iam_key(&NewAccessKeyRow { name, ..row.clone() }).await?;
                Ok(())
            })
        })
        .await?;
        Ok((key, now))
    }

    /// The access keys of an IAM user, oldest first.
    pub async fn iam_keys(
        &self,
        organization: &OrganizationId,
        user: &str,
    ) -> Result<Vec<ListedKey>, Error> {
        self.read((organization.clone(), user.to_owned()), |tx, (organization, user)| {
            Box::pin(async move {
                let found = tx.iam_user(organization, user).await?;
                found.ok_or_else(|| missing("the user", user))?;
                let principal = PolicyOwner::User.principal(user);
                Ok(tx.access_keys(organization, Some(&principal)).await?)
            })
        })
        .await
    }

    /// Makes a key of an IAM user usable or not, or deletes it (`None`).
    pub async fn change_iam_key(
        &self,
        organization: &OrganizationId,
        user: &str,
        key: &AccessKeyId,
        is_active: Option<bool>,
    ) -> Result<(), Error> {
        let input = (organization.clone(), user.to_owned(), key.clone(), is_active);
        self.write(input, |tx, (organization, user, key, is_active)| {
            Box::pin(async move {
                held_user(tx, organization, user).await?;
                let principal = PolicyOwner::User.principal(user);
                let keys = tx.access_keys(organization, Some(&principal)).await?;
                if !keys.iter().any(|listed| listed.id == *key) {
                    return Err(missing("the access key", key.as_str()));
                }
                match is_active {
                    Some(active) => tx.set_access_key_status(organization, key, *active).await?,
                    None => {
                        tx.delete_access_key(organization, key).await?;
                    }
                }
                Ok(())
            })
        })
        .await
    }

    /// Writes a policy of a user or role; it counts from the next request on.
    pub async fn put_iam_policy(
        &self,
        organization: &OrganizationId,
        owner: PolicyOwner,
        of: &str,
        name: &str,
        document: &str,
    ) -> Result<(), Error> {
        require_name("PolicyName", name, 128)?;
        if POLICY_MAX_BYTES < document.len() {
            let text = "a policy has at most 10240 bytes; write a shorter one";
            return Err(Refusal::LimitExceeded(text).into());
        }
        if Policy::parse(document).is_err() {
            return Err(
                Refusal::Invalid { member: "PolicyDocument", reason: "is no policy" }.into()
            );
        }
        let [of, name, document] = [of, name, document].map(str::to_owned);
        let input = (organization.clone(), owner, of, name, document);
        self.write(input, |tx, (organization, owner, of, name, document)| {
            Box::pin(async move {
                owner.held(tx, organization, of).await?;
                let principal = owner.principal(of);
                let others = tx.iam_policies(organization, &principal).await?;
                let others = others.iter().filter(|(other, _)| other != name).count();
                if POLICIES_MAX <= others {
                    let text = "a user or role has at most 10 policies; delete one first";
                    return Err(Refusal::LimitExceeded(text).into());
                }
                Ok(tx.put_iam_policy(organization, &principal, name, document).await?)
            })
        })
        .await
    }

    /// The policies of a user or role by name, each with its document.
    pub async fn iam_policies(
        &self,
        organization: &OrganizationId,
        owner: PolicyOwner,
        of: &str,
    ) -> Result<Vec<(String, String)>, Error> {
        let input = (organization.clone(), owner, of.to_owned());
        self.read(input, |tx, (organization, owner, of)| {
            Box::pin(async move {
                let is_there = match owner {
                    PolicyOwner::User => tx.iam_user(organization, of).await?.is_some(),
                    PolicyOwner::Role => tx.iam_role(organization, of).await?.is_some(),
                };
                if !is_there {
                    return Err(missing("the user or role", of));
                }
                Ok(tx.iam_policies(organization, &owner.principal(of)).await?)
            })
        })
        .await
    }

    /// Deletes a policy of a user or role.
    pub async fn delete_iam_policy(
        &self,
        organization: &OrganizationId,
        owner: PolicyOwner,
        of: &str,
        name: &str,
    ) -> Result<(), Error> {
        let input = (organization.clone(), owner, of.to_owned(), name.to_owned());
        self.write(input, |tx, (organization, owner, of, name)| {
            Box::pin(async move {
                owner.held(tx, organization, of).await?;
                match tx.delete_iam_policy(organization, &owner.principal(of), name).await? {
                    0 => Err(missing("the policy", name)),
                    _ => Ok(()),
                }
            })
        })
        .await
    }

    /// Makes a role, which may do nothing yet.
    pub async fn create_iam_role(
        &self,
        organization: &OrganizationId,
        new: NewIamRole,
    ) -> Result<IamRole, Error> {
        if TrustPolicy::parse(&new.trust_policy).is_err() {
            return Err(not_trust());
        }
        let is_duration = (3_600..=43_200).contains(&new.session_max_secs);
        if !is_duration || 1_000 < new.description.chars().count() {
            return Err(Refusal::Invalid {
                member: "MaxSessionDuration, Description",
                reason: "must be from 3600 to 43200 seconds, and at most 1000 characters",
            }
            .into());
        }
        let role = IamRole {
            entity: self.new_entity("AROA", &new.name, &new.path)?,
            description: new.description,
            trust_policy: new.trust_policy,
            session_max_secs: new.session_max_secs,
        };
        self.write((organization.clone(), role), |tx, (organization, role)| {
            Box::pin(async move {
                match tx.insert_iam_role(organization, role).await? {
                    Inserted::Yes => Ok(role.clone()),
                    Inserted::Duplicate => Err(taken().into()),
                }
            })
        })
        .await
    }

    /// Finds a role.
    pub async fn iam_role(
        &self,
        organization: &OrganizationId,
        name: &str,
    ) -> Result<IamRole, Error> {
        let found = self
            .look_up((organization.clone(), name.to_owned()), |tx, (organization, name)| {
                Box::pin(async move { Ok(tx.iam_role(organization, name).await?) })
            })
            .await?;
        found.ok_or_else(|| missing("the role", name))
    }

    /// Roles after a name, at most `limit`.
    pub async fn iam_roles(
        &self,
        organization: &OrganizationId,
        after: &str,
        limit: i64,
    ) -> Result<Vec<IamRole>, Error> {
        let input = (organization.clone(), after.to_owned(), limit);
        self.read(input, |tx, (organization, after, limit)| {
            Box::pin(async move { Ok(tx.iam_roles(organization, after, *limit).await?) })
        })
        .await
    }

    /// Changes who may assume a role from now on; sessions that have begun go on.
    pub async fn set_trust_policy(
        &self,
        organization: &OrganizationId,
        name: &str,
        document: &str,
    ) -> Result<(), Error> {
        if TrustPolicy::parse(document).is_err() {
            return Err(not_trust());
        }
        let input = (organization.clone(), name.to_owned(), document.to_owned());
        self.write(input, |tx, (organization, name, document)| {
            Box::pin(async move {
                held_role(tx, organization, name).await?;
                Ok(tx.set_trust_policy(organization, name, document).await?)
            })
        })
        .await
    }

    /// Deletes a role, which must have no policies any more, and ends its sessions.
    pub async fn delete_iam_role(
        &self,
        organization: &OrganizationId,
        name: &str,
    ) -> Result<(), Error> {
        self.write((organization.clone(), name.to_owned()), |tx, (organization, name)| {
            Box::pin(async move {
                held_role(tx, organization, name).await?;
                let principal = PolicyOwner::Role.principal(name);
                without_policies(tx, organization, &principal).await?;
                tx.delete_sessions(organization, &principal).await?;
                Ok(tx.delete_iam_role(organization, name).await?)
            })
        })
        .await
    }

    fn new_entity(&self, prefix: &str, name: &str, path: &str) -> Result<IamEntity, Error> {
        require_name("UserName, RoleName", name, 64)?;
        let is_path = path.starts_with('/')
            && path.ends_with('/')
            && path.len() <= 512
            && path.bytes().all(|byte| (0x21..0x7f).contains(&byte) && !b":*?".contains(&byte));
        if !is_path {
            return Err(Refusal::Invalid {
                member: "Path",
                reason: "must begin and end with a slash and have at most 512 visible characters",
            }
            .into());
        }
        let id = AccessKeyId::from_random(self.random());
        Ok(IamEntity {
            name: name.to_owned(),
            id: format!("{prefix}{}", id.as_str().trim_start_matches("AKIA")),
            path: path.to_owned(),
            created: self.now(),
        })
    }
}

/// What follows `user/` or `role/` in an ARN.
pub(crate) fn resource_name(entity: &IamEntity) -> String {
    format!("{}{}", entity.path.trim_start_matches('/'), entity.name)
}

/// Holds a name to IAM's pattern, `[\w+=,.@-]`.
pub(crate) fn require_name(member: &'static str, name: &str, max: usize) -> Result<(), Error> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    if name.is_empty() || max < name.len() || !name.bytes().all(allowed) {
        let reason = "must have letters, digits and _+=,.@- only, at least one and not too many";
        return Err(Refusal::Invalid { member, reason }.into());
    }
    Ok(())
}

async fn held_user(
    tx: &mut Tx,
    organization: &OrganizationId,
    name: &str,
) -> Result<IamEntity, Error> {
    tx.hold_iam_user(organization, name).await?.ok_or_else(|| missing("the user", name))
}

async fn held_role(
    tx: &mut Tx,
    organization: &OrganizationId,
    name: &str,
) -> Result<IamRole, Error> {
    tx.hold_iam_role(organization, name).await?.ok_or_else(|| missing("the role", name))
}

async fn without_policies(
    tx: &mut Tx,
    organization: &OrganizationId,
    principal: &str,
) -> Result<(), Error> {
    if tx.iam_policies(organization, principal).await?.is_empty() {
        return Ok(());
    }
    Err(Refusal::Conflicting("policies are still attached; delete them first").into())
}

fn missing(what: &'static str, name: &str) -> Error {
    Refusal::NotFound { what, ids: vec![name.to_owned()] }.into()
}

fn taken() -> Refusal {
    Refusal::AlreadyExists("the name is taken, whatever its letter case; choose another one")
}

fn not_trust() -> Error {
    let reason = "is no trust policy";
    Refusal::Invalid { member: "AssumeRolePolicyDocument", reason }.into()
}
