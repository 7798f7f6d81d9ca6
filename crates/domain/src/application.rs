//! Programs that ask users for access: where users may be sent back to, and what may be asked for.

use crate::Scopes;

/// The most bytes of a redirect URI.
const URI_MAX_BYTES: usize = 1024;

const READ: &str = "workdocs.content.read";
const WRITE: &str = "workdocs.content.write";

/// Where a program's users may be sent back to, byte for byte as it was registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// Takes a URI to register: `https` with a host, or `http` to this very machine. What browsers
    /// and servers could read differently is refused.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > URI_MAX_BYTES {
            return Err("a redirect URI has at most 1024 bytes");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\\"<>^`{|}*".contains(&byte)) {
            return Err("a redirect URI has only the characters of URIs; encode others");
        }
        if text.contains('#') {
            return Err("a redirect URI has no fragment");
        }
        let (scheme, rest) = text.split_once("://").ok_or("a redirect URI begins with https://")?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let host = host_of(authority).ok_or(
            "a redirect URI names a host in lower case, and at most a port: no user, no encoding",
        )?;
        let is_loopback = ["127.0.0.1", "[::1]", "localhost"].contains(&host);
        match scheme {
            "https" if !host.starts_with('[') || is_loopback => {}
            "http" if is_loopback => {}
            _ => return Err("a redirect URI is https, or http to 127.0.0.1, [::1] or localhost"),
        }
        let path = path.split('?').next().unwrap_or_default();
        if path.split('/').any(|segment| segment == "." || segment == "..") {
            return Err("a redirect URI has no dot segments");
        }
        Ok(Self(text.to_owned()))
    }

    /// Takes a URI that was registered.
    pub fn stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The URI as it was registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The scheme, host and port: what a browser is allowed to be sent to.
    pub fn origin(&self) -> &str {
        let begin = self.0.find("://").map_or(0, |at| at + 3);
        let end = self.0[begin..].find(['/', '?']).map_or(self.0.len(), |at| begin + at);
        &self.0[..end]
    }

    /// The host and port, as a person is shown them.
    pub fn host(&self) -> &str {
        self.origin().split_once("://").map_or("", |(_, host)| host)
    }

    /// The URI with parameters after those it has.
    pub fn with_query(&self, parameters: &[(&str, &str)]) -> String {
        let mut uri = self.0.clone();
        for (name, value) in parameters {
            if !uri.contains('?') {
                uri.push('?');
            } else if !uri.ends_with(['?', '&']) {
                uri.push('&');
            }
            uri.push_str(name);
            uri.push('=');
            encode(&mut uri, value);
        }
        uri
    }
}

/// The host of an authority, if it is nothing but a host with or without a port.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = if authority.starts_with('[') {
        let end = authority.find(']')? + 1;
        let (host, port) = authority.split_at(end);
        (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
    } else {
        authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)))
    };
    let port_is_good = port.is_none_or(|port| {
        !port.starts_with('0')
            && port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse::<u16>().is_ok()
    });
    let is_name = !host.is_empty()
        && host.split('.').all(|label| !label.is_empty())
        && host.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b));
    (port_is_good && (is_name || host == "[::1]")).then_some(host)
}

/// Encodes all but what no URI ever needs to have encoded.
fn encode(uri: &mut String, value: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push('%');
            uri.push(char::from(DIGITS[usize::from(byte >> 4)]));
            uri.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

impl Scopes {
    /// Reads the names of scopes, between commas or spaces; none if one is unknown or there is none.
    pub fn named(text: &str) -> Option<Self> {
        let mut scopes = Self { read: false, write: false };
        for name in text.split([',', ' ']).filter(|name| !name.is_empty()) {
            match name {
                READ => scopes.read = true,
                WRITE => scopes.write = true,
                _ => return None,
            }
        }
        (scopes.read || scopes.write).then_some(scopes)
    }

    /// The names of the scopes, between spaces.
    pub fn names(self) -> &'static str {
        match (self.read, self.write) {
            (true, true) => "workdocs.content.read workdocs.content.write",
            (true, false) => READ,
            (false, true) => WRITE,
            (false, false) => "",
        }
    }

    /// Whether these hold nothing that `all` does not.
    pub const fn within(self, all: Self) -> bool {
        (!self.read || all.read) && (!self.write || all.write)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_uri_is_https_or_loopback_and_reads_the_same_everywhere() {
        for good in [
            "https://app.example.com/back",
            "https://app.example.com",
            "https://app.example.com:8443/back?kind=a&b=c",
            "https://xn--bcher-kva.example/back",
            "http://127.0.0.1:8400/",
            "http://localhost/back",
            "http://[::1]:9/back",
            "https://app.example.com/a%20b",
        ] {
            assert_eq!(RedirectUri::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "https://",
            "https:///back",
            "http://app.example.com/back",
            "http://localhost.example.com/",
            "http://127.0.0.1.example.com/",
            "http://127.0.0.2/",
            "ftp://app.example.com/",
            "javascript:alert(1)",
            "javascript://app.example.com/%0aalert(1)",
            "HTTPS://app.example.com/",
            "https://App.example.com/",
            "https://user@app.example.com/",
            "https://user:pw@app.example.com/",
            "https://app.example.com/#part",
            "https://app.example.com/\u{0}",
            "https://app.example.com/\t",
            "https://app.example.com\\@evil.example/",
            "https://*.example.com/",
            "https://app.example.com/*",
            "https://app.example.com:0/",
            "https://app.example.com:99999/",
            "https://app.example.com:/",
            "https://app.example.com./",
            "https://app..example.com/",
            "https://app%2eexample.com/",
            "https://b\u{fc}cher.example/",
            "https://app.example.com/a/../b",
            "https://[::2]/",
            "https:app.example.com/",
            "//app.example.com/",
        ] {
            assert!(RedirectUri::parse(bad).is_err(), "{bad}");
        }
        assert!(RedirectUri::parse(&format!("https://a.example/{}", "a".repeat(1024))).is_err());
    }

    #[test]
    fn parameters_follow_those_a_redirect_uri_has() {
        for (uri, expected) in [
            ("https://a.example/b", "https://a.example/b?state=%26%20%C3%BC%22&n=1"),
            ("https://a.example/b?", "https://a.example/b?state=%26%20%C3%BC%22&n=1"),
            ("https://a.example/b?c=d", "https://a.example/b?c=d&state=%26%20%C3%BC%22&n=1"),
            ("https://a.example/b?c=d&", "https://a.example/b?c=d&state=%26%20%C3%BC%22&n=1"),
        ] {
            let uri = RedirectUri::parse(uri).unwrap();
            assert_eq!(uri.with_query(&[("state", "& \u{fc}\""), ("n", "1")]), expected);
        }
        let uri = RedirectUri::parse("https://a.example:8443?c=d").unwrap();
        assert_eq!((uri.origin(), uri.host()), ("https://a.example:8443", "a.example:8443"));
    }

    #[test]
    fn scopes_are_known_by_name_and_never_more_than_were_registered() {
        let read = Scopes { read: true, write: false };
        let both = Scopes { read: true, write: true };
        assert_eq!(Scopes::named("workdocs.content.read"), Some(read));
        assert_eq!(Scopes::named("workdocs.content.write,workdocs.content.read"), Some(both));
        assert_eq!(Scopes::named(both.names()), Some(both));
        for unknown in ["", ",", "workdocs.content", "workdocs.content.read,admin", "READ"] {
            assert_eq!(Scopes::named(unknown), None);
        }
        assert!(read.within(both) && !both.within(read));
    }
}
