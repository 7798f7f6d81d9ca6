//! The configuration: every setting, its default, and where it came from.

use std::path::{Path, PathBuf};
use std::time::Duration;

use docharbor_domain::{OrganizationId, PasswordRule};
use docharbor_site::{Allow, SignatureVersion};
use ipnet::IpNet;
use tracing_subscriber::filter::Targets;

mod source;
pub(crate) mod value;

use crate::audit::AuditSettings;
use crate::environment::Environment;
use crate::exit::Failure;
use crate::flags::Flags;
use crate::secret::Secret;
use source::GivenSettings;

/// Where the server keeps its data unless the command names another directory.
pub(crate) const DEFAULT_DATA_DIRECTORY: &str = "./docharbor-data";

const DEFAULT_LISTEN: &str = "127.0.0.1:8420";

/// Whether documents are looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extraction {
    /// They are, in a process that is locked in; on a kernel that cannot do that, they are not.
    Sandboxed,
    /// They are, in a process that is locked in as far as the kernel can.
    WithoutSandbox,
    /// They are not.
    Off,
}

/// Everything a command may be told, checked.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// As the person gave it, for the texts; its files are reached through `DataDirectory`.
    pub(crate) data_directory: PathBuf,
    /// Host or address and port.
    pub(crate) listen: String,
    /// Scheme and host without a slash at the end; nothing means the address listened on.
    pub(crate) public_url: Option<String>,
    /// The id or alias of the site a command is about, if its flag named one.
    pub(crate) site: Option<String>,
    /// The id of the site that the first start makes, and that later commands are about unless they
    /// name another one.
    pub(crate) organization_id: Option<OrganizationId>,
    /// PostgreSQL; nothing means SQLite in the data directory.
    pub(crate) database_url: Option<Secret>,
    /// Peers whose `X-Forwarded-…` headers are believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// For the first start only.
    pub(crate) root_access_key_id: Option<String>,
    /// For the first start only.
    pub(crate) root_secret_access_key: Option<Secret>,
    /// For the first start only.
    pub(crate) admin_username: Option<String>,
    /// For the first start only.
    pub(crate) admin_password: Option<Secret>,
    /// The master key in hexadecimal; nothing means the file in the data directory.
    pub(crate) master_key: Option<Secret>,
    /// How long an upload that was begun may stay unfinished.
    pub(crate) upload_expiry: Duration,
    /// How long an upload's URL works.
    pub(crate) upload_url_lifetime: Duration,
    /// How long a download's URL works.
    pub(crate) download_url_lifetime: Duration,
    /// The storage a new user gets.
    pub(crate) users_default_quota_bytes: u64,
    /// What is asked of a new password.
    pub(crate) password_rule: PasswordRule,
    /// How long bytes that nothing refers to are kept.
    pub(crate) gc_grace: Duration,
    /// How long users can bring back what they recycled.
    pub(crate) recycle_bin_retention: Duration,
    /// How long administrators can bring it back after that.
    pub(crate) recovery_bin_retention: Duration,
    /// How long activities are kept.
    pub(crate) activity_retention: Duration,
    /// How often everybody is read from a connected directory.
    pub(crate) directory_sync_interval: Duration,
    /// Whether, how long and in what files calls are recorded.
    pub(crate) audit: AuditSettings,
    /// How subscribers are told of events.
    pub(crate) notifications: NotificationConfiguration,
    /// Whether and how text and thumbnails are taken out of documents.
    pub(crate) extraction: Extraction,
    /// What prints office files for their thumbnails; nothing means that their text is drawn.
    pub(crate) office_program: Option<PathBuf>,
    /// What is logged.
    pub(crate) log_level: Targets,
}

impl Configuration {
    /// Reads the settings for the server whose data is in `data_directory`.
    pub(crate) fn load(
        data_directory: &Path,
        flags: Flags,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let file = source::file_to_read(data_directory, flags.config.as_deref(), environment)?;
        let site = flags.site.clone();
        let given = GivenSettings::gather(file.as_deref(), flags, environment)?;
        Ok(Self { site, ..Self::from_settings(data_directory, &given)? })
    }

    /// Takes nothing but flags and defaults, for a server that must be the same everywhere.
    pub(crate) fn of_flags(data_directory: &Path, flags: Flags) -> Result<Self, Failure> {
        let given = GivenSettings::gather(None, flags, &Environment::default())?;
        Self::from_settings(data_directory, &given)
    }

