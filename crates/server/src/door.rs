//! What every door needs: the site, and how this server is reached from outside.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use docharbor_domain::{Caller, Circumstances, DocumentId, Identity, OrganizationId, VersionId};
use docharbor_sigv4::{Presign, Secret};
use docharbor_site::{Error, Site, ThumbnailSize};
use ipnet::IpNet;

use crate::api::Bodies;
use crate::audit::{Accounts, AuditLog};
use crate::request_id::RequestIds;

/// What can be set about the doors.
#[derive(Clone, Debug)]
pub struct DoorSettings {
    /// What every URL this server gives out begins with, without a slash at its end. Without it,
    /// URLs begin with the host the client itself used.
    pub public_url: Option<String>,
    /// Proxies whose word is believed about the scheme and host a client used.
    pub trusted_proxies: Vec<IpNet>,
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
    bodies: Bodies,
    audit: Arc<dyn AuditLog>,
    event_ids: RequestIds,
    accounts: Accounts,
}

/// Which way bytes go through a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Upload,
    Download,
    /// The same by a URL out of a list: that it was given out is no download yet.
    ListedDownload,
    /// Out goes a picture of the version.
    Thumbnail(ThumbnailSize),
}

/// The longest host a URL is made for, as the domain name system has it, and a port.
const HOST_MAX_BYTES: usize = 260;

/// The region that stands in our URLs; nothing depends on it.
pub(crate) const REGION: &str = "us-east-1";

/// The parameter of a URL that says whom it was given to.
pub(crate) const HOLDER: &str = "holder";

/// The parameter of a URL whose use is to be noted, as giving it out was not.
pub(crate) const LISTED: &str = "listed";

impl Door {
    /// Puts a door before a site, with the log that every call is recorded in.
    pub fn new(site: Site, settings: DoorSettings, audit: Arc<dyn AuditLog>) -> Self {
        let url_key_id = site.keyring().url_key_id();
        let url_secret = Secret::new(site.keyring().url_secret().to_string());
        let bodies = Bodies::new();
        Self(Arc::new(Inner {
            site,
            settings,
            url_key_id,
            url_secret,
            bodies,
            audit,
            event_ids: RequestIds::new(),
            accounts: Accounts::default(),
        }))
    }

    pub(crate) fn audit(&self) -> &dyn AuditLog {
        &*self.0.audit
    }

    pub(crate) fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    /// A new id for a record of the audit.
    pub(crate) fn event_id(&self) -> String {
        self.0.event_ids.next().as_str().to_owned()
    }

    pub(crate) fn site(&self) -> &Site {
        &self.0.site
    }

    pub(crate) fn bodies(&self) -> &Bodies {
        &self.0.bodies
    }

    /// The secret of our URLs' key; a URL of any other key, as of a former master key, has none.
    pub(crate) fn url_secret(&self, key_id: &str) -> Option<&Secret> {
        (key_id == self.0.url_key_id).then_some(&self.0.url_secret)
    }

    /// The address of the client: the peer's, or, when the peer is a trusted proxy, the last one in
    /// `X-Forwarded-For` that is no trusted proxy. What stands before it the client may have made up.
    pub(crate) fn client_ip(&self, parts: &Parts) -> Option<IpAddr> {
        let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
        Some(nearest_untrusted(peer.ip(), &parts.headers, &self.0.settings.trusted_proxies))
    }

    /// What policies may ask about a request besides its caller.
    pub(crate) fn circumstances(&self, parts: &Parts) -> Circumstances {
        Circumstances { now: self.site().now(), source_ip: self.client_ip(parts) }
    }

