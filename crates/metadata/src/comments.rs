//! Comments of a version, in the order they were written.

use docharbor_domain::{
    Comment, CommentId, CommentReader, CommentText, Contributor, DocumentId, OrganizationId,
    Profile, VersionId, Visibility,
};

use crate::driver::{Lock, Tx};
use crate::users::{decode_status, decode_type};
use crate::value::Row;
use crate::{StoreError, corrupt};

/// The columns every statement that reads comments begins with.
macro_rules! comment_columns {
    () => {
        "c.id, c.parent_id, c.thread_id, c.contributor, c.recipient, c.visibility, c.text, \
         c.created_ms"
    };
}

/// The comments of one version.
macro_rules! of_version {
    ($alias:literal) => {
        concat!(
            $alias,
            ".organization_id = $1 AND ",
            $alias,
            ".document_id = $2 AND ",
            $alias,
            ".version_id = $3"
        )
    };
}

/// How many comments name a comment as their parent.
macro_rules! replies {
    ($alias:literal) => {
        concat!(
            "(SELECT COUNT(*) FROM comment r WHERE ",
            of_version!("r"),
            " AND r.parent_id = ",
            $alias,
            ".id)"
        )
    };
}

const TAKE_ORDINAL: &str = "
    UPDATE version SET next_comment = next_comment + 1
     WHERE organization_id = $1 AND document_id = $2 AND id = $3 AND status = 'ACTIVE'
    RETURNING next_comment";

const HOLD: &str =
    "SELECT next_comment FROM version WHERE organization_id = $1 AND document_id = $2 AND id = $3";

const COMMENT: &str = concat!(
    "SELECT ",
    comment_columns!(),
    " FROM comment c WHERE ",
    of_version!("c"),
    " AND c.id = $4"
);

const INSERT: &str = "
    INSERT INTO comment (organization_id, document_id, version_id, id, ordinal, parent_id,
                         thread_id, contributor, recipient, visibility, text, created_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

const PAGE: &str = concat!(
    "SELECT ",
    comment_columns!(),
    ", c.ordinal, u.username, u.given_name, u.surname, u.status, u.type
       FROM comment c
       LEFT JOIN site_user u ON u.organization_id = c.organization_id AND u.id = c.contributor
      WHERE ",
    of_version!("c"),
    " AND c.ordinal > $4
        AND (c.visibility = 'PUBLIC' OR $5 = 1 OR c.contributor = $6 OR c.recipient = $6)
      ORDER BY c.ordinal LIMIT $7"
);

/// A comment and, where deleting it takes them along, the deleted ones right above it, each with the
/// number of its replies: no more is read than goes.
const CHAIN: &str = concat!(
    "WITH RECURSIVE up(id, parent_id, level, replies) AS (
         SELECT c.id, c.parent_id, 0, ",
    replies!("c"),
    " FROM comment c WHERE ",
    of_version!("c"),
    " AND c.id = $4
         UNION ALL
         SELECT p.id, p.parent_id, up.level + 1, ",
    replies!("p"),
    " FROM up
           JOIN comment p ON ",
    of_version!("p"),
    " AND p.id = up.parent_id
          WHERE p.text IS NULL AND up.replies = CASE up.level WHEN 0 THEN 0 ELSE 1 END)
     SELECT ",
    comment_columns!(),
    ", up.replies FROM up JOIN comment c ON ",
    of_version!("c"),
    " AND c.id = up.id
      ORDER BY up.level"
);

const BLANK: &str = "
    UPDATE comment SET text = NULL
     WHERE organization_id = $1 AND document_id = $2 AND version_id = $3 AND id = $4";

const DELETE: &str = "
    DELETE FROM comment
     WHERE organization_id = $1 AND document_id = $2 AND version_id = $3 AND id = $4";

/// A comment on a page.
#[derive(Clone, Debug)]
pub struct ListedComment {
    /// The comment.
    pub comment: Comment,
    /// Its place in the list.
    pub ordinal: i64,
    /// Who wrote it, as they are now.
    pub contributor: Contributor,
}

/// A comment with the number of replies to it.
#[derive(Clone, Debug)]
pub struct AnsweredComment {
    /// The comment.
    pub comment: Comment,
    /// How many comments name it as their parent.
    pub replies: i64,
}

impl Tx {
    /// Takes the place of the next comment of an ACTIVE version, which also keeps others from
    /// commenting on it, deleting its comments and deleting the version until the transaction ends.
    /// Nothing when the version is not ACTIVE.
    pub async fn take_comment_ordinal(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
    ) -> Result<Option<i64>, StoreError> {
        let args = [organization.into(), document.into(), version.into()];
        self.row(TAKE_ORDINAL, &args).await?.map(|row| row.int(0)).transpose()
    }

