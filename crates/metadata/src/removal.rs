//! What goes in the background: deleted trees row by row, and bytes nothing refers to.

use docharbor_domain::{
    BlobId, DocumentId, OrganizationId, ResourceId, Timestamp, UserId, VersionId,
};

use crate::StoreError;
use crate::driver::Tx;

const INSERT_PURGE: &str = "
    INSERT INTO purge (organization_id, resource_id, deleted_ms) VALUES ($1, $2, $3)";

const DUE_PURGES: &str = "
    SELECT p.resource_id, r.owner_id, r.kind FROM purge p
      LEFT JOIN resource r ON r.organization_id = p.organization_id AND r.id = p.resource_id
     WHERE p.organization_id = $1 ORDER BY p.resource_id LIMIT $2";

const CHILDREN: &str = "
    SELECT id FROM resource WHERE organization_id = $1 AND parent_id = $2 LIMIT $3";

const DELETE_PURGE: &str = "DELETE FROM purge WHERE organization_id = $1 AND resource_id = $2";

const DELETE_RESOURCE: &str = "
    DELETE FROM resource WHERE organization_id = $1 AND id = $2 AND state = 'DELETED'";

const FORGET_PERMISSIONS: &str =
    "DELETE FROM permission WHERE organization_id = $1 AND resource_id = $2";

const FORGET_LABELS: &str = "DELETE FROM label WHERE organization_id = $1 AND resource_id = $2";

const FORGET_METADATA: &str =
    "DELETE FROM custom_metadata WHERE organization_id = $1 AND resource_id = $2";

const FORGET_COMMENTS: &str = "DELETE FROM comment WHERE organization_id = $1 AND document_id = $2";

const VERSIONS: &str =
    "SELECT id FROM version WHERE organization_id = $1 AND document_id = $2 LIMIT $3";

const DELETE_VERSION: &str = "
    DELETE FROM version WHERE organization_id = $1 AND document_id = $2 AND id = $3
    RETURNING blob_id, charged_bytes";

const DISCARD: &str = "
    INSERT INTO garbage (organization_id, blob_id, location, not_before_ms)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (organization_id, blob_id) DO NOTHING";

const DELETE_BLOB: &str = "DELETE FROM blob WHERE organization_id = $1 AND id = $2";

const DUE_GARBAGE: &str = "
    SELECT g.blob_id FROM garbage g
     WHERE g.organization_id = $1 AND g.not_before_ms <= $2 AND g.location = $3
       AND NOT EXISTS (SELECT 1 FROM blob b WHERE b.organization_id = $1 AND b.id = g.blob_id)
     ORDER BY g.not_before_ms LIMIT $4";

const DELETE_GARBAGE: &str = "DELETE FROM garbage WHERE organization_id = $1 AND blob_id = $2";

const KNOWN_BLOB: &str = "
    SELECT id FROM blob WHERE organization_id = $1 AND id = $2
    UNION ALL SELECT blob_id FROM garbage WHERE organization_id = $1 AND blob_id = $2";

/// A deleted item whose rows are still to be removed.
#[derive(Clone, Debug)]
pub struct Purge {
    /// The item.
    pub id: ResourceId,
    /// Who is charged for what hangs below; nothing once the item's own row is gone.
    pub owner: Option<UserId>,
    /// Whether it is a document.
    pub is_document: bool,
}

/// What a version occupied when it was removed.
#[derive(Clone, Debug)]
pub struct VersionBytes {
    /// Its bytes, where they arrived.
    pub blob: Option<BlobId>,
    /// The bytes of its thumbnails, where it has any.
    pub thumbnails: Option<BlobId>,
    /// What its owner was charged.
    pub charged_bytes: i64,
}

/// Statements whose plans are looked at.
#[cfg(test)]
pub(crate) const PLANNED: &[&str] = &[
    CHILDREN,
    VERSIONS,
    DELETE_VERSION,
    FORGET_PERMISSIONS,
    FORGET_LABELS,
    FORGET_METADATA,
    FORGET_COMMENTS,
    KNOWN_BLOB,
    DUE_GARBAGE,
];

impl Tx {
    /// Notes that a detached item and all below it are to be removed.
    pub async fn insert_purge(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(INSERT_PURGE, &[organization.into(), id.into(), now.into()]).await?;
        Ok(())
    }

