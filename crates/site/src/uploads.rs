//! The life of an upload: begin, finish, abort.

use std::sync::Arc;

use docharbor_domain::limits::VERSION_SIZE_MAX_BYTES;
use docharbor_domain::{
    ActivityId, Call, Deed, Document, DocumentId, FolderId, Granted, NewUpload, OrganizationId,
    Power, Refusal, ResourceName, Subject, Timestamp, UploadTarget, UserId, Version, VersionId,
    VersionStatus,
};
use docharbor_metadata::Tx;
use docharbor_search::extract::Extractor;
use serde::{Deserialize, Serialize};

use crate::activities::{activity, record};
use crate::extraction::extension;
use crate::folders::{add_item, changing, name_taken};
use crate::indexing::index_version;
use crate::{Error, Site, access};

/// An upload that was begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Upload {
    /// The document, with the new version standing for it.
    pub document: Document,
}

#[derive(Clone)]
struct Beginning {
    call: Call,
    upload: NewUpload,
    document_id: DocumentId,
    version_id: VersionId,
    now: Timestamp,
    expires: Timestamp,
}

#[derive(Clone)]
struct Step {
    call: Call,
    document: DocumentId,
    version: VersionId,
    now: Timestamp,
    activity: ActivityId,
    disposal: Disposal,
    /// Who will look into the version, if anybody.
    extractor: Option<Arc<dyn Extractor>>,
}

impl Site {
    /// Begins an upload: a new document, or a new version of one. The bytes follow through a URL.
    pub async fn initiate_upload(&self, call: &Call, upload: NewUpload) -> Result<Upload, Error> {
        if upload.declared_bytes.is_some_and(|bytes| bytes > size_max_bytes()) {
            return Err(Refusal::Invalid {
                member: "DocumentSizeInBytes",
                reason: "must be less than or equal to 5497558138880, which is 5 TiB",
            }
            .into());
        }
        let now = self.now();
        let input = Beginning {
            call: call.clone(),
            upload,
            document_id: DocumentId::from_random(self.random()),
            version_id: VersionId::from_random(now, self.random()),
            now,
            expires: now.plus_millis(self.settings().upload_expiry_ms),
        };
        self.change(call, input, |tx, input| Box::pin(initiate(tx, input))).await
    }

    /// Makes an uploaded version the document's latest. Once done, doing it again changes nothing.
    pub async fn activate_version(
        &self,
        call: &Call,
        document: DocumentId,
        version: VersionId,
    ) -> Result<(), Error> {
        let input = self.step(call, document, version);
        self.change(call, input, |tx, input| Box::pin(activate(tx, input))).await?;
        self.documents.notify_one();
        Ok(())
    }

    /// Gives an upload up. A document that has no other version goes with it.
    pub async fn abort_upload(
        &self,
        call: &Call,
        document: DocumentId,
        version: VersionId,
    ) -> Result<(), Error> {
        let input = self.step(call, document, version);
        self.change(call, input, |tx, input| Box::pin(abort(tx, input))).await
    }

    fn step(&self, call: &Call, document: DocumentId, version: VersionId) -> Step {
        let now = self.now();
        Step {
            call: call.clone(),
            document,
            version,
            now,
            activity: self.activity_id(),
            disposal: self.disposal(now),
            extractor: self.parts.extractor.clone(),
        }
    }

    /// How bytes are given up now.
    pub(crate) fn disposal(&self, now: Timestamp) -> Disposal {
        Disposal {
            location: self.parts.blobs.location(),
            not_before: now.plus_millis(self.settings().garbage_grace_ms),
        }
    }
}

fn size_max_bytes() -> i64 {
    i64::try_from(VERSION_SIZE_MAX_BYTES).unwrap_or(i64::MAX)
}

async fn initiate(tx: &mut Tx, input: &Beginning) -> Result<Upload, Error> {
    match &input.upload.target {
        UploadTarget::Folder { parent, name } => initiate_document(tx, input, parent, name).await,
        UploadTarget::Document { id, name, parent } => {
            initiate_version(tx, input, id, name.as_ref(), parent.as_ref()).await
        }
    }
}

