//! The only wiring: what each command needs of the site, and the choice of implementations.

mod activities;
mod admin;
mod applications;
mod audit;
mod deed;
mod directories;
mod extraction;
mod groups;
mod keys;
mod notifications;
mod organizations;
mod tokens;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use docharbor_blobs::LocalBlobs;
use docharbor_domain::{
    AccessKeyId, Action, Call, Circumstances, OrganizationId, Policy, Refusal, Scope, Scopes,
    UserType,
};
use docharbor_metadata::{Metadata, Options};
use docharbor_server::health::Health;
use docharbor_server::{DoorSettings, doors};
use docharbor_site::{
    Error, FirstAdministrator, FirstStart, Keyring, NewUser, OsRandom, Parts, RootKey, Settings,
    Site, SystemClock, chain,
};
use futures::future::BoxFuture;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::aside::{Aside, Standing};
use crate::configuration::Configuration;
use crate::data_directory::DataDirectory;
use crate::exit::Failure;
use crate::master_key::MasterKey;
use crate::secret::Secret;
use deed::Deed;

pub(crate) use activities::{ActivityPages, ActivitySpan, ExportedActivity};
pub(crate) use admin::{create_administrator, random_password, reset_password, setup_token};
pub(crate) use applications::{
    NewApplication, create_application, delete_application, list_applications,
};
pub(crate) use directories::{
    DirectoryAddress, DirectoryKind, connect_directory, directory_status, disconnect_directory,
    sync_directory, try_sign_in,
};
pub(crate) use extraction::{Reindexed, reindex};
pub(crate) use groups::{Change, change_group_member, create_group, delete_group, list_groups};
pub(crate) use keys::{Simulated, delete_key, list_keys, simulate};
pub(crate) use notifications::{list_deliveries, list_subscriptions, resend};
pub(crate) use organizations::{create_organization, list_organizations, set_alias};
pub(crate) use tokens::{TokenScope, create_token, list_tokens, revoke_token};

/// The database in the data directory.
const DATABASE_FILE: &str = "meta.db";

/// The users of `docharbor dev`.
const DEMO_USERS: [(&str, &str, UserType); 3] = [
    ("admin", "Avery", UserType::Admin),
    ("ann", "Ann", UserType::User),
    ("bob", "Bob", UserType::User),
];

/// How long the demo token lasts.
const DEMO_TOKEN_LIFETIME_MS: i64 = 24 * 3_600_000;

/// How long it may take until nobody looks into documents or tells subscribers any longer: what was begun
/// is noted as not begun.
const STOPS_WITHIN: Duration = Duration::from_secs(10);

/// A site that is open, and its doors.
pub(crate) struct Running {
    /// Everything but health, without the layer of `observe`, which is put around it once.
    pub(crate) doors: Router,
    /// What `/health/ready` asks.
    pub(crate) health: Health,
    /// The first site.
    pub(crate) organization_id: String,
    /// How many sites there are.
    pub(crate) sites: usize,
    /// Whether this start made the site.
    pub(crate) is_new: bool,
    /// What the link carries with which the first administrator is made, while there is none.
    pub(crate) setup_token: Option<Secret>,
    /// Ends jobs and closes the stores; awaited when the last request is done.
    pub(crate) stop: BoxFuture<'static, ()>,
}

/// How a command opens the database.
#[derive(Clone, Copy)]
enum Opening {
    /// As a server does: makes it, migrates it.
    Serve,
    /// Beside a server that may be running, to read and change it.
    Beside,
    /// Beside a server that may be running, only to read it.
    ReadOnly,
}

