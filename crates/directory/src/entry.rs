//! What an entry of the directory says, as people and groups.

use std::fmt::Write as _;

use ldap3::SearchEntry;

use crate::settings::Kind;
use crate::{Group, Person, normalized_dn};

/// The bit of userAccountControl that keeps everybody out.
const ACCOUNT_DISABLED: i64 = 2;

/// What is asked of a person's entry.
pub(crate) fn person_attributes(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::ActiveDirectory => &[
            "objectGUID",
            "objectSid",
            "sAMAccountName",
            "mail",
            "givenName",
            "sn",
            "cn",
            "userAccountControl",
        ],
        Kind::Ldap => &["entryUUID", "uid", "mail", "givenName", "sn", "cn"],
    }
}

/// What is asked of a group's entry.
pub(crate) fn group_attributes(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::ActiveDirectory => &["objectGUID", "objectSid", "sAMAccountName", "cn", "member"],
        Kind::Ldap => &["entryUUID", "cn", "member", "uniqueMember"],
    }
}

/// The person an entry is about; none where it has no lasting id or no name.
pub(crate) fn person(kind: Kind, entry: &SearchEntry) -> Option<Person> {
    let username = match kind {
        Kind::ActiveDirectory => text(entry, "sAMAccountName")?,
        Kind::Ldap => text(entry, "uid")?,
    };
    let control = text(entry, "userAccountControl").and_then(|text| text.parse::<i64>().ok());
    Some(Person {
        key: key(kind, entry)?,
        sid: sid(kind, entry),
        dn: normalized_dn(&entry.dn),
        email: text(entry, "mail"),
        given_name: text(entry, "givenName").unwrap_or_else(|| username.clone()),
        surname: text(entry, "sn").or_else(|| text(entry, "cn")).unwrap_or_default(),
        username,
        is_disabled: control.is_some_and(|control| control & ACCOUNT_DISABLED != 0),
    })
}

/// The group an entry is about; none where it has no lasting id or no name.
pub(crate) fn group(kind: Kind, entry: &SearchEntry) -> Option<Group> {
    let name = text(entry, "cn").or_else(|| text(entry, "sAMAccountName"))?;
    let members = ["member", "uniqueMember"].into_iter().flat_map(|name| values(entry, name));
    Some(Group {
        key: key(kind, entry)?,
        sid: sid(kind, entry),
        dn: normalized_dn(&entry.dn),
        name,
        members: members.map(|dn| normalized_dn(dn)).collect(),
    })
}

/// A piece of a list of members that is too long to be given at once: the members, and where the
/// next piece begins. Active Directory names a piece `member;range=0-1499`, and the last one
/// `member;range=1500-*`.
pub(crate) fn members_piece(entry: &SearchEntry) -> Option<(Vec<String>, Option<u32>)> {
    let (name, members) = entry
        .attrs
        .iter()
        .find(|(name, _)| name.to_ascii_lowercase().starts_with("member;range="))?;
    let (_, range) = name.split_once('=')?;
    let (_, last) = range.split_once('-')?;
    let next = last.parse::<u32>().ok().and_then(|last| last.checked_add(1));
    Some((members.iter().map(|dn| normalized_dn(dn)).collect(), next))
}

fn key(kind: Kind, entry: &SearchEntry) -> Option<String> {
    match kind {
        Kind::ActiveDirectory => bytes(entry, "objectGUID").map(hex),
        Kind::Ldap => text(entry, "entryUUID").map(|key| key.to_ascii_lowercase()),
    }
}

fn sid(kind: Kind, entry: &SearchEntry) -> Option<String> {
    match kind {
        Kind::ActiveDirectory => sid_text(bytes(entry, "objectSid")?),
        Kind::Ldap => None,
    }
}

