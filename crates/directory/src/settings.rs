//! What is kept about a directory, without its password.

use std::net::IpAddr;

use ldap3::ldap_escape;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::DirectoryError;

/// Entries a page has, unless the settings say otherwise: Active Directory gives no more at once.
const PAGE_SIZE: i32 = 500;

/// Which attributes and filters a directory is read with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Microsoft's, and Samba's.
    ActiveDirectory,
    /// `OpenLDAP` and others with inetOrgPerson and groupOfNames.
    Ldap,
}

/// How what is sent is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// TLS from the first byte: `ldaps://`.
    Tls,
    /// TLS after the `StartTLS` command.
    StartTls,
    /// None: only over the loopback interface, and only when asked for by name.
    Insecure,
}

/// Where a directory is, and what it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// What kind of directory.
    pub kind: Kind,
    /// `ldaps://HOST[:PORT]`, or `ldap://HOST[:PORT]` with `StartTLS`.
    pub url: String,
    /// Ask for TLS on a connection that began without.
    #[serde(default)]
    pub start_tls: bool,
    /// Talk without encryption, to a program on this very machine.
    #[serde(default)]
    pub insecure: bool,
    /// The certificates of the authorities that are trusted, as PEM; without them, the system's.
    #[serde(default)]
    pub ca_pem: Option<String>,
    /// The name in the directory's certificate, where it is not the host of the URL.
    #[serde(default)]
    pub server_name: Option<String>,
    /// Where people and groups are looked for.
    pub base_dn: String,
    /// The account DocHarbor signs in with.
    pub bind_dn: String,
    /// Which entries are people.
    #[serde(default)]
    pub user_filter: Option<String>,
    /// Which entries are groups.
    #[serde(default)]
    pub group_filter: Option<String>,
    /// How many entries are asked for at once.
    #[serde(default)]
    pub page_size: Option<i32>,
}

impl Settings {
    /// Holds the settings to what can be used: above all, to encryption.
    pub fn check(&self) -> Result<Encryption, DirectoryError> {
        let refused = |text| Err(DirectoryError::Settings(text));
        let url = self.parsed_url()?;
        if self.bind_dn.trim().is_empty() {
            return refused("bind_dn is missing; a directory is never asked anonymously");
        }
        if self.base_dn.trim().is_empty() {
            return refused("base_dn is missing");
        }
        for filter in [self.people_filter(), self.groups_filter()] {
            if ldap3::parse_filter(filter).is_err() {
                return refused("a filter is no LDAP filter");
            }
        }
        match (url.scheme(), self.start_tls, self.insecure) {
            ("ldaps", false, false) => Ok(Encryption::Tls),
            ("ldap", true, false) => Ok(Encryption::StartTls),
            ("ldap", false, true) if is_loopback(&url) => Ok(Encryption::Insecure),
            ("ldap", false, true) => {
                refused("only a directory at a loopback address is asked without encryption")
            }
            ("ldap", false, false) => {
                refused("ldap:// sends passwords in the clear; use ldaps:// or StartTLS")
            }
            ("ldaps" | "ldap", ..) => refused("choose one of ldaps://, StartTLS and insecure"),
            _ => refused("the URL must begin with ldaps:// or ldap://"),
        }
    }

    pub(crate) fn parsed_url(&self) -> Result<Url, DirectoryError> {
        let url = Url::parse(&self.url)
            .map_err(|_| DirectoryError::Settings("the URL must be ldaps://HOST[:PORT]"))?;
        let has_more = !matches!(url.path(), "" | "/")
            || url.query().is_some()
            || !url.username().is_empty()
            || url.password().is_some();
        if has_more || url.host_str().is_none_or(str::is_empty) {
            return Err(DirectoryError::Settings(
                "the URL must be ldaps://HOST[:PORT], with nothing else in it",
            ));
        }
        Ok(url)
    }

