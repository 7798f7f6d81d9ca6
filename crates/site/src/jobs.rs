//! What happens when nobody waits: uploads nobody finished, deleted trees, bytes nothing refers to.
//!
//! Each step is one short transaction that leaves everything in order, so that the work can stop
//! anywhere and goes on after a crash.

use docharbor_blobs::{BlobKey, LIST_PAGE_MAX};
use docharbor_domain::{
    BlobId, DocumentId, Item, OrganizationId, ResourceId, Timestamp, UserId, VersionId,
};
use docharbor_metadata::{Purge, Tx};

use crate::oauth::DEVICE_REMEMBERED_MS;
use crate::uploads::{Disposal, remove_draft};
use crate::{Error, Site, chain};

/// Versions one transaction removes at the most.
pub(crate) const VERSIONS_AT_ONCE: usize = 100;

/// Rows one transaction of the jobs touches at the most.
pub(crate) const ROWS_AT_ONCE: i64 = 100;

/// How long a call's answer is kept for its later attempts.
const ANSWERS_KEPT_MS: i64 = 24 * 3_600_000;

/// How often the jobs look for work that time brings.
const TICK: std::time::Duration = std::time::Duration::from_secs(30);

/// Bytes no row knows are never swept younger than this, however short the grace: they may be about
/// to be attached to their version.
pub(crate) const SWEPT_AGE_MIN_MS: i64 = 600_000;

/// Ticks between two sweeps for bytes no row knows, and between two for what is wrong in the index.
const TICKS_PER_SWEEP: u32 = 2_880;

/// What one round of the jobs did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobsDone {
    /// Uploads given up because their time was over.
    pub uploads_expired: u64,
    /// Deleted items whose rows are gone.
    pub items_purged: u64,
    /// Items and versions whose time in the recovery bin was over.
    pub retention_ended: u64,
    /// Blobs removed from the store.
    pub blobs_removed: u64,
}

impl JobsDone {
    fn add(&mut self, other: Self) {
        self.uploads_expired += other.uploads_expired;
        self.items_purged += other.items_purged;
        self.retention_ended += other.retention_ended;
        self.blobs_removed += other.blobs_removed;
    }
}

impl Site {
    /// Does the work as it comes, until it is dropped.
    pub async fn run_jobs(&self) {
        // An index that has to be made anew takes long, and nothing else is to wait for it.
        tokio::join!(self.run_chores(), self.run_indexing());
    }

    async fn run_indexing(&self) {
        let mut tick = tokio::time::interval(TICK);
        let mut ticks_left = 0_u32;
        loop {
            tick.tick().await;
            ticks_left = ticks_left.saturating_sub(1);
            if ticks_left > 0 {
                continue;
            }
            match self.mend_index().await {
                Ok(_mended) => ticks_left = TICKS_PER_SWEEP,
                Err(error) => tracing::warn!(error = chain(&error), "indexing failed, will go on"),
            }
        }
    }

    async fn run_chores(&self) {
        let mut tick = tokio::time::interval(TICK);
        let mut ticks = 0_u32;
        loop {
            tokio::select! {
                _ = tick.tick() => {
                    if ticks.is_multiple_of(TICKS_PER_SWEEP)
                        && let Err(error) = self.sweep().await
                    {
                        tracing::warn!(error = chain(&error), "sweep failed");
                    }
                    ticks = ticks.wrapping_add(1);
                }
                () = self.work.notified() => {}
            }
            if let Err(error) = self.run_jobs_once().await {
                tracing::warn!(error = chain(&error), "jobs failed, will go on");
            }
        }
    }

    /// Does all the work there is now. One kind of work that fails keeps no other from being done;
    /// the first failure is the answer.
    pub async fn run_jobs_once(&self) -> Result<JobsDone, Error> {
        let mut done = JobsDone::default();
        let mut failure = None;
        let mut take = |result: Result<u64, Error>| {
            result.unwrap_or_else(|error| {
                failure.get_or_insert(error);
                0
            })
        };
        for organization in self.organizations().await? {
            let retention_ended = take(self.end_retention(&organization).await);
            done.add(JobsDone {
                retention_ended,
                items_purged: take(self.purge_deleted(&organization).await),
                uploads_expired: take(self.expire_uploads(&organization).await),
                blobs_removed: take(self.remove_garbage(&organization).await),
            });
            take(self.forget_activities(&organization).await.map(|()| 0));
            take(self.forget_old(&organization).await.map(|()| 0));
            take(self.clear_notifications(&organization).await);
        }
        failure.map_or(Ok(done), Err)
    }

