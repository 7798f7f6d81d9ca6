//! Comments: their shapes, requests and answers.

use crate::collection::collections;
use crate::enumeration::{CommentStatusType, CommentVisibilityType};
use crate::number::{BooleanType, LimitType};
use crate::structure::{requests, structures};
use crate::text::{
    CommentIdType, CommentTextType, DocumentVersionIdType, IdType, MarkerType, ResourceIdType,
};
use crate::time::TimestampType;
use crate::users::User;

collections! {
    /// Comments on a version.
    list CommentList of Comment, [] [];
}

structures! {
    /// A comment.
    Comment {
        /// The comment's id.
        comment_id: CommentIdType, required "CommentId";
        /// The comment it replies to.
        parent_id: CommentIdType, optional "ParentId";
        /// The comment its thread begins with.
        thread_id: CommentIdType, optional "ThreadId";
        /// What it says; nothing once it is deleted.
        text: CommentTextType, optional "Text";
        /// The user who wrote it.
        contributor: User, optional "Contributor";
        /// When it was written.
        created_timestamp: TimestampType, optional "CreatedTimestamp";
        /// The comment's state.
        status: CommentStatusType, optional "Status";
        /// Who sees it.
        visibility: CommentVisibilityType, optional "Visibility";
        /// The user whom a private reply is for.
        recipient_id: IdType, optional "RecipientId";
    }
    /// The answer to `CreateComment`.
    CreateCommentResponse {
        /// The new comment.
        comment: Comment, always "Comment";
    }
    /// The answer to `DescribeComments`.
    DescribeCommentsResponse {
        /// One page of the comments.
        comments: CommentList, always "Comments";
        /// Where the next page begins; absent on the last one.
        marker: MarkerType, optional "Marker";
    }
}

requests! {
    CreateComment(CreateCommentRequest) -> CreateCommentResponse {
        /// The document.
        document_id: ResourceIdType, required uri "DocumentId";
        /// The version.
        version_id: DocumentVersionIdType, required uri "VersionId";
        /// The comment to reply to.
        parent_id: CommentIdType, optional body "ParentId";
        /// The comment that the thread begins with.
        thread_id: CommentIdType, optional body "ThreadId";
        /// What the comment says.
        text: CommentTextType, required body "Text";
        /// Who is to see it.
        visibility: CommentVisibilityType, optional body "Visibility";
        /// Whether those who work on the document are told.
        notify_collaborators: BooleanType, optional body "NotifyCollaborators";
    }
    DescribeComments(DescribeCommentsRequest) -> DescribeCommentsResponse {
        /// The document.
        document_id: ResourceIdType, required uri "DocumentId";
        /// The version.
        version_id: DocumentVersionIdType, required uri "VersionId";
        /// How many comments the page may hold.
        limit: LimitType, optional query "Limit" as "limit";
        /// Where the page begins.
        marker: MarkerType, optional query "Marker" as "marker";
    }
    DeleteComment(DeleteCommentRequest) {
        /// The document.
        document_id: ResourceIdType, required uri "DocumentId";
        /// The version.
        version_id: DocumentVersionIdType, required uri "VersionId";
        /// The comment.
        comment_id: CommentIdType, required uri "CommentId";
    }
}
