//! Looking over what a search looks through, a page at a time: what is found by other words than it
//! has now, what is gone, and where an entry and its words do not agree.

use docharbor_domain::OrganizationId;

use crate::StoreError;
use crate::driver::{ByEngine, Lock, Tx};
use crate::search_index::{FORGET_COMMENT, organization_token};
use crate::value::{Row, Value};

/// Rows in the order of their keys, each with what it is to be found by and what it is found by.
macro_rules! to_index {
    ($page:literal, $columns:literal, $wanted:literal, $joins:literal, $found:literal,
     $lacks_content:literal, $order:literal) => {
        concat!(
            "SELECT ",
            $columns,
            ", CASE WHEN ",
            $wanted,
            " THEN 1 ELSE 0 END, CASE WHEN t.rowid IS NOT NULL THEN ",
            $found,
            " END, CASE WHEN ",
            $lacks_content,
            " THEN 1 ELSE 0 END
               FROM (",
            $page,
            ") page LEFT JOIN search_entry e ON e.organization_id = page.organization_id AND ",
            $joins,
            " LEFT JOIN search_text t ON t.rowid = e.ordinal
              ORDER BY ",
            $order
        )
    };
}

const FOLDERS: &str = to_index!(
    "SELECT organization_id, id, kind, state, name FROM resource
      WHERE organization_id = $1 AND id > $2 ORDER BY id LIMIT $3",
    "page.id, '', '', page.name",
    "page.kind = 'FOLDER' AND page.state <> 'DELETED'",
    "e.resource_id = page.id AND e.version_id = '' AND e.comment_id = ''",
    "e.name_tokens",
    "1 = 0",
    "page.id"
);

const VERSIONS: &str = to_index!(
    "SELECT organization_id, document_id, id, status, name FROM version
      WHERE organization_id = $1 AND (document_id, id) > ($2, $3)
      ORDER BY document_id, id LIMIT $4",
    "page.document_id, page.id, '', page.name",
    "page.status <> 'INITIALIZED'",
    "e.resource_id = page.document_id AND e.version_id = page.id AND e.comment_id = ''
     LEFT JOIN extraction x ON x.organization_id = page.organization_id
          AND x.document_id = page.document_id AND x.version_id = page.id",
    "e.name_tokens",
    "e.ordinal IS NOT NULL AND e.content_tokens IS NULL AND x.state <> 'DUE'",
    "page.document_id, page.id"
);

const COMMENTS: &str = to_index!(
    "SELECT organization_id, document_id, version_id, id, text FROM comment
      WHERE organization_id = $1 AND (document_id, version_id, id) > ($2, $3, $4)
      ORDER BY document_id, version_id, id LIMIT $5",
    "page.document_id, page.version_id, page.id, COALESCE(page.text, '')",
    "page.text IS NOT NULL",
    "e.resource_id = page.document_id AND e.version_id = page.version_id AND e.comment_id = page.id",
    "e.content_tokens",
    "1 = 0",
    "page.document_id, page.version_id, page.id"
);

const ENTRIES: &str = "
    SELECT page.resource_id, page.version_id, page.comment_id, page.ordinal,
           CASE WHEN r.id IS NULL OR (page.version_id <> '' AND v.id IS NULL)
                     OR (page.comment_id <> '' AND c.text IS NULL) THEN 1 ELSE 0 END
      FROM (SELECT organization_id, ordinal, resource_id, version_id, comment_id FROM search_entry
             WHERE organization_id = $1 AND ordinal > $2 ORDER BY ordinal LIMIT $3) page
      LEFT JOIN resource r ON r.organization_id = page.organization_id AND r.id = page.resource_id
      LEFT JOIN version v ON v.organization_id = page.organization_id
           AND v.document_id = page.resource_id AND v.id = page.version_id
      LEFT JOIN comment c ON c.organization_id = page.organization_id
           AND c.document_id = page.resource_id AND c.version_id = page.version_id
           AND c.id = page.comment_id
     ORDER BY page.ordinal";

/// Entries with whether their words are others than theirs: the whole name, and the first whole words of
/// the content. The words themselves can be asked for, and on SQLite not be read.
const WORDS_OF_ENTRIES: ByEngine = ByEngine {
    sqlite: "
        SELECT page.ordinal, page.resource_id,
               CASE WHEN t.rowid IS NOT NULL AND NOT EXISTS (
                        SELECT 1 FROM search_text
                         WHERE search_text.rowid = page.ordinal AND search_text MATCH
                               'organization_id : \"' || $4 || '\"'
                               || CASE WHEN page.name = '' THEN ''
                                  ELSE ' AND name : ^ \"' || page.name || '\"' END
                               || CASE WHEN page.beginning = '' THEN ''
                                  ELSE ' AND content : ^ \"' || page.beginning || '\"' END)
                    THEN 1 ELSE 0 END
          FROM (SELECT organization_id, ordinal, resource_id, TRIM(name_tokens) AS name,
                       TRIM(RTRIM(SUBSTR(COALESCE(content_tokens, ''), 1, 70),
                                  REPLACE(SUBSTR(COALESCE(content_tokens, ''), 1, 70), ' ', '')))
                           AS beginning
                  FROM search_entry
                 WHERE organization_id = $1 AND ordinal > $2 ORDER BY ordinal LIMIT $3) page
          LEFT JOIN search_text t ON t.rowid = page.ordinal AND page.organization_id = $1
         ORDER BY page.ordinal",
    postgres: "
        SELECT page.ordinal, page.resource_id,
               CASE WHEN NOT t.words @@ CAST(
                        '''@' || CAST($4 AS TEXT) || ''''
                        || CASE WHEN page.name = '' THEN ''
                           ELSE ' & (''' || REPLACE(page.name, ' ', ''':A <-> ''') || ''':A)' END
                        || CASE WHEN page.beginning = '' THEN ''
                           ELSE ' & (''' || REPLACE(page.beginning, ' ', ''':D <-> ''') || ''':D)' END
                        AS TSQUERY)
                    THEN 1 ELSE 0 END
          FROM (SELECT organization_id, ordinal, resource_id, BTRIM(name_tokens) AS name,
                       BTRIM(REGEXP_REPLACE(SUBSTR(COALESCE(content_tokens, ''), 1, 70),
                                            '[^ ]*$', '')) AS beginning
                  FROM search_entry
                 WHERE organization_id = $1 AND ordinal > $2 ORDER BY ordinal LIMIT $3) page
          LEFT JOIN search_text t ON t.rowid = page.ordinal
               AND t.organization_id = page.organization_id
         ORDER BY page.ordinal",
};

/// Words with whether they are of no entry. On SQLite they bear the organization's token alone, and two
/// organizations may be written alike: so an entry of either is one.
const WORDS: ByEngine = ByEngine {
    sqlite: "
        SELECT page.ordinal, CASE WHEN e.organization_id IS NULL THEN 1 ELSE 0 END
          FROM (SELECT search_text.rowid AS ordinal FROM search_text
                 WHERE search_text.organization_id MATCH '\"' || $1 || '\"'
                   AND search_text.rowid > $2
                 ORDER BY search_text.rowid LIMIT $3) page
          LEFT JOIN search_entry e ON e.ordinal = page.ordinal
         ORDER BY page.ordinal",
    postgres: "
        SELECT page.ordinal, CASE WHEN e.organization_id IS NULL THEN 1 ELSE 0 END
          FROM (SELECT rowid AS ordinal FROM search_text
                 WHERE organization_id = $1 AND rowid > $2 ORDER BY rowid LIMIT $3) page
          LEFT JOIN search_entry e ON e.ordinal = page.ordinal
         ORDER BY page.ordinal",
};

const ENTRY: &str = "
    SELECT ordinal, name_tokens, content_tokens FROM search_entry
     WHERE organization_id = $1 AND ordinal = $2";

const FORGET_WORDS: &str = "
    DELETE FROM search_text WHERE rowid = $1
       AND NOT EXISTS (SELECT 1 FROM search_entry e WHERE e.ordinal = $1)";

/// Statements whose plans are looked at.
#[cfg(test)]
pub(crate) const PLANNED: &[&str] = &[ENTRY, FORGET_WORDS];

/// What an entry of the index is about: the id of a folder or document, of a version and of a comment,
/// each empty where there is none.
pub type EntryKey = [String; 3];

/// What kind of thing is looked over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexedKind {
    /// Folders, by their names.
    Folder,
    /// Versions, by their names.
    Version,
    /// Comments, by what they say.
    Comment,
}

impl IndexedKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Folder, Self::Version, Self::Comment];

    /// The kind's name in a finding.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Version => "version",
            Self::Comment => "comment",
        }
    }
}

/// A page of rows that were looked over, in the order of their keys.
#[derive(Clone, Debug)]
pub struct LookedOver<K, T> {
    /// What was found among them.
    pub found: Vec<T>,
    /// The last row's key, if there may be more.
    pub next: Option<K>,
}

/// Something that is to be found.
#[derive(Clone, Debug)]
pub struct ToIndex {
    /// Which.
    pub key: EntryKey,
    /// The text that it is to be found by.
    pub text: String,
    /// The tokens that it is found by; nothing where it lacks its entry or the words of it.
    pub tokens: Option<String>,
    /// Whether nothing is known of what it says, and nobody is going to find out.
    pub lacks_content: bool,
}

impl Tx {
    /// Looks over some of what is to be found, behind a key.
    pub async fn to_index(
        &mut self,
        organization: &OrganizationId,
        kind: IndexedKind,
        after: &EntryKey,
        limit: i64,
    ) -> Result<LookedOver<EntryKey, ToIndex>, StoreError> {
        let (statement, columns) = match kind {
            IndexedKind::Folder => (FOLDERS, 1),
            IndexedKind::Version => (VERSIONS, 2),
            IndexedKind::Comment => (COMMENTS, 3),
        };
        let mut args: Vec<Value> = vec![organization.into()];
        args.extend(after.iter().take(columns).map(Value::from));
        args.push(limit.into());
        let rows = self.rows(statement, &args).await?;
        looked_over(&rows, limit, entry_key, |row| {
            if !row.bool(4)? {
                return Ok(None);
            }
            Ok(Some(ToIndex {
                key: entry_key(row)?,
                text: row.text(3)?.to_owned(),
                tokens: row.text_opt(5)?.map(str::to_owned),
                lacks_content: row.bool(6)?,
            }))
        })
    }

    /// Looks over some entries behind an ordinal for those of what is gone.
    pub async fn entries_of_nothing(
        &mut self,
        organization: &OrganizationId,
        after: i64,
        limit: i64,
    ) -> Result<LookedOver<i64, EntryKey>, StoreError> {
        let rows = self.rows(ENTRIES, &[organization.into(), after.into(), limit.into()]).await?;
        let key = |row: &Row| row.bool(4)?.then(|| entry_key(row)).transpose();
        looked_over(&rows, limit, |row| row.int(3), key)
    }

    /// Lets what is gone be found no longer.
    pub async fn forget_entry(
        &mut self,
        organization: &OrganizationId,
        key: &EntryKey,
    ) -> Result<(), StoreError> {
        let [resource, version, comment] = key;
        for statement in FORGET_COMMENT {
            let args = [organization.into(), resource.into(), version.into(), comment.into()];
            self.execute(statement, &args).await?;
        }
        Ok(())
    }

    /// Looks over some entries behind an ordinal for those whose words are others than theirs: their
    /// ordinals, and the ids of the folders and documents.
    pub async fn miswritten_entries(
        &mut self,
        organization: &OrganizationId,
        after: i64,
        limit: i64,
    ) -> Result<LookedOver<i64, (i64, String)>, StoreError> {
        let token = organization_token(organization);
        let args = [organization.into(), after.into(), limit.into(), token.into()];
        let rows = self.rows(self.of_engine(&WORDS_OF_ENTRIES), &args).await?;
        let entry = |row: &Row| Ok((row.int(0)?, row.text(1)?.to_owned()));
        let miswritten = |row: &Row| row.bool(2)?.then(|| entry(row)).transpose();
        looked_over(&rows, limit, |row| row.int(0), miswritten)
    }

    /// Writes the words of an entry anew, if it is still there.
    pub async fn rewrite_words(
        &mut self,
        organization: &OrganizationId,
        ordinal: i64,
    ) -> Result<(), StoreError> {
        let args = [organization.into(), ordinal.into()];
        match self.row_locked(Lock::NoKeyUpdate, ENTRY, &args).await? {
            Some(entry) => self.put_words(organization, &entry).await,
            None => Ok(()),
        }
    }

    /// Looks over some words behind an ordinal for those of no entry.
    pub async fn words_of_nothing(
        &mut self,
        organization: &OrganizationId,
        after: i64,
        limit: i64,
    ) -> Result<LookedOver<i64, i64>, StoreError> {
        let whose: Value = if self.is_sqlite() {
            organization_token(organization).into()
        } else {
            organization.into()
        };
        let args = [whose, after.into(), limit.into()];
        let rows = self.rows(self.of_engine(&WORDS), &args).await?;
        let of_nothing = |row: &Row| row.bool(1)?.then(|| row.int(0)).transpose();
        looked_over(&rows, limit, |row| row.int(0), of_nothing)
    }

    /// Forgets words that are of no entry.
    pub async fn forget_words(&mut self, ordinal: i64) -> Result<(), StoreError> {
        self.execute(FORGET_WORDS, &[ordinal.into()]).await?;
        Ok(())
    }
}

fn entry_key(row: &Row) -> Result<EntryKey, StoreError> {
    Ok([row.text(0)?.to_owned(), row.text(1)?.to_owned(), row.text(2)?.to_owned()])
}

fn looked_over<K, T>(
    rows: &[Row],
    limit: i64,
    key: impl Fn(&Row) -> Result<K, StoreError>,
    item: impl Fn(&Row) -> Result<Option<T>, StoreError>,
) -> Result<LookedOver<K, T>, StoreError> {
    let is_full = i64::try_from(rows.len()).is_ok_and(|count| count == limit);
    let next = rows.last().filter(|_| is_full).map(key).transpose()?;
    let mut found = Vec::new();
    for row in rows {
        found.extend(item(row)?);
    }
    Ok(LookedOver { found, next })
}
