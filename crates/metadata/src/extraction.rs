//! What is taken out of the bytes of versions: what is still to be looked into, and what came of it.

use docharbor_domain::{BlobId, DocumentId, OrganizationId, Timestamp, VersionId};

use crate::StoreError;
use crate::driver::{Lock, Tx};
use crate::value::Row;
use crate::versions::Blob;

const INSERT: &str = "
    INSERT INTO extraction (organization_id, document_id, version_id, state, attempts, due_ms)
    VALUES ($1, $2, $3, 'DUE', 0, $4)
    ON CONFLICT (organization_id, document_id, version_id) DO NOTHING";

const INSERT_UNEXTRACTABLE: &str = "
    INSERT INTO extraction (organization_id, document_id, version_id, state, attempts)
    VALUES ($1, $2, $3, 'NOT_EXTRACTABLE', 0)
    ON CONFLICT (organization_id, document_id, version_id) DO NOTHING";

const DUE: &str = "
    SELECT document_id, version_id, attempts FROM extraction
     WHERE organization_id = $1 AND due_ms <= $2 ORDER BY due_ms LIMIT $3";

const CLAIM: &str = "
    UPDATE extraction SET attempts = attempts + 1, due_ms = $1
     WHERE organization_id = $2 AND document_id = $3 AND version_id = $4
       AND state = 'DUE' AND attempts = $5";

const PUT_OFF: &str = "
    UPDATE extraction SET attempts = $1, due_ms = $2
     WHERE organization_id = $3 AND document_id = $4 AND version_id = $5
       AND state = 'DUE' AND attempts = $6";

const CLAIMED: &str = "
    SELECT blob_id FROM extraction
     WHERE organization_id = $1 AND document_id = $2 AND version_id = $3
       AND state = 'DUE' AND attempts = $4";

const FINISH: &str = "
    UPDATE extraction
       SET state = $1, due_ms = NULL, blob_id = $2, small_bytes = $3, small_hq_bytes = $4,
           large_bytes = $5
     WHERE organization_id = $6 AND document_id = $7 AND version_id = $8
       AND state = 'DUE' AND attempts = $9";

const THUMBNAILS: &str = "
    SELECT blob_id, small_bytes, small_hq_bytes, large_bytes FROM extraction
     WHERE organization_id = $1 AND document_id = $2 AND version_id = $3 AND blob_id IS NOT NULL";

const AGAIN: &str = "
    UPDATE extraction SET state = 'DUE', attempts = 0, due_ms = $1
     WHERE organization_id = $2 AND document_id = $3 AND version_id = $4 AND state <> 'DUE'";

const FORGET_THUMBNAILS: &str = "
    UPDATE extraction
       SET blob_id = NULL, small_bytes = NULL, small_hq_bytes = NULL, large_bytes = NULL
     WHERE organization_id = $1 AND document_id = $2 AND version_id = $3 AND blob_id = $4";

const DELETE: &str = "
    DELETE FROM extraction
     WHERE organization_id = $1 AND document_id = $2 AND version_id = $3
    RETURNING blob_id";

const DONE: &str = "
    SELECT document_id, version_id FROM extraction
     WHERE organization_id = $1 AND due_ms IS NULL AND (document_id, version_id) > ($2, $3)
     ORDER BY document_id, version_id LIMIT $4";

const WITH_THUMBNAILS: &str = "
    SELECT document_id, version_id, blob_id, small_bytes, small_hq_bytes, large_bytes
      FROM extraction
     WHERE organization_id = $1 AND (document_id, version_id) > ($2, $3) AND blob_id IS NOT NULL
     ORDER BY document_id, version_id LIMIT $4";

const MISSING: &str = "
    SELECT v.document_id, v.id FROM version v
     WHERE v.organization_id = $1 AND v.status IN ('ACTIVE', 'DELETED')
       AND NOT EXISTS (SELECT 1 FROM extraction e WHERE e.organization_id = $1
                          AND e.document_id = v.document_id AND e.version_id = v.id)
     LIMIT $2";

/// Statements whose plans are looked at.
#[cfg(test)]
pub(crate) const PLANNED: &[&str] =
    &[DUE, CLAIM, PUT_OFF, CLAIMED, FINISH, THUMBNAILS, AGAIN, FORGET_THUMBNAILS, DELETE];

