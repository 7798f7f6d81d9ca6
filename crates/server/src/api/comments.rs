//! Comment operations: decode, ask the site, encode.

use docharbor_domain::{
    CommentId, CommentText, Contributor, DocumentId, NewComment, VersionId, Visibility, limits,
};
use docharbor_site::{CommentView, CommentsQuery};
use docharbor_wire as wire;
use docharbor_wire::{
    CommentStatusType, CommentVisibilityType, CreateCommentRequest, CreateCommentResponse,
    DeleteCommentRequest, DescribeCommentsRequest, DescribeCommentsResponse, LimitType, MarkerType,
    Request as _,
};

use super::error::Problem;
use super::{Admitted, Reply, encode, marker};

pub(super) async fn create(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = CreateCommentRequest::decode(&admitted.input)?;
    let document = DocumentId::new(request.document_id.into_inner());
    let version = VersionId::new(request.version_id.into_inner());
    let comment = NewComment {
        text: CommentText::new(request.text.into_inner()),
        visibility: request.visibility.map(|visibility| match visibility {
            CommentVisibilityType::Public => Visibility::Public,
            CommentVisibilityType::Private => Visibility::Private,
        }),
        parent: request.parent_id.map(|id| CommentId::new(id.into_inner())),
        thread: request.thread_id.map(|id| CommentId::new(id.into_inner())),
    };
    let site = admitted.door.site();
    let made = site.create_comment(&admitted.call, document, version, comment).await?;
    let contributor = match &made.contributor {
        Contributor::Administrator(arn) => wire::User {
            id: Some(arn.clone()),
            username: Some(arn.clone()),
            status: Some(wire::UserStatusType::Active),
            ..encode::nobody()
        },
        Contributor::User(id, profile) => encode::contributor(id, profile.as_ref()),
    };
    Reply::json(&CreateCommentResponse { comment: shape(&made, contributor) })
}

pub(super) async fn describe(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = DescribeCommentsRequest::decode(&admitted.input)?;
    let document = DocumentId::new(request.document_id.into_inner());
    let version = VersionId::new(request.version_id.into_inner());
    let list = format!("DescribeComments|{}|{document}|{version}", admitted.call.organization());
    let site = admitted.door.site();
    let marker = request.marker.as_ref().map(MarkerType::as_str);
    let query = CommentsQuery {
        document,
        version,
        after: marker::read_text(site, &list, marker)?,
        limit: request.limit.map_or(limits::PAGE_SIZE_DEFAULT, LimitType::get),
    };
    let page = site.comments(&admitted.call, query).await?;
    let next = page.next.map(|ordinal| marker::write(site, &list, &ordinal));
    let listed =
        page.comments.iter().map(|view| shape(view, encode::listed_contributor(&view.contributor)));
    Reply::json(&DescribeCommentsResponse { comments: listed.collect(), marker: next.transpose()? })
}

pub(super) async fn delete(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = DeleteCommentRequest::decode(&admitted.input)?;
    let document = DocumentId::new(request.document_id.into_inner());
    let version = VersionId::new(request.version_id.into_inner());
    let id = CommentId::new(request.comment_id.into_inner());
    admitted.door.site().delete_comment(&admitted.call, document, version, id).await?;
    Ok(Reply::Empty)
}

fn shape(view: &CommentView, contributor: wire::User) -> wire::Comment {
    let comment = &view.comment;
    let is_deleted = comment.text.is_none();
    wire::Comment {
        comment_id: comment.id.as_str().to_owned(),
        parent_id: comment.parent.as_ref().map(|id| id.as_str().to_owned()),
        thread_id: Some(comment.thread.as_str().to_owned()),
        text: comment.text.as_ref().map(|text| text.as_str().to_owned()),
        contributor: Some(contributor),
        created_timestamp: Some(encode::moment(comment.created)),
        status: Some(if is_deleted {
            CommentStatusType::Deleted
        } else {
            CommentStatusType::Published
        }),
        visibility: Some(match comment.visibility {
            Visibility::Public => CommentVisibilityType::Public,
            Visibility::Private => CommentVisibilityType::Private,
        }),
        recipient_id: comment.recipient.clone(),
    }
}
