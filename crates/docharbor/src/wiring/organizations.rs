//! The sites of a server: making and naming them, and which of them a command is about.

use docharbor_site::{Error, NewOrganization, Organization, OrganizationView, Site};

use super::deed::Deed;
use super::{RootAccess, failed, site_beside};
use crate::configuration::Configuration;
use crate::data_directory::DataDirectory;
use crate::exit::Failure;
use crate::master_key::MasterKey;
use crate::secret::Secret;

/// The sites of existing data, the first one first.
pub(crate) async fn list_organizations(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
) -> Result<Vec<OrganizationView>, Failure> {
    let site = site_beside(configuration, directory, master_key).await?;
    site.organization_views().await.map_err(|error| failed(&error))
}

/// Makes a further site, and answers its root access key.
pub(crate) async fn create_organization(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
    wanted: NewOrganization,
) -> Result<RootAccess, Failure> {
    let mut deed = Deed::of_server(configuration, directory, master_key, "CreateSite").await?;
    if deed.site.organization().await.map_err(|error| failed(&error))?.is_none() {
        return Err(no_site());
    }
    let made = deed.site.create_organization(wanted).await;
    if let Ok((id, root)) = &made {
        let rows = deed.site.organization_rows().await.unwrap_or_default();
        if let Some(row) = rows.into_iter().find(|row| row.id == *id) {
            deed.of_site(row);
        }
        deed.made("organizationId", id.as_str());
        deed.made("accessKeyId", root.id.as_str());
    }
    let (id, root) = deed.done(made.map_err(|error| refused("No site was made", error)))?;
    Ok(RootAccess {
        organization_id: id.to_string(),
        access_key_id: root.id.to_string(),
        secret_access_key: Secret::new(root.secret.to_string()),
    })
}

/// Gives the site that an id or an alias names its alias.
pub(crate) async fn set_alias(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
    name: &str,
    alias: &str,
) -> Result<(), Failure> {
    let mut deed = Deed::of_server(configuration, directory, master_key, "SetSiteAlias").await?;
    let rows = deed.site.organization_rows().await.map_err(|error| failed(&error))?;
    let organization = named(&rows, name).ok_or_else(|| unknown(name, &rows))?;
    deed.of_site(organization.clone());
    let done = deed.site.set_alias(&organization.id, alias).await;
    deed.done(done.map_err(|error| refused("The site has no other alias now", error)))
}

/// The site a command is about: the one that its flag names; else the one of the environment or the
/// file, if these data have it; else the only one there is.
pub(super) async fn chosen(
    site: &Site,
    configuration: &Configuration,
) -> Result<Organization, Failure> {
    let mut rows = site.organization_rows().await.map_err(|error| failed(&error))?;
    if let Some(name) = &configuration.site {
        return named(&rows, name).cloned().ok_or_else(|| unknown(name, &rows));
    }
    if let Some(id) = &configuration.organization_id
        && let Some(row) = rows.iter().find(|row| row.id == *id)
    {
        return Ok(row.clone());
    }
    if 1 < rows.len() {
        return Err(Failure::usage(
            "It is not clear which site is meant",
            format!("the server has several: {}", names(&rows)),
            "name one: --organization-id ID or its alias",
        ));
    }
    rows.pop().ok_or_else(no_site)
}

fn named<'a>(rows: &'a [Organization], name: &str) -> Option<&'a Organization> {
    rows.iter().find(|row| row.id.as_str() == name || row.alias.as_deref() == Some(name))
}

fn unknown(name: &str, rows: &[Organization]) -> Failure {
    if rows.is_empty() {
        return no_site();
    }
    Failure::usage(
        "There is no such site",
        format!("{name:?} is the id or the alias of none; there are: {}", names(rows)),
        "name one of these: --organization-id ID or its alias",
    )
}

fn names(rows: &[Organization]) -> String {
    let name = |row: &Organization| match &row.alias {
        Some(alias) => format!("{} ({alias})", row.id),
        None => row.id.to_string(),
    };
    rows.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn no_site() -> Failure {
    Failure::failed(
        "There is no site yet",
        "no server was ever started on these data",
        "start one: docharbor serve DIR",
    )
}

fn refused(what: &str, error: Error) -> Failure {
    match error {
        Error::Refused(refusal) => {
            Failure::usage(what, refusal, "choose another one; the sites are: docharbor site list")
        }
        error => failed(&error),
    }
}
