//! The only wiring: what each command needs of the site, and the choice of implementations.

#![expect(
    clippy::unused_async,
    reason = "the signatures are those of the site, which opens stores and waits for them"
)]

use std::time::Duration;

use axum::Router;
use docharbor_server::health::Health;
use futures::future::BoxFuture;
use serde::Serialize;

use crate::configuration::Configuration;
use crate::data_directory::DataDirectory;
use crate::exit::Failure;
use crate::master_key::MasterKey;
use crate::secret::Secret;

/// A site that is open, and its doors.
pub(crate) struct Running {
    /// Everything but health, without the layer of `observe`, which is put around it once.
    pub(crate) doors: Router,
    /// What `/health/ready` asks.
    pub(crate) health: Health,
    pub(crate) organization_id: String,
    /// Whether this start made the site.
    pub(crate) is_new: bool,
    /// The one-time link with which the first administrator is made, while there is none.
    pub(crate) setup_link: Option<String>,
    /// Ends jobs and closes the stores; awaited when the last request is done.
    pub(crate) stop: BoxFuture<'static, ()>,
}

/// Opens the site, making it at its first start.
///
/// `public_url` begins every link the server gives out; it has no slash at its end.
pub(crate) async fn start(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
    public_url: &str,
) -> Result<Running, Failure> {
    configuration.log();
    let _ = (directory.path(), master_key.bytes(), public_url);
    tracing::warn!("this build has no site: only health is served");
    Ok(Running {
        doors: Router::new(),
        health: Health::new(|| Box::pin(std::future::ready(true))),
        organization_id: configuration
            .organization_id
            .as_ref()
            .map_or_else(|| "d-0000000000".to_owned(), ToString::to_string),
        is_new: !directory.has_data()?,
        setup_link: None,
        stop: Box::pin(std::future::ready(())),
    })
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
    let _ = (configuration, directory, master_key);
    Err(not_yet("dev"))
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
    let _ = (configuration, directory, master_key);
    Err(not_yet("env"))
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
    let _ = (configuration, directory, master_key, name, policy);
    Err(not_yet("key create"))
}

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TokenScope {
    /// To look and to download
    Read,
    /// To change and to upload
    Write,
}

/// Makes a token with which its bearer acts as `user`.
pub(crate) async fn create_token(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
    user: &str,
    scopes: &[TokenScope],
    lifetime: Duration,
) -> Result<Secret, Failure> {
    let _ = (configuration, directory, master_key, user, scopes, lifetime);
    Err(not_yet("token create"))
}

/// A breach of an invariant of the data.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
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
    let _ = (configuration, directory, deep);
    Err(not_yet("verify"))
}

fn not_yet(command: &str) -> Failure {
    Failure::failed(
        format!("The command {command} is not available yet"),
        "this build has no site",
        "wait for the next build",
    )
}
