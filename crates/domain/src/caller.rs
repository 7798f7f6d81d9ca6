//! Who is asking, what they ask to do, and the proof that they may ask at all.

use std::sync::Arc;

use crate::policy::{Asked, Circumstances, Permit};
use crate::user::{UserStatus, UserType};
use crate::{AccessKeyId, OrganizationId, Refusal, UserId};

/// Whether an operation reads or changes content: what a token's scopes are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `workdocs.content.read`.
    Read,
    /// `workdocs.content.write`.
    Write,
}

/// What somebody asks to do: an operation of the protocol, or a transfer it led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// The operation's name, as policies and refusals spell it.
    pub name: &'static str,
    /// The scope a user's token needs for it.
    pub scope: Scope,
}

/// The scopes a token was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes {
    /// May call operations of `Scope::Read`.
    pub read: bool,
    /// May call operations of `Scope::Write`.
    pub write: bool,
}

impl Scopes {
    /// Whether the scopes cover what an operation needs.
    pub const fn cover(self, needed: Scope) -> bool {
        match needed {
            Scope::Read => self.read,
            Scope::Write => self.write,
        }
    }
}

/// Somebody who has proved who they are, within one organization.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The only organization whose data this caller can reach.
    pub organization: OrganizationId,
    /// Who they are there.
    pub identity: Identity,
}

/// The two kinds of callers.
#[derive(Clone, Debug)]
pub enum Identity {
    /// Holds an access key: sees and may change everything of the site, limited by its policy.
    Administrator(Administrator),
    /// Holds a user's token: sees what the user sees.
    User(TokenUser),
}

/// The holder of an access key.
#[derive(Clone, Debug)]
pub struct Administrator {
    /// The key that signed.
    pub access_key_id: AccessKeyId,
    /// The name that stands in versions and activities: `arn:aws:iam::ACCOUNT:user/NAME`.
    pub arn: String,
    /// The ARN of the role, where this is a session of one.
    pub role_arn: Option<String>,
    /// What the key may do.
    pub permit: Permit,
}

impl Administrator {
    /// What policies are asked about a call of this holder.
    pub fn asked<'a>(
        &'a self,
        action: &'a str,
        resource: &'a str,
        organization: &'a OrganizationId,
        circumstances: Circumstances,
    ) -> Asked<'a> {
        Asked {
            action,
            resource,
            organization,
            principal_arn: &self.arn,
            role_arn: self.role_arn.as_deref(),
            username: self.username(),
            external_id: None,
            circumstances,
        }
    }

    /// The name of the IAM user; the session of a role has none.
    pub fn username(&self) -> Option<&str> {
        let (_, name) = self.arn.split_once(":user/")?;
        name.rsplit('/').next()
    }
}

/// The holder of a user's token.
#[derive(Clone, Debug)]
pub struct TokenUser {
    /// Whose token it is.
    pub id: UserId,
    /// The user's type, which decides about user administration.
    pub user_type: UserType,
    /// The user's status now.
    pub status: UserStatus,
    /// What the token was given for.
    pub scopes: Scopes,
    /// Whether a connected directory says who this is: it must answer then.
    pub from_directory: bool,
}

impl Caller {
    /// The name of the caller in `CreatorId` and refusals: an ARN or a user's id.
    pub fn principal(&self) -> &str {
        match &self.identity {
            Identity::Administrator(administrator) => &administrator.arn,
            Identity::User(user) => user.id.as_str(),
        }
    }
}

/// A call that passed the checks every call must pass. Only [`Call::admit`] makes one, so nothing
/// can be asked of the site by somebody who may not ask.
#[derive(Clone, Debug)]
pub struct Call {
    caller: Arc<Caller>,
    action: Action,
    retry_key: Option<String>,
}

impl Call {
    /// Admits a caller to an action: a key's policies must allow it under these circumstances, a
    /// user must be active and the token's scopes must cover it. What the caller may do to one resource is decided later.
    ///
    /// `retry_key` names this very request of this very caller, so that an SDK's second attempt
    /// gets the first answer.
    pub fn admit(
        caller: Caller,
        action: Action,
        circumstances: Circumstances,
        retry_key: Option<String>,
    ) -> Result<Self, Refusal> {
        match &caller.identity {
            Identity::Administrator(administrator) => {
                let name = format!("workdocs:{}", action.name);
                // No policy names one folder or document: what is asked about is the organization.
                let asked = administrator.asked(&name, "", &caller.organization, circumstances);
                if !administrator.permit.allows(&asked) {
                    return Err(Refusal::Hidden);
                }
            }
            Identity::User(user) => {
                if user.status != UserStatus::Active {
                    return Err(Refusal::NotAllowed("the user is not active"));
                }
                if !user.scopes.cover(action.scope) {
                    return Err(Refusal::NotAllowed("the token's scopes do not cover this"));
                }
            }
        }
        Ok(Self { caller: Arc::new(caller), action, retry_key })
    }

    /// Who is asking.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The user who asks; an administrator is none.
    pub fn user_id(&self) -> Option<&UserId> {
        match &self.caller.identity {
            Identity::Administrator(_) => None,
            Identity::User(user) => Some(&user.id),
        }
    }

    /// The organization every statement of this call is about.
    pub fn organization(&self) -> &OrganizationId {
        &self.caller.organization
    }

    /// What was asked.
    pub fn action(&self) -> Action {
        self.action
    }

    /// The name of this request among the caller's, where the SDK gave one.
    pub fn retry_key(&self) -> Option<&str> {
        self.retry_key.as_deref()
    }

    /// Whether the site is the caller's to administer: access keys, and users of type ADMIN.
    pub fn is_administration(&self) -> bool {
        match &self.caller.identity {
            Identity::Administrator(_) => true,
            Identity::User(user) => user.user_type == UserType::Admin,
        }
    }

    /// Holds user administration to administrators.
    pub fn require_user_administration(&self) -> Result<(), Refusal> {
        if self.is_administration() {
            return Ok(());
        }
        Err(Refusal::NotAllowed("only administrators of the site manage its users"))
    }

    /// Holds what is about the site as a whole to administrators.
    pub fn require_administration(&self) -> Result<(), Refusal> {
        if self.is_administration() {
            return Ok(());
        }
        Err(Refusal::NotAllowed("only administrators of the site may do this"))
    }

    /// Holds a call that names an organization to the caller's own one.
    pub fn require_organization(&self, named: Option<&str>) -> Result<(), Refusal> {
        match named {
            Some(id) if id != self.caller.organization.as_str() => Err(Refusal::Hidden),
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(status: UserStatus, scopes: Scopes) -> Caller {
        Caller {
            organization: OrganizationId::new("d-0000000000"),
            identity: Identity::User(TokenUser {
                id: UserId::new("ann"),
                user_type: UserType::User,
                status,
                scopes,
                from_directory: false,
            }),
        }
    }

    #[test]
    fn a_token_calls_only_what_its_scopes_cover_and_only_for_an_active_user() {
        let statuses = [UserStatus::Active, UserStatus::Inactive, UserStatus::Pending];
        for status in statuses {
            for (read, write) in [(true, true), (true, false), (false, true), (false, false)] {
                for scope in [Scope::Read, Scope::Write] {
                    let action = Action { name: "GetFolder", scope };
                    let caller = user(status, Scopes { read, write });
                    let here = Circumstances::default();
                    let admitted = Call::admit(caller, action, here, None).is_ok();
                    let covered = if scope == Scope::Read { read } else { write };
                    assert_eq!(admitted, status == UserStatus::Active && covered);
                }
            }
        }
    }
}
