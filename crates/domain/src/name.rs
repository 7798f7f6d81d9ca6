//! Names of folders and documents.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

/// A folder's or document's name, as the user gave it. Never a path, a header or SQL text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResourceName(String);

impl ResourceName {
    /// Takes a name that the wire's constraint (1–255 UTF-16 units) has already bounded.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The name as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What makes two names one: the same text after Unicode NFC, letter case included.
    pub fn key(&self) -> String {
        self.0.nfc().collect()
    }
}

/// Names are the users' own business and must not reach a log.
impl std::fmt::Debug for ResourceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ResourceName(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_after_nfc_and_differ_by_case() {
        let composed = ResourceName::new("caf\u{e9}");
        let decomposed = ResourceName::new("cafe\u{301}");
        assert_eq!(composed.key(), decomposed.key());
        assert_ne!(composed.as_str(), decomposed.as_str());
        assert_ne!(ResourceName::new("Plan").key(), ResourceName::new("plan").key());
    }

    #[test]
    fn a_name_never_shows_in_debug_output() {
        assert!(!format!("{:?}", ResourceName::new("secret plan")).contains("secret"));
    }
}
