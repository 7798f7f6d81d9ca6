//! Text and thumbnails of versions: taken out when nobody waits, and shown to those who may see.
//!
//! Whatever is known of a version here can be made again from its bytes. Looking into them is done
//! outside of transactions; an attempt is counted before it begins, so that a document which takes the
//! server down with it is not tried for ever.

use std::ops::Range;

use docharbor_blobs::{BlobKey, Expected, Reader};
use docharbor_domain::{
    BlobId, Call, DocumentId, OrganizationId, Power, Refusal, SearchText, Timestamp, Version,
    VersionId,
};
use docharbor_metadata::{Blob, DueExtraction, StoredThumbnails, Tx};
use docharbor_search::analyse;
use docharbor_search::extract::{Document, ExtractError, Extracted, Extractor, Fault, Thumbnails};
use futures::{StreamExt as _, stream};

use crate::indexing::index_content;
use crate::uploads::Disposal;
use crate::{Error, Site, access, chain};

/// How often a document is looked into before it counts as one that gives nothing.
const ATTEMPTS_MAX: i64 = 2;

/// How long an attempt may take, with time to spare; after a crash the next one begins then.
const CLAIMED_MS: i64 = 600_000;

/// How long to wait after an attempt that might do better the next time.
const AGAIN_MS: i64 = 60_000;

/// How long to wait while the machine cannot look into documents at all, and for a version that was
/// deleted and may be restored.
const LATER_MS: i64 = 3_600_000;

/// Versions that are listed at once.
const LISTED_AT_ONCE: i64 = 100;

/// How often the work looks for what time brings.
const TICK: std::time::Duration = std::time::Duration::from_secs(30);

/// Ticks between two searches for versions of which nothing is known.
const TICKS_PER_SEARCH: u32 = 2_880;

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

/// What one round of looking into documents did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtractionsDone {
    /// Versions that gave text or pictures.
    pub extracted: u64,
    /// Versions that give nothing.
    pub not_extractable: u64,
    /// Versions left to a later attempt.
    pub put_off: u64,
}

impl Site {
    /// Looks into documents as they come, until it is dropped.
    pub async fn run_extraction(&self) {
        let Some(extractor) = self.parts.extractor.clone() else {
            return std::future::pending().await;
        };
        let mut tick = tokio::time::interval(TICK);
        let mut ticks = 0_u32;
        loop {
            tokio::select! {
                _ = tick.tick() => {
                    if ticks.is_multiple_of(TICKS_PER_SEARCH)
                        && let Err(error) = self.queue_missing_extractions().await
                    {
                        tracing::warn!(error = chain(&error), "versions to look into not listed");
                    }
                    ticks = ticks.wrapping_add(1);
                }
                () = self.documents.notified() => {}
            }
            if let Err(error) = self.extract_with(extractor.as_ref()).await {
                tracing::warn!(error = chain(&error), "looking into documents failed, will go on");
            }
        }
    }

    /// Looks into all documents that wait for it now.
    pub async fn run_extraction_once(&self) -> Result<ExtractionsDone, Error> {
        match &self.parts.extractor {
            Some(extractor) => self.extract_with(extractor.as_ref()).await,
            None => Ok(ExtractionsDone::default()),
        }
    }

    /// Lets all documents be looked into anew, and gives up what is known of them so far. Tells how
    /// many versions there are.
    pub async fn reindex(&self) -> Result<u64, Error> {
        let mut queued = 0;
        for organization in self.organizations().await? {
            let mut after = (DocumentId::new(""), VersionId::new(""));
            loop {
                let now = self.now();
                let input = (organization.clone(), after, self.disposal(now), now);
                let done = self
                    .write(input, |tx, (organization, after, disposal, now)| {
                        Box::pin(forget_some(tx, organization, after, disposal, *now))
                    })
                    .await?;
                let Some(last) = done.last() else { break };
                queued += u64::try_from(done.len()).unwrap_or_default();
                after = last.clone();
            }
        }
        Ok(queued + self.queue_missing_extractions().await?)
    }

    /// Finds versions of which nothing is known, not even that they are to be looked into.
    async fn queue_missing_extractions(&self) -> Result<u64, Error> {
        let mut queued = 0;
        for organization in self.organizations().await? {
            loop {
                let input = (organization.clone(), self.now());
                let found = self
                    .write(input, |tx, (organization, now)| {
                        Box::pin(queue_missing(tx, organization, *now))
                    })
                    .await?;
                if found == 0 {
                    break;
                }
                queued += found;
            }
        }
        Ok(queued)
    }

