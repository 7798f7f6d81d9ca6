//! Checks every invariant of the data, and changes nothing. It runs on a stopped site and on one
//! that is being used.

use docharbor_blobs::{BlobEntry, BlobKey, LIST_PAGE_MAX, Stored};
use docharbor_domain::{BlobId, OrganizationId};
use docharbor_metadata::{Blob, CHECKS};
use serde::Serialize;

use crate::jobs::SWEPT_AGE_MIN_MS;
use crate::{Error, Site};

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The site it is in; none for what all sites share.
    pub organization: Option<OrganizationId>,
    /// The invariant that is broken.
    pub invariant: String,
    /// What breaks it: an id of ours.
    pub subject: String,
    /// A word about it.
    pub detail: String,
}

/// What was looked at and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How many invariants were asked of the database.
    pub invariants_checked: usize,
    /// How many blobs were looked for.
    pub blobs_checked: u64,
    /// How many bytes were read and hashed.
    pub bytes_hashed: u64,
    /// What is wrong; nothing for a sound site.
    pub findings: Vec<Finding>,
}

impl Site {
    /// Checks the database, and that the blob store has what it refers to and nothing else that is
    /// older than the grace. `deep` reads every byte and compares its hashes.
    pub async fn verify(&self, deep: bool) -> Result<Report, Error> {
        let mut report = Report::default();
        for line in self.parts.metadata.integrity_check().await? {
            report.add(None, "the database file is whole", "database", &line);
        }
        for organization in self.organizations().await? {
            self.verify_rows(&organization, &mut report).await?;
            self.verify_blobs(&organization, deep, &mut report).await?;
            self.verify_no_leaks(&organization, &mut report).await?;
        }
        Ok(report)
    }

    async fn verify_rows(
        &self,
        organization: &OrganizationId,
        report: &mut Report,
    ) -> Result<(), Error> {
        // One reading for all: on a site in use the checks must see one and the same state.
        let breaches = self
            .read(organization.clone(), |tx, organization| {
                Box::pin(async move {
                    let mut breaches = Vec::new();
                    for check in CHECKS {
                        for (subject, detail) in tx.breaches(organization, check).await? {
                            breaches.push((check.invariant, subject, detail));
                        }
                    }
                    Ok::<_, Error>(breaches)
                })
            })
            .await?;
        report.invariants_checked = CHECKS.len();
        for (invariant, subject, detail) in breaches {
            report.add(Some(organization), invariant, &subject, &detail);
        }
        Ok(())
    }

    async fn verify_blobs(
        &self,
        organization: &OrganizationId,
        deep: bool,
        report: &mut Report,
    ) -> Result<(), Error> {
        let mut after = String::new();
        loop {
            let input = (organization.clone(), after.clone());
            let blobs = self
                .read(input, |tx, (organization, after)| {
                    Box::pin(async move { Ok(tx.blobs_after(organization, after, 500).await?) })
                })
                .await?;
            let Some(last) = blobs.last() else { return Ok(()) };
            after = last.id.as_str().to_owned();
            for blob in blobs {
                report.blobs_checked += 1;
                if let Some(fault) = self.fault_of(organization, &blob, deep, report).await?
                    // On a site in use it may have been given up since it was listed.
                    && self.is_still_kept(organization, &blob.id).await?
                {
                    let invariant = "stored bytes are there, whole";
                    report.add(Some(organization), invariant, blob.id.as_str(), fault);
                }
            }
        }
    }

    async fn fault_of(
        &self,
        organization: &OrganizationId,
        blob: &Blob,
        deep: bool,
        report: &mut Report,
    ) -> Result<Option<&'static str>, Error> {
        let Ok(key) = BlobKey::new(organization.clone(), blob.id.clone()) else {
            return Ok(Some("the id is no key of the blob store"));
        };
        if deep {
            let Some(stored) = self.parts.blobs.hash(&key).await? else {
                return Ok(Some("missing"));
            };
            report.bytes_hashed += stored.size_bytes;
            return Ok((!is_same(blob, &stored)).then_some("damaged"));
        }
        let size_bytes = u64::try_from(blob.size_bytes).unwrap_or(u64::MAX);
        match self.parts.blobs.open(&key, size_bytes).await {
            Ok(Some(_)) => Ok(None),
            Ok(None) => Ok(Some("missing")),
            Err(docharbor_blobs::BlobError::Size { .. }) => Ok(Some("of another size")),
            Err(error) => Err(error.into()),
        }
    }

    async fn is_still_kept(
        &self,
        organization: &OrganizationId,
        blob: &BlobId,
    ) -> Result<bool, Error> {
        let input = (organization.clone(), blob.clone());
        self.read(input, |tx, (organization, blob)| {
            Box::pin(async move { Ok(tx.blob(organization, blob).await?.is_some()) })
        })
        .await
    }

    async fn is_stored(
        &self,
        organization: &OrganizationId,
        entry: &BlobEntry,
    ) -> Result<bool, Error> {
        let Ok(key) = BlobKey::new(organization.clone(), entry.blob_id.clone()) else {
            return Ok(true);
        };
        Ok(self.parts.blobs.open(&key, entry.size_bytes).await?.is_some())
    }

    async fn verify_no_leaks(
        &self,
        organization: &OrganizationId,
        report: &mut Report,
    ) -> Result<(), Error> {
        // Younger ones may be on their way to a version; older ones the sweep should have found.
        let age_ms = self.settings().garbage_grace_ms.max(SWEPT_AGE_MIN_MS).saturating_mul(2);
        let oldest = self.now().plus_millis(-age_ms).as_millis();
        let mut after: Option<BlobId> = None;
        loop {
            let page = self.parts.blobs.list(organization, after.as_ref(), LIST_PAGE_MAX).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.blob_id.clone());
            for entry in page.into_iter().filter(|entry| entry.modified_ms < oldest) {
                let input = (organization.clone(), entry.blob_id.clone());
                let is_known = self
                    .read(input, |tx, (organization, blob)| {
                        Box::pin(async move { Ok(tx.knows_blob(organization, blob).await?) })
                    })
                    .await?;
                // On a site in use its last row may have gone since it was listed, after its bytes.
                if !is_known && self.is_stored(organization, &entry).await? {
                    let (blob, what) = (entry.blob_id.as_str(), "no row knows them");
                    report.add(Some(organization), "no bytes leak", blob, what);
                }
            }
        }
    }
}

impl Report {
    fn add(
        &mut self,
        organization: Option<&OrganizationId>,
        invariant: &str,
        subject: &str,
        detail: &str,
    ) {
        self.findings.push(Finding {
            organization: organization.cloned(),
            invariant: invariant.to_owned(),
            subject: subject.to_owned(),
            detail: detail.to_owned(),
        });
    }
}

fn is_same(blob: &Blob, stored: &Stored) -> bool {
    u64::try_from(blob.size_bytes) == Ok(stored.size_bytes)
        && blob.md5 == hex::encode(stored.md5)
        && blob.blake3 == hex::encode(stored.blake3)
}