    /// What URLs for this client begin with.
    pub(crate) fn base_url(&self, parts: &Parts) -> String {
        let settings = &self.0.settings;
        if let Some(url) = &settings.public_url {
            return url.clone();
        }
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(peer)| peer.ip());
        scheme_and_host(peer, &parts.headers, &settings.trusted_proxies)
    }

    /// A URL through which the caller may send or fetch the bytes of one version, and nothing else.
    pub(crate) fn transfer_url(
        &self,
        direction: Direction,
        base_url: &str,
        caller: &Caller,
        document: &DocumentId,
        version: &VersionId,
    ) -> Result<String, Error> {
        let settings = &self.0.settings;
        let (method, expires_secs) = match direction {
            Direction::Upload => ("PUT", settings.upload_url_lifetime_secs),
            Direction::Download | Direction::ListedDownload | Direction::Thumbnail(_) => {
                ("GET", settings.download_url_lifetime_secs)
            }
        };
        let holder = match &caller.identity {
            Identity::Administrator(administrator) => administrator.access_key_id.as_str(),
            Identity::User(user) => user.id.as_str(),
        };
        let extra_query = match direction {
            Direction::ListedDownload => &[(HOLDER, holder), (LISTED, "true")][..],
            Direction::Upload | Direction::Download | Direction::Thumbnail(_) => {
                &[(HOLDER, holder)]
            }
        };
        Presign {
            method,
            scheme_and_host: base_url,
            path: &transfer_path(direction, &caller.organization, document, version),
            extra_query,
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

/// Where a client reaches this server, by its own word or that of a trusted proxy.
fn scheme_and_host(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> String {
    let is_told = peer.is_some_and(|peer| is_trusted(peer, trusted));
    let forwarded = |name| headers.get(name).filter(|_| is_told)?.to_str().ok().filter(is_host);
    let scheme = match forwarded("x-forwarded-proto") {
        Some("https") => "https",
        Some(_) | None => "http",
    };
    let sent = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = forwarded("x-forwarded-host").or_else(|| sent.filter(is_host));
    format!("{scheme}://{}", host.unwrap_or("localhost"))
}

/// Whether an address is a trusted proxy's. Who listens on all addresses sees those of the fourth
/// version as some of the sixth.
fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&address.to_canonical()))
}

/// The nearest address on the way of a request that is no trusted proxy's.
fn nearest_untrusted(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut nearest = peer.to_canonical();
    if !is_trusted(nearest, trusted) {
        return nearest;
    }
    for value in headers.get_all("x-forwarded-for").iter().rev() {
        for text in value.to_str().unwrap_or_default().rsplit(',') {
            let Ok(ip) = text.trim().parse::<IpAddr>() else { return nearest };
            nearest = ip.to_canonical();
            if !is_trusted(nearest, trusted) {
                return nearest;
            }
        }
    }
    nearest
}

/// Whether a text can be nothing but a host with or without a port.
fn is_host(text: &&str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte);
    !text.is_empty() && text.len() <= HOST_MAX_BYTES && text.bytes().all(allowed)
}

/// Where the bytes of a version go in and out. Ids of ours need no escaping.
fn transfer_path(
    direction: Direction,
    organization: &OrganizationId,
    document: &DocumentId,
    version: &VersionId,
) -> String {
    let path = format!("/transfer/{organization}/{document}/{version}");
    match direction {
        Direction::Upload | Direction::Download | Direction::ListedDownload => path,
        Direction::Thumbnail(size) => format!("{path}/{}", thumbnail_name(size)),
    }
}

/// The end of the path to a picture, which is the protocol's word for its size.
pub(crate) fn thumbnail_name(size: ThumbnailSize) -> &'static str {
    match size {
        ThumbnailSize::Small => "SMALL",
        ThumbnailSize::SmallHq => "SMALL_HQ",
        ThumbnailSize::Large => "LARGE",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trusted_proxy_says_where_a_client_is_and_only_its_own_word_counts() {
        let trusted: [IpNet; 2] = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        for (peer, forwarded, client) in [
            ("203.0.113.5", &[][..], "203.0.113.5"),
            ("203.0.113.5", &["198.51.100.1"], "203.0.113.5"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["192.0.2.9, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["192.0.2.9", "198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["192.0.2.9, nonsense"], "10.0.0.1"),
            ("fd00::1", &["2001:db8::7"], "2001:db8::7"),
        ] {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            let found = nearest_untrusted(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(found, client.parse::<IpAddr>().unwrap(), "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn only_a_trusted_proxy_says_where_a_server_is_reached() {
        let trusted: [IpNet; 1] = ["10.0.0.0/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "backend:8420"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "docs.example.com"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        for (peer, url) in [
            (Some("203.0.113.5"), "http://backend:8420"),
            (Some("10.0.0.1"), "https://docs.example.com"),
            (Some("::ffff:10.0.0.1"), "https://docs.example.com"),
            (Some("::ffff:203.0.113.5"), "http://backend:8420"),
            (None, "http://backend:8420"),
        ] {
            let address = peer.map(|peer| peer.parse().unwrap());
            assert_eq!(scheme_and_host(address, &headers, &trusted), url, "{peer:?}");
        }
    }
}
