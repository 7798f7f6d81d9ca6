//! What the commands about access keys and policies need of the site.

use std::net::IpAddr;

use docharbor_domain::{
    AccessKeyId, Asked, Circumstances, Decision, OrganizationId, Permit, Policy, moment_of,
};
use docharbor_server::audit::iso_8601;
use docharbor_site::{Clock as _, Error, SystemClock};
use docharbor_wire::Operation;
use serde::Serialize;

use super::deed::Deed;
use super::{beside, failed};
use crate::configuration::Configuration;
use crate::data_directory::DataDirectory;
use crate::exit::Failure;
use crate::master_key::MasterKey;

/// An access key in a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListedKey {
    access_key_id: String,
    name: String,
    status: &'static str,
    /// The IAM user it belongs to; others are limited by a policy of their own alone.
    user_name: Option<String>,
    create_date: String,
}

/// The permanent access keys of a site, oldest first.
pub(crate) async fn list_keys(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
) -> Result<Vec<ListedKey>, Failure> {
    let (site, organization) = beside(configuration, directory, master_key).await?;
    let keys = site.access_keys(&organization).await.map_err(|error| failed(&error))?;
    let listed = |key: docharbor_site::ListedKey| ListedKey {
        access_key_id: key.id.to_string(),
        user_name: key.principal.is_some().then(|| key.name.clone()),
        name: key.name,
        status: if key.is_active { "Active" } else { "Inactive" },
        create_date: iso_8601(key.created.as_millis()),
    };
    Ok(keys.into_iter().map(listed).collect())
}

/// Deletes an access key and ends the sessions begun with it, from the next request on.
pub(crate) async fn delete_key(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
    id: &str,
) -> Result<(), Failure> {
    let (mut deed, organization) =
        Deed::begin(configuration, directory, master_key, "DeleteAccessKey").await?;
    deed.about("accessKeyId", id);
    let deleted = deed.site.delete_access_key(&organization, &AccessKeyId::new(id)).await;
    deed.done(deleted.map_err(|error| match error {
        Error::Refused(refusal) => Failure::failed(
            "No key was deleted",
            refusal,
            "list the keys of the site: docharbor key list DIR",
        ),
        error => failed(&error),
    }))
}

/// A call that is not made, only decided.
#[derive(Debug)]
pub(crate) struct Simulated<'a> {
    /// The text of the policy.
    pub(crate) policy: &'a str,
    pub(crate) action: &'a str,
    /// What a call of iam or sts is about.
    pub(crate) resource: Option<&'a str>,
    pub(crate) source_ip: Option<IpAddr>,
    /// The time of the call, as policies write it.
    pub(crate) time: Option<&'a str>,
    pub(crate) organization_id: Option<&'a str>,
}

/// What a policy says about a call, in the words of IAM's own simulator, and whether it is allowed.
pub(crate) fn simulate(call: &Simulated<'_>) -> Result<(&'static str, bool), Failure> {
    let policy = Policy::parse(call.policy).map_err(|error| not_a_policy(&error))?;
    let now = match call.time {
        None => SystemClock.now(),
        Some(text) => moment_of(text).ok_or_else(|| {
            let next = "write it as 2026-01-02T03:04:05Z, or in seconds since 1970";
            Failure::usage("The time was not taken", "it is no moment", next)
        })?,
    };
    let action = action_of(call.action)?;
    let organization = OrganizationId::new(call.organization_id.unwrap_or("d-0000000000"));
    let asked = Asked {
        action: &action,
        resource: call.resource.unwrap_or("*"),
        organization: &organization,
        principal_arn: "arn:aws:iam::000000000000:user/simulated",
        role_arn: None,
        username: Some("simulated"),
        external_id: None,
        circumstances: Circumstances { now, source_ip: call.source_ip },
    };
    let decision = Permit::everything().narrowed(vec![policy]).decide(&asked);
    Ok(match decision {
        Decision::Allowed => ("allowed", true),
        Decision::ExplicitDeny => ("explicitDeny", false),
        Decision::ImplicitDeny => ("implicitDeny", false),
    })
}

/// The action as policies are asked about it: with its service, by the service's present name. A slip in
/// it must not be told that a wildcard allows it.
fn action_of(text: &str) -> Result<String, Failure> {
    match text.split_once(':') {
        Some(("workdocs" | "zocalo", name)) if Operation::from_name(name).is_some() => {
            Ok(format!("workdocs:{name}"))
        }
        Some(("workdocs" | "zocalo", _)) => Err(Failure::usage(
            "The action was not taken",
            "WorkDocs has no operation of this name",
            "write it as the API does, capital letters too: --action workdocs:GetFolder",
        )),
        Some(("iam" | "sts", name)) if !name.is_empty() => Ok(text.to_owned()),
        _ => Err(Failure::usage(
            "The action was not taken",
            "it is none of this server",
            "name one of workdocs, iam or sts: --action workdocs:GetFolder",
        )),
    }
}

/// A policy that cannot be read, with the element that is wrong.
pub(super) fn not_a_policy(error: &docharbor_domain::PolicyError) -> Failure {
    Failure::usage(
        "The policy was not taken",
        error,
        "write a policy with Version 2012-10-17, Effect, Action or NotAction, Resource, Condition",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_tried_without_a_server() {
        let policy = r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Action":"workdocs:Get*","Resource":"*",
             "Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}},
            {"Effect":"Deny","Action":"*","Resource":"*",
             "Condition":{"DateLessThan":{"aws:CurrentTime":"2026-01-01"}}}]}"#;
        let inside = "203.0.113.7".parse().ok();
        for (action, source_ip, time, said) in [
            ("workdocs:GetFolder", inside, "2026-11-24", Some("allowed")),
            ("zocalo:GetFolder", inside, "2026-11-24", Some("allowed")),
            ("workdocs:GetFolder", None, "2026-11-24", Some("implicitDeny")),
            ("workdocs:DeleteFolder", inside, "2026-11-24", Some("implicitDeny")),
            ("workdocs:GetFolder", inside, "2025-12-31T23:59:59Z", Some("explicitDeny")),
            ("GetFolder", inside, "2026-11-24", None),
            ("workdocs:GetFoldr", inside, "2026-11-24", None),
            ("workdocs:", inside, "2026-11-24", None),
            ("workdocs:GetFolder", inside, "soon", None),
        ] {
            let time = Some(time);
            let (resource, organization_id) = (None, None);
            let call = Simulated { policy, action, resource, source_ip, time, organization_id };
            assert_eq!(simulate(&call).ok().map(|(said, _)| said), said, "{call:?}");
        }
    }

    #[test]
    fn a_policy_about_names_is_tried_with_one() {
        let policy = r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Action":"iam:*","Resource":"*"},
            {"Effect":"Deny","Action":"iam:Delete*","Resource":"arn:aws:iam::*:user/ann"}]}"#;
        for (resource, said) in [
            (Some("arn:aws:iam::000000000000:user/ann"), "explicitDeny"),
            (Some("arn:aws:iam::000000000000:user/bob"), "allowed"),
            (None, "allowed"),
        ] {
            let (action, source_ip, time, organization_id) = ("iam:DeleteUser", None, None, None);
            let call = Simulated { policy, action, resource, source_ip, time, organization_id };
            assert_eq!(simulate(&call).ok().map(|(said, _)| said), Some(said), "{call:?}");
        }
    }
}
