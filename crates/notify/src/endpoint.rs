//! Where a subscriber is reached: a URL that was looked at once.

use docharbor_domain::SubscriptionProtocol;
use url::{Host, Url};

/// What is wrong with an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointError {
    /// It is not a URL.
    NotAUrl,
    /// It is one of another scheme.
    NotHttps,
    /// It names a user or a password.
    Credentials,
    /// It ends with a fragment, which is never sent.
    Fragment,
    /// It is a queue's and has a query, which some queues take for what they are asked to do.
    Query,
}

/// A subscriber's URL, in the one form that the standard gives it: `https://0x7f.1` is 127.0.0.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    url: Url,
    host: Host<String>,
    port: u16,
    protocol: SubscriptionProtocol,
}

impl EndpointError {
    /// What is wrong, for a person.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotAUrl => "must be a URL that begins with https://",
            Self::NotHttps => "must begin with https://",
            Self::Credentials => {
                "must not hold a user name or a password: they would stand in lists and logs"
            }
            Self::Fragment => "must not have a fragment (#...)",
            Self::Query => "must not have a query (?...): it is the URL of a queue",
        }
    }
}

impl Endpoint {
    /// Takes a URL. Plain `http` is a form too: whether it may be called is decided later, by what
    /// the server's administrator allows.
    pub fn parse(text: &str, protocol: SubscriptionProtocol) -> Result<Self, EndpointError> {
        let url = Url::parse(text).map_err(|_| EndpointError::NotAUrl)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(EndpointError::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(EndpointError::Fragment);
        }
        if protocol == SubscriptionProtocol::Sqs && url.query().is_some() {
            return Err(EndpointError::Query);
        }
        let host = url.host().ok_or(EndpointError::NotAUrl)?.to_owned();
        let port = url.port_or_known_default().ok_or(EndpointError::NotAUrl)?;
        Ok(Self { url, host, port, protocol })
    }

    /// How it is reached.
    pub const fn protocol(&self) -> SubscriptionProtocol {
        self.protocol
    }

    /// Whether what is sent is encrypted.
    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The host as the URL has it.
    pub(crate) const fn host(&self) -> &Host<String> {
        &self.host
    }

    /// The name or address, as a resolver takes it.
    pub(crate) fn host_text(&self) -> String {
        match &self.host {
            Host::Domain(name) => name.trim_end_matches('.').to_owned(),
            Host::Ipv4(ip) => ip.to_string(),
            Host::Ipv6(ip) => ip.to_string(),
        }
    }

    /// The port, the scheme's own if none was written.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// What stands in the `Host` header: the host, and the port if it is not the scheme's own.
    pub(crate) fn authority(&self) -> String {
        match self.url.port() {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.to_string(),
        }
    }

    /// Path and query, as they are sent.
    pub(crate) fn target(&self) -> String {
        match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        }
    }

    /// The whole URL.
    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_https_url_without_secrets() {
        let parse = |text| Endpoint::parse(text, SubscriptionProtocol::Https);
        let good = parse("https://Example.com/hook?a=b").unwrap();
        assert_eq!(good.authority(), "example.com");
        assert_eq!((good.target().as_str(), good.port()), ("/hook?a=b", 443));
        assert_eq!(parse("https://example.com:8443").unwrap().authority(), "example.com:8443");
        for (text, error) in [
            ("ftp://example.com", EndpointError::NotHttps),
            ("example.com", EndpointError::NotAUrl),
            ("https://", EndpointError::NotAUrl),
            ("https://u:p@example.com", EndpointError::Credentials),
            ("https://example.com/#x", EndpointError::Fragment),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
        let queue = |text| Endpoint::parse(text, SubscriptionProtocol::Sqs);
        assert_eq!(queue("https://example.com/1/q?Action=PurgeQueue"), Err(EndpointError::Query));
        assert_eq!(queue("https://example.com/1/q").unwrap().target(), "/1/q");
    }

    #[test]
    fn the_odd_forms_of_an_address_are_that_address() {
        for text in
            ["https://2130706433/", "https://0x7f.1/", "https://0177.0.0.1/", "https://127.1/"]
        {
            let endpoint = Endpoint::parse(text, SubscriptionProtocol::Https).unwrap();
            assert_eq!(endpoint.host_text(), "127.0.0.1", "{text}");
        }
    }
}
