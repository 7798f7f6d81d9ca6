//! Custom metadata: set, removed, and shown with what it is about.

use docharbor_domain::limits::CUSTOM_METADATA_KEYS_MAX;
use docharbor_domain::{
    Call, CustomMetadata, Document, DocumentId, FolderId, Item, Power, Refusal, ResourceId,
    Version, VersionId,
};
use docharbor_metadata::Tx;

use crate::documents::{VersionView, read_document, read_version};
use crate::folders::read_folder;
use crate::labels::hold;
use crate::{Error, FolderView, Selection, Site, access};

/// What custom metadata is about.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The folder or document.
    pub id: ResourceId,
    /// The version of the document, where that one is meant and not the document.
    pub version: Option<VersionId>,
}

#[derive(Clone)]
struct Change<T> {
    call: Call,
    subject: Subject,
    entries: T,
}

impl Site {
    /// Sets custom metadata; entries of other keys stay.
    pub async fn create_custom_metadata(
        &self,
        call: &Call,
        subject: Subject,
        entries: CustomMetadata,
    ) -> Result<(), Error> {
        let input = Change { call: call.clone(), subject, entries };
        self.change(call, input, |tx, input| Box::pin(create(tx, input))).await
    }

    /// Removes custom metadata.
    pub async fn delete_custom_metadata(
        &self,
        call: &Call,
        subject: Subject,
        entries: Selection,
    ) -> Result<(), Error> {
        let input = Change { call: call.clone(), subject, entries };
        self.change(call, input, |tx, input| Box::pin(delete(tx, input))).await
    }

    /// Reads a folder with its size and signature, and its custom metadata.
    pub async fn folder_with_custom_metadata(
        &self,
        call: &Call,
        id: FolderId,
    ) -> Result<(FolderView, CustomMetadata), Error> {
        self.read((call.clone(), id), |tx, (call, id)| {
            Box::pin(async move {
                let view = read_folder(tx, call, id).await?;
                let id = id.clone().into();
                Ok((view, tx.custom_metadata(call.organization(), &id, None).await?))
            })
        })
        .await
    }

    /// Reads a document with the version that stands for it, and the document's custom metadata.
    pub async fn document_with_custom_metadata(
        &self,
        call: &Call,
        id: DocumentId,
    ) -> Result<(Document, CustomMetadata), Error> {
        self.look_up((call.clone(), id), |tx, (call, id)| {
            Box::pin(async move {
                let document = read_document(tx, call, id).await?;
                let id = id.clone().into();
                Ok((document, tx.custom_metadata(call.organization(), &id, None).await?))
            })
        })
        .await
    }

    /// Reads one version of a document, and the version's custom metadata.
    pub async fn version_with_custom_metadata(
        &self,
        call: &Call,
        document: DocumentId,
        id: VersionId,
    ) -> Result<(VersionView, CustomMetadata), Error> {
        let input = (call.clone(), document, id);
        self.look_up(input, |tx, (call, document, id)| {
            Box::pin(async move {
                let view = read_version(tx, call, document, id).await?;
                let document = document.clone().into();
                let organization = call.organization();
                Ok((view, tx.custom_metadata(organization, &document, Some(id)).await?))
            })
        })
        .await
    }
}

async fn create(tx: &mut Tx, input: &Change<CustomMetadata>) -> Result<(), Error> {
    let organization = input.call.organization();
    let Subject { id, version } = &input.subject;
    hold_subject(tx, &input.call, &input.subject).await?;
    tx.put_custom_metadata(organization, id, version.as_ref(), &input.entries).await?;
    let count = tx.count_custom_metadata(organization, id, version.as_ref()).await?;
    if count > CUSTOM_METADATA_KEYS_MAX {
        return Err(Refusal::CustomMetadataLimitExceeded.into());
    }
    Ok(())
}

async fn delete(tx: &mut Tx, input: &Change<Selection>) -> Result<(), Error> {
    let organization = input.call.organization();
    let Subject { id, version } = &input.subject;
    hold_subject(tx, &input.call, &input.subject).await?;
    match &input.entries {
        Selection::All => {
            tx.delete_all_custom_metadata(organization, id, version.as_ref()).await?;
        }
        Selection::Named(keys) => {
            tx.delete_custom_metadata(organization, id, version.as_ref(), keys).await?;
        }
    }
    Ok(())
}

/// Holds what custom metadata is about, for a caller who may change it.
async fn hold_subject(tx: &mut Tx, call: &Call, subject: &Subject) -> Result<(), Error> {
    let item = access::item(tx, call, &subject.id, Power::Contribute).await?;
    hold(tx, call, &subject.id).await?;
    let Some(version) = &subject.version else { return Ok(()) };
    if matches!(item.get(), Item::Folder(_)) {
        return Err(Version::not_found(version).into());
    }
    let document = item.document()?;
    // Read only now that the document is held: nobody can delete the version any more.
    let found = tx.version(call.organization(), &document.get().id, version).await?;
    document.show(found, version, call)?;
    Ok(())
}
