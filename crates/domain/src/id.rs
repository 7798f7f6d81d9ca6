//! Ids: one type per kind, so that one can never stand where another belongs.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Declares an id: text that is not empty, at most 256 bytes, without control characters.
///
/// An id parsed from a request may name nothing; only the store knows.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes text that the wire's constraints have already bounded, or a row's column.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The id as it travels and as it is stored.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// A site: `d-` and ten hexadecimal digits. Leads every key in every store.
    OrganizationId;
    /// A user, shaped `S-1-5-21-A-B-C-RID&d-xxxxxxxxxx`.
    UserId;
    /// A folder: 64 lower-case hexadecimal digits.
    FolderId;
    /// A document: 64 lower-case hexadecimal digits.
    DocumentId;
    /// A folder or a document, where the protocol takes either.
    ResourceId;
    /// A version: the milliseconds of its creation, `-`, 64 lower-case hexadecimal digits.
    VersionId;
    /// The random, write-once name of stored bytes: 64 lower-case hexadecimal digits.
    BlobId;
    /// A group of users, shaped like a user's.
    GroupId;
    /// A comment, shaped like a version's.
    CommentId;
    /// A program that asks users for access: 32 lower-case hexadecimal digits.
    ApplicationId;
    /// An activity, among those of the same moment.
    ActivityId;
    /// Somebody who is told of a site's events: a UUID.
    SubscriptionId;
    /// An access key: `AKIA` and sixteen characters of base 32.
    AccessKeyId;
}

impl ApplicationId {
    /// Makes a fresh id out of 16 random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(hex(&bytes))
    }
}

impl ActivityId {
    /// Makes a fresh id out of 8 random bytes.
    pub fn from_random(bytes: [u8; 8]) -> Self {
        Self(hex(&bytes))
    }

    /// The id of another activity of the same change.
    #[must_use]
    pub fn nth(&self, number: usize) -> Self {
        Self(format!("{}-{number}", self.0))
    }
}

impl FolderId {
    /// Makes a fresh id out of 32 random bytes.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(hex(&bytes))
    }
}

impl DocumentId {
    /// Makes a fresh id out of 32 random bytes.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(hex(&bytes))
    }
}

impl BlobId {
    /// Makes a fresh name out of 32 random bytes.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(hex(&bytes))
    }
}

impl VersionId {
    /// Makes a fresh id out of the moment of creation and 32 random bytes.
    pub fn from_random(created: Timestamp, bytes: [u8; 32]) -> Self {
        Self(format!("{}-{}", created.as_millis(), hex(&bytes)))
    }
}

impl CommentId {
    /// Makes a fresh id out of the moment of writing and 32 random bytes.
    pub fn from_random(created: Timestamp, bytes: [u8; 32]) -> Self {
        Self(format!("{}-{}", created.as_millis(), hex(&bytes)))
    }
}

impl OrganizationId {
    /// Makes a fresh id out of five random bytes.
    pub fn from_random(bytes: [u8; 5]) -> Self {
        Self(format!("d-{}", hex(&bytes)))
    }

    /// Whether the text has the shape of an organization's id, `d-` and ten hexadecimal digits.
    pub fn is_well_formed(text: &str) -> bool {
        text.strip_prefix("d-").is_some_and(|digits| {
            digits.len() == 10
                && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
    }
}

impl UserId {
    /// Makes a fresh id of the directory's shape out of 16 random bytes: `S-1-5-21-A-B-C-RID&d-…`.
    pub fn from_random(organization: &OrganizationId, bytes: [u8; 16]) -> Self {
        Self(security_identifier(organization, bytes))
    }
}

impl GroupId {
    /// Makes a fresh id of the directory's shape out of 16 random bytes.
    pub fn from_random(organization: &OrganizationId, bytes: [u8; 16]) -> Self {
        Self(security_identifier(organization, bytes))
    }
}
impl AccessKeyId {
    /// Makes a fresh id out of 16 random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let text: String = bytes.iter().map(|b| char::from(BASE32[usize::from(b & 31)])).collect();
        Self(format!("AKIA{text}"))
    }
}

impl From<FolderId> for ResourceId {
    fn from(id: FolderId) -> Self {
        Self(id.0)
    }
}

impl From<DocumentId> for ResourceId {
    fn from(id: DocumentId) -> Self {
        Self(id.0)
    }
}

impl SubscriptionId {
    /// Makes a fresh id out of 16 random bytes: a UUID of version 4.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(uuid(bytes))
    }
}

/// Random bytes, but for the six bits that say so, in the form of a UUID.
pub fn uuid(bytes: [u8; 16]) -> String {
    uuid_of_version(4, bytes)
}

/// The same with a moment in front, so that what comes later stands behind: version 7 of RFC 9562.
pub fn uuid_of_moment(moment: Timestamp, mut bytes: [u8; 16]) -> String {
    let moment_ms = moment.as_millis().to_be_bytes();
    bytes[..6].copy_from_slice(&moment_ms[2..]);
    uuid_of_version(7, bytes)
}

fn uuid_of_version(version: u8, mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | (version << 4);
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    [0..4, 4..6, 6..8, 8..10, 10..16].map(|part| hex(&bytes[part])).join("-")
}

fn security_identifier(organization: &OrganizationId, bytes: [u8; 16]) -> String {
    let [a, b, c, rid] = [0, 4, 8, 12].map(|at| {
        bytes[at..at + 4].iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte))
    });
    format!("S-1-5-21-{a}-{b}-{c}-{rid}&{organization}")
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]])
        .map(char::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_shapes_programs_know() {
        let organization = OrganizationId::from_random([0x9f, 0x3a, 0x61, 0xc0, 0x4b]);
        assert_eq!(organization.as_str(), "d-9f3a61c04b");
        assert!(OrganizationId::is_well_formed(organization.as_str()));
        assert!(!OrganizationId::is_well_formed("d-9F3A61C04B"));
        assert_eq!(
            UserId::from_random(&organization, [0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0])
                .as_str(),
            "S-1-5-21-1-256-65536-16777216&d-9f3a61c04b"
        );
        assert_eq!(FolderId::from_random([0xab; 32]).as_str(), "ab".repeat(32));
        assert_eq!(
            VersionId::from_random(Timestamp::from_millis(7), [0; 32]).as_str(),
            format!("7-{}", "00".repeat(32))
        );
        assert_eq!(
            SubscriptionId::from_random([0xff; 16]).as_str(),
            "ffffffff-ffff-4fff-bfff-ffffffffffff"
        );
        assert_eq!(AccessKeyId::from_random([31; 16]).as_str(), "AKIA7777777777777777");
    }

    #[test]
    fn what_happens_later_has_a_later_id() {
        let at = |moment_ms, byte| uuid_of_moment(Timestamp::from_millis(moment_ms), [byte; 16]);
        assert_eq!(at(0x0192_3456_789a, 0xff), "01923456-789a-7fff-bfff-ffffffffffff");
        let in_order = [at(1, 0xff), at(2, 0), at(255, 0xff), at(256, 0), at(1 << 40, 0)];
        assert!(in_order.is_sorted());
    }
}