/// Opens the site, making it at its first start.
pub(crate) async fn start(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
) -> Result<Running, Failure> {
    configuration.log();
    let parts = open(configuration, directory.path(), *master_key.bytes(), Opening::Serve).await?;
    parts.blobs.clean_staging().await.map_err(|error| blobs_failed(&error))?;
    let site = Site::new(parts);
    let is_new = site.organization().await.map_err(|error| failed(&error))?.is_none();
    let organization =
        site.first_start(first_start(configuration)).await.map_err(|error| not_made(&error))?;
    let sites = site.organization_rows().await.map_err(|error| failed(&error))?;
    if let Some(wanted) = &configuration.organization_id
        && !sites.iter().any(|site| site.id == *wanted)
    {
        tracing::warn!(%organization, "organization_id is for the first start only and is ignored");
    }
    // Proves that this master key is the one the stored secrets were sealed with.
    site.root_key(&organization).await.map_err(|error| failed(&error))?;
    let setup_token = site.setup_token(&organization).await.map_err(|error| failed(&error))?;
    let (log, close_log) = audit::open(configuration, directory, master_key)?;
    let door = docharbor_server::Door::new(site.clone(), door_settings(configuration), log);
    let probed = site.clone();
    let health = Health::new(move || {
        let site = probed.clone();
        Box::pin(async move { site.is_ready().await.is_ok() })
    });
    let teller = site.clone();
    let telling = async move { teller.run_notifications().await };
    let telling = Aside::begin("notifications", Standing::Idle, telling);
    let telling = telling.map_err(Failure::no_threads)?;
    let worker = site.clone();
    let jobs =
        tokio::spawn(async move { futures::join!(worker.run_jobs(), worker.run_directories()) });
    let reader = site.clone();
    let extraction = async move { reader.run_extraction().await };
    let extraction = Aside::begin("extraction", Standing::Low, extraction);
    let extraction = extraction.map_err(Failure::no_threads)?;
    Ok(Running {
        doors: doors(&door),
        health,
        organization_id: organization.to_string(),
        sites: sites.len(),
        is_new,
        setup_token: setup_token.map(|token| Secret::new(token.to_string())),
        stop: Box::pin(async move {
            site.stop();
            futures::join!(extraction.end_within(STOPS_WITHIN), telling.end_within(STOPS_WITHIN));
            jobs.abort();
            let _ended = jobs.await;
            close_log.await;
            if let Err(error) = site.close().await {
                tracing::warn!(error = chain(&error), "the stores closed badly");
            }
        }),
    })
}

async fn open(
    configuration: &Configuration,
    directory: &Path,
    master_key: [u8; 32],
    opening: Opening,
) -> Result<Parts, Failure> {
    let metadata = open_metadata(configuration, directory, opening).await.map_err(|error| {
        Failure::failed(
            "The database cannot be opened",
            &error,
            "check that DIR is the directory of a DocHarbor server, or that --database-url is right \
             and its server runs",
        )
    })?;
    let blobs = LocalBlobs::open(directory).map_err(|error| {
        Failure::failed("The blob store cannot be opened", error, "check the permissions of DIR")
    })?;
    Ok(Parts {
        metadata,
        blobs: Arc::new(blobs),
        directories: Arc::new(docharbor_site::LdapConnector),
        courier: notifications::courier(&configuration.notifications)?,
        extractor: extraction::extractor(configuration, directory, opening)?,
        clock: Arc::new(SystemClock),
        random: Arc::new(OsRandom),
        keyring: Keyring::new(&docharbor_site::MasterKey::new(master_key)),
        settings: Settings {
            upload_expiry_ms: millis(configuration.upload_expiry),
            users_default_quota_bytes: i64::try_from(configuration.users_default_quota_bytes)
                .unwrap_or(i64::MAX),
            garbage_grace_ms: millis(configuration.gc_grace),
            recycle_bin_retention_ms: millis(configuration.recycle_bin_retention),
            recovery_bin_retention_ms: millis(configuration.recovery_bin_retention),
            activity_retention_ms: millis(configuration.activity_retention),
            directory_sync_interval_ms: millis(configuration.directory_sync_interval),
            password_rule: configuration.password_rule,
            notifications: notifications::settings(configuration),
        },
        on_fatal: Arc::new(die),
    })
}