    /// Looks into one document of each site in turn, so that no site waits for all of another's.
    async fn extract_with(&self, extractor: &dyn Extractor) -> Result<ExtractionsDone, Error> {
        let mut done = ExtractionsDone::default();
        let mut failure = None;
        let organizations = self.organizations().await?;
        let mut is_going_on = true;
        while is_going_on {
            is_going_on = false;
            for organization in &organizations {
                let Some(due) = self.next_due(organization).await? else { continue };
                match self.extract_one(extractor, organization, due).await {
                    Ok(Some(Outcome::NoSandbox)) => {
                        done.put_off += 1;
                        return Ok(done);
                    }
                    Ok(outcome) => {
                        is_going_on = true;
                        if let Some(outcome) = outcome {
                            done.count(outcome);
                        }
                    }
                    Err(error) => failure = Some(error),
                }
            }
        }
        failure.map_or(Ok(done), Err)
    }

    async fn next_due(
        &self,
        organization: &OrganizationId,
    ) -> Result<Option<DueExtraction>, Error> {
        let input = (organization.clone(), self.now());
        let due = self
            .read(input, |tx, (organization, now)| {
                Box::pin(async move { Ok(tx.due_extractions(organization, *now, 1).await?) })
            })
            .await?;
        Ok(due.into_iter().next())
    }

    /// Makes one attempt. None when somebody else makes it.
    async fn extract_one(
        &self,
        extractor: &dyn Extractor,
        organization: &OrganizationId,
        due: DueExtraction,
    ) -> Result<Option<Outcome>, Error> {
        let now = self.now();
        let input = (organization.clone(), due.clone(), now);
        let claimed = self
            .write(input, |tx, (organization, due, now)| {
                Box::pin(claim(tx, organization, due, *now))
            })
            .await?;
        let claimed_as = DueExtraction { attempts: due.attempts + 1, ..due };
        let version = match claimed {
            Claim::Taken => return Ok(None),
            Claim::Absent => return Ok(Some(Outcome::PutOff)),
            Claim::Exhausted => return Ok(Some(Outcome::NotExtractable)),
            Claim::Ours(version) => version,
        };
        match self.look_into(extractor, organization, &version).await {
            Ok(extracted) => self.keep(organization, claimed_as, extracted).await.map(Some),
            Err(ExtractError::NotExtractable { reason }) => {
                tracing::debug!(version = version.id.as_str(), %reason, "not extractable");
                self.keep(organization, claimed_as, Extracted::default()).await.map(Some)
            }
            Err(ExtractError::Fault(fault)) => {
                self.put_off(organization, claimed_as, &fault).await.map(Some)
            }
        }
    }

    async fn look_into(
        &self,
        extractor: &dyn Extractor,
        organization: &OrganizationId,
        version: &Version,
    ) -> Result<Extracted, ExtractError> {
        let fault =
            |text: &'static str| ExtractError::Fault(Fault::Io(std::io::Error::other(text)));
        let content = version.content().ok_or_else(|| fault("an ACTIVE version has no bytes"))?;
        let size_bytes = u64::try_from(content.size_bytes).unwrap_or(u64::MAX);
        let key = BlobKey::new(organization.clone(), content.blob.clone())
            .map_err(|_| fault("a stored blob id is no key of the blob store"))?;
        let reader = self.parts.blobs.open(&key, size_bytes).await;
        let reader = reader.map_err(|error| Fault::Io(std::io::Error::other(error)));
        let reader = reader.map_err(ExtractError::Fault)?;
        let reader = reader.ok_or_else(|| fault("the bytes of a version are missing"))?;
        let name = version.name.as_str();
        let document = Document {
            size_bytes,
            bytes: reader.read_range(0..size_bytes),
            content_type: &version.content_type,
            extension: name.rsplit_once('.').map(|(_, extension)| extension),
        };
        extractor.extract(document).await
    }

