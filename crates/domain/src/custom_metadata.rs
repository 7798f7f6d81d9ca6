//! Custom metadata: what programs note about an item or a version, for themselves.

use std::collections::BTreeMap;

/// The entries of one folder, document or version, by key.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CustomMetadata(BTreeMap<String, String>);

impl CustomMetadata {
    /// Takes entries that the wire's constraints have already bounded.
    pub fn new(entries: BTreeMap<String, String>) -> Self {
        Self(entries)
    }

    /// The keys and their values, in the order of the keys.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Gives the entries out.
    pub fn into_inner(self) -> BTreeMap<String, String> {
        self.0
    }
}

/// Keys and values are the users' own business and must not reach a log.
impl std::fmt::Debug for CustomMetadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CustomMetadata({} entries)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_stay_out_of_debug_output() {
        let entries = BTreeMap::from([("client".to_owned(), "Acme".to_owned())]);
        let metadata = CustomMetadata::new(entries);
        assert_eq!(format!("{metadata:?}"), "CustomMetadata(1 entries)");
        assert_eq!(metadata.entries().collect::<Vec<_>>(), [("client", "Acme")]);
    }
}
