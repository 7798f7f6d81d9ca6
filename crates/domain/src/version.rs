//! Versions: the life of one upload of a document.

use serde::{Deserialize, Serialize};

use crate::access::Granted;
use crate::permission::{Power, Standing};
use crate::{BlobId, Call, Document, Refusal, ResourceName, Timestamp, VersionId};

/// One version of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its id.
    pub id: VersionId,
    /// The document's name as of this version.
    pub name: ResourceName,
    /// The media type the uploader gave.
    pub content_type: String,
    /// Who began the upload: an ARN or a user's id.
    pub creator: String,
    /// Where it is in its life.
    pub status: VersionStatus,
    /// When the upload began.
    pub created: Timestamp,
    /// When the version last changed: for an ACTIVE one, when it was activated.
    pub modified: Timestamp,
    /// When the content was made, where the uploader said so.
    pub content_created: Option<Timestamp>,
    /// When the content was last changed, where the uploader said so.
    pub content_modified: Option<Timestamp>,
}

/// Where a version is in its life. It goes from INITIALIZED to ACTIVE or is gone; never back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VersionStatus {
    /// Begun. The content may or may not have arrived; nobody but the uploader sees it.
    Initialized {
        /// The size the uploader said the content has.
        declared_bytes: Option<i64>,
        /// Bytes the owner's quota is charged with now.
        charged_bytes: i64,
        /// The content, once it has arrived.
        received: Option<BlobId>,
        /// When the upload is given up.
        expires: Timestamp,
    },
    /// Visible. Its content never changes.
    Active(Content),
}

/// The content of an ACTIVE version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The stored bytes.
    pub blob: BlobId,
    /// How many there are.
    pub size_bytes: i64,
    /// Their MD5, in lower-case hexadecimal: the protocol's `Signature`.
    pub md5: String,
}

impl Version {
    /// Whether the version is ACTIVE.
    pub fn is_active(&self) -> bool {
        matches!(self.status, VersionStatus::Active(_))
    }

    /// The content of an ACTIVE version; an INITIALIZED one has none to show.
    pub fn content(&self) -> Option<&Content> {
        match &self.status {
            VersionStatus::Active(content) => Some(content),
            VersionStatus::Initialized { .. } => None,
        }
    }

    /// The answer for a version that does not exist, and for a draft the caller may not see.
    pub fn not_found(id: &VersionId) -> Refusal {
        Refusal::NotFound { what: "the version", ids: vec![id.as_str().to_owned()] }
    }
}

impl Granted<Document> {
    /// Shows a version to a caller: a draft exists only for who began it, the owner and co-owners,
    /// and an older version is history.
    pub fn show(
        &self,
        version: Option<Version>,
        id: &VersionId,
        call: &Call,
    ) -> Result<Version, Refusal> {
        let version = version
            .filter(|version| version.is_active() || self.may_finish(version, call))
            .ok_or_else(|| Version::not_found(id))?;
        if version.is_active() && version.id != self.get().latest.id {
            self.require(Power::ReadHistory)?;
        }
        Ok(version)
    }
}

/// Whose drafts a listing shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftsShown {
    /// Those of everybody.
    All,
    /// Those that this principal began.
    Of(String),
    /// None.
    None,
}

impl<T> Granted<T> {
    /// Whose drafts the caller sees in a listing: those they may finish. A listing leaves the others
    /// out as it reads, or its pages and markers would tell of them.
    pub fn drafts_shown(&self, call: &Call) -> DraftsShown {
        if self.held() >= Standing::CoOwner {
            DraftsShown::All
        } else {
            DraftsShown::Of(call.caller().principal().to_owned())
        }
    }

    /// Whether the caller may see, finish or abort a draft of this document, or of this folder's.
    pub fn may_finish(&self, version: &Version, call: &Call) -> bool {
        self.may_finish_draft_of(&version.creator, call)
    }

    /// Whether the caller may see, finish or abort what somebody began here.
    pub fn may_finish_draft_of(&self, creator: &str, call: &Call) -> bool {
        self.held() >= Standing::CoOwner || creator == call.caller().principal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::{Action, Administrator, Caller, Identity, Scope};
    use crate::{
        AccessKeyId, Circumstances, DocumentId, FolderId, Found, Grants, Item, Life,
        OrganizationId, Permit, Power, UserId, grant,
    };

    #[test]
    fn a_missing_version_and_an_invisible_draft_get_the_same_answer() {
        let caller = Caller {
            organization: OrganizationId::new("d-0000000000"),
            identity: Identity::Administrator(Administrator {
                access_key_id: AccessKeyId::new("AKIA"),
                arn: "arn:aws:iam::000000000000:user/root".to_owned(),
                role_arn: None,
                permit: Permit::everything(),
            }),
        };
        let action = Action { name: "GetDocumentVersion", scope: Scope::Read };
        let call = Call::admit(caller, action, Circumstances::default(), None).unwrap();
        let now = Timestamp::from_millis(1);
        let version = Version {
            id: VersionId::new("1-a"),
            name: ResourceName::new("a"),
            content_type: String::new(),
            creator: "somebody else".to_owned(),
            status: VersionStatus::Initialized {
                declared_bytes: None,
                charged_bytes: 0,
                received: None,
                expires: now,
            },
            created: now,
            modified: now,
            content_created: None,
            content_modified: None,
        };
        let document = Document {
            id: DocumentId::new("d"),
            parent: FolderId::new("f"),
            owner: UserId::new("ann"),
            created: now,
            modified: now,
            latest: version.clone(),
            creator: "ann".to_owned(),
            is_recycled: false,
            labels: Vec::new(),
        };
        let found = Found {
            owner: document.owner.clone(),
            creator: document.creator.clone(),
            is_document: true,
            depth: 1,
            life: Life::Live,
            grants: Grants::default(),
            resource: Item::Document(Box::new(document)),
        };
        let granted = grant(Some(found), &call, Power::View).unwrap().document().unwrap();
        let id = VersionId::new("1-a");
        assert_eq!(granted.show(None, &id, &call), Err(Version::not_found(&id)));
        assert!(granted.show(Some(version), &id, &call).is_ok());
    }
}
