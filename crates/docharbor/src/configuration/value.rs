//! How a setting's text becomes a value. Each refusal says what would be right.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use docharbor_domain::{OrganizationId, PASSWORD_CHARS, PASSWORD_CLASSES};
use docharbor_site::{Allow, SignatureVersion};
use ipnet::IpNet;

use super::Extraction;

/// What a value should have been.
pub(crate) type Expected = &'static str;

/// A duration: a whole number and one of `s`, `m`, `h`, `d`.
pub(crate) fn duration(text: &str) -> Result<Duration, Expected> {
    const EXPECTED: Expected =
        "write a whole number above 0 and a unit, s, m, h or d: 900s, 30m, 12h, 1d";
    let (number, unit) = number_and_unit(text).ok_or(EXPECTED)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(EXPECTED),
    };
    let seconds = number.checked_mul(seconds).ok_or(EXPECTED)?;
    // Moments are signed milliseconds everywhere; a century is more than anybody means.
    if seconds == 0 || seconds > 100 * 366 * 86_400 {
        return Err(EXPECTED);
    }
    Ok(Duration::from_secs(seconds))
}

/// How long a transfer URL works: signatures of this kind live seven days at the most.
pub(crate) fn url_lifetime(text: &str) -> Result<Duration, Expected> {
    const EXPECTED: Expected =
        "write a whole number and a unit, s, m, h or d, and at most 7 days: 900s, 30m, 12h, 7d";
    let lifetime = duration(text).map_err(|_| EXPECTED)?;
    if lifetime <= Duration::from_hours(7 * 24) { Ok(lifetime) } else { Err(EXPECTED) }
}

/// How long something thrown away is kept: a duration up to a year, or nothing at all.
pub(crate) fn retention(text: &str) -> Result<Duration, Expected> {
    const EXPECTED: Expected = "write a whole number and a unit, s, m, h or d, and at most 365 days: 30d; 0d keeps nothing";
    if matches!(number_and_unit(text), Some((0, "s" | "m" | "h" | "d"))) {
        return Ok(Duration::ZERO);
    }
    let retention = duration(text).map_err(|_| EXPECTED)?;
    if retention <= Duration::from_hours(365 * 24) { Ok(retention) } else { Err(EXPECTED) }
}

/// A size in bytes: a whole number, alone or with a unit.
pub(crate) fn size_bytes(text: &str) -> Result<u64, Expected> {
    const EXPECTED: Expected =
        "write a whole number of bytes, or one with a unit, KiB, MiB, GiB or TiB: 10GiB";
    let (number, unit) = number_and_unit(text).ok_or(EXPECTED)?;
    let unit_bytes: u64 = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        "PiB" => 1 << 50,
        "KB" | "kB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        _ => return Err(EXPECTED),
    };
    let bytes = number.checked_mul(unit_bytes).ok_or(EXPECTED)?;
    // The protocol and the databases count in signed 64 bits.
    if i64::try_from(bytes).is_ok() { Ok(bytes) } else { Err(EXPECTED) }
}

/// Whether and how documents are looked into.
pub(crate) fn extraction(text: &str) -> Result<Extraction, Expected> {
    match text {
        "on" => Ok(Extraction::Sandboxed),
        "without-sandbox" => Ok(Extraction::WithoutSandbox),
        "off" => Ok(Extraction::Off),
        _ => Err("write on, off or without-sandbox"),
    }
}

/// A program that is started by its whole name, whatever the directory and the search path.
pub(crate) fn program(text: &str) -> Result<PathBuf, Expected> {
    const EXPECTED: Expected = "write the program's whole path: /usr/bin/soffice";
    let path = PathBuf::from(text);
    if path.is_absolute() { Ok(path) } else { Err(EXPECTED) }
}

/// Whether something is done at all.
pub(crate) fn switch(text: &str) -> Result<bool, Expected> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("write on or off"),
    }
}

/// The size at which a file is followed by the next one.
pub(crate) fn file_size_bytes(text: &str) -> Result<u64, Expected> {
    const EXPECTED: Expected = "write a whole number of at least 4KiB and a unit: 64MiB";
    size_bytes(text).ok().filter(|bytes| *bytes >= 4096).ok_or(EXPECTED)
}

/// How many characters a password has at least. The protocol's longest password ends the range.
pub(crate) fn password_min_chars(text: &str) -> Result<usize, Expected> {
    let number = text.parse().ok().filter(|number| PASSWORD_CHARS.contains(number));
    number.ok_or("write a whole number from 4 to 32")
}

/// How many of the classes of characters a password has at least.
pub(crate) fn password_min_classes(text: &str) -> Result<usize, Expected> {
    let number = text.parse().ok().filter(|number| (1..=PASSWORD_CLASSES).contains(number));
    number.ok_or("write a whole number from 1 to 4")
}

fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit.trim_start_matches(' ')))
}

/// A host or address and a port to listen on.
pub(crate) fn listen(text: &str) -> Result<String, Expected> {
    const EXPECTED: Expected =
        "write an address and a port: 127.0.0.1:8420, [::1]:8420, 0.0.0.0:80";
    let (host, port) = text.rsplit_once(':').ok_or(EXPECTED)?;
    let bare_ipv6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
    if host.is_empty() || bare_ipv6 || host.contains([' ', '/', '@']) {
        return Err(EXPECTED);
    }
    port.parse::<u16>().map_err(|_| EXPECTED)?;
    Ok(text.to_owned())
}

/// The address under which clients reach the server, without a slash at its end. It is written as browsers
/// write an origin, which forms are held against: in lower case, and without a port that needs no saying.
pub(crate) fn public_url(text: &str) -> Result<String, Expected> {
    const EXPECTED: Expected = "write a scheme and a host, without path: https://docs.example.com";
    let url: http::Uri = text.parse().map_err(|_| EXPECTED)?;
    let (scheme, authority) = url.scheme_str().zip(url.authority()).ok_or(EXPECTED)?;
    let bare = url.path() == "/" && url.query().is_none() && !text.contains('#');
    if !matches!(scheme, "http" | "https") || !bare || authority.as_str().contains('@') {
        return Err(EXPECTED);
    }
    let authority = authority.as_str().to_ascii_lowercase();
    let needless = if scheme == "https" { ":443" } else { ":80" };
    let authority = authority.strip_suffix(needless).unwrap_or(&authority);
    Ok(format!("{scheme}://{authority}"))
}

/// An organization's id.
pub(crate) fn organization_id(text: &str) -> Result<OrganizationId, Expected> {
    if OrganizationId::is_well_formed(text) {
        Ok(OrganizationId::new(text))
    } else {
        Err("write d- and ten hexadecimal digits in lower case: d-9f3a61c04b")
    }
}

/// Networks, separated by commas; an address alone is a network of one.
pub(crate) fn networks(text: &str) -> Result<Vec<IpNet>, Expected> {
    text.split(',')
        .map(str::trim)
        .map(|network| {
            let address = || network.parse::<IpAddr>().map(IpNet::from);
            network.parse::<IpNet>().or_else(|_| address())
        })
        .collect::<Result<_, _>>()
        .map_err(|_| "write networks separated by commas: 10.0.0.0/8,192.168.1.5,fd00::/8")
}

/// Hosts and networks that may be called, separated by commas.
pub(crate) fn allow(text: &str) -> Result<Vec<Allow>, Expected> {
    let hosts = text.split(',').map(str::trim).filter(|host| !host.is_empty()).map(str::parse);
    hosts.collect::<Result<_, _>>().map_err(|()| {
        "write hosts or networks separated by commas, each with a port if it is not 443: \
         hooks.internal:8443,10.0.0.0/8,[fd00::/8]:*,http://localhost:9324"
    })
}

/// How messages are signed.
pub(crate) fn signature_version(text: &str) -> Result<SignatureVersion, Expected> {
    match text {
        "1" => Ok(SignatureVersion::One),
        "2" => Ok(SignatureVersion::Two),
        _ => Err("write 1 (SHA-1, which every receiver understands) or 2 (SHA-256)"),
    }
}

/// How often a notification is tried.
pub(crate) fn attempts(text: &str) -> Result<i64, Expected> {
    let number = text.parse().ok().filter(|number| (1..=50).contains(number));
    number.ok_or("write a whole number from 1 to 50")
}

/// The name of a region, as it stands in a signature.
pub(crate) fn region(text: &str) -> Result<String, Expected> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("write letters, digits and -: us-east-1")
    }
}

/// A PostgreSQL URL.
pub(crate) fn database_url(text: &str) -> Result<(), Expected> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        Ok(())
    } else {
        Err("write a URL of PostgreSQL, postgres://user:password@host/database, \
             or leave the setting out for SQLite in the data directory")
    }
}

/// A log level, or levels by target.
pub(crate) fn log_level(text: &str) -> Result<tracing_subscriber::filter::Targets, Expected> {
    text.parse().map_err(|_| {
        "write off, error, warn, info, debug or trace, or levels by target: \
         info,docharbor::access=off"
    })
}