    /// Deleted items whose rows are still to be removed.
    pub async fn purges(
        &mut self,
        organization: &OrganizationId,
        limit: i64,
    ) -> Result<Vec<Purge>, StoreError> {
        let rows = self.rows(DUE_PURGES, &[organization.into(), limit.into()]).await?;
        rows.iter()
            .map(|row| {
                Ok(Purge {
                    id: ResourceId::new(row.text(0)?),
                    owner: row.text_opt(1)?.map(UserId::new),
                    is_document: row.text_opt(2)? == Some("DOCUMENT"),
                })
            })
            .collect()
    }

    /// Some of the items that still stand directly in a deleted folder.
    pub async fn remaining_children(
        &mut self,
        organization: &OrganizationId,
        folder: &ResourceId,
        limit: i64,
    ) -> Result<Vec<ResourceId>, StoreError> {
        let args = [organization.into(), folder.into(), limit.into()];
        let rows = self.rows(CHILDREN, &args).await?;
        rows.iter().map(|row| row.text(0).map(ResourceId::new)).collect()
    }

    /// Removes the last rows of a deleted item, and the note that asked for it.
    pub async fn finish_purge(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
    ) -> Result<(), StoreError> {
        self.forget_item(organization, id).await?;
        self.execute(DELETE_RESOURCE, &[organization.into(), id.into()]).await?;
        self.execute(DELETE_PURGE, &[organization.into(), id.into()]).await?;
        Ok(())
    }

    /// Removes what was said about an item: with whom it is shared, labels, custom metadata, comments.
    pub async fn forget_item(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
    ) -> Result<(), StoreError> {
        for statement in [FORGET_PERMISSIONS, FORGET_LABELS, FORGET_METADATA, FORGET_COMMENTS] {
            self.execute(statement, &[organization.into(), id.into()]).await?;
        }
        self.forget_entries(organization, id).await
    }

    /// Some of the versions a document still has.
    pub async fn remaining_versions(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        limit: i64,
    ) -> Result<Vec<VersionId>, StoreError> {
        let args = [organization.into(), document.into(), limit.into()];
        let rows = self.rows(VERSIONS, &args).await?;
        rows.iter().map(|row| row.text(0).map(VersionId::new)).collect()
    }

    /// Removes a version whatever its state, and tells what it occupied at that very moment: its
    /// content may have arrived since it was listed. Nothing when somebody else removed it.
    pub async fn delete_version(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        id: &VersionId,
    ) -> Result<Option<VersionBytes>, StoreError> {
        let args = [organization.into(), document.into(), id.into()];
        let Some(row) = self.row(DELETE_VERSION, &args).await? else { return Ok(None) };
        let blob = row.text_opt(0)?.map(BlobId::new);
        let charged_bytes = row.int(1)?;
        self.forget_entries_of_version(organization, document, id).await?;
        let thumbnails = self.delete_extraction(organization, document, id).await?;
        Ok(Some(VersionBytes { blob, thumbnails, charged_bytes }))
    }

    /// Gives bytes up: no version refers to them from now on, and they go when their grace is over.
    pub async fn discard_blob(
        &mut self,
        organization: &OrganizationId,
        blob: &BlobId,
        location: &str,
        not_before: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(DELETE_BLOB, &[organization.into(), blob.into()]).await?;
        let args = [organization.into(), blob.into(), location.into(), not_before.into()];
        self.execute(DISCARD, &args).await?;
        Ok(())
    }

    /// Bytes of one store whose grace is over.
    pub async fn due_garbage(
        &mut self,
        organization: &OrganizationId,
        location: &str,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<BlobId>, StoreError> {
        let args = [organization.into(), now.into(), location.into(), limit.into()];
        let rows = self.rows(DUE_GARBAGE, &args).await?;
        rows.iter().map(|row| row.text(0).map(BlobId::new)).collect()
    }

    /// Forgets bytes that are gone.
    pub async fn forget_garbage(
        &mut self,
        organization: &OrganizationId,
        blob: &BlobId,
    ) -> Result<(), StoreError> {
        self.execute(DELETE_GARBAGE, &[organization.into(), blob.into()]).await?;
        Ok(())
    }

    /// Whether any row knows of these bytes.
    pub async fn knows_blob(
        &mut self,
        organization: &OrganizationId,
        blob: &BlobId,
    ) -> Result<bool, StoreError> {
        Ok(self.row(KNOWN_BLOB, &[organization.into(), blob.into()]).await?.is_some())
    }
}
