//! Checks every invariant of the data, and changes nothing. It runs on a stopped site and on one
//! that is being used.

use std::collections::BTreeMap;

use docharbor_blobs::{BlobEntry, BlobKey, LIST_PAGE_MAX, Stored};
use docharbor_domain::{BlobId, OrganizationId};
use docharbor_metadata::{Blob, CHECKS, EntryKey, IndexedKind};
use serde::Serialize;

use crate::jobs::SWEPT_AGE_MIN_MS;
use crate::thumbnails::no_version;
use crate::{Error, Site};

/// The invariants of the index that the database alone cannot be asked about, because it takes the
/// analyser, or goes through the index a page at a time.
pub const INDEX_INVARIANTS: [&str; 3] = [FOUND_BY_ITS_WORDS, SAME_WORDS, OF_AN_ENTRY];
const FOUND_BY_ITS_WORDS: &str = "what can be found is found by the words it has";
const SAME_WORDS: &str = "an entry of the index and its words say the same";
const OF_AN_ENTRY: &str = "words in the index are those of an entry";

/// Of stored bytes.
const WHOLE: &str = "stored bytes are there, whole";
const DAMAGED: &str = "damaged";

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
    /// older than the grace. `deep` reads every byte and compares its hashes, and asks the index of words
    /// for each of its entries.
    pub async fn verify(&self, deep: bool) -> Result<Report, Error> {
        let mut report = Report::default();
        for line in self.parts.metadata.integrity_check().await? {
            report.add(None, "the database file is whole", "database", &line);
        }
        for organization in self.organizations().await? {
            self.verify_rows(&organization, &mut report).await?;
            self.verify_index(&organization, deep, &mut report).await?;
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
        report.invariants_checked = CHECKS.len() + INDEX_INVARIANTS.len();
        for (invariant, subject, detail) in breaches {
            report.add(Some(organization), invariant, &subject, &detail);
        }
        Ok(())
    }

    async fn verify_index(
        &self,
        organization: &OrganizationId,
        deep: bool,
        report: &mut Report,
    ) -> Result<(), Error> {
        for kind in IndexedKind::ALL {
            let mut after = Some(EntryKey::default());
            while let Some(from) = after {
                let page = self.wrong_entries(organization, kind, from).await?;
                // What has no words at all was found by the database.
                for wrong in
                    page.found.iter().filter(|row| !row.lacks_content && row.tokens.is_some())
                {
                    let subject = wrong.key.iter().rfind(|id| !id.is_empty());
                    let subject = subject.map(String::as_str).unwrap_or_default();
                    report.add(Some(organization), FOUND_BY_ITS_WORDS, subject, kind.as_str());
                }
                after = page.next;
            }
        }
        let mut after = deep.then_some(0);
        while let Some(from) = after {
            let page = self.miswritten_entries(organization, from).await?;
            for (_, resource) in page.found {
                report.add(Some(organization), SAME_WORDS, &resource, "other words");
            }
            after = page.next;
        }
        let mut after = Some(0);
        while let Some(from) = after {
            let page = self.words_of_nothing(organization, from).await?;
            for ordinal in page.found {
                report.add(Some(organization), OF_AN_ENTRY, &ordinal.to_string(), "no entry");
            }
            after = page.next;
        }
        Ok(())
    }

    async fn verify_blobs(
        &self,
        organization: &OrganizationId,
        deep: bool,
        report: &mut Report,
    ) -> Result<(), Error> {
        let (mut after, mut faults) = (String::new(), BTreeMap::new());
        loop {
            let input = (organization.clone(), after.clone());
            let blobs = self
                .read(input, |tx, (organization, after)| {
                    Box::pin(async move { Ok(tx.blobs_after(organization, after, 500).await?) })
                })
                .await?;
            let Some(last) = blobs.last() else { break };
            after = last.id.as_str().to_owned();
            for blob in blobs {
                report.blobs_checked += 1;
                if let Some(fault) = self.fault_of(organization, &blob, deep, report).await?
                    // On a site in use it may have been given up since it was listed.
                    && self.is_still_kept(organization, &blob.id).await?
                {
                    faults.insert(blob.id, fault.to_owned());
                }
            }
        }
        if !faults.is_empty() {
            self.name_pictures(organization, &mut faults).await?;
        }
        for (blob, fault) in faults {
            report.add(Some(organization), WHOLE, blob.as_str(), &fault);
        }
        Ok(())
    }

    /// Tells of bytes that are only pictures of a version, which can be made anew.
    async fn name_pictures(
        &self,
        organization: &OrganizationId,
        faults: &mut BTreeMap<BlobId, String>,
    ) -> Result<(), Error> {
        let mut after = no_version();
        loop {
            let page = self.pictured_versions(organization, after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = (last.document.clone(), last.version.clone());
            for pictured in page {
                if let Some(fault) = faults.get_mut(&pictured.thumbnails.blob) {
                    // Whether bytes of the right number are the right ones is not asked without being told to.
                    let command = if fault == DAMAGED { "reindex --all" } else { "reindex" };
                    let version = pictured.version.as_str();
                    *fault = format!("{fault}: thumbnails of {version}, made anew by {command}");
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
            return Ok((!is_same(blob, &stored)).then_some(DAMAGED));
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
