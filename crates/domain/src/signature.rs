//! A folder's size and signature, worked out of what stands below it.

use std::collections::HashMap;

use md5::{Digest as _, Md5};

/// One item somewhere below a folder, as the store lists them.
#[derive(Clone, Debug)]
pub struct SubtreeRow {
    /// The item's id.
    pub id: String,
    /// The id of the folder it stands in.
    pub parent: String,
    /// For a document: the bytes of all its versions, of its latest one, and that one's MD5.
    pub document: Option<(i64, i64, String)>,
}

/// What is shown of a folder as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderTotals {
    /// Bytes of all versions of all documents below.
    pub size_bytes: i64,
    /// Bytes of the latest versions.
    pub latest_version_size_bytes: i64,
    /// MD5 over the sorted (id, signature) pairs of the children, or empty for an empty folder.
    pub signature: String,
}

/// Works out the totals of the folder `root` from every item below it, in any order.
pub fn folder_totals(root: &str, rows: &[SubtreeRow]) -> FolderTotals {
    let mut children: HashMap<&str, Vec<&SubtreeRow>> = HashMap::new();
    for row in rows {
        children.entry(&row.parent).or_default().push(row);
    }
    let documents = rows.iter().filter_map(|row| row.document.as_ref());
    let (size_bytes, latest_version_size_bytes) =
        documents.fold((0_i64, 0_i64), |(all, latest), (size, latest_size, _)| {
            (all.saturating_add(*size), latest.saturating_add(*latest_size))
        });
    FolderTotals { size_bytes, latest_version_size_bytes, signature: signature(root, &children) }
}

/// Signs a folder. The recursion is as deep as the tree, which `limits::TREE_WALK_MAX` bounds.
fn signature(folder: &str, children: &HashMap<&str, Vec<&SubtreeRow>>) -> String {
    let Some(rows) = children.get(folder) else { return String::new() };
    let mut pairs: Vec<(&str, String)> = rows
        .iter()
        .map(|row| match &row.document {
            Some((_, _, md5)) => (row.id.as_str(), md5.clone()),
            None => (row.id.as_str(), signature(&row.id, children)),
        })
        .collect();
    pairs.sort();
    let mut hash = Md5::new();
    for (id, signature) in pairs {
        hash.update(id);
        hash.update([0]);
        hash.update(signature);
        hash.update([0]);
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(id: &str, parent: &str, md5: &str) -> SubtreeRow {
        SubtreeRow {
            id: id.to_owned(),
            parent: parent.to_owned(),
            document: Some((30, 10, md5.to_owned())),
        }
    }

    #[test]
    fn an_empty_folder_has_no_size_and_an_empty_signature() {
        assert_eq!(folder_totals("root", &[]), FolderTotals::default());
    }

    #[test]
    fn the_signature_changes_with_any_content_below_and_not_with_the_order_of_rows() {
        let folder = SubtreeRow { id: "sub".to_owned(), parent: "root".to_owned(), document: None };
        let rows = [folder.clone(), document("a", "sub", "1"), document("b", "root", "2")];
        let totals = folder_totals("root", &rows);
        assert_eq!((totals.size_bytes, totals.latest_version_size_bytes), (60, 20));
        assert_eq!(totals.signature.len(), 32);
        let reversed: Vec<_> = rows.iter().rev().cloned().collect();
        assert_eq!(folder_totals("root", &reversed), totals);
        let changed = [folder, document("a", "sub", "9"), document("b", "root", "2")];
        assert_ne!(folder_totals("root", &changed).signature, totals.signature);
    }
}