/// A version to look into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueExtraction {
    /// The document.
    pub document: DocumentId,
    /// The version.
    pub version: VersionId,
    /// How often it was tried. Whoever tries it holds the number that comes next.
    pub attempts: i64,
}

/// The pictures of a version, one behind the other in one blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredThumbnails {
    /// The blob.
    pub blob: BlobId,
    /// The sizes of the three pictures, the smallest first.
    pub sizes_bytes: [i64; 3],
}

/// A version whose pictures are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PicturedVersion {
    /// The document.
    pub document: DocumentId,
    /// The version.
    pub version: VersionId,
    /// Where its pictures lie.
    pub thumbnails: StoredThumbnails,
}

/// An attempt that was noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedExtraction {
    /// The blob of the pictures that were there before, which is to be given up.
    pub replaced: Option<BlobId>,
}

impl Tx {
    /// Lets a version be looked into. Nothing changes for one that was or is to be.
    pub async fn insert_extraction(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
        due: Timestamp,
    ) -> Result<(), StoreError> {
        let args = [organization.into(), document.into(), version.into(), due.into()];
        self.execute(INSERT, &args).await?;
        Ok(())
    }

    /// Notes of a version that nobody could read it. Nothing changes for one of which more is known.
    pub async fn insert_unextractable(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
    ) -> Result<(), StoreError> {
        let args = [organization.into(), document.into(), version.into()];
        self.execute(INSERT_UNEXTRACTABLE, &args).await?;
        Ok(())
    }

