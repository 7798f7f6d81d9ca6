//! Which addresses may be called: public ones by HTTPS, and what the administrator adds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;

use crate::Endpoint;

/// Networks of IPv4 that are nobody's public host: RFC 6890 and its successors.
const CLOSED_V4: &[(Ipv4Addr, u8)] = &[
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Of IPv6 only `2000::/3` is open, and of that not what leads to IPv4 addresses by itself (Teredo,
/// 6to4) or is set apart for documents and protocols. That leaves out loopback, link-local, unique
/// local, multicast, IPv4-mapped and NAT64 addresses.
const OPEN_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const CLOSED_V6: &[(Ipv6Addr, u8)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// The port that may be called without being allowed by name.
const OPEN_PORT: u16 = 443;

/// One more thing that may be called: `HOST`, `HOST:PORT`, `NETWORK` or `NETWORK:PORT`, where PORT
/// may be `*`; with `http://` in front, without encryption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow {
    is_https: bool,
    place: Place,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// Whatever the name leads to.
    Name(String),
    Network(IpNet),
}

impl FromStr for Allow {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (is_https, rest) = match text.strip_prefix("http://") {
            Some(rest) => (false, rest),
            None => (true, text.strip_prefix("https://").unwrap_or(text)),
        };
        let (place, port) = split_port(rest)?;
        let port = match port {
            Some("*") => None,
            Some(port) => Some(port.parse().map_err(|_| ())?),
            None => Some(if is_https { OPEN_PORT } else { 80 }),
        };
        let place = if let Ok(network) = place.parse::<IpNet>() {
            Place::Network(network)
        } else if let Ok(ip) = place.parse::<IpAddr>() {
            Place::Network(ip.into())
        } else if is_name(place) {
            Place::Name(place.to_ascii_lowercase())
        } else {
            return Err(());
        };
        Ok(Self { is_https, place, port })
    }
}

/// Splits `place:port`; an IPv6 address or network with a port stands in brackets.
fn split_port(text: &str) -> Result<(&str, Option<&str>), ()> {
    if let Some(rest) = text.strip_prefix('[') {
        let (place, port) = rest.split_once(']').ok_or(())?;
        return match port.strip_prefix(':') {
            Some(port) => Ok((place, Some(port))),
            None if port.is_empty() => Ok((place, None)),
            None => Err(()),
        };
    }
    match text.split_once(':') {
        Some((place, port)) if !port.contains(':') => Ok((place, Some(port))),
        // More than one colon: an IPv6 address without a port.
        Some(_) | None => Ok((text, None)),
    }
}

fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    !text.is_empty() && text.len() <= 253 && text.bytes().all(allowed)
}

/// What may be called.
#[derive(Clone, Debug, Default)]
pub struct Allowed(Vec<Allow>);

impl Allowed {
    /// Public addresses by HTTPS on port 443, and these.
    pub fn new(more: Vec<Allow>) -> Self {
        Self(more)
    }

    /// Why nothing that the host may lead to can be called, if that is so whatever its address.
    pub(crate) fn refuse_endpoint(&self, endpoint: &Endpoint) -> Result<(), &'static str> {
        let may_be = |allow: &Allow| {
            allow.is_https == endpoint.is_https()
                && allow.port.is_none_or(|port| port == endpoint.port())
                && match &allow.place {
                    Place::Name(name) => *name == endpoint.host_text(),
                    Place::Network(_) => true,
                }
        };
        if self.0.iter().any(may_be) {
            return Ok(());
        }
        if !endpoint.is_https() {
            return Err("only https may be called; to allow this host without encryption, add \
                        http://HOST:PORT to the setting notification_allow");
        }
        if endpoint.port() != OPEN_PORT {
            return Err("only port 443 may be called; to allow another one, add HOST:PORT to the \
                        setting notification_allow");
        }
        Ok(())
    }

    /// Why an address of an endpoint may not be called, if it may not.
    pub(crate) fn refuse_address(
        &self,
        endpoint: &Endpoint,
        ip: IpAddr,
    ) -> Result<(), &'static str> {
        self.refuse_endpoint(endpoint)?;
        let plain = ip.to_canonical();
        let covers = |allow: &Allow| {
            allow.is_https == endpoint.is_https()
                && allow.port.is_none_or(|port| port == endpoint.port())
                && match &allow.place {
                    Place::Name(name) => *name == endpoint.host_text(),
                    Place::Network(network) => network.contains(&plain),
                }
        };
        let is_open = endpoint.is_https() && endpoint.port() == OPEN_PORT && is_public(ip);
        if is_open || self.0.iter().any(covers) {
            return Ok(());
        }
        Err(
            "it leads to an address that is not public; to allow it, add HOST:PORT or NETWORK:PORT \
             to the setting notification_allow",
        )
    }
}

