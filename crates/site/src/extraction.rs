//! Text and thumbnails of versions, taken out when nobody waits.
//!
//! Whatever is known of a version here can be made again from its bytes. Looking into them is done
//! outside of transactions; an attempt is counted before it begins, so that a document which takes the
//! server down with it is not tried for ever.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use docharbor_blobs::{BlobKey, Expected, ReceiveError};
use docharbor_domain::{BlobId, OrganizationId, ResourceName, SearchText, Timestamp, Version};
use docharbor_metadata::{Blob, DueExtraction, FinishedExtraction, Tx};
use docharbor_search::analyse;
use docharbor_search::extract::{Document, ExtractError, Extracted, Extractor, Fault, Thumbnails};
use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::indexing::index_content;
use crate::uploads::Disposal;
use crate::{Error, Site, chain};

/// Documents in hand at a time: while one is looked into, the next is made ready and what the one before
/// gave is kept. How many are looked into at a time is the extractor's to say.
const IN_HAND: u32 = 3;

/// How often a document is looked into before it counts as one that gives nothing.
const ATTEMPTS_MAX: i64 = 2;

/// How long nobody else begins an attempt; after a crash the next one begins then.
const CLAIMED_MS: i64 = 120_000;

/// How often whoever still makes an attempt says so.
const RENEWED: Duration = Duration::from_secs(30);

/// How long to wait after an attempt that might do better the next time.
const AGAIN_MS: i64 = 60_000;

/// How long to wait while the machine cannot look into documents at all, and for a version that was
/// deleted and may be restored.
const LATER_MS: i64 = 3_600_000;

/// Versions that are listed at once.
const LISTED_AT_ONCE: i64 = 100;

/// How long a round goes on: a site that is made meanwhile is in the next one.
const ROUND_MAX: Duration = Duration::from_mins(1);

/// How often the work looks for what time brings.
const TICK: Duration = Duration::from_secs(30);

