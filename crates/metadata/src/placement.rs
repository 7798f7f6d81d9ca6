//! Where an item stands: placing it, recycling it, and what time makes of what was recycled.

use docharbor_domain::limits::TREE_WALK_MAX;
use docharbor_domain::{
    DocumentId, FolderId, OrganizationId, ResourceId, ResourceName, Timestamp, UserId, VersionId,
};

use crate::StoreError;
use crate::driver::Tx;
use crate::items::walk_up;

const PLACE: &str = "
    UPDATE resource SET parent_id = $1, name = $2, name_key = $3, live_name_key = $3,
                        owner_id = $4, modified_ms = $5, state = 'LIVE', former_parent_id = NULL,
                        recycled_ms = NULL
     WHERE organization_id = $6 AND id = $7 AND state <> 'DELETED'
       AND NOT EXISTS (SELECT 1 FROM resource o
                        WHERE o.organization_id = $6 AND o.parent_id = $1
                          AND o.live_name_key = $3 AND o.id <> $7)";

const RECYCLE: &str = "
    UPDATE resource SET parent_id = $1, former_parent_id = parent_id, live_name_key = NULL,
                        state = 'RECYCLED', recycled_ms = $2, modified_ms = $2
     WHERE organization_id = $3 AND id = $4 AND state = 'LIVE'";

const IS_BELOW: &str = concat!(walk_up!(), " SELECT up.id FROM up WHERE up.id = $4");

const FORMER_PARENT: &str =
    "SELECT former_parent_id FROM resource WHERE organization_id = $1 AND id = $2";

const RENAME_VERSION: &str = "
    UPDATE version SET name = $1 WHERE organization_id = $2 AND document_id = $3 AND id = $4";

const CHARGED: &str = "
    SELECT CAST(COALESCE(SUM(charged_bytes), 0) AS BIGINT),
           COUNT(CASE WHEN status = 'INITIALIZED' THEN 1 END)
      FROM version WHERE organization_id = $1 AND document_id = $2";

const INSERT_DELETED: &str = "
    INSERT INTO resource (organization_id, id, kind, parent_id, owner_id, name, name_key,
                          live_name_key, state, latest_version_id, next_ordinal, item_count,
                          created_ms, modified_ms)
    VALUES ($1, $2, 'FOLDER', NULL, $3, '', '', NULL, 'DELETED', NULL, 0, 0, $4, $4)";

const HAND_OVER: &str =
    "UPDATE resource SET parent_id = $1 WHERE organization_id = $2 AND parent_id = $3";

const EMPTY: &str = "
    UPDATE resource SET item_count = 0,
                        modified_ms = CASE WHEN modified_ms < $1 THEN $1 ELSE modified_ms END
     WHERE organization_id = $2 AND id = $3 AND state <> 'DELETED'";

const TO_RECOVERY_BIN: &str = "
    UPDATE resource SET state = 'RECOVERABLE'
     WHERE organization_id = $1 AND state = 'RECYCLED' AND id IN (
           SELECT r.id FROM resource r
            WHERE r.organization_id = $1 AND r.recycled_ms <= $2 AND r.state = 'RECYCLED'
            LIMIT $3)";

const OVERDUE: &str = "
    SELECT id, parent_id FROM resource
     WHERE organization_id = $1 AND recycled_ms <= $2 AND parent_id IS NOT NULL
     ORDER BY recycled_ms LIMIT $3";

/// Where an item is to stand, under which name and in whose tree.
#[derive(Clone, Copy, Debug)]
pub struct Placement<'a> {
    /// The folder.
    pub parent: &'a FolderId,
    /// The name.
    pub name: &'a ResourceName,
    /// The owner of the tree.
    pub owner: &'a UserId,
    /// When it happens.
    pub now: Timestamp,
}

/// What the versions of a document take.
#[derive(Clone, Copy, Debug)]
pub struct Charged {
    /// What their owner is charged for all of them.
    pub bytes: i64,
    /// How many of them are INITIALIZED.
    pub drafts: i64,
}

