//! What a search looks through, as it is written: an entry for each folder, version and comment.
//!
//! An entry and its words are changed in the transaction that changes what they are about. They say
//! nothing that could not be made again from it.

use std::fmt::Write as _;

use docharbor_domain::{
    CommentId, CommentText, ContentCategory, DocumentId, FolderId, OrganizationId, ResourceId,
    ResourceName, Script, SearchText, VersionId,
};

use crate::StoreError;
use crate::driver::{ByEngine, Lock, Tx};
use crate::value::{Row, Value};

const PUT_NAME: &str = "
    INSERT INTO search_entry (organization_id, kind, resource_id, version_id, comment_id, script,
                              category, name_tokens, content_tokens)
    VALUES ($1, $2, $3, $4, '', '', $5, $6, $7)
    ON CONFLICT (organization_id, resource_id, version_id, comment_id)
    DO UPDATE SET name_tokens = excluded.name_tokens, category = excluded.category
    RETURNING ordinal, name_tokens, content_tokens";

const PUT_COMMENT: &str = "
    INSERT INTO search_entry (organization_id, kind, resource_id, version_id, comment_id, script,
                              category, name_tokens, content_tokens)
    VALUES ($1, 'COMMENT', $2, $3, $4, $5, '', '', $6)
    ON CONFLICT (organization_id, resource_id, version_id, comment_id)
    DO UPDATE SET script = excluded.script, content_tokens = excluded.content_tokens
    RETURNING ordinal, name_tokens, content_tokens";

const PUT_CONTENT: &str = "
    UPDATE search_entry SET script = $1, content_tokens = $2
     WHERE organization_id = $3 AND resource_id = $4 AND version_id = $5 AND comment_id = ''
    RETURNING ordinal, name_tokens, content_tokens";

const PUT_WORDS: ByEngine = ByEngine {
    sqlite: "
        INSERT OR REPLACE INTO search_text (rowid, organization_id, name, content)
        VALUES ($1, $2, $3, $4)",
    postgres: "
        INSERT INTO search_text (rowid, organization_id, words)
        VALUES ($1, $2, CAST(CAST($3 AS TEXT) AS TSVECTOR))
        ON CONFLICT (rowid) DO UPDATE SET words = excluded.words",
};

/// Forgets the words of some entries, then the entries.
macro_rules! forget {
    ($which:literal) => {
        [
            concat!(
                "DELETE FROM search_text WHERE rowid IN (
                     SELECT e.ordinal FROM search_entry e WHERE e.organization_id = $1 AND ",
                $which,
                ")"
            ),
            concat!("DELETE FROM search_entry AS e WHERE e.organization_id = $1 AND ", $which),
        ]
    };
}

const FORGET_ITEM: [&str; 2] = forget!("e.resource_id = $2");
const FORGET_VERSION: [&str; 2] = forget!("e.resource_id = $2 AND e.version_id = $3");
pub(crate) const FORGET_COMMENT: [&str; 2] =
    forget!("e.resource_id = $2 AND e.version_id = $3 AND e.comment_id = $4");

const FOLDER: &str = "
    SELECT name FROM resource
     WHERE organization_id = $1 AND id = $2 AND kind = 'FOLDER' AND state <> 'DELETED'";

const VERSION: &str = "
    SELECT name, content_type FROM version
     WHERE organization_id = $1 AND document_id = $2 AND id = $3 AND status <> 'INITIALIZED'";

const COMMENT: &str = "
    SELECT text FROM comment
     WHERE organization_id = $1 AND document_id = $2 AND version_id = $3 AND id = $4
       AND text IS NOT NULL";

/// Statements whose plans are looked at.
#[cfg(test)]
pub(crate) const PLANNED: &[&str] = &[
    PUT_CONTENT,
    FORGET_ITEM[0],
    FORGET_ITEM[1],
    FORGET_VERSION[0],
    FORGET_VERSION[1],
    FORGET_COMMENT[0],
    FORGET_COMMENT[1],
    FOLDER,
    VERSION,
    COMMENT,
];

/// An entry that was written.
struct Put {
    /// Whether it is known what it says.
    has_content: bool,
}

impl Tx {
    /// Lets a folder be found by its name.
    pub async fn index_folder(
        &mut self,
        organization: &OrganizationId,
        folder: &FolderId,
        name: &SearchText,
    ) -> Result<(), StoreError> {
        let args = [
            organization.into(),
            "FOLDER".into(),
            folder.into(),
            "".into(),
            "".into(),
            name.tokens.as_str().into(),
            Value::NullText,
        ];
        self.put(organization, PUT_NAME, &args).await.map(drop)
    }

    /// Lets a version be found by its name; what is known of its content stays, and of one that
    /// `is_silent` it is known that it says nothing. Tells whether anything is known.
    pub async fn index_version(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
        (name, category): (&SearchText, ContentCategory),
        is_silent: bool,
    ) -> Result<bool, StoreError> {
        let args = [
            organization.into(),
            "VERSION".into(),
            document.into(),
            version.into(),
            category.as_str().into(),
            name.tokens.as_str().into(),
            is_silent.then_some("").into(),
        ];
        Ok(self.put(organization, PUT_NAME, &args).await?.is_some_and(|put| put.has_content))
    }