    /// Keeps what an attempt gave: bytes first, then all else in one transaction.
    async fn keep(
        &self,
        organization: &OrganizationId,
        claimed: DueExtraction,
        extracted: Extracted,
    ) -> Result<Outcome, Error> {
        let is_extracted = extracted != Extracted::default();
        let Extracted { text, thumbnails } = extracted;
        let thumbnails = match thumbnails {
            Some(thumbnails) => Some(self.store(organization, thumbnails).await?),
            None => None,
        };
        let blob = thumbnails.as_ref().map(|(blob, _)| blob.id.clone());
        let input = Finding {
            organization: organization.clone(),
            claimed,
            is_extracted,
            content: analyse::text(text.as_deref().unwrap_or_default()),
            thumbnails,
            now: self.now(),
        };
        let is_kept = self.write(input, |tx, input| Box::pin(finish(tx, input))).await?;
        if !is_kept && let Some(blob) = blob {
            // The version went away meanwhile.
            self.give_up_blob(organization, blob).await?;
        }
        Ok(if is_extracted { Outcome::Extracted } else { Outcome::NotExtractable })
    }

    /// Makes the three pictures durable, one behind the other.
    async fn store(
        &self,
        organization: &OrganizationId,
        thumbnails: Thumbnails,
    ) -> Result<(Blob, [i64; 3]), Error> {
        let Thumbnails { small, small_hq, large } = thumbnails;
        let size = |bytes: &[u8]| i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let sizes = [size(&small), size(&small_hq), size(&large)];
        let bytes = [small, small_hq, large].concat();
        let expected =
            Expected { size_bytes: u64::try_from(bytes.len()).ok(), ..Expected::at_most(u64::MAX) };
        let id = BlobId::from_random(self.random());
        let key = BlobKey::new(organization.clone(), id.clone())
            .map_err(|_| Error::Fault("an id of ours is no key of the blob store"))?;
        let body = stream::once(async { Ok(bytes.into()) }).boxed();
        let received = self.parts.blobs.receive(&key, body, expected).await;
        if let Err(error) = &received
            && error.is_fatal()
        {
            (self.parts.on_fatal)(error);
        }
        let stored = received.map_err(|error| {
            tracing::warn!(error = chain(&error), "thumbnails could not be stored");
            Error::Fault("thumbnails could not be stored")
        })?;
        let blob = Blob {
            id,
            location: self.parts.blobs.location().to_owned(),
            size_bytes: i64::try_from(stored.size_bytes).unwrap_or(i64::MAX),
            md5: hex::encode(stored.md5),
            blake3: hex::encode(stored.blake3),
        };
        Ok((blob, sizes))
    }

    async fn give_up_blob(&self, organization: &OrganizationId, blob: BlobId) -> Result<(), Error> {
        let key = BlobKey::new(organization.clone(), blob)
            .map_err(|_| Error::Fault("an id of ours is no key of the blob store"))?;
        self.parts.blobs.delete(&key).await?;
        Ok(())
    }

    async fn put_off(
        &self,
        organization: &OrganizationId,
        claimed: DueExtraction,
        fault: &Fault,
    ) -> Result<Outcome, Error> {
        if ATTEMPTS_MAX <= claimed.attempts && matches!(fault, Fault::NoAnswer) {
            return self.keep(organization, claimed, Extracted::default()).await;
        }
        let version = claimed.version.as_str();
        if matches!(fault, Fault::Io(_)) {
            tracing::warn!(version, error = chain(fault), "a document cannot be looked into now");
        } else {
            tracing::debug!(version, error = chain(fault), "put off");
        }
        let (attempts, later, outcome) = match fault {
            // Nothing was tried, for reasons that the document has nothing to do with.
            Fault::NoSandbox => (claimed.attempts - 1, LATER_MS, Outcome::NoSandbox),
            Fault::Io(_) => (claimed.attempts - 1, AGAIN_MS, Outcome::PutOff),
            Fault::NoAnswer => (claimed.attempts, AGAIN_MS, Outcome::PutOff),
        };
        let input = (organization.clone(), claimed, attempts, self.now().plus_millis(later));
        self.write(input, |tx, (organization, claimed, attempts, until)| {
            Box::pin(async move {
                Ok(tx.put_off_extraction(organization, claimed, *attempts, *until).await?)
            })
        })
        .await?;
        Ok(outcome)
    }

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
    pub async fn open_thumbnail(
        &self,
        call: &Call,
        document: DocumentId,
        version: VersionId,
        size: ThumbnailSize,
    ) -> Result<Thumbnail, Error> {
        let stored = self.thumbnails(call, document, version).await?.ok_or(Refusal::Hidden)?;
        let [small, small_hq, large] =
            stored.sizes_bytes.map(|bytes| u64::try_from(bytes).unwrap_or_default());
        let range = match size {
            ThumbnailSize::Small => 0..small,
            ThumbnailSize::SmallHq => small..small + small_hq,
            ThumbnailSize::Large => small + small_hq..small + small_hq + large,
        };
        let tag = format!("{}-{}", stored.blob, range.start);
        let key = BlobKey::new(call.organization().clone(), stored.blob)
            .map_err(|_| Error::Fault("a stored blob id is no key of the blob store"))?;
        let reader = self.parts.blobs.open(&key, small + small_hq + large).await?;
        let reader = reader.ok_or(Error::Fault("the bytes of a thumbnail are missing"))?;
        Ok(Thumbnail { reader, range, tag })
    }
}