    pub(crate) fn wake_jobs(&self) {
        self.work.notify_one();
    }

    async fn expire_uploads(&self, organization: &OrganizationId) -> Result<u64, Error> {
        let mut expired = 0;
        loop {
            let now = self.now();
            let input = (organization.clone(), now);
            let due = self
                .read(input, |tx, (organization, now)| {
                    Box::pin(async move {
                        Ok(tx.expired_versions(organization, *now, ROWS_AT_ONCE).await?)
                    })
                })
                .await?;
            if due.is_empty() {
                return Ok(expired);
            }
            let (mut progress, mut failure) = (0, None);
            for (document, version) in due {
                let input = (organization.clone(), document, version, self.disposal(now));
                let step = self.write(input, |tx, (organization, document, version, disposal)| {
                    Box::pin(expire(tx, organization, document, version, disposal))
                });
                match step.await {
                    Ok(()) => progress += 1,
                    // Somebody finishes, aborts or deletes it right now: the next round will see.
                    Err(Error::Refused(_) | Error::Changing) => {}
                    Err(error) => failure = Some(error),
                }
            }
            expired += progress;
            if progress == 0 {
                return failure.map_or(Ok(expired), Err);
            }
        }
    }

    async fn purge_deleted(&self, organization: &OrganizationId) -> Result<u64, Error> {
        let mut purged = 0;
        loop {
            let now = self.now();
            let input = (organization.clone(), now, self.disposal(now));
            let (begun, finished) = self
                .write(input, |tx, (organization, now, disposal)| {
                    Box::pin(purge_some(tx, organization, *now, disposal))
                })
                .await?;
            purged += finished;
            if begun == 0 {
                return Ok(purged);
            }
        }
    }

    async fn remove_garbage(&self, organization: &OrganizationId) -> Result<u64, Error> {
        let mut removed = 0;
        loop {
            let input = (organization.clone(), self.parts.blobs.location(), self.now());
            let due = self
                .read(input, |tx, (organization, location, now)| {
                    Box::pin(async move {
                        Ok(tx.due_garbage(organization, location, *now, ROWS_AT_ONCE).await?)
                    })
                })
                .await?;
            if due.is_empty() {
                return Ok(removed);
            }
            let (mut progress, mut failure) = (0, None);
            for blob in due {
                match self.remove_blob(organization, &blob).await {
                    Ok(()) => progress += 1,
                    Err(error) => failure = Some(error),
                }
            }
            removed += progress;
            if progress == 0 {
                return failure.map_or(Ok(removed), Err);
            }
        }
    }

    /// Removes bytes, then forgets them: the other way round a crash would leak them.
    async fn remove_blob(&self, organization: &OrganizationId, blob: &BlobId) -> Result<(), Error> {
        let key = BlobKey::new(organization.clone(), blob.clone())
            .map_err(|_| Error::Fault("a stored blob id is no key of the blob store"))?;
        self.parts.blobs.delete(&key).await?;
        let input = (organization.clone(), blob.clone());
        self.write(input, |tx, (organization, blob)| {
            Box::pin(async move { Ok(tx.forget_garbage(organization, blob).await?) })
        })
        .await
    }

    async fn forget_old(&self, organization: &OrganizationId) -> Result<(), Error> {
        let now = self.now();
        let input = (organization.clone(), now.plus_millis(-ANSWERS_KEPT_MS), now);
        self.write(input, |tx, (organization, before, now)| {
            Box::pin(async move {
                tx.delete_old_answers(organization, *before).await?;
                tx.delete_expired_tokens(organization, *now).await?;
                let codes = now.plus_millis(-DEVICE_REMEMBERED_MS);
                tx.delete_expired_codes(organization, codes).await?;
                tx.delete_expired_sessions(organization, *now).await?;
                // A day without a failure leaves nothing to remember.
                tx.delete_old_failures(organization, *before).await?;
                tx.delete_expired_keys(organization, *now).await?;
                Ok(())
            })
        })
        .await
    }