    pub(crate) fn people_filter(&self) -> &str {
        self.user_filter.as_deref().unwrap_or(match self.kind {
            // What Windows itself needs is nobody: Guest, krbtgt, and the built-in Administrator.
            Kind::ActiveDirectory => {
                "(&(objectCategory=person)(objectClass=user)(!(isCriticalSystemObject=TRUE)))"
            }
            Kind::Ldap => "(objectClass=inetOrgPerson)",
        })
    }

    pub(crate) fn groups_filter(&self) -> &str {
        self.group_filter.as_deref().unwrap_or(match self.kind {
            Kind::ActiveDirectory => "(&(objectClass=group)(!(isCriticalSystemObject=TRUE)))",
            Kind::Ldap => "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))",
        })
    }

    /// The filter that finds the person of a name, and nothing else whatever the name holds.
    pub(crate) fn person_filter(&self, username: &str) -> String {
        let name = ldap_escape(username);
        let people = self.people_filter();
        match self.kind {
            Kind::ActiveDirectory => {
                format!("(&{people}(|(sAMAccountName={name})(userPrincipalName={name})))")
            }
            Kind::Ldap => format!("(&{people}(uid={name}))"),
        }
    }

    pub(crate) fn page_size(&self) -> i32 {
        self.page_size.unwrap_or(PAGE_SIZE).clamp(1, 1_000)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        // The url crate knows only http's hosts by their form.
        Some(Host::Domain(name)) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> Settings {
        Settings {
            kind: Kind::Ldap,
            url: url.to_owned(),
            start_tls: false,
            insecure: false,
            ca_pem: None,
            server_name: None,
            base_dn: "dc=example,dc=com".to_owned(),
            bind_dn: "cn=reader,dc=example,dc=com".to_owned(),
            user_filter: None,
            group_filter: None,
            page_size: None,
        }
    }

    #[test]
    fn nothing_is_sent_without_encryption_unless_to_this_machine_and_asked_for_by_name() {
        assert_eq!(settings("ldaps://dc.example.com").check().unwrap(), Encryption::Tls);
        let start_tls = Settings { start_tls: true, ..settings("ldap://dc.example.com") };
        assert_eq!(start_tls.check().unwrap(), Encryption::StartTls);
        for host in ["127.0.0.1:389", "localhost", "[::1]"] {
            let plain = settings(&format!("ldap://{host}"));
            assert!(plain.check().is_err());
            let insecure = Settings { insecure: true, ..plain };
            assert_eq!(insecure.check().unwrap(), Encryption::Insecure);
        }
        for host in ["dc.example.com", "192.0.2.1", "127.0.0.1.example.com"] {
            let plain = settings(&format!("ldap://{host}"));
            assert!(plain.check().is_err());
            assert!(Settings { insecure: true, ..plain }.check().is_err());
        }
    }

    #[test]
    fn settings_that_cannot_be_used_are_refused() {
        for url in ["", "dc", "http://dc", "ldaps://", "ldaps://u:p@dc", "ldaps://dc/dc=com??sub"] {
            assert!(settings(url).check().is_err(), "{url}");
        }
        let good = settings("ldaps://dc");
        assert!(Settings { bind_dn: " ".to_owned(), ..good.clone() }.check().is_err());
        assert!(Settings { base_dn: String::new(), ..good.clone() }.check().is_err());
        assert!(Settings { user_filter: Some("(uid=".to_owned()), ..good }.check().is_err());
    }

    #[test]
    fn a_name_cannot_leave_its_place_in_the_filter() {
        for kind in [Kind::Ldap, Kind::ActiveDirectory] {
            let settings = Settings { kind, ..settings("ldaps://dc") };
            let plain = settings.person_filter("ann");
            for hostile in ["*)(uid=*", "*", "a)(|(uid=b", "ann\0", "\\2a", "(ann)"] {
                let filter = settings.person_filter(hostile);
                assert_eq!(filter.matches('(').count(), plain.matches('(').count(), "{filter}");
                assert!(!filter.contains('*') && !filter.contains('\0'), "{filter}");
            }
        }
    }
}
