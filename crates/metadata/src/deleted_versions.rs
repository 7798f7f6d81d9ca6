//! Versions that were deleted and can still be restored.

use docharbor_domain::{
    DocumentId, OrganizationId, ResourceId, ResourceName, Timestamp, UserId, VersionId,
};

use crate::StoreError;
use crate::driver::{Lock, Tx};

const DELETE: &str = "
    UPDATE version SET status = 'DELETED', deleted_ms = $1
     WHERE organization_id = $2 AND document_id = $3 AND status = 'ACTIVE'
       AND (id = $4 OR ($5 = 1 AND ordinal < $6))";

const RESTORE: &str = "
    UPDATE version SET status = 'ACTIVE', deleted_ms = NULL
     WHERE organization_id = $1 AND document_id = $2 AND status = 'DELETED' AND deleted_ms > $3";

const NEWEST_ACTIVE: &str = "
    SELECT id, name FROM version
     WHERE organization_id = $1 AND document_id = $2 AND status = 'ACTIVE'
     ORDER BY ordinal DESC LIMIT 1";

const OVERDUE: &str = "
    SELECT document_id, id FROM version
     WHERE organization_id = $1 AND deleted_ms <= $2 ORDER BY deleted_ms LIMIT $3";

const HOLD: &str = "SELECT owner_id FROM resource WHERE organization_id = $1 AND id = $2";

const IS_DELETED: &str = "
    SELECT id FROM version
     WHERE organization_id = $1 AND document_id = $2 AND id = $3 AND deleted_ms <= $4";

const FORGET_COMMENTS: &str = "
    DELETE FROM comment WHERE organization_id = $1 AND document_id = $2 AND version_id = $3";

const FORGET_METADATA: &str = "
    DELETE FROM custom_metadata
     WHERE organization_id = $1 AND resource_id = $2 AND version_id = $3";

/// Statements whose plans are looked at.
#[cfg(test)]
pub(crate) const PLANNED: &[&str] =
    &[DELETE, RESTORE, NEWEST_ACTIVE, OVERDUE, HOLD, IS_DELETED, FORGET_COMMENTS, FORGET_METADATA];

impl Tx {
    /// Deletes an ACTIVE version of a locked document, and the ACTIVE ones before it where asked.
    /// They can be restored.
    pub async fn delete_active_versions(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        id: &VersionId,
        prior: Option<i64>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let args = [
            now.into(),
            organization.into(),
            document.into(),
            id.into(),
            prior.is_some().into(),
            prior.unwrap_or(0).into(),
        ];
        self.execute(DELETE, &args).await
    }

    /// Brings back the versions of a locked document that were deleted after a moment.
    pub async fn restore_versions(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        after: Timestamp,
    ) -> Result<u64, StoreError> {
        self.execute(RESTORE, &[organization.into(), document.into(), after.into()]).await
    }

    /// The newest ACTIVE version a document has, with its name.
    pub async fn newest_active_version(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
    ) -> Result<Option<(VersionId, ResourceName)>, StoreError> {
        let row = self.row(NEWEST_ACTIVE, &[organization.into(), document.into()]).await?;
        row.map(|row| Ok((VersionId::new(row.text(0)?), ResourceName::new(row.text(1)?))))
            .transpose()
    }

    /// Versions that were deleted before a moment.
    pub async fn overdue_versions(
        &mut self,
        organization: &OrganizationId,
        before: Timestamp,
        limit: i64,
    ) -> Result<Vec<(DocumentId, VersionId)>, StoreError> {
        let rows = self.rows(OVERDUE, &[organization.into(), before.into(), limit.into()]).await?;
        rows.iter()
            .map(|row| Ok((DocumentId::new(row.text(0)?), VersionId::new(row.text(1)?))))
            .collect()
    }

    /// Holds the document of an overdue version until the transaction ends. Gives who is charged
    /// for the version; nothing when it was restored or removed meanwhile.
    pub async fn lock_overdue_version(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        id: &VersionId,
        before: Timestamp,
    ) -> Result<Option<UserId>, StoreError> {
        let args = [organization.into(), document.into()];
        let Some(item) = self.row_locked(Lock::Update, HOLD, &args).await? else {
            return Ok(None);
        };
        let args = [organization.into(), document.into(), id.into(), before.into()];
        let is_overdue = self.row(IS_DELETED, &args).await?.is_some();
        if is_overdue { Ok(Some(UserId::new(item.text(0)?))) } else { Ok(None) }
    }

    /// Forgets what was said of a removed version.
    pub async fn forget_version(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        id: &VersionId,
    ) -> Result<(), StoreError> {
        let resource = ResourceId::from(document.clone());
        let args = [organization.into(), document.into(), id.into()];
        self.execute(FORGET_COMMENTS, &args).await?;
        self.execute(FORGET_METADATA, &[organization.into(), (&resource).into(), id.into()])
            .await?;
        Ok(())
    }
}