/// Whether an address can be a public host's.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !CLOSED_V4.iter().any(|(base, bits)| {
            prefix(ip.to_bits(), 32, *bits) == prefix(base.to_bits(), 32, *bits)
        }),
        IpAddr::V6(ip) => {
            let within = |(base, bits): &(Ipv6Addr, u8)| {
                ip.to_bits() >> (128 - u32::from(*bits))
                    == base.to_bits() >> (128 - u32::from(*bits))
            };
            within(&OPEN_V6) && !CLOSED_V6.iter().any(within)
        }
    }
}

const fn prefix(bits: u32, width: u32, length: u8) -> u32 {
    bits >> (width - length as u32)
}

#[cfg(test)]
mod tests {
    use docharbor_domain::SubscriptionProtocol;

    use super::*;

    fn endpoint(text: &str) -> Endpoint {
        Endpoint::parse(text, SubscriptionProtocol::Https).unwrap()
    }

    fn allowed(more: &[&str]) -> Allowed {
        Allowed::new(more.iter().map(|text| text.parse().unwrap()).collect())
    }

    #[test]
    fn only_public_addresses_are_open() {
        let nothing = allowed(&[]);
        let hook = endpoint("https://hook.example/");
        for closed in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
        ] {
            let ip = closed.parse().unwrap();
            assert!(nothing.refuse_address(&hook, ip).is_err(), "{closed}");
        }
        for open in ["8.8.8.8", "100.63.255.255", "172.32.0.1", "2606:4700::1", "2a00:1450::1"] {
            let ip = open.parse().unwrap();
            assert_eq!(nothing.refuse_address(&hook, ip), Ok(()), "{open}");
        }
    }

    #[test]
    fn another_port_or_no_encryption_must_be_allowed_by_name() {
        let public = "8.8.8.8".parse().unwrap();
        for text in ["https://hook.example:8443/", "http://hook.example/"] {
            assert!(allowed(&[]).refuse_address(&endpoint(text), public).is_err());
            let other = allowed(&["other.example:8443", "http://hook.example:81"]);
            assert!(other.refuse_address(&endpoint(text), public).is_err());
        }
        for (allow, text) in [
            ("hook.example:8443", "https://hook.example:8443/"),
            ("hook.example:*", "https://hook.example:8443/"),
            ("http://hook.example", "http://hook.example/"),
            ("8.0.0.0/8:8443", "https://hook.example:8443/"),
        ] {
            assert_eq!(
                allowed(&[allow]).refuse_address(&endpoint(text), public),
                Ok(()),
                "{allow}"
            );
        }
    }

    #[test]
    fn an_allowed_host_or_network_is_that_one_alone() {
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        let port = endpoint("https://localhost:4443/");
        for allow in ["localhost:4443", "127.0.0.0/8:4443", "127.0.0.1:4443", "127.0.0.1:*"] {
            assert_eq!(allowed(&[allow]).refuse_address(&port, loopback), Ok(()), "{allow}");
        }
        for allow in ["localhost", "http://localhost:4443", "127.0.0.0/8", "[::1]:4443"] {
            assert!(allowed(&[allow]).refuse_address(&port, loopback).is_err(), "{allow}");
        }
        // A mapped address is the one it maps.
        let mapped = "::ffff:127.0.0.1".parse().unwrap();
        assert_eq!(allowed(&["127.0.0.1:4443"]).refuse_address(&port, mapped), Ok(()));
        let network = allowed(&["10.0.0.0/8"]);
        let hook = endpoint("https://hook.example/");
        assert_eq!(network.refuse_address(&hook, "10.1.1.1".parse().unwrap()), Ok(()));
        assert!(network.refuse_address(&hook, "192.168.1.1".parse().unwrap()).is_err());
        assert!(network.refuse_address(&hook, loopback).is_err());
    }

    #[test]
    fn what_is_no_host_and_no_network_is_not_taken() {
        for text in
            ["", "a b", "host:port", "host:70000", "[::1", "[::1]x", "ftp://x", "10.0.0.0/99"]
        {
            assert!(text.parse::<Allow>().is_err(), "{text}");
        }
        for text in ["::1", "[::1]:443", "[fd00::/8]:*", "fd00::/8", "http://localhost:9324"] {
            assert!(text.parse::<Allow>().is_ok(), "{text}");
        }
    }
}