/// A security identifier as text: revision, authority in six bytes, then numbers of four.
fn sid_text(bytes: &[u8]) -> Option<String> {
    let (&[revision, count], rest) = bytes.split_first_chunk::<2>()?;
    let (authority, numbers) = rest.split_first_chunk::<6>()?;
    if numbers.len() != usize::from(count) * 4 {
        return None;
    }
    let authority = authority.iter().fold(0_u64, |all, byte| (all << 8) | u64::from(*byte));
    let mut text = format!("S-{revision}-{authority}");
    for number in numbers.as_chunks::<4>().0 {
        write!(text, "-{}", u32::from_le_bytes(*number)).ok()?;
    }
    Some(text)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
}

fn values<'a>(entry: &'a SearchEntry, name: &str) -> impl Iterator<Item = &'a String> {
    let name = name.to_ascii_lowercase();
    entry
        .attrs
        .iter()
        .filter(move |(key, _)| key.to_ascii_lowercase() == name)
        .flat_map(|(_, values)| values)
}

fn text(entry: &SearchEntry, name: &str) -> Option<String> {
    values(entry, name).map(|text| text.trim()).find(|text| !text.is_empty()).map(str::to_owned)
}

/// An attribute that is no text; it is kept as one where its bytes happen to be one.
fn bytes<'a>(entry: &'a SearchEntry, name: &str) -> Option<&'a [u8]> {
    let binary = entry.bin_attrs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    match binary.and_then(|(_, values)| values.first()) {
        Some(value) => Some(value),
        None => values(entry, name).next().map(String::as_bytes),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn entry(attrs: &[(&str, &str)]) -> SearchEntry {
        let mut all: HashMap<String, Vec<String>> = HashMap::new();
        for (name, value) in attrs {
            all.entry((*name).to_owned()).or_default().push((*value).to_owned());
        }
        SearchEntry { dn: "CN=Ann,DC=example".to_owned(), attrs: all, bin_attrs: HashMap::new() }
    }

    #[test]
    fn a_security_identifier_reads_as_windows_writes_it() {
        let bytes = [1, 2, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0xe9, 3, 0, 0];
        assert_eq!(sid_text(&bytes).unwrap(), "S-1-5-21-1001");
        assert_eq!(sid_text(&bytes[..15]), None);
        assert_eq!(sid_text(&[]), None);
    }

    #[test]
    fn an_entry_without_a_lasting_id_or_a_name_is_nobody() {
        let whole = [("entryUUID", "ABC"), ("uid", "ann"), ("sn", "Example")];
        let found = person(Kind::Ldap, &entry(&whole)).unwrap();
        assert_eq!((found.key.as_str(), found.dn.as_str()), ("abc", "cn=ann,dc=example"));
        for missing in ["entryUUID", "uid"] {
            let rest: Vec<_> = whole.iter().copied().filter(|(name, _)| *name != missing).collect();
            assert!(person(Kind::Ldap, &entry(&rest)).is_none(), "{missing}");
        }
    }

    #[test]
    fn a_disabled_account_is_known_by_its_bit() {
        for (control, is_disabled) in [("512", false), ("514", true), ("66050", true), ("x", false)]
        {
            let attrs = [
                ("objectGUID", "0123456789abcdef"),
                ("sAMAccountName", "ann"),
                ("userAccountControl", control),
            ];
            let found = person(Kind::ActiveDirectory, &entry(&attrs)).unwrap();
            assert_eq!(found.is_disabled, is_disabled, "{control}");
        }
    }

    #[test]
    fn a_long_list_of_members_comes_in_pieces() {
        let first = entry(&[("member;range=0-1", "CN=A"), ("member;range=0-1", "CN=B")]);
        assert_eq!(members_piece(&first).unwrap(), (vec!["cn=a".into(), "cn=b".into()], Some(2)));
        let last = entry(&[("member;range=2-*", "CN=C")]);
        assert_eq!(members_piece(&last).unwrap(), (vec!["cn=c".to_owned()], None));
        assert!(members_piece(&entry(&[("member", "CN=A")])).is_none());
    }
}
