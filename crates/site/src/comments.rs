//! Comments: write one, read them, delete one.

use docharbor_domain::{
    ActivityId, Call, Comment, CommentDeletion, CommentId, Contributor, Deed, Document, DocumentId,
    Granted, NewComment, Power, Refusal, Subject, Timestamp, Version, VersionId, comment_deletion,
};
use docharbor_metadata::Tx;
use serde::{Deserialize, Serialize};

use crate::activities::{activity, record};
use crate::indexing::index_comment;
use crate::{Error, Site, access};

/// A comment with who wrote it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommentView {
    /// The comment.
    pub comment: Comment,
    /// Who wrote it.
    pub contributor: Contributor,
}

/// Which page of a version's comments is wanted.
#[derive(Clone, Debug)]
pub struct CommentsQuery {
    /// The document.
    pub document: DocumentId,
    /// The version.
    pub version: VersionId,
    /// Behind the comment with this ordinal.
    pub after: Option<i64>,
    /// At most so many.
    pub limit: i64,
}

/// A page of a version's comments.
#[derive(Clone, Debug)]
pub struct CommentsPage {
    /// The comments, oldest first.
    pub comments: Vec<CommentView>,
    /// The ordinal behind which the next page begins, if there is one.
    pub next: Option<i64>,
}

#[derive(Clone)]
struct Creation {
    call: Call,
    document: DocumentId,
    version: VersionId,
    id: CommentId,
    comment: NewComment,
    now: Timestamp,
    activity: ActivityId,
}

#[derive(Clone)]
struct Deletion {
    call: Call,
    document: DocumentId,
    version: VersionId,
    id: CommentId,
    now: Timestamp,
    activity: ActivityId,
}

impl Site {
    /// Writes a comment on an ACTIVE version, or a reply to one.
    pub async fn create_comment(
        &self,
        call: &Call,
        document: DocumentId,
        version: VersionId,
        comment: NewComment,
    ) -> Result<CommentView, Error> {
        let now = self.now();
        let id = CommentId::from_random(now, self.random());
        let activity = self.activity_id();
        let input = Creation { call: call.clone(), document, version, id, comment, now, activity };
        self.change(call, input, |tx, input| Box::pin(create(tx, input))).await
    }

    /// Reads a page of the comments of a version that exist for the caller.
    pub async fn comments(&self, call: &Call, query: CommentsQuery) -> Result<CommentsPage, Error> {
        self.read((call.clone(), query), |tx, (call, query)| Box::pin(page(tx, call, query))).await
    }

    /// Deletes a comment. While it has replies it stays without its text.
    pub async fn delete_comment(
        &self,
        call: &Call,
        document: DocumentId,
        version: VersionId,
        id: CommentId,
    ) -> Result<(), Error> {
        let (now, activity) = (self.now(), self.activity_id());
        let input = Deletion { call: call.clone(), document, version, id, now, activity };
        self.change(call, input, |tx, input| Box::pin(delete(tx, input))).await
    }
}

async fn create(tx: &mut Tx, input: &Creation) -> Result<CommentView, Error> {
    let Creation { call, document, version, .. } = input;
    let organization = call.organization();
    let granted = access::document(tx, call, document, Power::Comment).await?;
    if !shown(tx, call, &granted, version).await?.is_active() {
        return Err(Refusal::ProhibitedState(
            "an upload that is not finished has no comments; activate the version first",
        )
        .into());
    }
    // From here on nothing that is replied to can go away.
    let ordinal = tx.take_comment_ordinal(organization, document, version).await?;
    let ordinal = ordinal.ok_or_else(|| Version::not_found(version))?;
    let answered = match input.comment.answered() {
        Some(id) => tx.comment(organization, document, version, id).await?,
        None => None,
    };
    let author = granted.comment_reader(call);
    let comment = input.comment.clone().write(input.id.clone(), &author, answered, input.now)?;
    tx.insert_comment(organization, document, version, ordinal, &comment).await?;
    let subject = Subject::from(granted.get()).with_version(version);
    let mut done = activity(call, &input.activity, input.now, Deed::AddedComment, subject);
    done.comment = Some((&comment).into());
    record(tx, organization, &done).await?;
    index_comment(tx, organization, document, version, &comment).await?;
    let user = match call.user_id() {
        Some(id) => tx.user(organization, id).await?,
        None => None,
    };
    let contributor = Contributor::new(&comment.contributor, user.map(Into::into));
    Ok(CommentView { comment, contributor })
}

async fn page(tx: &mut Tx, call: &Call, query: &CommentsQuery) -> Result<CommentsPage, Error> {
    let CommentsQuery { document, version, .. } = query;
    let granted = access::document(tx, call, document, Power::ReadHistory).await?;
    shown(tx, call, &granted, version).await?;
    let reader = granted.comment_reader(call);
    let after = query.after.unwrap_or(i64::MIN);
    // One more than the page holds tells whether another page follows.
    let organization = call.organization();
    let mut listed =
        tx.comments(organization, document, version, &reader, after, query.limit + 1).await?;
    let most = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let has_more = listed.len() > most;
    listed.truncate(most);
    let next = listed.last().filter(|_| has_more).map(|last| last.ordinal);
    let comments = listed
        .into_iter()
        .map(|listed| CommentView { comment: listed.comment, contributor: listed.contributor })
        .collect();
    Ok(CommentsPage { comments, next })
}

async fn delete(tx: &mut Tx, input: &Deletion) -> Result<(), Error> {
    let Deletion { call, document, version, id, .. } = input;
    let organization = call.organization();
    let granted = access::document(tx, call, document, Power::Comment).await?;
    shown(tx, call, &granted, version).await?;
    tx.hold_comments(organization, document, version).await?;
    let chain = tx.comment_chain(organization, document, version, id).await?;
    let comment = chain.first().map(|level| &level.comment);
    granted.comment_reader(call).require_deletable(comment, id)?;
    let replies: Vec<i64> = chain.iter().map(|level| level.replies).collect();
    match comment_deletion(&replies) {
        CommentDeletion::Blank => tx.blank_comment(organization, document, version, id).await?,
        CommentDeletion::Remove { count } => {
            for level in chain.iter().take(count) {
                tx.delete_comment(organization, document, version, &level.comment.id).await?;
            }
        }
    }
    let subject = Subject::from(granted.get()).with_version(version);
    let mut done = activity(call, &input.activity, input.now, Deed::DeletedComment, subject);
    done.comment = comment.map(Into::into);
    record(tx, organization, &done).await
}

/// The version, if it exists for the caller. The one that stands for the document is known already.
async fn shown(
    tx: &mut Tx,
    call: &Call,
    granted: &Granted<Document>,
    id: &VersionId,
) -> Result<Version, Error> {
    let document = granted.get();
    let found = if document.latest.id == *id {
        Some(document.latest.clone())
    } else {
        tx.version(call.organization(), &document.id, id).await?
    };
    Ok(granted.show(found, id, call)?)
}