async fn initiate_document(
    tx: &mut Tx,
    input: &Beginning,
    parent_id: &FolderId,
    name: &ResourceName,
) -> Result<Upload, Error> {
    let organization = input.call.organization();
    let parent = access::folder(tx, &input.call, parent_id, Power::Contribute).await?;
    parent.require_room_for_child()?;
    if tx.holder_of_name(organization, parent_id, name).await?.is_some() {
        return Err(name_taken().into());
    }
    add_item(tx, &input.call, parent_id).await?;
    let owner = &parent.get().owner;
    reserve(tx, &input.call, owner, input.upload.declared_bytes).await?;
    let document = Document {
        id: input.document_id.clone(),
        parent: parent_id.clone(),
        owner: owner.clone(),
        created: input.now,
        modified: input.now,
        latest: draft(input, name.clone()),
        creator: input.call.caller().principal().to_owned(),
        is_recycled: false,
        labels: Vec::new(),
    };
    tx.insert_document(organization, &document).await?;
    tx.insert_version(organization, &document.id, 0, &document.latest).await?;
    Ok(Upload { document })
}

async fn initiate_version(
    tx: &mut Tx,
    input: &Beginning,
    id: &DocumentId,
    name: Option<&ResourceName>,
    parent: Option<&FolderId>,
) -> Result<Upload, Error> {
    let organization = input.call.organization();
    let granted = access::document(tx, &input.call, id, Power::Contribute).await?;
    let mut document = granted.into_inner();
    if parent.is_some_and(|parent| *parent != document.parent) {
        return Err(Refusal::InvalidArgument {
            member: "ParentFolderId",
            reason: "is not the folder of the document; leave it out for a new version",
        }
        .into());
    }
    let name = name.unwrap_or(&document.latest.name);
    let resource = document.id.clone().into();
    let holder = tx.holder_of_name(organization, &document.parent, name).await?;
    if holder.is_some_and(|holder| holder != resource) {
        return Err(name_taken().into());
    }
    let version = draft(input, name.clone());
    let ordinal = tx.lock_item(organization, &document.parent, &resource).await?;
    let ordinal = ordinal.ok_or_else(changing)?;
    reserve(tx, &input.call, &document.owner, input.upload.declared_bytes).await?;
    tx.insert_version(organization, id, ordinal, &version).await?;
    tx.take_ordinal(organization, id).await?;
    if !document.latest.is_active() {
        tx.show_draft(organization, id, &version.id).await?;
    }
    document.latest = version;
    Ok(Upload { document })
}

fn draft(input: &Beginning, name: ResourceName) -> Version {
    Version {
        id: input.version_id.clone(),
        name,
        content_type: input.upload.content_type.clone(),
        creator: input.call.caller().principal().to_owned(),
        status: VersionStatus::Initialized {
            declared_bytes: input.upload.declared_bytes,
            charged_bytes: input.upload.declared_bytes.unwrap_or(0),
            received: None,
            expires: input.expires,
        },
        created: input.now,
        modified: input.now,
        content_created: input.upload.content_created,
        content_modified: input.upload.content_modified,
    }
}

/// Charges the owner with what the upload declares; without a size, holds that there is room at all.
async fn reserve(
    tx: &mut Tx,
    call: &Call,
    owner: &UserId,
    declared_bytes: Option<i64>,
) -> Result<(), Error> {
    let organization = call.organization();
    let wanted = declared_bytes.unwrap_or(0);
    if wanted > 0 && tx.charge(organization, owner, wanted).await? {
        return Ok(());
    }
    let user = tx.user(organization, owner).await?.ok_or(Refusal::Hidden)?;
    let is_full =
        user.storage_rule.allocated_bytes().is_some_and(|most| user.storage_used_bytes >= most);
    if wanted > 0 || (is_full && declared_bytes.is_none()) {
        return Err(user.storage_rule.refusal(user.storage_used_bytes).into());
    }
    Ok(())
}