async fn open_metadata(
    configuration: &Configuration,
    directory: &Path,
    opening: Opening,
) -> Result<Metadata, docharbor_metadata::StoreError> {
    let options = Options { on_fatal: Arc::new(|error| die(error)) };
    if let Some(url) = &configuration.database_url {
        return match opening {
            Opening::Serve | Opening::Beside => Metadata::open_postgres(url.expose()).await,
            Opening::ReadOnly => Metadata::open_postgres_patient(url.expose()).await,
        };
    }
    let path = directory.join(DATABASE_FILE);
    match opening {
        Opening::Serve => Metadata::open_sqlite(&path, options),
        Opening::Beside => Metadata::open_sqlite_existing(&path, options),
        Opening::ReadOnly => Metadata::open_sqlite_read_only(&path, options),
    }
}

/// The one-time link with which the first administrator is made.
pub(crate) fn setup_link(public_url: &str, token: &Secret) -> String {
    format!("{public_url}/setup?token={}", token.expose())
}

/// Ends the process at once: what was acknowledged is safe, what was not must not be.
fn die(error: &(dyn std::error::Error + 'static)) {
    tracing::error!(
        error = chain(error),
        "a store can no longer be trusted to keep what it takes: stopping"
    );
    std::process::exit(1);
}

fn first_start(configuration: &Configuration) -> FirstStart {
    let secret = |secret: &Secret| Zeroizing::new(secret.expose().to_owned());
    let key = configuration
        .root_access_key_id
        .as_ref()
        .zip(configuration.root_secret_access_key.as_ref());
    let administrator =
        configuration.admin_username.as_ref().zip(configuration.admin_password.as_ref());
    FirstStart {
        organization: configuration.organization_id.clone(),
        root_key: key.map(|(id, text)| RootKey { id: AccessKeyId::new(id), secret: secret(text) }),
        administrator: administrator.map(|(username, password)| FirstAdministrator {
            username: username.clone(),
            password: secret(password),
        }),
    }
}

fn door_settings(configuration: &Configuration) -> DoorSettings {
    let secs = |duration: Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
    DoorSettings {
        public_url: configuration.public_url.clone(),
        trusted_proxies: configuration.trusted_proxies.clone(),
        upload_url_lifetime_secs: secs(configuration.upload_url_lifetime),
        download_url_lifetime_secs: secs(configuration.download_url_lifetime),
    }
}

/// What the one line of `docharbor dev` tells besides the endpoint.
pub(crate) struct DemoAccess {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: Secret,
    pub(crate) token: Secret,
}

/// Makes the demo users of a site just started, and gives access to it.
pub(crate) async fn demo_access(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
) -> Result<DemoAccess, Failure> {
    let (site, organization) = beside(configuration, directory, master_key).await?;
    let demo = async {
        let root = site.root_key(&organization).await?;
        let holder = site.key_holder(&root.id).await?;
        let caller = holder.ok_or(Error::Fault("the root key was just made and is gone"))?.caller;
        let action = Action { name: "CreateUser", scope: Scope::Write };
        let here = Circumstances { now: site.now(), source_ip: None };
        let call = Call::admit(caller, action, here, None)?;
        for (username, given_name, user_type) in DEMO_USERS {
            site.create_user(&call, demo_user(username, given_name, user_type)).await?;
        }
        let scopes = Scopes { read: true, write: true };
        let token = site.create_token(&organization, "ann", scopes, DEMO_TOKEN_LIFETIME_MS).await?;
        Ok((root, token))
    };
    let (root, token) = demo.await.map_err(|error| failed(&error))?;
    Ok(DemoAccess {
        access_key_id: root.id.to_string(),
        secret_access_key: Secret::new(root.secret.to_string()),
        token: Secret::new(token.to_string()),
    })
}

/// A demo user has a password nobody knows: tokens and keys are the way in.
fn demo_user(username: &str, given_name: &str, user_type: UserType) -> NewUser {
    NewUser {
        username: username.to_owned(),
        password: Zeroizing::new(random_password().expose().to_owned()),
        email: Some(format!("{username}@example.com")),
        given_name: given_name.to_owned(),
        surname: "Example".to_owned(),
        time_zone: None,
        storage_rule: None,
        user_type,
    }
}

/// Opens a site a server may have open too.
async fn beside(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
) -> Result<(Site, OrganizationId), Failure> {
    let site = site_beside(configuration, directory, master_key).await?;
    let organization = organizations::chosen(&site, configuration).await?.id;
    Ok((site, organization))
}

/// The same where it does not matter yet which site is meant.
async fn site_beside(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
) -> Result<Site, Failure> {
    let key = *master_key.bytes();
    Ok(Site::new(open(configuration, directory.path(), key, Opening::Beside).await?))
}

/// What a shell needs besides the endpoint.
pub(crate) struct RootAccess {
    pub(crate) organization_id: String,
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: Secret,
}

/// The root access key of existing data.
pub(crate) async fn root_access(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
) -> Result<RootAccess, Failure> {
    let (site, organization) = beside(configuration, directory, master_key).await?;
    let root = site.root_key(&organization).await.map_err(|error| failed(&error))?;
    Ok(RootAccess {
        organization_id: organization.to_string(),
        access_key_id: root.id.to_string(),
        secret_access_key: Secret::new(root.secret.to_string()),
    })
}

/// An access key just made.
pub(crate) struct NewKey {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: Secret,
}

/// Makes an access key. `policy` is the text of an IAM policy; nothing means all that is allowed.
pub(crate) async fn create_key(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
    name: Option<&str>,
    policy: Option<&str>,
) -> Result<NewKey, Failure> {
    if let Some(text) = policy {
        Policy::parse(text).map_err(|error| keys::not_a_policy(&error))?;
    }
    let (mut deed, organization) =
        Deed::begin(configuration, directory, master_key, "CreateAccessKey").await?;
    let name = name.unwrap_or("key");
    let made = deed.site.create_access_key(&organization, name, policy.map(str::to_owned)).await;
    if let Ok(key) = &made {
        deed.made("accessKeyId", key.id.as_str());
    }
    let key = deed.done(made.map_err(|error| match error {
        Error::Refused(refusal) => {
            Failure::usage("No key was made", refusal, "choose another name: --name NAME")
        }
        error => failed(&error),
    }))?;
    Ok(NewKey {
        access_key_id: key.id.to_string(),
        secret_access_key: Secret::new(key.secret.to_string()),
    })
}

/// A breach of an invariant of the data.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    /// The site it is in; none for what all sites share.
    pub(crate) organization: Option<String>,
    /// The invariant's name.
    pub(crate) invariant: String,
    /// The id of what breaks it; never a name that a user chose.
    pub(crate) subject: String,
    /// What is wrong, for a person.
    pub(crate) text: String,
}

