//! STS: temporary keys, for a while and with a session token.

use docharbor_domain::{
    AccessKeyId, Administrator, Circumstances, OrganizationId, Policy, Refusal, Timestamp,
    TrustPolicy,
};
use docharbor_metadata::{AccessKeyRow, NewAccessKeyRow, Tx};
use zeroize::Zeroizing;

use crate::iam::{POLICY_MAX_BYTES, PolicyOwner, require_name, resource_name};
use crate::keyring::token_hash;
use crate::{Error, NewAccessKey, Site};

/// The shortest session, in seconds.
const SESSION_MIN_SECS: i64 = 900;

/// The longest session of `GetSessionToken`, in seconds.
const SESSION_MAX_SECS: i64 = 129_600;

/// The longest session of a role that another role assumed, in seconds.
const CHAINED_MAX_SECS: i64 = 3_600;

/// What somebody says who wants to assume a role.
#[derive(Clone, Debug)]
pub struct RoleRequest {
    /// The role.
    pub role_arn: String,
    /// What the session is called.
    pub session_name: String,
    /// How long it lasts.
    pub duration_secs: i64,
    /// A policy that narrows it, as JSON.
    pub policy: Option<String>,
    /// On whose behalf.
    pub external_id: Option<String>,
}

/// A temporary key.
pub struct TemporaryKey {
    /// The key and its secret.
    pub key: NewAccessKey,
    /// What must be sent and signed with it.
    pub token: Zeroizing<String>,
    /// When it ends.
    pub expires: Timestamp,
    /// The lasting id of the role that was assumed.
    pub role_id: String,
}

/// What is decided before the transaction.
#[derive(Clone)]
struct Begun {
    holder: Administrator,
    organization: OrganizationId,
    circumstances: Circumstances,
    row: NewAccessKeyRow,
}

impl Site {
    /// Begins a session of a role, if the caller's policies allow it and the role trusts the caller.
    pub async fn assume_role(
        &self,
        organization: &OrganizationId,
        holder: &Administrator,
        circumstances: Circumstances,
        request: RoleRequest,
    ) -> Result<TemporaryKey, Error> {
        require_name("RoleSessionName", &request.session_name, 64)?;
        if let Some(policy) = &request.policy
            && (POLICY_MAX_BYTES < policy.len() || Policy::parse(policy).is_err())
        {
            return Err(Refusal::Invalid {
                member: "Policy",
                reason: "is no policy, or is longer than 10240 bytes",
            }
            .into());
        }
        let (mut session, mut begun) =
            self.begin(organization, holder, circumstances, request.duration_secs)?;
        begun.row.policy.clone_from(&request.policy);
        begun.row.session_name = Some(request.session_name.clone());
        session.role_id = self
            .write((begun, request), |tx, (begun, request)| Box::pin(assume(tx, begun, request)))
            .await?;
        Ok(session)
    }

    /// Begins a session with what the caller's own permanent key may do.
    pub async fn session_token(
        &self,
        organization: &OrganizationId,
        holder: &Administrator,
        circumstances: Circumstances,
        duration_secs: i64,
    ) -> Result<TemporaryKey, Error> {
        if SESSION_MAX_SECS < duration_secs {
            return Err(too_long());
        }
        let (session, begun) = self.begin(organization, holder, circumstances, duration_secs)?;
        self.write(begun, |tx, begun| {
            Box::pin(async move {
                let own = held_key(tx, begun).await?;
                if own.parent.is_some() {
                    let text = "a session cannot begin another one; use the permanent key";
                    return Err(Refusal::NotAllowed(text).into());
                }
                let row = NewAccessKeyRow {
                    name: own.name,
                    policy: own.policy,
                    principal: own.principal,
                    parent: Some(begun.holder.access_key_id.clone()),
                    ..begun.row.clone()
                };
                tx.insert_iam_key(&row).await?;
                Ok::<_, Error>(())
            })
        })
        .await?;
        Ok(session)
    }

    fn begin(
        &self,
        organization: &OrganizationId,
        holder: &Administrator,
        circumstances: Circumstances,
        duration_secs: i64,
    ) -> Result<(TemporaryKey, Begun), Error> {
        if duration_secs < SESSION_MIN_SECS {
            let reason = "must be at least 900 seconds";
            return Err(Refusal::Invalid { member: "DurationSeconds", reason }.into());
        }
        let made = self.new_access_key();
        let id = AccessKeyId::new(made.id.as_str().replacen("AKIA", "ASIA", 1));
        let random: [u8; 32] = self.random();
        let token = Zeroizing::new(format!("dhs_{}", hex::encode(random)));
        let now = self.now();
        let expires = now.plus_millis(duration_secs.saturating_mul(1_000));
        let row = NewAccessKeyRow {
            organization: organization.clone(),
            id: id.clone(),
            name: String::new(),
            sealed_secret: self.keyring().seal(organization, &id, &made.secret, self.random())?,
            policy: None,
            created: now,
            principal: None,
            session_token_hash: Some(token_hash(&token)),
            session_name: None,
            expires: Some(expires),
            parent: None,
        };
        let key = NewAccessKey { id, secret: made.secret };
        let begun = Begun {
            holder: holder.clone(),
            organization: organization.clone(),
            circumstances,
            row,
        };
        Ok((TemporaryKey { key, token, expires, role_id: String::new() }, begun))
    }
}

async fn assume(tx: &mut Tx, begun: &Begun, request: &RoleRequest) -> Result<String, Error> {
    let Begun { holder, organization, circumstances, row } = begun;
    let own = held_key(tx, begun).await?;
    let name = request.role_arn.rsplit('/').next().unwrap_or_default();
    let role = tx.hold_iam_role(organization, name).await?.ok_or(Refusal::Hidden)?;
    let account = &own.account_id;
    let arn = format!("arn:aws:iam::{account}:role/{}", resource_name(&role.entity));
    let trust = TrustPolicy::parse(&role.trust_policy)
        .map_err(|_| Error::Fault("a stored trust policy cannot be read"))?;
    let mut asked = holder.asked("sts:AssumeRole", &arn, organization, *circumstances);
    asked.external_id = request.external_id.as_deref();
    // One answer, whichever of these it is: who may not assume a role learns nothing of it.
    let may =
        arn == request.role_arn && holder.permit.allows(&asked) && trust.trusts(&asked, account);
    if !may {
        return Err(Refusal::Hidden.into());
    }
    let max = if own.session_name.is_some() { CHAINED_MAX_SECS } else { role.session_max_secs };
    if max < request.duration_secs {
        return Err(too_long());
    }
    let row = NewAccessKeyRow {
        name: resource_name(&role.entity),
        principal: Some(PolicyOwner::Role.principal(&role.entity.name)),
        parent: Some(own.parent.unwrap_or_else(|| holder.access_key_id.clone())),
        ..row.clone()
    };
    tx.insert_iam_key(&row).await?;
    Ok(role.entity.id)
}

/// The caller's key as it is now. The permanent key behind it is held: a session must not begin
/// while that is being taken away.
async fn held_key(tx: &mut Tx, begun: &Begun) -> Result<AccessKeyRow, Error> {
    let id = &begun.holder.access_key_id;
    let own = tx.access_key(id).await?.ok_or(Refusal::Hidden)?;
    let permanent = own.parent.as_ref().unwrap_or(id);
    if own.organization != begun.organization
        || !tx.hold_active_key(&begun.organization, permanent).await?
    {
        return Err(Refusal::Hidden.into());
    }
    Ok(own)
}

fn too_long() -> Error {
    let reason = "is longer than this session may last";
    Refusal::Invalid { member: "DurationSeconds", reason }.into()
}
