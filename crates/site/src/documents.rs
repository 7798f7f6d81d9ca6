//! Documents: read one, read its versions, delete it.

use docharbor_domain::{Call, Document, DocumentId, Power, Timestamp, Version, VersionId};
use docharbor_metadata::Tx;

use crate::folders::changing;
use crate::jobs::{VERSIONS_AT_ONCE, remove_versions};
use crate::uploads::Disposal;
use crate::{Error, Site, access};

#[derive(Clone)]
struct Deletion {
    call: Call,
    id: DocumentId,
    now: Timestamp,
    disposal: Disposal,
}

/// A version as it is shown to a caller.
#[derive(Clone, Debug)]
pub struct VersionView {
    /// The version.
    pub version: Version,
    /// Whether the caller may read its bytes.
    pub may_download: bool,
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

    /// Deletes a document with all its versions for good.
    pub async fn delete_document(&self, call: &Call, id: DocumentId) -> Result<(), Error> {
        let now = self.now();
        let input = Deletion { call: call.clone(), id, now, disposal: self.disposal(now) };
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
    Ok(VersionView { version: granted.show(found, id, call)?, may_download })
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
    // A document has few versions as a rule: then its quota is free with the answer.
    let removed =
        remove_versions(tx, organization, &document.id, &document.owner, &input.disposal).await?;
    if removed < VERSIONS_AT_ONCE {
        tx.finish_purge(organization, &id).await?;
    }
    Ok(())
}
