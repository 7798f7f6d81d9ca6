//! What time makes of what was recycled: out of its owner's sight first, then gone.

use docharbor_domain::{DocumentId, FolderId, OrganizationId, ResourceId, Timestamp, VersionId};
use docharbor_metadata::Tx;

use crate::jobs::ROWS_AT_ONCE;
use crate::uploads::Disposal;
use crate::{Error, Site};

impl Site {
    /// Moves what was recycled long enough ago on to the recovery bin, and out of that for good.
    /// Tells how many items and versions are gone.
    pub(crate) async fn end_retention(&self, organization: &OrganizationId) -> Result<u64, Error> {
        let bin_ends = self.now().plus_millis(-self.settings().recycle_bin_retention_ms);
        let all_ends = bin_ends.plus_millis(-self.settings().recovery_bin_retention_ms);
        self.hide_recycled(organization, bin_ends).await?;
        let items = self.delete_overdue_items(organization, all_ends).await?;
        let versions = self.remove_overdue_versions(organization, all_ends).await?;
        Ok(items + versions)
    }

    async fn hide_recycled(
        &self,
        organization: &OrganizationId,
        before: Timestamp,
    ) -> Result<(), Error> {
        loop {
            let input = (organization.clone(), before);
            let moved = self
                .write(input, |tx, (organization, before)| {
                    Box::pin(async move {
                        Ok(tx.recycled_to_recovery_bin(organization, *before, ROWS_AT_ONCE).await?)
                    })
                })
                .await?;
            if moved == 0 {
                return Ok(());
            }
        }
    }

    async fn delete_overdue_items(
        &self,
        organization: &OrganizationId,
        before: Timestamp,
    ) -> Result<u64, Error> {
        let mut deleted = 0;
        loop {
            let input = (organization.clone(), before);
            let overdue = self
                .read(input, |tx, (organization, before)| {
                    Box::pin(async move {
                        Ok(tx.overdue_items(organization, *before, ROWS_AT_ONCE).await?)
                    })
                })
                .await?;
            let mut round = Round::default();
            for (id, bin) in overdue {
                let input = (organization.clone(), id, bin, before, self.now());
                let step = self.write(input, |tx, (organization, id, bin, before, now)| {
                    Box::pin(delete_item(tx, organization, id, bin, *before, *now))
                });
                round.take(step.await);
            }
            deleted += round.progress;
            if round.progress == 0 {
                return round.failure.map_or(Ok(deleted), Err);
            }
        }
    }

    async fn remove_overdue_versions(
        &self,
        organization: &OrganizationId,
        before: Timestamp,
    ) -> Result<u64, Error> {
        let mut removed = 0;
        loop {
            let input = (organization.clone(), before);
            let overdue = self
                .read(input, |tx, (organization, before)| {
                    Box::pin(async move {
                        Ok(tx.overdue_versions(organization, *before, ROWS_AT_ONCE).await?)
                    })
                })
                .await?;
            let mut round = Round::default();
            for (document, version) in overdue {
                let disposal = self.disposal(self.now());
                let input = Overdue {
                    organization: organization.clone(),
                    document,
                    version,
                    before,
                    disposal,
                };
                let step = self.write(input, |tx, input| Box::pin(remove_version(tx, input)));
                round.take(step.await);
            }
            removed += round.progress;
            if round.progress == 0 {
                return round.failure.map_or(Ok(removed), Err);
            }
        }
    }
}

/// What came of a page of overdue things: one that fails keeps no other from going.
#[derive(Default)]
struct Round {
    progress: u64,
    failure: Option<Error>,
}

impl Round {
    fn take(&mut self, step: Result<u64, Error>) {
        match step {
            Ok(gone) => self.progress += gone,
            Err(error) => {
                self.failure.get_or_insert(error);
            }
        }
    }
}

/// A deleted version that can no longer be restored.
struct Overdue {
    organization: OrganizationId,
    document: DocumentId,
    version: VersionId,
    before: Timestamp,
    disposal: Disposal,
}

async fn delete_item(
    tx: &mut Tx,
    organization: &OrganizationId,
    id: &ResourceId,
    bin: &FolderId,
    before: Timestamp,
    now: Timestamp,
) -> Result<u64, Error> {
    // Somebody may have restored or deleted it meanwhile: then it is no longer there, or there anew.
    if tx.lock_item(organization, bin, id).await?.is_none()
        || !tx.is_overdue(organization, id, before).await?
    {
        return Ok(0);
    }
    tx.detach(organization, id).await?;
    tx.count_items(organization, bin, -1).await?;
    tx.insert_purge(organization, id, now).await?;
    Ok(1)
}

async fn remove_version(tx: &mut Tx, input: &Overdue) -> Result<u64, Error> {
    let Overdue { organization, document, version, before, disposal } = input;
    let owner = tx.lock_overdue_version(organization, document, version, *before).await?;
    let Some(owner) = owner else { return Ok(0) };
    let Some(removed) = tx.delete_version(organization, document, version).await? else {
        return Ok(0);
    };
    for blob in removed.blob.iter().chain(&removed.thumbnails) {
        tx.discard_blob(organization, blob, disposal.location, disposal.not_before).await?;
    }
    tx.forget_version(organization, document, version).await?;
    if removed.charged_bytes != 0 {
        tx.charge(organization, &owner, -removed.charged_bytes).await?;
    }
    Ok(1)
}