/// Ticks between two searches for versions of which nothing is known.
const TICKS_PER_SEARCH: u32 = 2_880;

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
    /// Looks into documents as they come, until it is stopped.
    pub async fn run_extraction(&self) {
        let Some(extractor) = self.parts.extractor.clone() else {
            return self.stopped().await;
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
                () = self.stopped() => return,
            }
            if let Err(error) = self.extract_with(Arc::clone(&extractor)).await {
                tracing::warn!(error = chain(&error), "looking into documents failed, will go on");
            }
        }
    }

    /// Looks into all documents that wait for it now.
    pub async fn run_extraction_once(&self) -> Result<ExtractionsDone, Error> {
        match &self.parts.extractor {
            Some(extractor) => self.extract_with(Arc::clone(extractor)).await,
            None => Ok(ExtractionsDone::default()),
        }
    }

    /// Finds versions of which nothing is known, not even that they are to be looked into.
    pub(crate) async fn queue_missing_extractions(&self) -> Result<u64, Error> {
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
    async fn extract_with(&self, extractor: Arc<dyn Extractor>) -> Result<ExtractionsDone, Error> {
        let sites = self.organizations().await?.into();
        let turns = Turns { sites, without_work: 0, until: Instant::now() + ROUND_MAX };
        let round = Arc::new(Round {
            site: self.clone(),
            extractor,
            places: Arc::new(Semaphore::new(IN_HAND as usize)),
            is_over: AtomicBool::new(false),
        });
        let of_steps = Arc::clone(&round);
        let steps = stream::unfold(turns, move |turns| Arc::clone(&of_steps).next_step(turns));
        let ends = steps.map(move |step| Arc::clone(&round).take(step));
        let mut ends = pin!(ends.buffer_unordered(IN_HAND as usize));
        let (mut done, mut failure) = (ExtractionsDone::default(), None);
        while let Some(end) = ends.next().await {
            match end {
                Ok(outcome) => done.count(outcome),
                Err(error) => failure = Some(error),
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

    /// The bytes of a version, the first of them read.
    async fn bytes_of(
        &self,
        organization: &OrganizationId,
        version: &Version,
    ) -> Result<DocumentBytes, Fault> {
        let fault = |text: &'static str| Fault::Io(io::Error::other(text));
        let content = version.content().ok_or_else(|| fault("an ACTIVE version has no bytes"))?;
        let size_bytes = u64::try_from(content.size_bytes).unwrap_or(u64::MAX);
        let key = BlobKey::new(organization.clone(), content.blob.clone())
            .map_err(|_| fault("a stored blob id is no key of the blob store"))?;
        let reader = self.parts.blobs.open(&key, size_bytes).await;
        let reader = reader.map_err(|error| Fault::Io(io::Error::other(error)))?;
        let reader = reader.ok_or_else(|| fault("the bytes of a version are missing"))?;
        let mut bytes = reader.read_range(0..size_bytes);
        let first = bytes.next().await;
        Ok(DocumentBytes { size_bytes, bytes: stream::iter(first).chain(bytes).boxed() })
    }

    /// Makes one attempt.
    async fn make_attempt(
        &self,
        extractor: &dyn Extractor,
        attempt: Attempt,
    ) -> Result<Outcome, Error> {
        let Attempt { organization, claimed, version, bytes, _place } = attempt;
        let extracted = tokio::select! {
            extracted = look_into(extractor, &version, bytes) => extracted,
            () = self.stopped() => {
                let until = self.now();
                self.give_back(&organization, claimed, until).await?;
                return Ok(Outcome::Hopeless);
            }
            never = self.renew(&organization, &claimed) => match never {},
        };
        match extracted {
            Ok(extracted) => self.keep(&organization, claimed, Some(version.name), extracted).await,
            Err(ExtractError::NotExtractable { reason }) => {
                tracing::debug!(version = version.id.as_str(), %reason, "not extractable");
                self.keep(&organization, claimed, Some(version.name), Extracted::default()).await
            }
            Err(ExtractError::Fault(fault)) => self.put_off(&organization, claimed, &fault).await,
        }
    }

    /// Keeps others from beginning an attempt for as long as this one is made.
    async fn renew(&self, organization: &OrganizationId, claimed: &DueExtraction) -> Infallible {
        let mut tick = tokio::time::interval(RENEWED);
        // The first one is now, when the attempt has just been claimed.
        tick.tick().await;
        loop {
            tick.tick().await;
            let until = self.now().plus_millis(CLAIMED_MS);
            let renewed = self.write_off(organization, claimed, claimed.attempts, until).await;
            if let Err(error) = renewed {
                let error = chain(&error);
                tracing::warn!(error, "an attempt at a document could not be prolonged");
            }
        }
    }

    /// Keeps what an attempt gave: bytes first, then all else in one transaction.
    async fn keep(
        &self,
        organization: &OrganizationId,
        claimed: DueExtraction,
        read_as: Option<ResourceName>,
        extracted: Extracted,
    ) -> Result<Outcome, Error> {
        let is_extracted = extracted != Extracted::default();
        let Extracted { text, thumbnails } = extracted;
        let thumbnails = match thumbnails {
            Some(thumbnails) => match self.store(organization, thumbnails).await {
                Ok(stored) => Some(stored),
                Err(error) => {
                    tracing::warn!(error = chain(&error), "thumbnails could not be stored");
                    let until = self.now().plus_millis(AGAIN_MS);
                    self.give_back(organization, claimed, until).await?;
                    return Ok(Outcome::Hopeless);
                }
            },
            None => None,
        };
        let blob = thumbnails.as_ref().map(|(blob, _)| blob.id.clone());
        let now = self.now();
        let finding = Finding {
            organization: organization.clone(),
            claimed,
            read_as,
            is_extracted,
            content: words_of(text).await?,
            thumbnails,
            disposal: self.disposal(now),
            now,
        };
        let is_kept = self.write(finding, |tx, finding| Box::pin(finish(tx, finding))).await?;
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
    ) -> Result<(Blob, [i64; 3]), ReceiveError> {
        let Thumbnails { small, small_hq, large } = thumbnails;
        let size = |bytes: &[u8]| i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let sizes = [size(&small), size(&small_hq), size(&large)];
        let bytes = [small, small_hq, large].concat();
        let expected =
            Expected { size_bytes: u64::try_from(bytes.len()).ok(), ..Expected::at_most(u64::MAX) };
        let id = BlobId::from_random(self.random());
        let key = BlobKey::new(organization.clone(), id.clone()).map_err(|error| {
            ReceiveError::Store {
                action: "name bytes",
                fatal: false,
                source: io::Error::other(error),
            }
        })?;
        let body = stream::once(async { Ok(bytes.into()) }).boxed();
        let received = self.parts.blobs.receive(&key, body, expected).await;
        if let Err(error) = &received
            && error.is_fatal()
        {
            (self.parts.on_fatal)(error);
        }
        let stored = received?;
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
            return self.keep(organization, claimed, None, Extracted::default()).await;
        }
        let version = claimed.version.as_str();
        if matches!(fault, Fault::Io(_)) {
            tracing::warn!(version, error = chain(fault), "a document cannot be looked into now");
        } else {
            tracing::debug!(version, error = chain(fault), "put off");
        }
        let (attempts, later, outcome) = match fault {
            // Nothing was tried, for reasons that the document has nothing to do with.
            Fault::NoSandbox => (claimed.attempts - 1, LATER_MS, Outcome::Hopeless),
            Fault::Io(_) => (claimed.attempts - 1, AGAIN_MS, Outcome::PutOff),
            Fault::NoAnswer => (claimed.attempts, AGAIN_MS, Outcome::PutOff),
        };
        let until = self.now().plus_millis(later);
        self.write_off(organization, &claimed, attempts, until).await?;
        Ok(outcome)
    }

    /// Leaves a document to a later attempt as if this one had not been made.
    async fn give_back(
        &self,
        organization: &OrganizationId,
        claimed: DueExtraction,
        until: Timestamp,
    ) -> Result<(), Error> {
        self.write_off(organization, &claimed, claimed.attempts - 1, until).await
    }

    async fn write_off(
        &self,
        organization: &OrganizationId,
        claimed: &DueExtraction,
        attempts: i64,
        until: Timestamp,
    ) -> Result<(), Error> {
        let input = (organization.clone(), claimed.clone(), attempts, until);
        self.write(input, |tx, (organization, claimed, attempts, until)| {
            Box::pin(async move {
                // Somebody else may have it by now, or the version be gone.
                let _is_ours =
                    tx.put_off_extraction(organization, claimed, *attempts, *until).await?;
                Ok(())
            })
        })
        .await
    }
}

/// One going through all sites.
struct Round {
    site: Site,
    extractor: Arc<dyn Extractor>,
    /// Those of documents in hand.
    places: Arc<Semaphore>,
    is_over: AtomicBool,
}

impl Round {
    /// Makes the next document ready to be looked into. Nothing when none waits, and when there is no
    /// use in going on.
    async fn next_step(self: Arc<Self>, mut turns: Turns) -> Option<(Result<Step, Error>, Turns)> {
        while turns.without_work < turns.sites.len() && !self.is_over.load(Ordering::Relaxed) {
            if turns.until < Instant::now() {
                // The sites that are there may be others by now.
                self.site.documents.notify_one();
                return None;
            }
            turns.sites.rotate_left(1);
            let organization = turns.sites.back()?;
            match self.claim_next(organization).await.transpose() {
                None => turns.without_work += 1,
                Some(step) => {
                    turns.without_work = 0;
                    return Some((step, turns));
                }
            }
        }
        None
    }

    async fn claim_next(&self, organization: &OrganizationId) -> Result<Option<Step>, Error> {
        let site = &self.site;
        while let Some(due) = site.next_due(organization).await? {
            // One that was tried before may be one that ends the server: nobody else is to be in hand
            // then, whose attempt would count, too.
            let places = if due.attempts == 0 { 1 } else { IN_HAND };
            let place = Arc::clone(&self.places).acquire_many_owned(places).await;
            let place = place.map_err(|_| Error::Fault("the places of a round are gone"))?;
            let now = site.now();
            let input = (organization.clone(), due.clone(), site.disposal(now), now);
            let claimed = site
                .write(input, |tx, (organization, due, disposal, now)| {
                    Box::pin(claim(tx, organization, due, disposal, *now))
                })
                .await?;
            let version = match claimed {
                Claim::Taken => continue,
                Claim::Absent => return Ok(Some(Step::Ended(Outcome::PutOff))),
                Claim::Exhausted => return Ok(Some(Step::Ended(Outcome::NotExtractable))),
                Claim::Ours(version) => version,
            };
            let attempt = Attempt {
                organization: organization.clone(),
                claimed: DueExtraction { attempts: due.attempts + 1, ..due },
                bytes: site.bytes_of(organization, &version).await,
                version: *version,
                _place: place,
            };
            return Ok(Some(Step::Attempt(Box::new(attempt))));
        }
        Ok(None)
    }

    /// Takes a step to its end. After one that says that no other would fare better the round is over.
    async fn take(self: Arc<Self>, step: Result<Step, Error>) -> Result<Outcome, Error> {
        let end = match step {
            Ok(Step::Attempt(attempt)) => {
                self.site.make_attempt(self.extractor.as_ref(), *attempt).await
            }
            Ok(Step::Ended(outcome)) => Ok(outcome),
            Err(error) => Err(error),
        };
        if matches!(end, Ok(Outcome::Hopeless) | Err(_)) {
            self.is_over.store(true, Ordering::Relaxed);
        }
        end
    }
}

/// Whose turn it is.
struct Turns {
    /// The site whose turn it was last stands last.
    sites: VecDeque<OrganizationId>,
    /// Sites in which one after the other no document waited.
    without_work: usize,
    /// When it is looked again which sites there are.
    until: Instant,
}

/// A document in its turn.
enum Step {
    /// It is ours to look into.
    Attempt(Box<Attempt>),
    /// There is nothing to look into.
    Ended(Outcome),
}

/// A document that is ready to be looked into, and whose attempt is counted.
struct Attempt {
    organization: OrganizationId,
    claimed: DueExtraction,
    version: Version,
    bytes: Result<DocumentBytes, Fault>,
    _place: OwnedSemaphorePermit,
}

/// Where a document's bytes come from.
struct DocumentBytes {
    size_bytes: u64,
    bytes: BoxStream<'static, io::Result<Bytes>>,
}

/// How an attempt ended.
#[derive(Clone, Copy)]
enum Outcome {
    Extracted,
    NotExtractable,
    PutOff,
    /// The same, and no other version would fare better.
    Hopeless,
}

impl ExtractionsDone {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Extracted => self.extracted += 1,
            Outcome::NotExtractable => self.not_extractable += 1,
            Outcome::PutOff | Outcome::Hopeless => self.put_off += 1,
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
    disposal: &Disposal,
    now: Timestamp,
) -> Result<Claim, Error> {
    if ATTEMPTS_MAX <= due.attempts {
        let finding = Finding {
            organization: organization.clone(),
            claimed: due.clone(),
            read_as: None,
            is_extracted: false,
            content: analyse::text(""),
            thumbnails: None,
            disposal: disposal.clone(),
            now,
        };
        return Ok(if finish(tx, &finding).await? { Claim::Exhausted } else { Claim::Taken });
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

async fn look_into(
    extractor: &dyn Extractor,
    version: &Version,
    bytes: Result<DocumentBytes, Fault>,
) -> Result<Extracted, ExtractError> {
    let DocumentBytes { size_bytes, bytes } = bytes.map_err(ExtractError::Fault)?;
    let document = Document {
        size_bytes,
        bytes,
        content_type: &version.content_type,
        extension: extension(&version.name),
    };
    extractor.extract(document).await
}

/// What stands behind the last dot of a name.
pub(crate) fn extension(name: &ResourceName) -> Option<&str> {
    name.as_str().rsplit_once('.').map(|(_, extension)| extension)
}

/// The words of a text, which may be so long that no thread of the runtime should look for them.
async fn words_of(text: Option<String>) -> Result<SearchText, Error> {
    let words = move || analyse::text(text.as_deref().unwrap_or_default());
    let words = tokio::task::spawn_blocking(words).await;
    words.map_err(|_| Error::Fault("a text could not be taken apart"))
}

/// What an attempt found.
struct Finding {
    organization: OrganizationId,
    claimed: DueExtraction,
    /// The name it went by, if anybody read it.
    read_as: Option<ResourceName>,
    is_extracted: bool,
    content: SearchText,
    thumbnails: Option<(Blob, [i64; 3])>,
    disposal: Disposal,
    now: Timestamp,
}

/// Notes what an attempt found. False when nobody waits for it any longer.
async fn finish(tx: &mut Tx, finding: &Finding) -> Result<bool, Error> {
    let Finding {
        organization,
        claimed,
        is_extracted,
        content,
        thumbnails,
        disposal,
        now,
        read_as,
    } = finding;
    if let Some(read_as) = read_as
        && let Some(version) = tx.version(organization, &claimed.document, &claimed.version).await?
        && extension(&version.name) != extension(read_as)
    {
        // It was renamed meanwhile, and is to be read as what it is called now.
        tx.put_off_extraction(organization, claimed, 0, *now).await?;
        return Ok(false);
    }
    let thumbnails = thumbnails.as_ref().map(|(blob, sizes)| (blob, *sizes));
    let finished =
        tx.finish_extraction(organization, claimed, *is_extracted, thumbnails, *now).await?;
    let Some(FinishedExtraction { replaced }) = finished else { return Ok(false) };
    if let Some(blob) = replaced {
        tx.discard_blob(organization, &blob, disposal.location, disposal.not_before).await?;
    }
    index_content(tx, organization, &claimed.document, &claimed.version, content).await?;
    Ok(true)
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
