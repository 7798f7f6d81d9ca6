//! The flags that are settings too.

use std::path::PathBuf;

use clap::Args;

/// Flags of every command that works on a server's data.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct StoreFlags {
    /// Read settings from this file [default: docharbor.toml in DIR, then in the current directory]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// PostgreSQL to keep the metadata in [default: SQLite in DIR]; its password is better given
    /// in a file
    #[arg(long, value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Where to keep the documents' bytes [default: DIR/blobs]
    #[arg(long, value_name = "URL")]
    blobs_url: Option<String>,
    /// What to log: off, error, warn, info, debug, trace, or levels by target
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

/// Flags of a command that is about one site.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct SiteFlags {
    /// Id or alias of the site the command is about [default: the one this shell is set up for, if
    /// the server has it; or else its only one]
    #[arg(long = "organization-id", value_name = "ID")]
    site: Option<String>,
    #[command(flatten)]
    store: StoreFlags,
}

/// Flags of the server.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ServeFlags {
    /// Address and port to listen on [default: 127.0.0.1:8420]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Address under which clients reach the server, for the links it gives out
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Id of the organization, at the first start only [default: random]
    #[arg(long, value_name = "ID")]
    organization_id: Option<String>,
    /// Network of a reverse proxy whose X-Forwarded headers are believed; may be repeated
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    trusted_proxy: Vec<String>,
    /// Time an upload that was begun may stay unfinished [default: 24h]
    #[arg(long, value_name = "DURATION")]
    upload_expiry: Option<String>,
    /// Time an upload's URL works [default: 900s]
    #[arg(long, value_name = "DURATION")]
    upload_url_lifetime: Option<String>,
    /// Time a download's URL works [default: 900s]
    #[arg(long, value_name = "DURATION")]
    download_url_lifetime: Option<String>,
    /// Storage a new user gets [default: 1TiB]
    #[arg(long, value_name = "SIZE")]
    users_default_quota: Option<String>,
    /// Characters a new password has at least, 4 to 32 [default: 8]
    #[arg(long, value_name = "NUMBER")]
    password_min_length: Option<String>,
    /// Classes of characters a new password has at least, 1 to 4, of lower-case letters, upper-case
    /// letters, digits and all others [default: 3]
    #[arg(long, value_name = "NUMBER")]
    password_min_classes: Option<String>,
    /// Time that bytes nothing refers to are kept [default: 24h]
    #[arg(long, value_name = "DURATION")]
    gc_grace: Option<String>,
    /// Time users can bring back what they recycled [default: 30d]
    #[arg(long, value_name = "DURATION")]
    recycle_bin_retention: Option<String>,
    /// Time administrators can bring it back after that, at most 365d [default: 60d]
    #[arg(long, value_name = "DURATION")]
    recovery_bin_retention: Option<String>,
    /// Time activities are kept [default: 365d]
    #[arg(long, value_name = "DURATION")]
    activity_retention: Option<String>,
    /// Time between two readings of a connected directory [default: 5m]
    #[arg(long, value_name = "DURATION")]
    directory_sync_interval: Option<String>,
    /// Whether every call is recorded in DIR/audit: on or off [default: on]
    #[arg(long, value_name = "SWITCH")]
    audit: Option<String>,
    /// Time the records of calls are kept [default: 400d]
    #[arg(long, value_name = "DURATION")]
    audit_retention: Option<String>,
    /// Size at which a file of records is followed by the next [default: 64MiB]
    #[arg(long, value_name = "SIZE")]
    audit_file_size: Option<String>,
    /// Host or network that notifications may be sent to besides public hosts by HTTPS, as
    /// hooks.internal:8443 or 10.0.0.0/8; may be repeated
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    notification_allow: Vec<String>,
    /// Authorities in PEM that vouch for receivers of notifications besides the system's
    #[arg(long, value_name = "FILE")]
    notification_ca_file: Option<String>,
    /// How notifications are signed: 1 (SHA-1) or 2 (SHA-256) [default: 1]
    #[arg(long, value_name = "NUMBER")]
    notification_signature_version: Option<String>,
    /// Times a notification is tried, 1 to 50 [default: 16]
    #[arg(long, value_name = "NUMBER")]
    notification_attempts: Option<String>,
    /// Time notifications and what became of them are kept [default: 14d]
    #[arg(long, value_name = "DURATION")]
    notification_log_retention: Option<String>,
    /// Id of the access key that queues are sent to with
    #[arg(long, value_name = "ID")]
    notification_sqs_access_key_id: Option<String>,
    /// Region of queues whose URL names none [default: us-east-1]
    #[arg(long, value_name = "REGION")]
    notification_sqs_region: Option<String>,
    /// Whether text and thumbnails are taken out of documents: on, off, or without-sandbox for a
    /// kernel without Landlock or seccomp [default: on]
    #[arg(long, value_name = "SWITCH")]
    extraction: Option<String>,
    /// Whole path of the program that prints office files and RTF for their thumbnails, as
    /// /usr/bin/soffice [default: none, and thumbnails show the beginning of their text]
    #[arg(long, value_name = "FILE")]
    office_program: Option<String>,
    /// Id of the root access key, at the first start only [default: generated]
    #[arg(long, value_name = "ID")]
    root_access_key_id: Option<String>,
    /// Name of the first administrator, at the first start only
    #[arg(long, value_name = "NAME")]
    admin_username: Option<String>,
}