/// An id for an access key that is given rather than generated.
pub(crate) fn access_key_id(text: &str) -> Result<String, Expected> {
    let well_formed =
        (16..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if well_formed { Ok(text.to_owned()) } else { Err("write 16 to 128 letters and digits") }
}

/// The name among `known` that was probably meant by `given`.
pub(crate) fn nearest<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .min()
        .filter(|(distance, name)| *distance <= name.len().max(given.len()).div_ceil(3))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_url_lives_seven_days_at_the_most() {
        assert!(url_lifetime("7d").is_ok());
        assert!(url_lifetime("604801s").is_err());
        assert!(url_lifetime("8d").is_err());
    }

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, seconds) in [
            ("1s", Some(1)),
            ("900s", Some(900)),
            ("30m", Some(1800)),
            ("12h", Some(43_200)),
            ("1d", Some(86_400)),
            ("2 h", Some(7200)),
            ("", None),
            ("0s", None),
            ("12", None),
            ("h", None),
            ("-1h", None),
            ("1.5h", None),
            ("1h30m", None),
            ("12H", None),
            ("١h", None),
            ("99999999999999999999s", None),
            ("18446744073709551615d", None),
            ("40000d", None),
        ] {
            assert_eq!(duration(text).ok(), seconds.map(Duration::from_secs), "{text:?}");
        }
    }

    #[test]
    fn retention_is_at_most_a_year_and_may_be_none() {
        for (text, days) in [
            ("0d", Some(0)),
            ("0s", Some(0)),
            ("1d", Some(1)),
            ("365d", Some(365)),
            ("366d", None),
            ("0", None),
            ("0w", None),
            ("", None),
        ] {
            let expected = days.map(|days| Duration::from_hours(24 * days));
            assert_eq!(retention(text).ok(), expected, "{text:?}");
        }
    }

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("1024", Some(1024)),
            ("7B", Some(7)),
            ("10KiB", Some(10_240)),
            ("10 MiB", Some(10_485_760)),
            ("1GiB", Some(1_073_741_824)),
            ("1TiB", Some(1_099_511_627_776)),
            ("2GB", Some(2_000_000_000)),
            ("9223372036854775807", Some(9_223_372_036_854_775_807)),
            ("9223372036854775808", None),
            ("16777216TiB", None),
            ("", None),
            ("GiB", None),
            ("1.5GiB", None),
            ("10gib", None),
            ("-1", None),
        ] {
            assert_eq!(size_bytes(text).ok(), bytes, "{text:?}");
        }
    }

    #[test]
    fn a_password_is_asked_for_no_more_than_one_can_have() {
        for (text, chars, classes) in [
            ("0", None, None),
            ("1", None, Some(1)),
            ("3", None, Some(3)),
            ("4", Some(4), Some(4)),
            ("5", Some(5), None),
            ("32", Some(32), None),
            ("33", None, None),
            ("", None, None),
            ("-4", None, None),
            ("4.0", None, None),
        ] {
            assert_eq!(password_min_chars(text).ok(), chars, "{text:?}");
            assert_eq!(password_min_classes(text).ok(), classes, "{text:?}");
        }
    }

    #[test]
    fn addresses_to_listen_on_have_a_port() {
        for good in ["127.0.0.1:0", "[::1]:8420", "localhost:80", "0.0.0.0:65535"] {
            assert_eq!(listen(good).as_deref(), Ok(good));
        }
        for bad in ["", "8420", ":8420", "127.0.0.1", "::1:8420", "a:65536", "http://a:80", "a b:1"]
        {
            assert!(listen(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn public_urls_are_scheme_and_host() {
        assert_eq!(public_url("https://docs.example.com/").unwrap(), "https://docs.example.com");
        assert_eq!(public_url("http://[::1]:8420").unwrap(), "http://[::1]:8420");
        for (text, origin) in [
            ("HTTPS://Docs.Example.com:443/", "https://docs.example.com"),
            ("http://docs.example.com:80", "http://docs.example.com"),
            ("https://docs.example.com:80", "https://docs.example.com:80"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(public_url(text).unwrap(), origin);
        }
        for bad in [
            "",
            "docs.example.com",
            "ftp://a",
            "https://",
            "https://a/b",
            "https://a/?q",
            "https://a/#f",
            "https://u:p@a",
            "https://a b",
        ] {
            assert!(public_url(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn networks_take_single_addresses_too() {
        let networks = networks("10.0.0.0/8, 192.168.1.5,fd00::/8").unwrap();
        assert_eq!(networks.len(), 3);
        assert!(networks[1].contains(&"192.168.1.5".parse::<IpAddr>().unwrap()));
        assert!(!networks[1].contains(&"192.168.1.6".parse::<IpAddr>().unwrap()));
        for bad in ["", "10.0.0.0/33", "a", "10.0.0.0/8,,"] {
            assert!(super::networks(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_nearest_name_is_suggested_only_when_it_is_near() {
        let known = ["listen", "public_url", "gc_grace"];
        assert_eq!(nearest("listne", known.into_iter()), Some("listen"));
        assert_eq!(nearest("public-url", known.into_iter()), Some("public_url"));
        assert_eq!(nearest("colour", known.into_iter()), None);
    }
}
