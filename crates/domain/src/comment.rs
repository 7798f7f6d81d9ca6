//! Comments on a version: who reads them, what a reply answers, what deleting one leaves.

use serde::{Deserialize, Serialize};

use crate::access::Granted;
use crate::permission::Power;
use crate::user::{User, UserStatus, UserType};
use crate::{Call, CommentId, Document, Refusal, Timestamp, UserId};

/// What a comment says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommentText(String);

impl CommentText {
    /// Takes a text that the wire's constraint (1–2,048 characters) has already bounded.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Comments are the users' own business and must not reach a log.
impl std::fmt::Debug for CommentText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CommentText(…)")
    }
}

/// Who reads a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Visibility {
    /// Everybody who reads the comments of the document.
    Public,
    /// Its author, whom it answers, the document's owner and co-owners.
    Private,
}

/// A comment on a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// The comment it replies to; none where it begins a thread.
    pub parent: Option<CommentId>,
    /// The comment its thread begins with: itself, where it begins one.
    pub thread: CommentId,
    /// Who wrote it: an ARN or a user's id.
    pub contributor: String,
    /// Who wrote what it replies to.
    pub recipient: Option<String>,
    /// Who reads it.
    pub visibility: Visibility,
    /// What it says; nothing once it was deleted and is kept for its replies.
    pub text: Option<CommentText>,
    /// When it was written.
    pub created: Timestamp,
}

/// A comment as its author asks for it.
#[derive(Clone, Debug)]
pub struct NewComment {
    /// What it says.
    pub text: CommentText,
    /// Who is to read it, where the author says so.
    pub visibility: Option<Visibility>,
    /// The comment it replies to.
    pub parent: Option<CommentId>,
    /// The comment its thread begins with.
    pub thread: Option<CommentId>,
}

/// Who wrote a comment, as its readers are shown them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Contributor {
    /// The holder of an access key, by their ARN.
    Administrator(String),
    /// A user; one who was deleted has no profile any more.
    User(UserId, Option<Profile>),
}

/// What the readers of a comment are told of the user who wrote it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The name the user signs in with.
    pub username: String,
    /// The given name.
    pub given_name: String,
    /// The family name.
    pub surname: String,
    /// Whether the user may use the site now.
    pub status: UserStatus,
    /// What the user may do to the site.
    pub user_type: UserType,
}

/// Names of people must not reach a log.
impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Profile(…)")
    }
}

impl From<User> for Profile {
    fn from(user: User) -> Self {
        Self {
            username: user.username,
            given_name: user.given_name,
            surname: user.surname,
            status: user.status,
            user_type: user.user_type,
        }
    }
}

impl Contributor {
    /// Tells a user from an administrator by what is kept of them, and adds what is known of a user.
    pub fn new(principal: &str, profile: Option<Profile>) -> Self {
        if principal.starts_with("arn:") {
            Self::Administrator(principal.to_owned())
        } else {
            Self::User(UserId::new(principal), profile)
        }
    }
}

/// Somebody who may read the comments of a document, and how much of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentReader {
    /// Who they are: an ARN or a user's id.
    pub principal: String,
    /// Whether they read what is private between others, and may delete what others wrote.
    pub is_host: bool,
}

impl Granted<Document> {
    /// The caller as a reader of the document's comments.
    pub fn comment_reader(&self, call: &Call) -> CommentReader {
        CommentReader {
            principal: call.caller().principal().to_owned(),
            is_host: self.held() >= Power::Manage.needs(),
        }
    }
}

impl CommentReader {
    /// Whether a comment exists for them. Reading a page decides the same in its statement.
    pub fn sees(&self, comment: &Comment) -> bool {
        match comment.visibility {
            Visibility::Public => true,
            Visibility::Private => {
                self.is_host
                    || comment.contributor == self.principal
                    || comment.recipient.as_ref() == Some(&self.principal)
            }
        }
    }

