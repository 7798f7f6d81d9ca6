//! The bytes of a version: how they come in, and how they go out.

use docharbor_blobs::{BlobError, BlobKey, Body, Expected, Reader, ReceiveError, Stored};
use docharbor_domain::limits::VERSION_SIZE_MAX_BYTES;
use docharbor_domain::{
    BlobId, Call, DocumentId, Power, Refusal, ResourceName, Timestamp, UserId, Version, VersionId,
    VersionStatus,
};
use docharbor_metadata::{Blob, Tx};
use thiserror::Error;

use crate::uploads::Disposal;
use crate::{Error, Site, access, chain};

/// An upload whose bytes may come now.
#[derive(Clone, Debug)]
pub struct Incoming {
    call: Call,
    document: DocumentId,
    version: VersionId,
    /// The size Initiate was given, which the bytes must have.
    pub declared_bytes: Option<u64>,
    /// As many bytes as the owner's quota has room for now.
    room_bytes: u64,
}

/// Why bytes were not taken.
#[derive(Debug, Error)]
pub enum ReceiveRefusal {
    /// The upload is no longer open, or there is no room: nothing was kept.
    #[error(transparent)]
    Site(#[from] Error),
    /// The bytes are not what was announced, or did not come to their end: nothing was kept.
    #[error(transparent)]
    Bytes(#[from] ReceiveError),
}

/// A version whose bytes may go out now.
pub struct Download {
    /// The version's name.
    pub name: ResourceName,
    /// Its media type, as the uploader gave it.
    pub content_type: String,
    /// The MD5 of the bytes in lower-case hexadecimal.
    pub md5: String,
    /// When the version was activated.
    pub modified: Timestamp,
    /// The bytes.
    pub reader: Box<dyn Reader>,
}

struct Attachment {
    incoming: Incoming,
    blob: Blob,
    now: Timestamp,
    disposal: Disposal,
}

impl Site {
    /// Opens an upload for its bytes: it must still be INITIALIZED, and the caller's to finish.
    pub async fn open_upload(
        &self,
        call: &Call,
        document: DocumentId,
        version: VersionId,
    ) -> Result<Incoming, Error> {
        let input = (call.clone(), document, version);
        self.look_up(input, |tx, (call, document, version)| {
            Box::pin(open_upload(tx, call, document, version))
        })
        .await
    }

    /// Takes the bytes of an upload. After `Ok` they survive a power cut; the last complete set of
    /// bytes that arrives while the version is INITIALIZED is the one that counts.
    pub async fn receive(
        &self,
        incoming: &Incoming,
        body: Body<'_>,
        announced: Expected,
    ) -> Result<Stored, ReceiveRefusal> {
        let blob_id = BlobId::from_random(self.random());
        let key = BlobKey::new(incoming.call.organization().clone(), blob_id.clone())
            .map_err(|_| Error::Fault("an id of ours is no key of the blob store"))?;
        let expected = Expected {
            size_bytes: incoming.declared_bytes.or(announced.size_bytes),
            size_max_bytes: announced.size_max_bytes.min(incoming.room_bytes),
            ..announced
        };
        let received = self.parts.blobs.receive(&key, body, expected).await;
        if let Err(error) = &received
            && error.is_fatal()
        {
            (self.parts.on_fatal)(error);
        }
        let stored = received?;
        fail::fail_point!("site::before_attach");
        let now = self.now();
        let blob = Blob {
            id: blob_id,
            location: self.parts.blobs.location().to_owned(),
            size_bytes: i64::try_from(stored.size_bytes).unwrap_or(i64::MAX),
            md5: hex::encode(stored.md5),
            blake3: hex::encode(stored.blake3),
        };
        let disposal = self.disposal(now);
        let attachment = Attachment { incoming: incoming.clone(), blob, now, disposal };
        match self.write(attachment, |tx, input| Box::pin(attach(tx, input))).await {
            Ok(()) => Ok(stored),
            Err(error) => {
                // After a fault of the database nobody knows whether the version got these bytes.
                if matches!(error, Error::Refused(_)) {
                    self.give_up(&key).await;
                }
                Err(error.into())
            }
        }
    }

    /// Removes bytes nothing will ever refer to. If this fails, the sweep for unknown bytes finds them.
    async fn give_up(&self, key: &BlobKey) {
        if let Err(error) = self.parts.blobs.delete(key).await {
            tracing::warn!(error = chain(&error), "bytes are left to the sweep");
        }
    }

    /// Opens an ACTIVE version for download.
    pub async fn open_download(
        &self,
        call: &Call,
        document: DocumentId,
        version: VersionId,
    ) -> Result<Download, Error> {
        let input = (call.clone(), document, version);
        let version = self
            .look_up(input, |tx, (call, document, version)| {
                Box::pin(readable_version(tx, call, document, version))
            })
            .await?;
        let content = version.content().cloned().ok_or_else(|| Version::not_found(&version.id))?;
        let key = BlobKey::new(call.organization().clone(), content.blob.clone())
            .map_err(|_| Error::Fault("a stored blob id is no key of the blob store"))?;
        let size_bytes = u64::try_from(content.size_bytes)
            .map_err(|_| Error::Fault("a version has a negative size"))?;
        let reader = self
            .parts
            .blobs
            .open(&key, size_bytes)
            .await?
            .ok_or(Error::Blob(BlobError::Size { expected: size_bytes, found: 0 }))?;
        Ok(Download {
            name: version.name,
            content_type: version.content_type,
            md5: content.md5,
            modified: version.modified,
            reader,
        })
    }
}

async fn open_upload(
    tx: &mut Tx,
    call: &Call,
    document: &DocumentId,
    id: &VersionId,
) -> Result<Incoming, Error> {
    let granted = access::document(tx, call, document, Power::Contribute).await?;
    let found = tx.version(call.organization(), document, id).await?;
    let version = granted.show(found, id, call)?;
    match version.status {
        VersionStatus::Active(_) => Err(closed().into()),
        VersionStatus::Initialized { declared_bytes, charged_bytes, .. } => {
            let owner = tx.user(call.organization(), &granted.get().owner).await?;
            let owner = owner.ok_or(Refusal::Hidden)?;
            Ok(Incoming {
                call: call.clone(),
                document: document.clone(),
                version: id.clone(),
                declared_bytes: declared_bytes.and_then(|bytes| u64::try_from(bytes).ok()),
                room_bytes: owner.room_bytes(charged_bytes).min(VERSION_SIZE_MAX_BYTES),
            })
        }
    }
}

fn closed() -> Refusal {
    Refusal::ProhibitedState("the upload is finished or was given up; begin another one")
}

async fn attach(tx: &mut Tx, input: &Attachment) -> Result<(), Error> {
    let Incoming { call, document, version, .. } = &input.incoming;
    let organization = call.organization();
    let granted = access::document(tx, call, document, Power::Contribute).await?;
    let held = tx.version_locked(organization, document, version).await?;
    let Some(VersionStatus::Initialized { charged_bytes, received, .. }) =
        held.map(|version| version.status)
    else {
        return Err(closed().into());
    };
    charge_difference(tx, call, &granted.get().owner, input.blob.size_bytes - charged_bytes)
        .await?;
    if !tx.receive_content(organization, document, version, &input.blob, input.now).await? {
        return Err(closed().into());
    }
    if let Some(replaced) = received {
        let Disposal { location, not_before } = input.disposal;
        tx.discard_blob(organization, &replaced, location, not_before).await?;
    }
    Ok(())
}

/// Charges the owner with what the bytes are more than was reserved for them.
async fn charge_difference(
    tx: &mut Tx,
    call: &Call,
    owner: &UserId,
    bytes: i64,
) -> Result<(), Error> {
    if bytes == 0 || tx.charge(call.organization(), owner, bytes).await? {
        return Ok(());
    }
    let user = tx.user(call.organization(), owner).await?.ok_or(Refusal::Hidden)?;
    Err(user.storage_rule.refusal(user.storage_used_bytes).into())
}

async fn readable_version(
    tx: &mut Tx,
    call: &Call,
    document: &DocumentId,
    id: &VersionId,
) -> Result<Version, Error> {
    let granted = access::document(tx, call, document, Power::Download).await?;
    let latest = &granted.get().latest;
    let found = if latest.id == *id {
        Some(latest.clone())
    } else {
        tx.version(call.organization(), document, id).await?
    };
    Ok(granted.show(found, id, call)?)
}