    /// Versions to look into, those that have waited longest first.
    pub async fn due_extractions(
        &mut self,
        organization: &OrganizationId,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<DueExtraction>, StoreError> {
        let rows = self.rows(DUE, &[organization.into(), now.into(), limit.into()]).await?;
        rows.iter()
            .map(|row| {
                Ok(DueExtraction {
                    document: DocumentId::new(row.text(0)?),
                    version: VersionId::new(row.text(1)?),
                    attempts: row.int(2)?,
                })
            })
            .collect()
    }

    /// Begins an attempt and counts it, so that one that ends the server counts too. Nobody else
    /// begins one before `until`. False when somebody was faster.
    pub async fn claim_extraction(
        &mut self,
        organization: &OrganizationId,
        due: &DueExtraction,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let args = [
            until.into(),
            organization.into(),
            (&due.document).into(),
            (&due.version).into(),
            due.attempts.into(),
        ];
        Ok(self.execute(CLAIM, &args).await? == 1)
    }

    /// Leaves a version that was claimed to a later attempt.
    pub async fn put_off_extraction(
        &mut self,
        organization: &OrganizationId,
        claimed: &DueExtraction,
        attempts: i64,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let args = [
            attempts.into(),
            until.into(),
            organization.into(),
            (&claimed.document).into(),
            (&claimed.version).into(),
            claimed.attempts.into(),
        ];
        Ok(self.execute(PUT_OFF, &args).await? == 1)
    }

    /// Notes what came of a version that was claimed. Nothing when it is no longer waiting for this.
    pub async fn finish_extraction(
        &mut self,
        organization: &OrganizationId,
        claimed: &DueExtraction,
        is_extracted: bool,
        thumbnails: Option<(&Blob, [i64; 3])>,
        now: Timestamp,
    ) -> Result<Option<FinishedExtraction>, StoreError> {
        let args = [
            organization.into(),
            (&claimed.document).into(),
            (&claimed.version).into(),
            claimed.attempts.into(),
        ];
        // Held, because the former pictures' blob may be given up once and not twice.
        let Some(row) = self.row_locked(Lock::NoKeyUpdate, CLAIMED, &args).await? else {
            return Ok(None);
        };
        let replaced = row.text_opt(0)?.map(BlobId::new);
        let sizes = thumbnails.map(|(_, sizes)| sizes);
        let size = |at: fn([i64; 3]) -> i64| sizes.map(at);
        let args = [
            if is_extracted { "EXTRACTED" } else { "NOT_EXTRACTABLE" }.into(),
            thumbnails.map(|(blob, _)| blob.id.as_str().to_owned()).into(),
            size(|[small, _, _]| small).into(),
            size(|[_, small_hq, _]| small_hq).into(),
            size(|[_, _, large]| large).into(),
            organization.into(),
            (&claimed.document).into(),
            (&claimed.version).into(),
            claimed.attempts.into(),
        ];
        self.execute(FINISH, &args).await?;
        if let Some((blob, _)) = thumbnails {
            self.insert_blob(organization, blob, now).await?;
        }
        Ok(Some(FinishedExtraction { replaced }))
    }

    /// Lets a version be looked into anew that was before; its pictures stay until there are others.
    /// False when it is waiting for that anyway, or is not known.
    pub async fn extract_again(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
        due: Timestamp,
    ) -> Result<bool, StoreError> {
        let args = [due.into(), organization.into(), document.into(), version.into()];
        Ok(self.execute(AGAIN, &args).await? == 1)
    }

    /// Forgets the pictures of a version, whose blob is to be given up. False when it has others by
    /// now, or none.
    pub async fn forget_thumbnails(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
        blob: &BlobId,
    ) -> Result<bool, StoreError> {
        let args = [organization.into(), document.into(), version.into(), blob.into()];
        Ok(self.execute(FORGET_THUMBNAILS, &args).await? == 1)
    }

    /// Where the pictures of a version lie, if it has any.
    pub async fn thumbnails(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
    ) -> Result<Option<StoredThumbnails>, StoreError> {
        let args = [organization.into(), document.into(), version.into()];
        let Some(row) = self.row(THUMBNAILS, &args).await? else { return Ok(None) };
        decode_thumbnails(&row, 0).map(Some)
    }

    /// Some of the versions that have pictures, in the order of their documents' and their own ids,
    /// beginning behind one.
    pub async fn pictured_versions(
        &mut self,
        organization: &OrganizationId,
        after: &(DocumentId, VersionId),
        limit: i64,
    ) -> Result<Vec<PicturedVersion>, StoreError> {
        let args = [organization.into(), (&after.0).into(), (&after.1).into(), limit.into()];
        let rows = self.rows(WITH_THUMBNAILS, &args).await?;
        rows.iter()
            .map(|row| {
                Ok(PicturedVersion {
                    document: DocumentId::new(row.text(0)?),
                    version: VersionId::new(row.text(1)?),
                    thumbnails: decode_thumbnails(row, 2)?,
                })
            })
            .collect()
    }

    /// Forgets what was taken out of a version, and tells the blob of its pictures, which is to be
    /// given up.
    pub async fn delete_extraction(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
    ) -> Result<Option<BlobId>, StoreError> {
        let args = [organization.into(), document.into(), version.into()];
        match self.row(DELETE, &args).await? {
            Some(row) => Ok(row.text_opt(0)?.map(BlobId::new)),
            None => Ok(None),
        }
    }

    /// Some of the versions that were looked into, in the order of their documents' and their own
    /// ids, beginning behind one.
    pub async fn done_extractions(
        &mut self,
        organization: &OrganizationId,
        after: &(DocumentId, VersionId),
        limit: i64,
    ) -> Result<Vec<(DocumentId, VersionId)>, StoreError> {
        let args = [organization.into(), (&after.0).into(), (&after.1).into(), limit.into()];
        let rows = self.rows(DONE, &args).await?;
        rows.iter()
            .map(|row| Ok((DocumentId::new(row.text(0)?), VersionId::new(row.text(1)?))))
            .collect()
    }

    /// Some of the versions of which nothing is known.
    pub async fn missing_extractions(
        &mut self,
        organization: &OrganizationId,
        limit: i64,
    ) -> Result<Vec<(DocumentId, VersionId)>, StoreError> {
        let rows = self.rows(MISSING, &[organization.into(), limit.into()]).await?;
        rows.iter()
            .map(|row| Ok((DocumentId::new(row.text(0)?), VersionId::new(row.text(1)?))))
            .collect()
    }
}

fn decode_thumbnails(row: &Row, at: usize) -> Result<StoredThumbnails, StoreError> {
    Ok(StoredThumbnails {
        blob: BlobId::new(row.text(at)?),
        sizes_bytes: [row.int(at + 1)?, row.int(at + 2)?, row.int(at + 3)?],
    })
}
