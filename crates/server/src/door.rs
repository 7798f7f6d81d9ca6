//! What every door needs: the site, and how this server is reached from outside.

use std::sync::Arc;

use docharbor_domain::{Caller, DocumentId, Identity, OrganizationId, VersionId};
use docharbor_sigv4::{Presign, Secret};
use docharbor_site::{Error, Site};

/// What can be set about the doors.
#[derive(Clone, Debug)]
pub struct DoorSettings {
    /// What every URL this server gives out begins with, without a slash at its end.
    pub public_url: String,
    /// How long an upload URL is valid, in seconds.
    pub upload_url_lifetime_secs: u32,
    /// How long a download URL is valid, in seconds.
    pub download_url_lifetime_secs: u32,
}

/// The site behind a door. Clones share everything.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

struct Inner {
    site: Site,
    settings: DoorSettings,
    url_key_id: String,
    url_secret: Secret,
}

/// Which way bytes go through a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Upload,
    Download,
}

/// The region that stands in our URLs; nothing depends on it.
const REGION: &str = "us-east-1";

/// The parameter of a URL that says whom it was given to.
pub(crate) const HOLDER: &str = "holder";

impl Door {
    /// Puts a door before a site.
    pub fn new(site: Site, settings: DoorSettings) -> Self {
        let url_key_id = site.keyring().url_key_id();
        let url_secret = Secret::new(site.keyring().url_secret().to_string());
        Self(Arc::new(Inner { site, settings, url_key_id, url_secret }))
    }

    pub(crate) fn site(&self) -> &Site {
        &self.0.site
    }

    /// The secret of our URLs' key; a URL of any other key, as of a former master key, has none.
    pub(crate) fn url_secret(&self, key_id: &str) -> Option<&Secret> {
        (key_id == self.0.url_key_id).then_some(&self.0.url_secret)
    }

    /// A URL through which the caller may send or fetch the bytes of one version, and nothing else.
    pub(crate) fn transfer_url(
        &self,
        direction: Direction,
        caller: &Caller,
        document: &DocumentId,
        version: &VersionId,
    ) -> Result<String, Error> {
        let settings = &self.0.settings;
        let (method, expires_secs) = match direction {
            Direction::Upload => ("PUT", settings.upload_url_lifetime_secs),
            Direction::Download => ("GET", settings.download_url_lifetime_secs),
        };
        let holder = match &caller.identity {
            Identity::Administrator(administrator) => administrator.access_key_id.as_str(),
            Identity::User(user) => user.id.as_str(),
        };
        Presign {
            method,
            scheme_and_host: &settings.public_url,
            path: &transfer_path(&caller.organization, document, version),
            extra_query: &[(HOLDER, holder)],
            access_key_id: &self.0.url_key_id,
            secret: &self.0.url_secret,
            region: REGION,
            now_ms: self.site().now().as_millis(),
            expires_secs,
        }
        .url()
        .map_err(|_| Error::Fault("a transfer URL could not be signed: check public_url"))
    }
}

/// Where the bytes of a version go in and out. Ids of ours need no escaping.
fn transfer_path(
    organization: &OrganizationId,
    document: &DocumentId,
    version: &VersionId,
) -> String {
    format!("/transfer/{organization}/{document}/{version}")
}