    /// Keeps others from commenting on a version and deleting its comments until the transaction
    /// ends.
    pub async fn hold_comments(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
    ) -> Result<(), StoreError> {
        let args = [organization.into(), document.into(), version.into()];
        self.row_locked(Lock::Update, HOLD, &args).await?;
        Ok(())
    }

    /// Reads a comment of a version.
    pub async fn comment(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
        id: &CommentId,
    ) -> Result<Option<Comment>, StoreError> {
        let args = [organization.into(), document.into(), version.into(), id.into()];
        self.row(COMMENT, &args).await?.as_ref().map(decode_comment).transpose()
    }

    /// Adds a comment in the place that was taken for it.
    pub async fn insert_comment(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
        ordinal: i64,
        comment: &Comment,
    ) -> Result<(), StoreError> {
        let args = [
            organization.into(),
            document.into(),
            version.into(),
            (&comment.id).into(),
            ordinal.into(),
            comment.parent.as_ref().into(),
            (&comment.thread).into(),
            comment.contributor.as_str().into(),
            comment.recipient.as_deref().into(),
            encode_visibility(comment.visibility).into(),
            comment.text.as_ref().map(CommentText::as_str).into(),
            comment.created.into(),
        ];
        self.execute(INSERT, &args).await?;
        Ok(())
    }

    /// Reads a page of the comments of a version that exist for a reader, oldest first, those whose
    /// ordinal is above `after`, each with who wrote it.
    pub async fn comments(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
        reader: &CommentReader,
        after: i64,
        limit: i64,
    ) -> Result<Vec<ListedComment>, StoreError> {
        let args = [
            organization.into(),
            document.into(),
            version.into(),
            after.into(),
            reader.is_host.into(),
            reader.principal.as_str().into(),
            limit.into(),
        ];
        let rows = self.rows(PAGE, &args).await?;
        rows.iter()
            .map(|row| {
                let comment = decode_comment(row)?;
                let contributor = Contributor::new(&comment.contributor, decode_profile(row, 9)?);
                Ok(ListedComment { comment, ordinal: row.int(8)?, contributor })
            })
            .collect()
    }

    /// Reads a comment and the deleted ones right above it that go with it, upwards, and the one that
    /// stays; none where the comment does not exist.
    pub async fn comment_chain(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
        id: &CommentId,
    ) -> Result<Vec<AnsweredComment>, StoreError> {
        let args = [organization.into(), document.into(), version.into(), id.into()];
        let rows = self.rows(CHAIN, &args).await?;
        rows.iter()
            .map(|row| Ok(AnsweredComment { comment: decode_comment(row)?, replies: row.int(8)? }))
            .collect()
    }

    /// Takes a comment's text away and keeps its place.
    pub async fn blank_comment(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
        id: &CommentId,
    ) -> Result<(), StoreError> {
        let args = [organization.into(), document.into(), version.into(), id.into()];
        self.execute(BLANK, &args).await?;
        self.forget_entry_of_comment(organization, document, version, id).await
    }

    /// Removes a comment.
    pub async fn delete_comment(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
        id: &CommentId,
    ) -> Result<(), StoreError> {
        let args = [organization.into(), document.into(), version.into(), id.into()];
        self.execute(DELETE, &args).await?;
        self.forget_entry_of_comment(organization, document, version, id).await
    }
}

fn decode_comment(row: &Row) -> Result<Comment, StoreError> {
    Ok(Comment {
        id: CommentId::new(row.text(0)?),
        parent: row.text_opt(1)?.map(CommentId::new),
        thread: CommentId::new(row.text(2)?),
        contributor: row.text(3)?.to_owned(),
        recipient: row.text_opt(4)?.map(str::to_owned),
        visibility: decode_visibility(row.text(5)?)?,
        text: row.text_opt(6)?.map(CommentText::new),
        created: row.timestamp(7)?,
    })
}

/// Decodes what is known of a user whose columns begin at `at`, where the row has one.
pub(crate) fn decode_profile(row: &Row, at: usize) -> Result<Option<Profile>, StoreError> {
    let Some(username) = row.text_opt(at)? else { return Ok(None) };
    Ok(Some(Profile {
        username: username.to_owned(),
        given_name: row.text(at + 1)?.to_owned(),
        surname: row.text(at + 2)?.to_owned(),
        status: decode_status(row.text(at + 3)?)?,
        user_type: decode_type(row.text(at + 4)?)?,
    }))
}

fn encode_visibility(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Public => "PUBLIC",
        Visibility::Private => "PRIVATE",
    }
}

fn decode_visibility(text: &str) -> Result<Visibility, StoreError> {
    match text {
        "PUBLIC" => Ok(Visibility::Public),
        "PRIVATE" => Ok(Visibility::Private),
        other => Err(corrupt("comment", &format!("visibility {other}"))),
    }
}
