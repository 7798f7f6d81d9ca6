//! Making anew what can be made from documents, names and comments: what is missing, or all of it.

use docharbor_domain::{DocumentId, OrganizationId, Timestamp, VersionId};
use docharbor_metadata::Tx;

use crate::indexing::Mended;
use crate::thumbnails::no_version;
use crate::{Error, Site};

/// Versions one transaction lets be looked into anew.
const QUEUED_AT_ONCE: i64 = 100;

/// How much is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// What is missing, and what is wrong.
    Missing,
    /// That, words of the index that are not those of its entries, and all that was ever taken out of
    /// documents.
    Everything,
}

/// What was made anew, or will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reindexed {
    /// Entries of the index that were written anew or taken out.
    pub entries: u64,
    /// Versions that will be looked into.
    pub versions_queued: u64,
    /// Whether documents are looked into at all. If not, what was taken out of them stays as it is.
    pub is_extracting: bool,
}

impl Site {
    /// Mends the index, and lets versions be looked into whose words or pictures are lost. What was
    /// taken out of a version stays until there is something to put in its place.
    pub async fn reindex(&self, extent: Extent) -> Result<Reindexed, Error> {
        let Mended { mut entries, mut versions_queued } = self.mend_index().await?;
        if extent == Extent::Everything {
            entries += self.rewrite_words().await?;
        }
        versions_queued += self.queue_missing_extractions().await?;
        let is_extracting = self.parts.extractor.is_some();
        if is_extracting {
            for organization in self.organizations().await? {
                versions_queued += self.make_lost_pictures_anew(&organization).await?;
                if extent == Extent::Everything {
                    versions_queued += self.extract_everything_again(&organization).await?;
                }
            }
            self.documents.notify_one();
        }
        Ok(Reindexed { entries, versions_queued, is_extracting })
    }

    async fn extract_everything_again(&self, organization: &OrganizationId) -> Result<u64, Error> {
        let (mut queued, mut after) = (0, no_version());
        loop {
            let input = (organization.clone(), after, self.now());
            let some = self
                .write(input, |tx, (organization, after, now)| {
                    Box::pin(extract_some_again(tx, organization, after, *now))
                })
                .await?;
            let Some(last) = some.last() else { return Ok(queued) };
            queued += u64::try_from(some.len()).unwrap_or_default();
            after = last.clone();
        }
    }
}

async fn extract_some_again(
    tx: &mut Tx,
    organization: &OrganizationId,
    after: &(DocumentId, VersionId),
    now: Timestamp,
) -> Result<Vec<(DocumentId, VersionId)>, Error> {
    let done = tx.done_extractions(organization, after, QUEUED_AT_ONCE).await?;
    for (document, version) in &done {
        tx.extract_again(organization, document, version, now).await?;
    }
    Ok(done)
}
