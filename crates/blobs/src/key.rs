//! The name under which bytes are kept.

use docharbor_domain::{BlobId, OrganizationId};
use thiserror::Error;

/// The longest organization id or blob id that a store takes, in bytes.
const COMPONENT_LEN_MAX: usize = 128;

/// The name of a blob: whose it is, and its random id. Never a path, never a name of a user's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BlobKey {
    organization: OrganizationId,
    blob: BlobId,
}

/// An id that may not name bytes, because it is not 1 to 128 letters, digits and hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an id that names bytes is 1 to 128 letters, digits and hyphens")]
pub struct InvalidKey;

impl BlobKey {
    /// Takes two ids, or refuses them when they are not plain enough to name a file.
    pub fn new(organization: OrganizationId, blob: BlobId) -> Result<Self, InvalidKey> {
        if is_plain(organization.as_str()) && is_plain(blob.as_str()) {
            Ok(Self { organization, blob })
        } else {
            Err(InvalidKey)
        }
    }

    /// Whose bytes they are.
    pub fn organization(&self) -> &OrganizationId {
        &self.organization
    }

    /// Which bytes they are.
    pub fn blob(&self) -> &BlobId {
        &self.blob
    }

    /// The beginning of the blob's id, by which blobs are spread over folders.
    pub(crate) fn shard(&self) -> &str {
        let id = self.blob.as_str();
        id.get(..2).unwrap_or(id)
    }
}

impl std::fmt::Display for BlobKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.organization, self.blob)
    }
}

/// Whether text can be a file name that means nothing but itself.
pub(crate) fn is_plain(text: &str) -> bool {
    (1..=COMPONENT_LEN_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(organization: &str, blob: &str) -> Result<BlobKey, InvalidKey> {
        BlobKey::new(OrganizationId::new(organization), BlobId::new(blob))
    }

    #[test]
    fn a_key_is_made_of_plain_ids_only() {
        let longest = "a".repeat(128);
        assert!(key("d-9f3a61c04b", &longest).is_ok());
        let hostile = ["", ".", "..", "a/b", "/etc", "a\0b", "a b", "é", "a.b", "a\\b"];
        for text in hostile.into_iter().map(str::to_owned).chain(["a".repeat(129)]) {
            assert_eq!(key("d-9f3a61c04b", &text), Err(InvalidKey), "{text:?}");
            assert_eq!(key(&text, "ab"), Err(InvalidKey), "{text:?}");
        }
    }

    #[test]
    fn a_short_id_is_its_own_shard() {
        assert_eq!(key("d-1", "a").map(|key| key.shard().to_owned()), Ok("a".to_owned()));
        assert_eq!(key("d-1", "abc").map(|key| key.shard().to_owned()), Ok("ab".to_owned()));
    }
}