impl Tx {
    /// Puts a locked item into a folder under a name, also out of a recycle bin. False when another
    /// item of the folder has the name; the folder's row must be held.
    pub async fn place_item(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
        to: Placement<'_>,
    ) -> Result<bool, StoreError> {
        let args = [
            to.parent.into(),
            to.name.as_str().into(),
            to.name.key().into(),
            to.owner.into(),
            to.now.into(),
            organization.into(),
            id.into(),
        ];
        Ok(self.execute(PLACE, &args).await? == 1)
    }

    /// Puts a locked item into a recycle bin.
    pub async fn recycle_item(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
        bin: &FolderId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(RECYCLE, &[bin.into(), now.into(), organization.into(), id.into()]).await?;
        Ok(())
    }

    /// Whether a folder is another one or stands somewhere below it.
    pub async fn is_below(
        &mut self,
        organization: &OrganizationId,
        folder: &FolderId,
        above: &ResourceId,
    ) -> Result<bool, StoreError> {
        let args = [organization.into(), folder.into(), TREE_WALK_MAX.into(), above.into()];
        Ok(self.row(IS_BELOW, &args).await?.is_some())
    }

    /// The folder a recycled item stood in.
    pub async fn former_parent(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
    ) -> Result<Option<FolderId>, StoreError> {
        let Some(row) = self.row(FORMER_PARENT, &[organization.into(), id.into()]).await? else {
            return Ok(None);
        };
        Ok(row.text_opt(0)?.map(FolderId::new))
    }

    /// Gives a version another name.
    pub async fn rename_version(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        id: &VersionId,
        name: &ResourceName,
    ) -> Result<(), StoreError> {
        let args = [name.as_str().into(), organization.into(), document.into(), id.into()];
        self.execute(RENAME_VERSION, &args).await?;
        Ok(())
    }

    /// What all versions of a document take, deleted ones that can still be restored included.
    pub async fn charged(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
    ) -> Result<Charged, StoreError> {
        let row = self.row(CHARGED, &[organization.into(), document.into()]).await?;
        let row = row.ok_or_else(|| crate::corrupt("version", "a sum has no row"))?;
        Ok(Charged { bytes: row.int(0)?, drafts: row.int(1)? })
    }

    /// Takes everything out of a locked folder for good: it is handed over to a deleted folder that
    /// nobody ever saw, which the purge takes apart.
    pub async fn detach_contents(
        &mut self,
        organization: &OrganizationId,
        folder: &FolderId,
        owner: &UserId,
        deleted: &FolderId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let args = [organization.into(), deleted.into(), owner.into(), now.into()];
        self.execute(INSERT_DELETED, &args).await?;
        let args = [deleted.into(), organization.into(), folder.into()];
        self.execute(HAND_OVER, &args).await?;
        self.execute(EMPTY, &[now.into(), organization.into(), folder.into()]).await?;
        self.insert_purge(organization, &deleted.clone().into(), now).await
    }

    /// Moves what was recycled before a moment on to the recovery bin. Tells how many items.
    pub async fn recycled_to_recovery_bin(
        &mut self,
        organization: &OrganizationId,
        before: Timestamp,
        limit: i64,
    ) -> Result<u64, StoreError> {
        self.execute(TO_RECOVERY_BIN, &[organization.into(), before.into(), limit.into()]).await
    }

    /// What was recycled before a moment, each with the recycle bin it lies in.
    pub async fn overdue_items(
        &mut self,
        organization: &OrganizationId,
        before: Timestamp,
        limit: i64,
    ) -> Result<Vec<(ResourceId, FolderId)>, StoreError> {
        let rows = self.rows(OVERDUE, &[organization.into(), before.into(), limit.into()]).await?;
        rows.iter()
            .map(|row| Ok((ResourceId::new(row.text(0)?), FolderId::new(row.text(1)?))))
            .collect()
    }
}