    /// Holds them to deleting what they wrote, unless the document is theirs. What they do not see
    /// and what is deleted already does not exist.
    pub fn require_deletable(
        &self,
        comment: Option<&Comment>,
        id: &CommentId,
    ) -> Result<(), Refusal> {
        let comment = comment
            .filter(|comment| comment.text.is_some() && self.sees(comment))
            .ok_or_else(|| Comment::not_found(id))?;
        if self.is_host || comment.contributor == self.principal {
            return Ok(());
        }
        Err(Refusal::NotAllowed(
            "only its author and the document's owner and co-owners delete a comment",
        ))
    }
}

impl Comment {
    /// The answer for a comment that does not exist, and for one that is not the caller's to see.
    pub fn not_found(id: &CommentId) -> Refusal {
        Refusal::NotFound { what: "the comment", ids: vec![id.as_str().to_owned()] }
    }
}

impl NewComment {
    /// The comment this one replies to, if any. A thread alone means the comment it begins with.
    pub fn answered(&self) -> Option<&CommentId> {
        self.parent.as_ref().or(self.thread.as_ref())
    }

    /// Writes the comment. `answered` is the comment that [`NewComment::answered`] names, where the
    /// version has it.
    ///
    /// A reply to a private comment is private too, unless its author says otherwise.
    pub fn write(
        self,
        id: CommentId,
        author: &CommentReader,
        answered: Option<Comment>,
        now: Timestamp,
    ) -> Result<Comment, Refusal> {
        let answered = match self.answered() {
            Some(_) => Some(self.answerable(answered, author)?),
            None => None,
        };
        let inherited =
            answered.as_ref().map_or(Visibility::Public, |answered| answered.visibility);
        let (parent, thread, recipient) = match answered {
            Some(answered) => (Some(answered.id), answered.thread, Some(answered.contributor)),
            None => (None, id.clone(), None),
        };
        Ok(Comment {
            id,
            parent,
            thread,
            contributor: author.principal.clone(),
            recipient,
            visibility: self.visibility.unwrap_or(inherited),
            text: Some(self.text),
            created: now,
        })
    }

    fn answerable(
        &self,
        answered: Option<Comment>,
        author: &CommentReader,
    ) -> Result<Comment, Refusal> {
        let answered = answered
            .filter(|comment| author.sees(comment))
            .ok_or(Refusal::InvalidComment("the version has no such comment to reply to"))?;
        if answered.text.is_none() {
            return Err(Refusal::InvalidComment("a deleted comment cannot be replied to"));
        }
        if self.thread.as_ref().is_some_and(|thread| *thread != answered.thread) {
            return Err(Refusal::InvalidComment(
                "ThreadId must name the comment that the thread of ParentId begins with",
            ));
        }
        Ok(answered)
    }
}

/// What deleting a comment does to it and to the comments above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommentDeletion {
    /// It stays without its text, because replies hang on it.
    Blank,
    /// It goes, with as many of the deleted comments above it that were kept for this reply alone.
    Remove {
        /// How many go: the comment itself is the first.
        count: usize,
    },
}

