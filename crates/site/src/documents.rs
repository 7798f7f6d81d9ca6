//! Documents: read one, read its versions, delete it.

use docharbor_domain::{
    ActivityId, Call, Deed, Document, DocumentId, Power, Subject, Timestamp, Version, VersionId,
};
use docharbor_metadata::Tx;

use crate::activities::{activity, record};
use crate::folders::changing;
use crate::jobs::{VERSIONS_AT_ONCE, remove_versions};
use crate::uploads::Disposal;
use crate::{Error, Site, access};

#[derive(Clone)]
struct Deletion {
    call: Call,
    id: DocumentId,
    now: Timestamp,
    activity: ActivityId,
    disposal: Disposal,
}

/// A version as it is shown to a caller.
#[derive(Clone, Debug)]
pub struct VersionView {
    /// The version.
    pub version: Version,
    /// Whether the caller may read its bytes.
    pub may_download: bool,
    /// What an activity about it is about.
    subject: Subject,
}

impl Site {
    /// Reads a document with the version that stands for it.
    pub async fn document(&self, call: &Call, id: DocumentId) -> Result<Document, Error> {
        self.look_up((call.clone(), id), |tx, (call, id)| Box::pin(read_document(tx, call, id)))
            .await
    }

    /// Reads one version of a document.
    pub async fn version(
        &self,
        call: &Call,
        document: DocumentId,
        id: VersionId,
    ) -> Result<VersionView, Error> {
        let input = (call.clone(), document, id);
        self.look_up(input, |tx, (call, document, id)| {
            Box::pin(read_version(tx, call, document, id))
        })
        .await
    }

    /// Notes that the caller is given a URL to the bytes of a version they may read.
    pub async fn note_download(&self, call: &Call, view: &VersionView) {
        self.record_download(call, view.subject.clone()).await;
    }

    /// Deletes a document with all its versions for good.
    pub async fn delete_document(&self, call: &Call, id: DocumentId) -> Result<(), Error> {
        let now = self.now();
        let input = Deletion {
            call: call.clone(),
            id,
            now,
            activity: self.activity_id(),
            disposal: self.disposal(now),
        };
        self.change(call, input, |tx, input| Box::pin(delete(tx, input))).await?;
        self.wake_jobs();
        Ok(())
    }
}

pub(crate) async fn read_document(
    tx: &mut Tx,
    call: &Call,
    id: &DocumentId,
) -> Result<Document, Error> {
    Ok(access::document(tx, call, id, Power::View).await?.into_inner())
}

pub(crate) async fn read_version(
    tx: &mut Tx,
    call: &Call,
    document: &DocumentId,
    id: &VersionId,
) -> Result<VersionView, Error> {
    let granted = access::document(tx, call, document, Power::View).await?;
    let found = tx.version(call.organization(), document, id).await?;
    let may_download = granted.has(Power::Download);
    let version = granted.show(found, id, call)?;
    let subject = Subject {
        name: version.name.clone(),
        version: Some(version.id.clone()),
        ..granted.get().into()
    };
    Ok(VersionView { version, may_download, subject })
}

async fn delete(tx: &mut Tx, input: &Deletion) -> Result<(), Error> {
    let organization = input.call.organization();
    let document = access::document(tx, &input.call, &input.id, Power::Delete).await?;
    let document = document.get();
    let id = document.id.clone().into();
    if tx.lock_item(organization, &document.parent, &id).await?.is_none() {
        return Err(changing());
    }
    tx.detach(organization, &id).await?;
    tx.count_items(organization, &document.parent, -1).await?;
    tx.touch_folder(organization, &document.parent, input.now).await?;
    tx.insert_purge(organization, &id, input.now).await?;
    // A draft never was there for others.
    if document.latest.is_active() {
        let subject = Subject::from(document).with_version(&document.latest.id);
        let deed = Deed::DeletedDocument;
        let done = activity(&input.call, &input.activity, input.now, deed, subject);
        record(tx, organization, &done).await?;
    }
    // A document has few versions as a rule: then its quota is free with the answer.
    let removed =
        remove_versions(tx, organization, &document.id, &document.owner, &input.disposal).await?;
    if removed < VERSIONS_AT_ONCE {
        tx.finish_purge(organization, &id).await?;
    }
    Ok(())
}