    /// Lets a version be found by what it says. False when it has no entry yet.
    pub async fn index_content(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
        content: &SearchText,
    ) -> Result<bool, StoreError> {
        let args = [
            content.script.map_or("", Script::as_str).into(),
            content.tokens.as_str().into(),
            organization.into(),
            document.into(),
            version.into(),
        ];
        Ok(self.put(organization, PUT_CONTENT, &args).await?.is_some())
    }

    /// Lets a comment be found by what it says.
    pub async fn index_comment(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
        comment: &CommentId,
        text: &SearchText,
    ) -> Result<(), StoreError> {
        let args = [
            organization.into(),
            document.into(),
            version.into(),
            comment.into(),
            text.script.map_or("", Script::as_str).into(),
            text.tokens.as_str().into(),
        ];
        self.put(organization, PUT_COMMENT, &args).await.map(drop)
    }

    /// Writes an entry, and its words. Nothing when there is none.
    async fn put(
        &mut self,
        organization: &OrganizationId,
        entry: &'static str,
        args: &[Value],
    ) -> Result<Option<Put>, StoreError> {
        let Some(row) = self.row(entry, args).await? else { return Ok(None) };
        self.put_words(organization, &row).await?;
        Ok(Some(Put { has_content: row.text_opt(2)?.is_some() }))
    }

    /// Writes the words of an entry, of which the row has the ordinal and the tokens of its name and
    /// content.
    pub(crate) async fn put_words(
        &mut self,
        organization: &OrganizationId,
        entry: &Row,
    ) -> Result<(), StoreError> {
        let ordinal: Value = entry.int(0)?.into();
        let (name, content) = (entry.text(1)?, entry.text_opt(2)?.unwrap_or_default());
        let args = if self.is_sqlite() {
            let site = organization_token(organization);
            vec![ordinal, site.into(), name.into(), content.into()]
        } else {
            vec![ordinal, organization.into(), vector(organization, name, content).into()]
        };
        self.execute(self.of_engine(&PUT_WORDS), &args).await?;
        Ok(())
    }

    /// Lets an item, its versions and their comments be found no longer.
    pub(crate) async fn forget_entries(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
    ) -> Result<(), StoreError> {
        for statement in FORGET_ITEM {
            self.execute(statement, &[organization.into(), id.into()]).await?;
        }
        Ok(())
    }

    /// Lets a version and its comments be found no longer.
    pub(crate) async fn forget_entries_of_version(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
    ) -> Result<(), StoreError> {
        for statement in FORGET_VERSION {
            self.execute(statement, &[organization.into(), document.into(), version.into()])
                .await?;
        }
        Ok(())
    }

    /// Lets a comment be found no longer.
    pub(crate) async fn forget_entry_of_comment(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
        comment: &CommentId,
    ) -> Result<(), StoreError> {
        for statement in FORGET_COMMENT {
            let args = [organization.into(), document.into(), version.into(), comment.into()];
            self.execute(statement, &args).await?;
        }
        Ok(())
    }

    /// The name of a folder that is to be indexed, which it keeps until the transaction ends; nothing
    /// where it is gone by now.
    pub async fn folder_to_index(
        &mut self,
        organization: &OrganizationId,
        folder: &FolderId,
    ) -> Result<Option<ResourceName>, StoreError> {
        let args = [organization.into(), folder.into()];
        let row = self.row_locked(Lock::NoKeyUpdate, FOLDER, &args).await?;
        row.map(|row| row.text(0).map(ResourceName::new)).transpose()
    }

    /// The same of a version, with its media type.
    pub async fn version_to_index(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
    ) -> Result<Option<(ResourceName, String)>, StoreError> {
        let args = [organization.into(), document.into(), version.into()];
        let row = self.row_locked(Lock::NoKeyUpdate, VERSION, &args).await?;
        row.map(|row| Ok((ResourceName::new(row.text(0)?), row.text(1)?.to_owned()))).transpose()
    }

    /// The same of what a comment says.
    pub async fn comment_to_index(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
        comment: &CommentId,
    ) -> Result<Option<CommentText>, StoreError> {
        let args = [organization.into(), document.into(), version.into(), comment.into()];
        let row = self.row_locked(Lock::NoKeyUpdate, COMMENT, &args).await?;
        row.map(|row| row.text(0).map(CommentText::new)).transpose()
    }
}

/// The organization as a token: two that are written alike are told apart by the entries.
pub(crate) fn organization_token(organization: &OrganizationId) -> String {
    organization.as_str().chars().filter(char::is_ascii_alphanumeric).collect()
}

/// The words of a name and a content as PostgreSQL reads them: a name's are of weight A. A gap lies
/// between the two, so that no phrase begins in the one and ends in the other. Places end at 16,383.
fn vector(organization: &OrganizationId, name: &str, content: &str) -> String {
    const PLACES_MAX: usize = 16_383;
    const GAP: usize = 10;
    let words = |tokens| str::split(tokens, ' ').filter(|token| !token.is_empty());
    let mut text = format!("'@{}'", organization_token(organization));
    let mut last = 0;
    let mut add = |token: &str, place: usize, weight: &str| {
        // Tokens hold letters, digits and marks, so no quote can end one.
        let token = token.replace(['\'', '\\'], "");
        // Writing to a text cannot fail.
        let _infallible = write!(text, " '{token}':{}{weight}", place.min(PLACES_MAX));
    };
    for (at, token) in words(name).enumerate() {
        last = at + 1;
        add(token, last, "A");
    }
    for (at, token) in words(content).enumerate() {
        add(token, last + GAP + at, "");
    }
    text
}