    /// Finds bytes that no row knows, as a crash between their becoming durable and their being
    /// attached leaves them, and gives them up.
    pub async fn sweep(&self) -> Result<u64, Error> {
        let mut found = 0;
        for organization in self.organizations().await? {
            let mut after: Option<BlobId> = None;
            loop {
                let page =
                    self.parts.blobs.list(&organization, after.as_ref(), LIST_PAGE_MAX).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.blob_id.clone());
                let age_ms = self.settings().garbage_grace_ms.max(SWEPT_AGE_MIN_MS);
                let oldest = self.now().plus_millis(-age_ms);
                for entry in page.iter().filter(|e| e.modified_ms < oldest.as_millis()) {
                    found += self.give_up_unknown(&organization, &entry.blob_id).await?;
                }
            }
        }
        Ok(found)
    }

    async fn give_up_unknown(
        &self,
        organization: &OrganizationId,
        blob: &BlobId,
    ) -> Result<u64, Error> {
        let input = (organization.clone(), blob.clone(), self.disposal(self.now()));
        self.write(input, |tx, (organization, blob, disposal)| {
            Box::pin(async move {
                if tx.knows_blob(organization, blob).await? {
                    return Ok(0);
                }
                let Disposal { location, not_before } = *disposal;
                tx.discard_blob(organization, blob, location, not_before).await?;
                Ok(1)
            })
        })
        .await
    }
}

async fn expire(
    tx: &mut Tx,
    organization: &OrganizationId,
    document: &DocumentId,
    version: &VersionId,
    disposal: &Disposal,
) -> Result<(), Error> {
    let found = tx.item(organization, &ResourceId::new(document.as_str()), None).await?;
    match found.map(|found| found.resource) {
        Some(Item::Document(document)) => {
            remove_draft(tx, organization, &document, version, disposal).await
        }
        // It was deleted with what it stood in: the purge removes it, so it must not come up again.
        Some(Item::Folder(_)) | None => {
            Ok(tx.never_expire(organization, document, version).await?)
        }
    }
}

/// Takes some deleted items one step further. Tells how many it looked at, and how many are gone.
async fn purge_some(
    tx: &mut Tx,
    organization: &OrganizationId,
    now: Timestamp,
    disposal: &Disposal,
) -> Result<(u64, u64), Error> {
    let purges = tx.purges(organization, 10).await?;
    let mut finished = 0;
    for purge in &purges {
        if purge_step(tx, organization, purge, now, disposal).await? {
            finished += 1;
        }
    }
    Ok((u64::try_from(purges.len()).unwrap_or(u64::MAX), finished))
}

async fn purge_step(
    tx: &mut Tx,
    organization: &OrganizationId,
    purge: &Purge,
    now: Timestamp,
    disposal: &Disposal,
) -> Result<bool, Error> {
    let is_done = match &purge.owner {
        None => true,
        Some(owner) if purge.is_document => {
            let document = DocumentId::new(purge.id.as_str());
            let removed = remove_versions(tx, organization, &document, owner, disposal).await?;
            removed < VERSIONS_AT_ONCE
        }
        // Nothing new can come into a detached folder, so its children only grow fewer.
        Some(_) => {
            let children = tx.remaining_children(organization, &purge.id, ROWS_AT_ONCE).await?;
            for child in &children {
                // Another server may be at the same folder.
                if tx.detach(organization, child).await? {
                    tx.insert_purge(organization, child, now).await?;
                }
            }
            children.is_empty()
        }
    };
    if is_done {
        tx.finish_purge(organization, &purge.id).await?;
    }
    Ok(is_done)
}

/// Removes versions of a deleted document with what they occupy, at most [`VERSIONS_AT_ONCE`].
pub(crate) async fn remove_versions(
    tx: &mut Tx,
    organization: &OrganizationId,
    document: &DocumentId,
    owner: &UserId,
    disposal: &Disposal,
) -> Result<usize, Error> {
    let limit = i64::try_from(VERSIONS_AT_ONCE).unwrap_or(i64::MAX);
    let versions = tx.remaining_versions(organization, document, limit).await?;
    let mut freed_bytes = 0_i64;
    for id in &versions {
        let Some(removed) = tx.delete_version(organization, document, id).await? else { continue };
        freed_bytes = freed_bytes.saturating_add(removed.charged_bytes);
        for blob in removed.blob.iter().chain(&removed.thumbnails) {
            tx.discard_blob(organization, blob, disposal.location, disposal.not_before).await?;
        }
    }
    if freed_bytes != 0 {
        tx.charge(organization, owner, -freed_bytes).await?;
    }
    Ok(versions.len())
}