impl StoreFlags {
    pub(crate) fn logging_at(level: String) -> Self {
        Self { log_level: Some(level), ..Self::default() }
    }
}

impl From<StoreFlags> for SiteFlags {
    /// A command without the flag.
    fn from(store: StoreFlags) -> Self {
        Self { site: None, store }
    }
}

impl ServeFlags {
    pub(crate) fn listening_on(address: String) -> Self {
        Self { listen: Some(address), ..Self::default() }
    }
}

/// All flags of a command that are settings.
///
/// Passwords and keys have none: a command line is there for every user of the machine to read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    /// The file named by `--config`.
    pub(crate) config: Option<PathBuf>,
    /// The site named by `--organization-id` of a command that is about one.
    pub(crate) site: Option<String>,
    store: StoreFlags,
    serve: ServeFlags,
}

impl Flags {
    pub(crate) fn of_server(store: StoreFlags, serve: ServeFlags) -> Self {
        Self { config: store.config.clone(), site: None, store, serve }
    }

    pub(crate) fn of_store(store: StoreFlags) -> Self {
        Self::of_server(store, ServeFlags::default())
    }

    pub(crate) fn of_site(flags: impl Into<SiteFlags>) -> Self {
        let SiteFlags { site, store } = flags.into();
        Self { site, ..Self::of_store(store) }
    }

    /// Each setting that has a flag, with the flag's value.
    pub(crate) fn into_values(self) -> Vec<(&'static str, Option<String>)> {
        let Self { store, serve, .. } = self;
        let allow =
            (!serve.notification_allow.is_empty()).then(|| serve.notification_allow.join(","));
        let proxies = (!serve.trusted_proxy.is_empty()).then(|| serve.trusted_proxy.join(","));
        vec![
            ("database_url", store.database_url),
            ("blobs_url", store.blobs_url),
            ("log_level", store.log_level),
            ("listen", serve.listen),
            ("public_url", serve.public_url),
            ("organization_id", serve.organization_id),
            ("trusted_proxy", proxies),
            ("upload_expiry", serve.upload_expiry),
            ("upload_url_lifetime", serve.upload_url_lifetime),
            ("download_url_lifetime", serve.download_url_lifetime),
            ("users_default_quota", serve.users_default_quota),
            ("password_min_length", serve.password_min_length),
            ("password_min_classes", serve.password_min_classes),
            ("gc_grace", serve.gc_grace),
            ("recycle_bin_retention", serve.recycle_bin_retention),
            ("recovery_bin_retention", serve.recovery_bin_retention),
            ("activity_retention", serve.activity_retention),
            ("directory_sync_interval", serve.directory_sync_interval),
            ("audit", serve.audit),
            ("audit_retention", serve.audit_retention),
            ("audit_file_size", serve.audit_file_size),
            ("notification_allow", allow),
            ("notification_ca_file", serve.notification_ca_file),
            ("notification_signature_version", serve.notification_signature_version),
            ("notification_attempts", serve.notification_attempts),
            ("notification_log_retention", serve.notification_log_retention),
            ("notification_sqs_access_key_id", serve.notification_sqs_access_key_id),
            ("notification_sqs_region", serve.notification_sqs_region),
            ("extraction", serve.extraction),
            ("office_program", serve.office_program),
            ("root_access_key_id", serve.root_access_key_id),
            ("admin_username", serve.admin_username),
        ]
    }
}