async fn activate(tx: &mut Tx, input: &Step) -> Result<(), Error> {
    let organization = input.call.organization();
    let (document, version) = draft_for(tx, input).await?;
    let document = document.get();
    match &version.status {
        VersionStatus::Active(_) => return Ok(()),
        VersionStatus::Initialized { received: None, .. } => {
            return Err(Refusal::ProhibitedState(
                "the content has not arrived: PUT it to the upload URL first",
            )
            .into());
        }
        VersionStatus::Initialized { received: Some(_), .. } => {}
    }
    let resource = document.id.clone().into();
    let ordinal = tx.lock_item(organization, &document.parent, &resource).await?;
    let ordinal = ordinal.ok_or_else(changing)?;
    let shown =
        tx.show_version(organization, &document.id, &version.id, &version.name, input.now).await?;
    if !shown {
        return Err(Refusal::ConcurrentModification(
            "another item took the name since the upload began; rename that one, then try again",
        )
        .into());
    }
    if !tx.activate_version(organization, &document.id, &version.id, ordinal, input.now).await? {
        return Err(changing());
    }
    tx.touch_folder(organization, &document.parent, input.now).await?;
    let Version { id, name, content_type, .. } = &version;
    let is_read = input.extractor.as_ref().is_none_or(|by| by.reads(content_type, extension(name)));
    if is_read {
        tx.insert_extraction(organization, &document.id, id, input.now).await?;
    } else {
        tx.insert_unextractable(organization, &document.id, id).await?;
    }
    let subject = Subject {
        name: version.name.clone(),
        version: Some(version.id.clone()),
        ..document.into()
    };
    let deed = Deed::UploadedVersion;
    record(tx, organization, &activity(&input.call, &input.activity, input.now, deed, subject))
        .await?;
    index_version(tx, organization, &document.id, id, name, content_type, !is_read).await.map(drop)
}

async fn abort(tx: &mut Tx, input: &Step) -> Result<(), Error> {
    let (document, version) = draft_for(tx, input).await?;
    if version.is_active() {
        return Err(Refusal::ProhibitedState(
            "the version is ACTIVE: only one that is INITIALIZED can be aborted",
        )
        .into());
    }
    let organization = input.call.organization();
    remove_draft(tx, organization, document.get(), &version.id, &input.disposal).await
}

/// The version a step is about, for a caller who may finish or abort it.
async fn draft_for(tx: &mut Tx, input: &Step) -> Result<(Granted<Document>, Version), Error> {
    let document = access::document(tx, &input.call, &input.document, Power::Contribute).await?;
    let latest = &document.get().latest;
    // The walk to the document has brought its latest version along.
    let found = if latest.id == input.version {
        Some(latest.clone())
    } else {
        tx.version(input.call.organization(), &input.document, &input.version).await?
    };
    let version = document.show(found, &input.version, &input.call)?;
    Ok((document, version))
}

/// Where bytes lie that are given up, and when they may go.
#[derive(Clone)]
pub(crate) struct Disposal {
    /// The store that holds them.
    pub(crate) location: &'static str,
    /// The end of their grace.
    pub(crate) not_before: Timestamp,
}

/// Removes an INITIALIZED version, and its document if it has no other.
pub(crate) async fn remove_draft(
    tx: &mut Tx,
    organization: &OrganizationId,
    document: &Document,
    id: &VersionId,
    disposal: &Disposal,
) -> Result<(), Error> {
    let resource = document.id.clone().into();
    tx.lock_item(organization, &document.parent, &resource).await?.ok_or_else(changing)?;
    // Read again now that nobody can change it: the content may have arrived meanwhile.
    let version = tx.version_locked(organization, &document.id, id).await?;
    let Some(VersionStatus::Initialized { charged_bytes, received, .. }) =
        version.map(|version| version.status)
    else {
        return Err(changing());
    };
    tx.delete_initialized_version(organization, &document.id, id).await?;
    tx.delete_all_custom_metadata(organization, &resource, Some(id)).await?;
    if let Some(blob) = received {
        tx.discard_blob(organization, &blob, disposal.location, disposal.not_before).await?;
    }
    if !document.latest.is_active() {
        if let Some(newest) = tx.newest_version(organization, &document.id).await? {
            tx.show_draft(organization, &document.id, &newest).await?;
        } else {
            tx.forget_item(organization, &resource).await?;
            tx.delete_draft_document(organization, &document.id).await?;
            tx.count_items(organization, &document.parent, -1).await?;
        }
    }
    if charged_bytes != 0 {
        tx.charge(organization, &document.owner, -charged_bytes).await?;
    }
    Ok(())
}
