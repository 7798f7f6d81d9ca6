//! The pictures of versions, as they are shown to those who may see them.

use std::ops::Range;

use docharbor_blobs::{BlobError, BlobKey, Reader};
use docharbor_domain::{Call, DocumentId, OrganizationId, Power, Refusal, VersionId};
use docharbor_metadata::{PicturedVersion, StoredThumbnails, Tx};

use crate::{Error, Site, access};

/// Versions whose pictures are looked for at once.
const LOOKED_FOR_AT_ONCE: i64 = 500;

/// The size of a picture of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThumbnailSize {
    /// The smallest one.
    Small,
    /// The smallest one for screens of a higher density.
    SmallHq,
    /// The one for a preview.
    Large,
}

/// A picture of a document, which may go out now.
pub struct Thumbnail {
    /// What holds the picture's bytes.
    pub reader: Box<dyn Reader>,
    /// Where in it they lie.
    pub range: Range<u64>,
    /// The name of exactly these bytes.
    pub tag: String,
}

impl Site {
    /// Whether there are thumbnails of a version that the caller may look at: whoever may read the bytes.
    pub async fn has_thumbnails(
        &self,
        call: &Call,
        document: DocumentId,
        version: VersionId,
    ) -> Result<bool, Error> {
        match self.thumbnails(call, document, version).await {
            Ok(stored) => Ok(stored.is_some()),
            Err(Error::Refused(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn thumbnails(
        &self,
        call: &Call,
        document: DocumentId,
        version: VersionId,
    ) -> Result<Option<StoredThumbnails>, Error> {
        let input = (call.clone(), document, version);
        self.look_up(input, |tx, (call, document, version)| {
            Box::pin(readable_thumbnails(tx, call, document, version))
        })
        .await
    }

    /// Opens a picture of a version for whoever may read its bytes: a page that can be read is as good.
    /// One whose bytes are lost is as one that there is not yet, and is made anew.
    pub async fn open_thumbnail(
        &self,
        call: &Call,
        document: DocumentId,
        version: VersionId,
        size: ThumbnailSize,
    ) -> Result<Thumbnail, Error> {
        let stored = self.thumbnails(call, document.clone(), version.clone()).await?;
        let thumbnails = stored.ok_or(Refusal::Hidden)?;
        let [small, small_hq, large] = sizes(&thumbnails);
        let range = match size {
            ThumbnailSize::Small => 0..small,
            ThumbnailSize::SmallHq => small..small + small_hq,
            ThumbnailSize::Large => small + small_hq..small + small_hq + large,
        };
        let tag = format!("{}-{}", thumbnails.blob, range.start);
        let pictured = PicturedVersion { document, version, thumbnails };
        let Some(reader) = self.open_pictures(call.organization(), &pictured).await? else {
            self.make_pictures_anew(call.organization(), pictured).await?;
            return Err(Refusal::Hidden.into());
        };
        Ok(Thumbnail { reader, range, tag })
    }

    /// Opens the bytes of a version's pictures. Nothing when they are lost.
    async fn open_pictures(
        &self,
        organization: &OrganizationId,
        pictured: &PicturedVersion,
    ) -> Result<Option<Box<dyn Reader>>, Error> {
        let PicturedVersion { thumbnails, .. } = pictured;
        let key = BlobKey::new(organization.clone(), thumbnails.blob.clone())
            .map_err(|_| Error::Fault("a stored blob id is no key of the blob store"))?;
        match self.parts.blobs.open(&key, sizes(thumbnails).iter().sum()).await {
            Ok(reader) => Ok(reader),
            Err(BlobError::Size { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Forgets pictures whose bytes are lost, and lets the version be looked into anew. False when it
    /// has others by now, or is gone.
    async fn make_pictures_anew(
        &self,
        organization: &OrganizationId,
        pictured: PicturedVersion,
    ) -> Result<bool, Error> {
        let version = pictured.version.as_str();
        tracing::warn!(version, "the pictures of a version are lost and will be made anew");
        let now = self.now();
        let input = (organization.clone(), pictured, self.disposal(now), now);
        let is_forgotten = self
            .write(input, |tx, (organization, pictured, disposal, now)| {
                Box::pin(async move {
                    let PicturedVersion { document, version, thumbnails } = pictured;
                    let blob = &thumbnails.blob;
                    if !tx.forget_thumbnails(organization, document, version, blob).await? {
                        return Ok(false);
                    }
                    let (location, not_before) = (disposal.location, disposal.not_before);
                    tx.discard_blob(organization, blob, location, not_before).await?;
                    tx.extract_again(organization, document, version, *now).await?;
                    Ok(true)
                })
            })
            .await?;
        self.documents.notify_one();
        Ok(is_forgotten)
    }

    /// Lets the versions be looked into anew whose pictures are lost, and tells how many there are.
    pub(crate) async fn make_lost_pictures_anew(
        &self,
        organization: &OrganizationId,
    ) -> Result<u64, Error> {
        let (mut count, mut after) = (0, no_version());
        loop {
            let page = self.pictured_versions(organization, after).await?;
            let Some(last) = page.last() else { return Ok(count) };
            after = (last.document.clone(), last.version.clone());
            for pictured in page {
                if self.open_pictures(organization, &pictured).await?.is_none()
                    && self.make_pictures_anew(organization, pictured).await?
                {
                    count += 1;
                }
            }
        }
    }

    /// Some of the versions that have pictures, behind one.
    pub(crate) async fn pictured_versions(
        &self,
        organization: &OrganizationId,
        after: (DocumentId, VersionId),
    ) -> Result<Vec<PicturedVersion>, Error> {
        self.read((organization.clone(), after), |tx, (organization, after)| {
            Box::pin(async move {
                Ok(tx.pictured_versions(organization, after, LOOKED_FOR_AT_ONCE).await?)
            })
        })
        .await
    }
}

/// What stands before every version in the order of their ids.
pub(crate) fn no_version() -> (DocumentId, VersionId) {
    (DocumentId::new(""), VersionId::new(""))
}

fn sizes(thumbnails: &StoredThumbnails) -> [u64; 3] {
    thumbnails.sizes_bytes.map(|bytes| u64::try_from(bytes).unwrap_or_default())
}

async fn readable_thumbnails(
    tx: &mut Tx,
    call: &Call,
    document: &DocumentId,
    version: &VersionId,
) -> Result<Option<StoredThumbnails>, Error> {
    let stored = tx.thumbnails(call.organization(), document, version).await?;
    if stored.is_none() {
        return Ok(None);
    }
    let granted = access::document(tx, call, document, Power::Download).await?;
    let found = tx.version(call.organization(), document, version).await?;
    granted.show(found, version, call)?;
    Ok(stored)
}
