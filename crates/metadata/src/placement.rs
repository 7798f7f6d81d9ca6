//! Where an item stands: placing it, recycling it, and what time makes of what was recycled.

use docharbor_domain::limits::{FOLDER_ITEMS_MAX, TREE_LEVELS_MAX, TREE_WALK_MAX};
use docharbor_domain::{
    DocumentId, Folder, FolderId, OrganizationId, ResourceId, ResourceName, Timestamp, UserId,
    VersionId,
};

use crate::StoreError;
use crate::driver::Tx;
use crate::items::walk_up;

const PLACE: &str = "
    UPDATE resource SET parent_id = $1, name = COALESCE($2, name),
                        name_key = COALESCE($3, name_key),
                        live_name_key = COALESCE($3, name_key), owner_id = $4, modified_ms = $5,
                        state = 'LIVE', former_parent_id = NULL, recycled_ms = NULL
     WHERE organization_id = $6 AND id = $7 AND state <> 'DELETED'
       AND NOT EXISTS (SELECT 1 FROM resource o
                        WHERE o.organization_id = $6 AND o.parent_id = $1
                          AND o.live_name_key = COALESCE($3, resource.name_key) AND o.id <> $7)";

const RECYCLE: &str = "
    UPDATE resource SET parent_id = $1, former_parent_id = parent_id, live_name_key = NULL,
                        state = 'RECYCLED', recycled_ms = $2, modified_ms = $2
     WHERE organization_id = $3 AND id = $4 AND state = 'LIVE'";

const IS_BELOW: &str = concat!(walk_up!(), " SELECT up.id FROM up WHERE up.id = $4");

const FORMER_PARENT: &str =
    "SELECT former_parent_id FROM resource WHERE organization_id = $1 AND id = $2";

const RENAME_LATEST: &str = "
    UPDATE version SET name = $1
     WHERE organization_id = $2 AND document_id = $3
       AND id = (SELECT r.latest_version_id FROM resource r
                  WHERE r.organization_id = $2 AND r.id = $3)
    RETURNING id, content_type, status";

/// The folders below a folder level by level, as many as are looked at while somebody waits.
const LEVELS_BELOW: &str = "
    WITH RECURSIVE down(id, level, item_count) AS (
        SELECT id, 0, item_count FROM resource WHERE organization_id = $1 AND id = $2
        UNION ALL
        SELECT r.id, down.level + 1, r.item_count
          FROM down CROSS JOIN resource r
         WHERE r.organization_id = $1 AND r.parent_id = down.id AND r.kind = 'FOLDER'
           AND down.level < $3)
    SELECT seen.level + CASE WHEN seen.item_count > 0 THEN 1 ELSE 0 END
      FROM (SELECT level, item_count FROM down LIMIT $4) seen
     ORDER BY 1 DESC LIMIT 1";

/// Folders that are looked at to see how deep a tree is.
const LEVELS_LOOKED_AT: i64 = 1_000;

const CHARGED: &str = "
    SELECT CAST(COALESCE(SUM(charged_bytes), 0) AS BIGINT),
           COUNT(CASE WHEN status = 'INITIALIZED' THEN 1 END)
      FROM version WHERE organization_id = $1 AND document_id = $2";

const INSERT_DELETED: &str = "
    INSERT INTO resource (organization_id, id, kind, parent_id, owner_id, name, name_key,
                          live_name_key, state, latest_version_id, next_ordinal, item_count,
                          created_ms, modified_ms)
    VALUES ($1, $2, 'FOLDER', NULL, $3, '', '', NULL, 'DELETED', NULL, 0, 0, $4, $4)";

const HAND_OVER: &str = "
    UPDATE resource SET parent_id = $1
     WHERE organization_id = $2 AND id IN (
           SELECT c.id FROM resource c
            WHERE c.organization_id = $2 AND c.parent_id = $3
              AND (c.state <> 'RECOVERABLE' OR $4 = 1)
            LIMIT $5)";

const TAKE_OUT: &str = "
    UPDATE resource SET item_count = item_count - $1,
                        modified_ms = CASE WHEN modified_ms < $2 THEN $2 ELSE modified_ms END
     WHERE organization_id = $3 AND id = $4 AND state <> 'DELETED'";