/// Checks every invariant of the data and changes nothing; `deep` reads all bytes as well.
pub(crate) async fn verify(
    configuration: &Configuration,
    directory: &DataDirectory,
    deep: bool,
) -> Result<Vec<Finding>, Failure> {
    // Nothing sealed is opened, so any key will do.
    let parts = open(configuration, directory.path(), [0; 32], Opening::ReadOnly).await?;
    let report = Site::new(parts).verify(deep).await.map_err(|error| failed(&error))?;
    let finding = |found: docharbor_site::Finding| Finding {
        organization: found.organization.map(|id| id.to_string()),
        invariant: found.invariant,
        subject: found.subject,
        text: found.detail,
    };
    Ok(report.findings.into_iter().map(finding).collect())
}

fn not_made(error: &Error) -> Failure {
    match error {
        Error::Refused(refusal @ Refusal::WeakPassword(_)) => Failure::usage(
            "The first administrator was not made, and neither was the site",
            refusal,
            "set another admin_password, or leave it and admin_username out and use the setup link",
        ),
        error => failed(error),
    }
}

fn failed(error: &Error) -> Failure {
    Failure::failed(
        "The site did not do it",
        chain(error),
        "check the database, the disk and that the master key belongs to these data",
    )
}

fn blobs_failed(error: &docharbor_blobs::BlobError) -> Failure {
    Failure::failed("The blob store does not work", error, "check the disk and DIR's permissions")
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