    fn from_settings(data_directory: &Path, given: &GivenSettings) -> Result<Self, Failure> {
        let duration = |name, default: Duration| {
            given.parsed(name, value::duration).map(|value| value.unwrap_or(default))
        };
        let url_lifetime = |name| {
            let given = given.parsed(name, value::url_lifetime)?;
            Ok::<_, Failure>(given.unwrap_or(Duration::from_mins(15)))
        };
        let retention = |name, days: u64| {
            let given = given.parsed(name, value::retention)?;
            Ok::<_, Failure>(given.unwrap_or(Duration::from_hours(24 * days)))
        };
        given.parsed("database_url", value::database_url)?;
        refuse_blobs_url(given)?;
        let configuration = Self {
            data_directory: data_directory.to_owned(),
            listen: given
                .parsed("listen", value::listen)?
                .unwrap_or_else(|| DEFAULT_LISTEN.to_owned()),
            public_url: given.parsed("public_url", value::public_url)?,
            site: None,
            organization_id: given.parsed("organization_id", value::organization_id)?,
            database_url: given.secret("database_url"),
            trusted_proxies: given.parsed("trusted_proxy", value::networks)?.unwrap_or_default(),
            root_access_key_id: given.parsed("root_access_key_id", value::access_key_id)?,
            root_secret_access_key: given.secret("root_secret_access_key"),
            admin_username: given.parsed("admin_username", |text| Ok(text.to_owned()))?,
            admin_password: given.secret("admin_password"),
            master_key: given.secret("master_key"),
            upload_expiry: duration("upload_expiry", Duration::from_hours(24))?,
            upload_url_lifetime: url_lifetime("upload_url_lifetime")?,
            download_url_lifetime: url_lifetime("download_url_lifetime")?,
            users_default_quota_bytes: given
                .parsed("users_default_quota", value::size_bytes)?
                .unwrap_or(1 << 40),
            password_rule: password_rule(given)?,
            gc_grace: duration("gc_grace", Duration::from_hours(24))?,
            recycle_bin_retention: retention("recycle_bin_retention", 30)?,
            recovery_bin_retention: retention("recovery_bin_retention", 60)?,
            activity_retention: duration("activity_retention", Duration::from_hours(24 * 365))?,
            directory_sync_interval: duration("directory_sync_interval", Duration::from_mins(5))?,
            audit: AuditSettings {
                is_on: given.parsed("audit", value::switch)?.unwrap_or(true),
                retention: duration("audit_retention", Duration::from_hours(24 * 400))?,
                file_max_bytes: given
                    .parsed("audit_file_size", value::file_size_bytes)?
                    .unwrap_or(64 << 20),
            },
            notifications: notifications(given)?,
            extraction: given
                .parsed("extraction", value::extraction)?
                .unwrap_or(Extraction::Sandboxed),
            office_program: given.parsed("office_program", value::program)?,
            log_level: given
                .parsed("log_level", value::log_level)?
                .unwrap_or_else(crate::logging::default_level),
        };
        configuration.refuse_halves()?;
        Ok(configuration)
    }

    /// Some settings only mean something together.
    fn refuse_halves(&self) -> Result<(), Failure> {
        let pairs = [
            (
                ("root_access_key_id", self.root_access_key_id.is_some()),
                ("root_secret_access_key", self.root_secret_access_key.is_some()),
            ),
            (
                ("admin_username", self.admin_username.is_some()),
                ("admin_password", self.admin_password.is_some()),
            ),
            (
                ("notification_sqs_access_key_id", self.notifications.sqs_access_key_id.is_some()),
                (
                    "notification_sqs_secret_access_key",
                    self.notifications.sqs_secret_access_key.is_some(),
                ),
            ),
        ];
        for ((first, has_first), (second, has_second)) in pairs {
            if has_first != has_second {
                let (given, missing) = if has_first { (first, second) } else { (second, first) };
                return Err(Failure::usage(
                    format!("The setting {given} cannot be used"),
                    format!("{missing} is not set, and one is no use without the other"),
                    format!("set {missing} too, or leave both out"),
                ));
            }
        }
        Ok(())
    }