const TO_RECOVERY_BIN: &str = "
    UPDATE resource SET state = 'RECOVERABLE'
     WHERE organization_id = $1 AND state = 'RECYCLED' AND recycled_ms <= $2 AND id IN (
           SELECT r.id FROM resource r
            WHERE r.organization_id = $1 AND r.recycled_ms <= $2 AND r.state = 'RECYCLED'
            LIMIT $3)";

const OVERDUE: &str = "
    SELECT r.id, r.parent_id FROM resource r
      JOIN resource bin ON bin.organization_id = $1 AND bin.id = r.parent_id
           AND bin.kind = 'RECYCLE_BIN' AND bin.state = 'LIVE'
     WHERE r.organization_id = $1 AND r.state = 'RECOVERABLE' AND r.recycled_ms <= $2
     ORDER BY r.recycled_ms LIMIT $3";

const IS_OVERDUE: &str = "
    SELECT id FROM resource WHERE organization_id = $1 AND id = $2 AND recycled_ms <= $3";

/// Where an item is to stand, under which name and in whose tree.
#[derive(Clone, Copy, Debug)]
pub struct Placement<'a> {
    /// The folder.
    pub parent: &'a FolderId,
    /// Its new name; without one it keeps the one it has by then.
    pub name: Option<&'a ResourceName>,
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

/// Statements whose plans are looked at.
#[cfg(test)]
pub(crate) const PLANNED: &[&str] = &[
    PLACE,
    RECYCLE,
    IS_BELOW,
    FORMER_PARENT,
    RENAME_LATEST,
    LEVELS_BELOW,
    CHARGED,
    HAND_OVER,
    TAKE_OUT,
    TO_RECOVERY_BIN,
    OVERDUE,
    IS_OVERDUE,
];

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
            to.name.map(ResourceName::as_str).into(),
            to.name.map(ResourceName::key).as_deref().into(),
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

    /// Gives the version that stands for a locked document another name. Gives its id and media type,
    /// where it is ACTIVE.
    pub async fn rename_latest_version(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        name: &ResourceName,
    ) -> Result<Option<(VersionId, String)>, StoreError> {
        let args = [name.as_str().into(), organization.into(), document.into()];
        let Some(row) = self.row(RENAME_LATEST, &args).await? else { return Ok(None) };
        let is_active = row.text(2)? == "ACTIVE";
        Ok(is_active.then_some((VersionId::new(row.text(0)?), row.text(1)?.to_owned())))
    }

    /// How many levels there are below a folder; of a wide tree only the upper ones are counted, so
    /// that a move costs the same whatever hangs below.
    pub async fn levels_below(
        &mut self,
        organization: &OrganizationId,
        folder: &FolderId,
    ) -> Result<i64, StoreError> {
        let most = TREE_LEVELS_MAX.into();
        let args = [organization.into(), folder.into(), most, LEVELS_LOOKED_AT.into()];
        self.row(LEVELS_BELOW, &args).await?.map_or(Ok(0), |row| row.int(0))
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
    /// nobody ever saw, which the purge takes apart. What only administrators can still bring back
    /// goes along if so said. False when there is more to take out: a recycle bin may hold more than
    /// one transaction should touch.
    pub async fn detach_contents(
        &mut self,
        organization: &OrganizationId,
        folder: &Folder,
        include_recoverable: bool,
        deleted: &FolderId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Folder { id, owner, .. } = folder;
        let args = [organization.into(), deleted.into(), owner.into(), now.into()];
        self.execute(INSERT_DELETED, &args).await?;
        let args = [
            deleted.into(),
            organization.into(),
            id.into(),
            include_recoverable.into(),
            FOLDER_ITEMS_MAX.into(),
        ];
        let items = self.execute(HAND_OVER, &args).await?;
        let items = i64::try_from(items).unwrap_or(i64::MAX);
        let args = [items.into(), now.into(), organization.into(), id.into()];
        self.execute(TAKE_OUT, &args).await?;
        self.insert_purge(organization, &deleted.clone().into(), now).await?;
        Ok(items < FOLDER_ITEMS_MAX)
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

    /// Whether a locked item still is recycled since before a moment.
    pub async fn is_overdue(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
        before: Timestamp,
    ) -> Result<bool, StoreError> {
        let args = [organization.into(), id.into(), before.into()];
        Ok(self.row(IS_OVERDUE, &args).await?.is_some())
    }

    /// What was recycled before a moment and is in the recovery bin, each with the recycle bin it
    /// lies in.
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
