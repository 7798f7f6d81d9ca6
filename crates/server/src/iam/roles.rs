//! Roles, and the policies of roles and users.

use docharbor_domain::{Policy, PolicyError, TrustPolicy};
use docharbor_site::{Error, IamRole, NewIamRole, PolicyOwner};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::Asking;
use super::failure::Failure;
use super::users::{self, cut};
use super::xml::Xml;
use crate::audit::iso_8601;
use axum::http::StatusCode;

async fn require(asking: &Asking<'_>, name: &str) -> Result<(), Failure> {
    match asking.door.site().iam_role(asking.organization, name).await {
        // As with users: what counts is how the role's own ARN is written.
        Ok(role) => asking.require(&format!("role{}{}", role.entity.path, role.entity.name)),
        Err(Error::Refused(_)) => asking.require(&format!("role/{name}")),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn create(asking: &Asking<'_>) -> Result<Xml, Failure> {
    let form = asking.form;
    let (name, path) = (form.need("RoleName")?, form.get("Path").unwrap_or("/"));
    asking.require(&format!("role{path}{name}"))?;
    let trust_policy = form.need("AssumeRolePolicyDocument")?;
    TrustPolicy::parse(trust_policy).map_err(|error| malformed(&error))?;
    let new = NewIamRole {
        name: name.to_owned(),
        path: path.to_owned(),
        description: form.get("Description").unwrap_or_default().to_owned(),
        trust_policy: trust_policy.to_owned(),
        session_max_secs: form.number("MaxSessionDuration", 3_600)?,
    };
    let role = asking.door.site().create_iam_role(asking.organization, new).await?;
    Ok(Xml::default().element("Role", &shape(asking, &role)))
}

pub(super) async fn get(asking: &Asking<'_>) -> Result<Xml, Failure> {
    let name = asking.form.need("RoleName")?;
    require(asking, name).await?;
    let role = asking.door.site().iam_role(asking.organization, name).await?;
    Ok(Xml::default().element("Role", &shape(asking, &role)))
}

pub(super) async fn list(asking: &Asking<'_>) -> Result<Xml, Failure> {
    let prefix = asking.form.get("PathPrefix").unwrap_or("/");
    asking.require(&format!("role{prefix}"))?;
    let (after, max) = asking.page()?;
    let limit = i64::try_from(max + 1).unwrap_or(i64::MAX);
    let found = asking.door.site().iam_roles(asking.organization, after, limit).await?;
    let (shown, end) = cut(found, max, |role| role.entity.name.clone());
    let shown = shown.iter().filter(|role| role.entity.path.starts_with(prefix));
    Ok(end.mark(Xml::default().list("Roles", shown.map(|role| shape(asking, role)))))
}

pub(super) async fn delete(asking: &Asking<'_>) -> Result<Xml, Failure> {
    let name = asking.form.need("RoleName")?;
    require(asking, name).await?;
    asking.door.site().delete_iam_role(asking.organization, name).await?;
    Ok(Xml::default())
}

pub(super) async fn update_trust(asking: &Asking<'_>) -> Result<Xml, Failure> {
    let name = asking.form.need("RoleName")?;
    require(asking, name).await?;
    let document = asking.form.need("PolicyDocument")?;
    TrustPolicy::parse(document).map_err(|error| malformed(&error))?;
    asking.door.site().set_trust_policy(asking.organization, name, document).await?;
    Ok(Xml::default())
}

/// The user or role whose policies a call is about, once the caller may.
async fn owner<'a>(asking: &'a Asking<'_>) -> Result<(PolicyOwner, &'a str), Failure> {
    if asking.operation.parameters.contains(&"UserName") {
        let name = asking.form.need("UserName")?;
        users::require(asking, name).await?;
        Ok((PolicyOwner::User, name))
    } else {
        let name = asking.form.need("RoleName")?;
        require(asking, name).await?;
        Ok((PolicyOwner::Role, name))
    }
}

pub(super) async fn put_policy(asking: &Asking<'_>) -> Result<Xml, Failure> {
    let (owner, of) = owner(asking).await?;
    let (name, document) = (asking.form.need("PolicyName")?, asking.form.need("PolicyDocument")?);
    Policy::parse(document).map_err(|error| malformed(&error))?;
    let site = asking.door.site();
    site.put_iam_policy(asking.organization, owner, of, name, document).await?;
    Ok(Xml::default())
}

pub(super) async fn get_policy(asking: &Asking<'_>) -> Result<Xml, Failure> {
    let (owner, of) = owner(asking).await?;
    let name = asking.form.need("PolicyName")?;
    let policies = asking.door.site().iam_policies(asking.organization, owner, of).await?;
    let Some((_, document)) = policies.into_iter().find(|(other, _)| other == name) else {
        let text = format!("The policy {name} does not exist.");
        return Err(Failure::new(StatusCode::NOT_FOUND, "NoSuchEntity", text));
    };
    let tag = match owner {
        PolicyOwner::User => "UserName",
        PolicyOwner::Role => "RoleName",
    };
    Ok(Xml::default()
        .text(tag, of)
        .text("PolicyName", name)
        .text("PolicyDocument", encoded(&document)))
}

pub(super) async fn list_policies(asking: &Asking<'_>) -> Result<Xml, Failure> {
    let (owner, of) = owner(asking).await?;
    let (after, max) = asking.page()?;
    let policies = asking.door.site().iam_policies(asking.organization, owner, of).await?;
    let names = policies.into_iter().map(|(name, _)| name).filter(|name| after < name.as_str());
    let (shown, end) = cut(names.collect(), max, String::clone);
    Ok(end.mark(Xml::default().names("PolicyNames", &shown)))
}

pub(super) async fn delete_policy(asking: &Asking<'_>) -> Result<Xml, Failure> {
    let (owner, of) = owner(asking).await?;
    let name = asking.form.need("PolicyName")?;
    asking.door.site().delete_iam_policy(asking.organization, owner, of, name).await?;
    Ok(Xml::default())
}

/// Managed policies: there are none.
pub(super) async fn list_attached(asking: &Asking<'_>) -> Result<Xml, Failure> {
    let (owner, of) = owner(asking).await?;
    asking.door.site().iam_policies(asking.organization, owner, of).await?;
    Ok(Xml::default().names("AttachedPolicies", &[]).text("IsTruncated", "false"))
}

fn shape(asking: &Asking<'_>, role: &IamRole) -> Xml {
    let (entity, path) = (&role.entity, &role.entity.path);
    Xml::default()
        .text("Path", path)
        .text("RoleName", &entity.name)
        .text("RoleId", &entity.id)
        .text("Arn", format!("arn:aws:iam::{}:role{path}{}", asking.account, entity.name))
        .text("CreateDate", iso_8601(entity.created.as_millis()))
        .text("AssumeRolePolicyDocument", encoded(&role.trust_policy))
        .text("Description", &role.description)
        .text("MaxSessionDuration", role.session_max_secs.to_string())
}

/// Documents travel percent-encoded in answers, as SDKs expect.
fn encoded(document: &str) -> String {
    utf8_percent_encode(document, NON_ALPHANUMERIC).to_string()
}

pub(super) fn malformed(error: &PolicyError) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, "MalformedPolicyDocument", error.to_string())
}