/// How an attempt ended.
#[derive(Clone, Copy)]
enum Outcome {
    Extracted,
    NotExtractable,
    PutOff,
    /// The same, and no other version would fare better.
    NoSandbox,
}

impl ExtractionsDone {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Extracted => self.extracted += 1,
            Outcome::NotExtractable => self.not_extractable += 1,
            Outcome::PutOff | Outcome::NoSandbox => self.put_off += 1,
        }
    }
}

/// What came of asking for an attempt.
enum Claim {
    /// It is ours to make.
    Ours(Box<Version>),
    /// Somebody else makes it.
    Taken,
    /// The version is deleted, and may come back.
    Absent,
    /// There were attempts enough, none of which came to an end.
    Exhausted,
}

async fn claim(
    tx: &mut Tx,
    organization: &OrganizationId,
    due: &DueExtraction,
    now: Timestamp,
) -> Result<Claim, Error> {
    if ATTEMPTS_MAX <= due.attempts {
        let finished = tx.finish_extraction(organization, due, false, None, now).await?;
        return Ok(if finished { Claim::Exhausted } else { Claim::Taken });
    }
    let Some(version) = tx.version(organization, &due.document, &due.version).await? else {
        let until = now.plus_millis(LATER_MS);
        let is_ours = tx.put_off_extraction(organization, due, due.attempts, until).await?;
        return Ok(if is_ours { Claim::Absent } else { Claim::Taken });
    };
    let until = now.plus_millis(CLAIMED_MS);
    let is_ours = tx.claim_extraction(organization, due, until).await?;
    Ok(if is_ours { Claim::Ours(Box::new(version)) } else { Claim::Taken })
}

/// What an attempt found.
struct Finding {
    organization: OrganizationId,
    claimed: DueExtraction,
    is_extracted: bool,
    content: SearchText,
    thumbnails: Option<(Blob, [i64; 3])>,
    now: Timestamp,
}

async fn finish(tx: &mut Tx, input: &Finding) -> Result<bool, Error> {
    let Finding { organization, claimed, is_extracted, content, thumbnails, now } = input;
    let thumbnails = thumbnails.as_ref().map(|(blob, sizes)| (blob, *sizes));
    let is_kept =
        tx.finish_extraction(organization, claimed, *is_extracted, thumbnails, *now).await?;
    if is_kept {
        index_content(tx, organization, &claimed.document, &claimed.version, content).await?;
    }
    Ok(is_kept)
}

/// Forgets what is known of some versions, and lets them be looked into anew.
async fn forget_some(
    tx: &mut Tx,
    organization: &OrganizationId,
    after: &(DocumentId, VersionId),
    disposal: &Disposal,
    now: Timestamp,
) -> Result<Vec<(DocumentId, VersionId)>, Error> {
    let done = tx.done_extractions(organization, after, LISTED_AT_ONCE).await?;
    for (document, version) in &done {
        if let Some(blob) = tx.delete_extraction(organization, document, version).await? {
            tx.discard_blob(organization, &blob, disposal.location, disposal.not_before).await?;
        }
        tx.insert_extraction(organization, document, version, now).await?;
    }
    Ok(done)
}

async fn queue_missing(
    tx: &mut Tx,
    organization: &OrganizationId,
    now: Timestamp,
) -> Result<u64, Error> {
    let missing = tx.missing_extractions(organization, LISTED_AT_ONCE).await?;
    for (document, version) in &missing {
        tx.insert_extraction(organization, document, version, now).await?;
    }
    Ok(u64::try_from(missing.len()).unwrap_or_default())
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