    /// Writes what is in force to the log, for the person who wonders which source won.
    pub(crate) fn log(&self) {
        tracing::debug!(
            data_directory = %self.data_directory.display(),
            listen = self.listen,
            public_url = self.public_url,
            organization_id = self.organization_id.as_ref().map(OrganizationId::as_str),
            database = if self.database_url.is_some() { "postgres" } else { "sqlite" },
            trusted_proxies = ?self.trusted_proxies,
            root_access_key_given = self.root_access_key_id.is_some(),
            admin_given = self.admin_username.is_some(),
            master_key_given = self.master_key.is_some(),
            upload_expiry_s = self.upload_expiry.as_secs(),
            upload_url_lifetime_s = self.upload_url_lifetime.as_secs(),
            download_url_lifetime_s = self.download_url_lifetime.as_secs(),
            users_default_quota_bytes = self.users_default_quota_bytes,
            password_min_length = self.password_rule.min_chars,
            password_min_classes = self.password_rule.min_classes,
            gc_grace_s = self.gc_grace.as_secs(),
            recycle_bin_retention_s = self.recycle_bin_retention.as_secs(),
            recovery_bin_retention_s = self.recovery_bin_retention.as_secs(),
            activity_retention_s = self.activity_retention.as_secs(),
            directory_sync_interval_s = self.directory_sync_interval.as_secs(),
            audit = self.audit.is_on,
            audit_retention_s = self.audit.retention.as_secs(),
            audit_file_size_bytes = self.audit.file_max_bytes,
            notification_allow = ?self.notifications.allow,
            notification_ca_file = self.notifications.ca_file,
            notification_signature_version = self.notifications.signature_version.as_str(),
            notification_attempts = self.notifications.attempts,
            notification_log_retention_s = self.notifications.log_retention.as_secs(),
            notification_sqs_key_given = self.notifications.sqs_access_key_id.is_some(),
            extraction = ?self.extraction,
            office_program = ?self.office_program,
            "configuration"
        );
    }
}

/// How subscribers are told of events.
#[derive(Debug)]
pub(crate) struct NotificationConfiguration {
    /// What may be called besides public hosts.
    pub(crate) allow: Vec<Allow>,
    /// The file of more authorities.
    pub(crate) ca_file: Option<String>,
    /// How messages are signed.
    pub(crate) signature_version: SignatureVersion,
    /// How often a delivery is tried.
    pub(crate) attempts: i64,
    /// How long what became of them is kept.
    pub(crate) log_retention: Duration,
    /// The access key for queues.
    pub(crate) sqs_access_key_id: Option<String>,
    /// Its secret.
    pub(crate) sqs_secret_access_key: Option<Secret>,
    /// The region of queues whose URL names none.
    pub(crate) sqs_region: String,
}

fn notifications(given: &GivenSettings) -> Result<NotificationConfiguration, Failure> {
    let plain = |text: &str| Ok(text.to_owned());
    let log_retention = given.parsed("notification_log_retention", value::duration)?;
    Ok(NotificationConfiguration {
        allow: given.parsed("notification_allow", value::allow)?.unwrap_or_default(),
        ca_file: given.parsed("notification_ca_file", plain)?,
        signature_version: given
            .parsed("notification_signature_version", value::signature_version)?
            .unwrap_or_default(),
        attempts: given.parsed("notification_attempts", value::attempts)?.unwrap_or(16),
        log_retention: log_retention.unwrap_or(Duration::from_hours(24 * 14)),
        sqs_access_key_id: given.parsed("notification_sqs_access_key_id", plain)?,
        sqs_secret_access_key: given.secret("notification_sqs_secret_access_key"),
        sqs_region: given
            .parsed("notification_sqs_region", value::region)?
            .unwrap_or_else(|| "us-east-1".to_owned()),
    })
}

fn password_rule(given: &GivenSettings) -> Result<PasswordRule, Failure> {
    let PasswordRule { min_chars, min_classes } = PasswordRule::default();
    Ok(PasswordRule {
        min_chars: given
            .parsed("password_min_length", value::password_min_chars)?
            .unwrap_or(min_chars),
        min_classes: given
            .parsed("password_min_classes", value::password_min_classes)?
            .unwrap_or(min_classes),
    })
}

fn refuse_blobs_url(given: &GivenSettings) -> Result<(), Failure> {
    match given.parsed("blobs_url", |text| Ok(text.starts_with("s3://")))? {
        None => Ok(()),
        Some(true) => Err(Failure::usage(
            "The setting blobs_url cannot be used",
            "this release stores documents in the data directory only; S3 comes in a later one",
            "leave blobs_url out",
        )),
        Some(false) => Err(Failure::usage(
            "The setting blobs_url cannot be used",
            "this release stores documents in the data directory only",
            "leave blobs_url out, and choose the place with the data directory: \
             docharbor serve DIR",
        )),
    }
}

#[cfg(test)]
mod tests;
