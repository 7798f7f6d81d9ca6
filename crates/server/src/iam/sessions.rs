//! STS: who am I, and temporary keys.

use docharbor_domain::Policy;
use docharbor_site::{Error, RoleRequest, TemporaryKey};

use super::Asking;
use super::failure::Failure;
use super::roles::malformed;
use super::xml::Xml;
use crate::audit::iso_8601;
use docharbor_domain::Refusal;

/// Everybody may ask who they are.
pub(super) async fn identity(asking: &Asking<'_>) -> Result<Xml, Failure> {
    let site = asking.door.site();
    let holder = asking.holder;
    let mut id = holder.access_key_id.to_string();
    if let Some((_, session)) = holder.arn.split_once(":assumed-role/") {
        let (role, session) = session.split_once('/').unwrap_or((session, ""));
        let role = site.iam_role(asking.organization, role).await?;
        id = format!("{}:{session}", role.entity.id);
    } else if let Some(name) = holder.username() {
        match site.iam_user(asking.organization, name).await {
            Ok(user) => id = user.id,
            // A key that belongs to no user is known by itself.
            Err(Error::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Xml::default().text("Arn", &holder.arn).text("UserId", id).text("Account", asking.account))
}

pub(super) async fn assume(asking: &Asking<'_>) -> Result<Xml, Failure> {
    let form = asking.form;
    let (role_arn, session_name) = (form.need("RoleArn")?, form.need("RoleSessionName")?);
    if session_name.len() < 2 {
        return Err(Failure::invalid("RoleSessionName must have at least 2 characters."));
    }
    let policy = form.get("Policy");
    if let Some(policy) = policy {
        Policy::parse(policy).map_err(|error| malformed(&error))?;
    }
    let request = RoleRequest {
        role_arn: role_arn.to_owned(),
        session_name: session_name.to_owned(),
        duration_secs: form.number("DurationSeconds", 3_600)?,
        policy: policy.map(str::to_owned),
        external_id: form.get("ExternalId").map(str::to_owned),
    };
    let begun = asking
        .door
        .site()
        .assume_role(asking.organization, asking.holder, asking.circumstances, request)
        .await;
    let session = match begun {
        Err(Error::Refused(Refusal::Hidden)) => {
            return Err(Failure::denied(&asking.holder.arn, "sts:AssumeRole", role_arn));
        }
        begun => begun?,
    };
    let role = role_arn.rsplit('/').next().unwrap_or_default();
    let arn = format!("arn:aws:sts::{}:assumed-role/{role}/{session_name}", asking.account);
    let assumed = Xml::default()
        .text("AssumedRoleId", format!("{}:{session_name}", session.role_id))
        .text("Arn", arn);
    Ok(Xml::default()
        .element("Credentials", &credentials(&session))
        .element("AssumedRoleUser", &assumed))
}

pub(super) async fn token(asking: &Asking<'_>) -> Result<Xml, Failure> {
    let duration_secs = asking.form.number("DurationSeconds", 43_200)?;
    let session = asking
        .door
        .site()
        .session_token(asking.organization, asking.holder, asking.circumstances, duration_secs)
        .await?;
    Ok(Xml::default().element("Credentials", &credentials(&session)))
}

fn credentials(session: &TemporaryKey) -> Xml {
    Xml::default()
        .text("AccessKeyId", session.key.id.as_str())
        .text("SecretAccessKey", session.key.secret.as_str())
        .text("SessionToken", session.token.as_str())
        .text("Expiration", iso_8601(session.expires.as_millis()))
}
