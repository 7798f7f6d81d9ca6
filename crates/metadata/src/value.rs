//! What goes into a statement and what comes out: text and whole numbers, on both engines.

use docharbor_domain::{
    AccessKeyId, ApplicationId, BlobId, CommentId, DocumentId, FolderId, GroupId, OrganizationId,
    ResourceId, SubscriptionId, Timestamp, UserId, VersionId,
};

use crate::StoreError;

/// An argument of a statement. Every column is TEXT or BIGINT.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A text.
    Text(String),
    /// A whole number: a count, a size in bytes, a moment in milliseconds, 0 or 1.
    Int(i64),
    /// No value for a TEXT column.
    NullText,
    /// No value for a BIGINT column.
    NullInt,
}

/// Arguments hold names, comments and digests of secrets, which must not reach a log.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(…)",
            Self::Int(_) => "Int(…)",
            Self::NullText => "NullText",
            Self::NullInt => "NullInt",
        })
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        text.map_or(Self::NullText, Self::from)
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::NullText, Self::Text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::NullInt, Self::Int)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Int(i64::from(truth))
    }
}

impl From<Timestamp> for Value {
    fn from(moment: Timestamp) -> Self {
        Self::Int(moment.as_millis())
    }
}

impl From<Option<Timestamp>> for Value {
    fn from(moment: Option<Timestamp>) -> Self {
        moment.map_or(Self::NullInt, Self::from)
    }
}

/// Lets ids be arguments, by reference and when they may be absent.
macro_rules! ids {
    ($($id:ident)*) => {$(
        impl From<&$id> for Value {
            fn from(id: &$id) -> Self {
                Self::from(id.as_str())
            }
        }

        impl From<Option<&$id>> for Value {
            fn from(id: Option<&$id>) -> Self {
                Self::from(id.map($id::as_str))
            }
        }
    )*};
}

ids! { AccessKeyId ApplicationId BlobId CommentId DocumentId FolderId GroupId OrganizationId ResourceId SubscriptionId UserId VersionId }

/// One column of a row.
pub(crate) enum Cell {
    Text(String),
    Int(i64),
    Null,
}

impl Cell {
    fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Int(_) => "a number",
            Self::Null => "no value",
        }
    }
}

/// One row of an answer. It owns its values; columns are named by their position, from 0.
pub(crate) struct Row {
    pub(crate) sql: &'static str,
    pub(crate) cells: Vec<Cell>,
}

impl Row {
    /// The text of a column.
    pub(crate) fn text(&self, index: usize) -> Result<&str, StoreError> {
        self.text_opt(index)?.ok_or_else(|| self.unexpected(index, "a text"))
    }

    /// The text of a column that may be NULL.
    pub(crate) fn text_opt(&self, index: usize) -> Result<Option<&str>, StoreError> {
        match self.cells.get(index) {
            Some(Cell::Text(text)) => Ok(Some(text)),
            Some(Cell::Null) => Ok(None),
            Some(Cell::Int(_)) | None => Err(self.unexpected(index, "a text")),
        }
    }

    /// The number of a column.
    pub(crate) fn int(&self, index: usize) -> Result<i64, StoreError> {
        self.int_opt(index)?.ok_or_else(|| self.unexpected(index, "a number"))
    }

    /// The number of a column that may be NULL.
    pub(crate) fn int_opt(&self, index: usize) -> Result<Option<i64>, StoreError> {
        match self.cells.get(index) {
            Some(Cell::Int(number)) => Ok(Some(*number)),
            Some(Cell::Null) => Ok(None),
            Some(Cell::Text(_)) | None => Err(self.unexpected(index, "a number")),
        }
    }

    /// The moment of a column that holds milliseconds.
    pub(crate) fn timestamp(&self, index: usize) -> Result<Timestamp, StoreError> {
        self.int(index).map(Timestamp::from_millis)
    }

    /// The truth of a column that holds 0 or 1.
    pub(crate) fn bool(&self, index: usize) -> Result<bool, StoreError> {
        match self.int(index)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.unexpected(index, "0 or 1")),
        }
    }

    /// The fault of a row whose values fit their columns but mean nothing, as an unknown state.
    pub(crate) fn corrupt(&self, reason: impl Into<String>) -> StoreError {
        StoreError::Corrupt { table: table_of(self.sql), reason: reason.into() }
    }

    // The value itself stays out of the text: it may be a name or a digest of a secret.
    fn unexpected(&self, index: usize, wanted: &str) -> StoreError {
        let found = self.cells.get(index).map_or("no such column", Cell::kind);
        self.corrupt(format!("column {index} should be {wanted} and is {found}"))
    }
}

/// The first table a statement names, for a fault's text.
pub(crate) fn table_of(sql: &'static str) -> &'static str {
    let mut words = sql.split_whitespace();
    while let Some(word) = words.next() {
        if ["FROM", "INTO", "UPDATE"].iter().any(|verb| word.eq_ignore_ascii_case(verb)) {
            return words.next().unwrap_or("metadata").trim_matches(['(', ')', ',', ';']);
        }
    }
    "metadata"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: Vec<Cell>) -> Row {
        Row { sql: "SELECT a, b\n FROM folder WHERE organization_id = $1", cells }
    }

    #[test]
    fn a_row_gives_what_its_columns_hold() {
        let row = row(vec![Cell::Text("a".to_owned()), Cell::Int(1), Cell::Null]);
        assert_eq!(row.text(0).unwrap(), "a");
        assert_eq!(row.int(1).unwrap(), 1);
        assert!(row.bool(1).unwrap());
        assert_eq!(row.text_opt(2).unwrap(), None);
        assert_eq!(row.int_opt(2).unwrap(), None);
    }

    #[test]
    fn a_column_of_another_type_is_corrupt_and_its_value_stays_out_of_the_text() {
        let row = row(vec![Cell::Text("secret plan".to_owned()), Cell::Int(2), Cell::Null]);
        for fault in [
            row.int(0).unwrap_err(),
            row.text(1).unwrap_err(),
            row.bool(1).unwrap_err(),
            row.text(2).unwrap_err(),
            row.int(9).unwrap_err(),
        ] {
            assert!(matches!(fault, StoreError::Corrupt { table: "folder", .. }), "{fault:?}");
            assert!(!fault.to_string().contains("secret"), "{fault}");
        }
    }

    #[test]
    fn arguments_stay_out_of_debug_output() {
        assert!(!format!("{:?}", Value::from("secret plan")).contains("secret"));
    }
}
