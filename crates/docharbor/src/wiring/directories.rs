//! What the commands about a connected directory need of the site.

use docharbor_domain::{OrganizationId, UserId};
use docharbor_site::{DirectoryError, DirectorySettings, Error, Site, SyncReport};
use serde::Serialize;

use super::deed::Deed;
use super::{beside, failed};
use crate::configuration::Configuration;
use crate::data_directory::DataDirectory;
use crate::exit::Failure;
use crate::master_key::MasterKey;
use crate::secret::Secret;

pub(crate) use docharbor_site::DirectoryKind;

/// Where a directory is; what is not said is as its kind has it.
pub(crate) type DirectoryAddress = DirectorySettings;

/// What a reading of the directory changed, as it is printed.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Synced {
    users_added: u64,
    users_changed: u64,
    users_deactivated: u64,
    skipped: u64,
    groups: u64,
    memberships: u64,
}

/// What is kept about the directory, and whether it answers, as it is printed.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Status {
    url: String,
    start_tls: bool,
    base_dn: String,
    bind_dn: String,
    /// Seconds of Unix time.
    #[serde(skip_serializing_if = "Option::is_none")]
    synced: Option<i64>,
    pub(crate) answers: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// Connects the site to a directory that lets us in, and reads it.
pub(crate) async fn connect_directory(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
    address: DirectoryAddress,
    password: &Secret,
) -> Result<Synced, Failure> {
    let (mut deed, organization) =
        Deed::begin(configuration, directory, master_key, "ConnectDirectory").await?;
    let connected = deed.site.connect_directory(&organization, address, password.expose()).await;
    let done = match connected {
        Ok(()) => sync(&deed.site, &organization).await,
        Err(error) => Err(refused("The directory was not connected", &error)),
    };
    deed.done(done)
}

/// Reads the directory now.
pub(crate) async fn sync_directory(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
) -> Result<Synced, Failure> {
    let (mut deed, organization) =
        Deed::begin(configuration, directory, master_key, "SyncDirectory").await?;
    let synced = sync(&deed.site, &organization).await;
    deed.done(synced)
}

async fn sync(site: &Site, organization: &OrganizationId) -> Result<Synced, Failure> {
    let done = site.sync_directory(organization).await;
    let report = done.map_err(|error| refused("The directory was not read", &error))?;
    let SyncReport { added, changed, deactivated, skipped, groups, memberships } =
        report.ok_or_else(not_connected)?;
    Ok(Synced {
        users_added: added,
        users_changed: changed,
        users_deactivated: deactivated,
        skipped,
        groups,
        memberships,
    })
}

/// What is kept about the directory, and whether it answers.
pub(crate) async fn directory_status(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
) -> Result<Status, Failure> {
    let (site, organization) = beside(configuration, directory, master_key).await?;
    let status = site.directory_status(&organization).await.map_err(|error| failed(&error))?;
    let status = status.ok_or_else(not_connected)?;
    let why = match site.check_directory(&organization).await {
        Ok(_) => None,
        Err(Error::Directory(error)) => Some(error.to_string()),
        Err(error) => return Err(failed(&error)),
    };
    Ok(Status {
        url: status.settings.url,
        start_tls: status.settings.start_tls,
        base_dn: status.settings.base_dn,
        bind_dn: status.settings.bind_dn,
        synced: status.synced.map(|at| at.as_millis() / 1_000),
        answers: why.is_none(),
        why,
    })
}

/// Asks the directory whose a name and password are.
pub(crate) async fn try_sign_in(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
    name: &str,
    password: &Secret,
) -> Result<UserId, Failure> {
    let (site, organization) = beside(configuration, directory, master_key).await?;
    site.directory_status(&organization)
        .await
        .map_err(|error| failed(&error))?
        .ok_or_else(not_connected)?;
    let user = site.directory_sign_in(&organization, name, password.expose()).await;
    user.map_err(|error| refused("The directory was not asked", &error))?.ok_or_else(|| {
        Failure::failed(
            "Nobody signs in so",
            "the name and password are not one person's of the directory who is read and not disabled",
            "check both, and read the directory: docharbor directory sync",
        )
    })
}

/// Forgets the directory; its users and groups stay.
pub(crate) async fn disconnect_directory(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
) -> Result<(), Failure> {
    let (mut deed, organization) =
        Deed::begin(configuration, directory, master_key, "DisconnectDirectory").await?;
    deed.done(match deed.site.disconnect_directory(&organization).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(not_connected()),
        Err(error) => Err(failed(&error)),
    })
}

fn not_connected() -> Failure {
    Failure::failed(
        "There is no directory",
        "this site is not connected to one",
        "connect it: docharbor directory connect --help",
    )
}

fn refused(what: &str, error: &Error) -> Failure {
    let Error::Directory(error) = error else { return failed(error) };
    let next = match error {
        DirectoryError::Settings(_) => "correct it and try again",
        DirectoryError::Unreachable(_) | DirectoryError::TimedOut | DirectoryError::Broken => {
            "check the address and port, the firewall, and that the directory runs"
        }
        DirectoryError::Certificate(_) => {
            "give the CA's certificate with --ca-file, and the certificate's name with --server-name \
             if it is not the host of the URL"
        }
        DirectoryError::Credentials => "check --bind-dn and its password",
        DirectoryError::EncryptionRequired => "use ldaps:// or --start-tls",
        DirectoryError::Answer(_) => "check --base-dn and what the account may read",
        DirectoryError::Nobody => "check --base-dn and --user-filter",
    };
    Failure::failed(what, error, next)
}