/// Decides what deleting a comment does. `replies` are the numbers of replies to it, then to each
/// of the deleted comments right above it, upwards.
pub fn comment_deletion(replies: &[i64]) -> CommentDeletion {
    match replies {
        [0, above @ ..] => CommentDeletion::Remove {
            count: 1 + above.iter().take_while(|replies| **replies == 1).count(),
        },
        _ => CommentDeletion::Blank,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(principal: &str, is_host: bool) -> CommentReader {
        CommentReader { principal: principal.to_owned(), is_host }
    }

    fn comment(
        id: &str,
        author: &str,
        answers: Option<&Comment>,
        visibility: Visibility,
    ) -> Comment {
        Comment {
            id: CommentId::new(id),
            parent: answers.map(|answered| answered.id.clone()),
            thread: answers.map_or_else(|| CommentId::new(id), |answered| answered.thread.clone()),
            contributor: author.to_owned(),
            recipient: answers.map(|answered| answered.contributor.clone()),
            visibility,
            text: Some(CommentText::new("secret plan")),
            created: Timestamp::from_millis(1),
        }
    }

    fn deleted(comment: &Comment) -> Comment {
        Comment { text: None, ..comment.clone() }
    }

    fn new(
        parent: Option<&str>,
        thread: Option<&str>,
        visibility: Option<Visibility>,
    ) -> NewComment {
        NewComment {
            text: CommentText::new("secret plan"),
            visibility,
            parent: parent.map(CommentId::new),
            thread: thread.map(CommentId::new),
        }
    }

    fn write(
        new: NewComment,
        author: &CommentReader,
        answered: Option<&Comment>,
    ) -> Result<Comment, Refusal> {
        new.write(CommentId::new("new"), author, answered.cloned(), Timestamp::from_millis(2))
    }

    #[test]
    fn a_private_comment_is_read_by_its_author_whom_it_answers_and_the_hosts() {
        let root = comment("root", "ann", None, Visibility::Public);
        let private_root = comment("private", "ann", None, Visibility::Private);
        let reply = comment("reply", "bob", Some(&root), Visibility::Public);
        let private_reply = comment("private reply", "bob", Some(&root), Visibility::Private);
        let rows = [
            // (reader, is host, public root, private root, public reply, private reply)
            ("ann", false, [true, true, true, true]),
            ("bob", false, [true, false, true, true]),
            ("eve", false, [true, false, true, false]),
            ("eve", true, [true, true, true, true]),
        ];
        for (principal, is_host, expected) in rows {
            let reader = reader(principal, is_host);
            for (comment, expected) in
                [&root, &private_root, &reply, &private_reply].into_iter().zip(expected)
            {
                assert_eq!(reader.sees(comment), expected, "{principal} {is_host} {}", comment.id);
                assert_eq!(reader.sees(&deleted(comment)), expected, "a tombstone is no different");
            }
        }
    }

    #[test]
    fn a_comment_without_a_parent_begins_a_thread() {
        let written = write(new(None, None, None), &reader("ann", false), None).unwrap();
        assert_eq!(written.thread, written.id);
        assert_eq!((written.parent, written.recipient), (None, None));
        assert_eq!(written.visibility, Visibility::Public);
        assert_eq!(written.contributor, "ann");
    }

    #[test]
    fn a_reply_joins_the_thread_of_what_it_answers_and_is_for_its_author() {
        let root = comment("root", "ann", None, Visibility::Public);
        let reply = comment("reply", "bob", Some(&root), Visibility::Public);
        let rows = [
            // (parent, thread, the comment found, recipient)
            (Some("root"), None, &root, "ann"),
            (Some("root"), Some("root"), &root, "ann"),
            (None, Some("root"), &root, "ann"),
            (Some("reply"), None, &reply, "bob"),
            (Some("reply"), Some("root"), &reply, "bob"),
        ];
        for (parent, thread, answered, recipient) in rows {
            let new = new(parent, thread, None);
            assert_eq!(new.answered(), Some(&answered.id));
            let written = write(new, &reader("cleo", false), Some(answered)).unwrap();
            assert_eq!(written.parent.as_ref(), Some(&answered.id));
            assert_eq!(written.thread.as_str(), "root");
            assert_eq!(written.recipient.as_deref(), Some(recipient));
        }
    }

    #[test]
    fn a_reply_to_what_is_not_there_or_stands_elsewhere_is_refused() {
        let root = comment("root", "ann", None, Visibility::Public);
        let reply = comment("reply", "bob", Some(&root), Visibility::Public);
        let private = comment("private", "ann", None, Visibility::Private);
        let gone = deleted(&root);
        let rows = [
            ("unknown parent", Some("x"), None, None),
            ("unknown thread", None, Some("x"), None),
            ("deleted parent", Some("root"), None, Some(&gone)),
            ("deleted thread", None, Some("root"), Some(&gone)),
            ("another thread", Some("reply"), Some("other"), Some(&reply)),
            ("a reply as thread", None, Some("reply"), Some(&reply)),
            ("a reply as its own thread", Some("reply"), Some("reply"), Some(&reply)),
            ("private to others", Some("private"), None, Some(&private)),
        ];
        for (case, parent, thread, answered) in rows {
            let refused = write(new(parent, thread, None), &reader("cleo", false), answered);
            assert!(matches!(refused, Err(Refusal::InvalidComment(_))), "{case}: {refused:?}");
        }
        let unknown = write(new(Some("x"), None, None), &reader("cleo", false), None);
        let hidden =
            write(new(Some("private"), None, None), &reader("cleo", false), Some(&private));
        assert_eq!(unknown, hidden, "what is hidden must not be told from nothing");
    }

    #[test]
    fn a_reply_is_as_private_as_what_it_answers_unless_its_author_says_otherwise() {
        let rows = [
            // (answered, asked for, becomes)
            (Visibility::Public, None, Visibility::Public),
            (Visibility::Public, Some(Visibility::Private), Visibility::Private),
            (Visibility::Private, None, Visibility::Private),
            (Visibility::Private, Some(Visibility::Public), Visibility::Public),
        ];
        for (answered, asked, becomes) in rows {
            let answered = comment("root", "ann", None, answered);
            let reply = new(Some("root"), None, asked);
            let written = write(reply, &reader("bob", true), Some(&answered)).unwrap();
            assert_eq!(written.visibility, becomes);
        }
    }

    #[test]
    fn a_comment_is_deleted_by_its_author_and_the_hosts() {
        let public = comment("c", "ann", None, Visibility::Public);
        let private = comment("c", "ann", None, Visibility::Private);
        let gone = deleted(&public);
        let not_allowed = "not allowed";
        let not_found = "not found";
        let rows = [
            // (who, is host, comment, outcome)
            ("ann", false, Some(&public), "done"),
            ("bob", false, Some(&public), not_allowed),
            ("bob", true, Some(&public), "done"),
            ("ann", false, Some(&private), "done"),
            ("bob", false, Some(&private), not_found),
            ("bob", true, Some(&private), "done"),
            ("ann", false, Some(&gone), not_found),
            ("bob", true, Some(&gone), not_found),
            ("bob", false, None, not_found),
            ("bob", true, None, not_found),
        ];
        for (who, is_host, comment, expected) in rows {
            let id = CommentId::new("c");
            let outcome = match reader(who, is_host).require_deletable(comment, &id) {
                Ok(()) => "done",
                Err(Refusal::NotAllowed(_)) => not_allowed,
                Err(refusal) if refusal == Comment::not_found(&id) => not_found,
                Err(other) => panic!("{other:?}"),
            };
            assert_eq!(outcome, expected, "{who} {is_host} {comment:?}");
        }
    }

    #[test]
    fn a_deleted_comment_stays_while_it_is_answered_and_takes_kept_ones_above_along() {
        let remove = |count| CommentDeletion::Remove { count };
        let rows: [(&[i64], CommentDeletion); 8] = [
            (&[0], remove(1)),
            (&[1], CommentDeletion::Blank),
            (&[7], CommentDeletion::Blank),
            (&[1, 1], CommentDeletion::Blank),
            (&[0, 1], remove(2)),
            (&[0, 2], remove(1)),
            (&[0, 1, 1, 2, 1], remove(3)),
            (&[0, 2, 1], remove(1)),
        ];
        for (replies, expected) in rows {
            assert_eq!(comment_deletion(replies), expected, "{replies:?}");
        }
    }

    #[test]
    fn a_contributor_is_a_user_or_an_administrator() {
        let arn = "arn:aws:iam::000000000000:user/root";
        assert_eq!(Contributor::new(arn, None), Contributor::Administrator(arn.to_owned()));
        assert_eq!(Contributor::new("ann", None), Contributor::User(UserId::new("ann"), None));
    }

    #[test]
    fn neither_text_nor_names_show_in_debug_output() {
        let comment = comment("c", "ann", None, Visibility::Public);
        let profile = Profile {
            username: "secret".to_owned(),
            given_name: "secret".to_owned(),
            surname: "secret".to_owned(),
            status: UserStatus::Active,
            user_type: UserType::User,
        };
        let shown = format!(
            "{comment:?} {:?} {:?}",
            new(None, None, None),
            Contributor::new("ann", Some(profile))
        );
        assert!(!shown.contains("secret"), "{shown}");
    }
}
