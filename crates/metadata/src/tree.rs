//! Changes to the tree: each guarded by the state of the folder it happens in.

use docharbor_domain::limits::FOLDER_ITEMS_MAX;
use docharbor_domain::{
    Document, DocumentId, Folder, FolderId, FolderKind, OrganizationId, ResourceId, ResourceName,
    Timestamp, VersionId,
};

use crate::StoreError;
use crate::driver::{Inserted, Lock, Tx};

const INSERT: &str = "
    INSERT INTO resource (organization_id, id, kind, parent_id, owner_id, name, name_key,
                          live_name_key, state, latest_version_id, next_ordinal, item_count,
                          created_ms, modified_ms, creator)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'LIVE', $9, $10, 0, $11, $12, $13)";

const NAME_TAKEN: &str = "
    SELECT id FROM resource
     WHERE organization_id = $1 AND parent_id = $2 AND live_name_key = $3";

const COUNT_ITEMS: &str = "
    UPDATE resource SET item_count = item_count + $1
     WHERE organization_id = $2 AND id = $3 AND state <> 'DELETED'
       AND ($4 <= 0 OR item_count + $4 <= $5 OR kind = 'RECYCLE_BIN')";

const TOUCH: &str = "
    UPDATE resource SET modified_ms = CASE WHEN modified_ms < $1 THEN $1 ELSE modified_ms END
     WHERE organization_id = $2 AND id = $3 AND state <> 'DELETED'";

const STATE: &str = "
    SELECT state, parent_id, next_ordinal FROM resource WHERE organization_id = $1 AND id = $2";

const SHOW: &str = "
    UPDATE resource SET live_name_key = $1, name_key = $1, name = $2, latest_version_id = $3,
                        next_ordinal = next_ordinal + 1, modified_ms = $4
     WHERE organization_id = $5 AND id = $6 AND state = 'LIVE'
       AND NOT EXISTS (SELECT 1 FROM resource o
                        WHERE o.organization_id = $5 AND o.parent_id = resource.parent_id
                          AND o.live_name_key = $1 AND o.id <> $6)";

const TAKE_ORDINAL: &str = "
    UPDATE resource SET next_ordinal = next_ordinal + 1
     WHERE organization_id = $1 AND id = $2 AND state = 'LIVE'";

const SET_DRAFT: &str = "
    UPDATE resource SET latest_version_id = $1
     WHERE organization_id = $2 AND id = $3 AND live_name_key IS NULL";

const DETACH: &str = "
    UPDATE resource SET state = 'DELETED', parent_id = NULL, live_name_key = NULL,
                        former_parent_id = NULL, recycled_ms = NULL
     WHERE organization_id = $1 AND id = $2 AND state <> 'DELETED'";

const DELETE_DRAFT: &str = "
    DELETE FROM resource WHERE organization_id = $1 AND id = $2 AND live_name_key IS NULL";

/// Whether a folder took a change of its number of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// It did.
    Yes,
    /// It is full.
    Full,
    /// It is no longer there.
    Gone,
}

/// Statements whose plans are looked at.
#[cfg(test)]
pub(crate) const PLANNED: &[&str] =
    &[NAME_TAKEN, COUNT_ITEMS, TOUCH, STATE, SHOW, TAKE_ORDINAL, SET_DRAFT, DETACH, DELETE_DRAFT];

impl Tx {
    /// Whether an item that holds its name has this name in the folder.
    pub async fn holder_of_name(
        &mut self,
        organization: &OrganizationId,
        folder: &FolderId,
        name: &ResourceName,
    ) -> Result<Option<ResourceId>, StoreError> {
        let args = [organization.into(), folder.into(), name.key().into()];
        let row = self.row(NAME_TAKEN, &args).await?;
        row.map(|row| row.text(0).map(ResourceId::new)).transpose()
    }

    /// Changes the folder's number of items, which also keeps it from being deleted until the
    /// transaction ends.
    pub async fn count_items(
        &mut self,
        organization: &OrganizationId,
        folder: &FolderId,
        change: i64,
    ) -> Result<Counted, StoreError> {
        let args = [
            change.into(),
            organization.into(),
            folder.into(),
            change.into(),
            FOLDER_ITEMS_MAX.into(),
        ];
        if self.execute(COUNT_ITEMS, &args).await? == 1 {
            return Ok(Counted::Yes);
        }
        let row = self.row(STATE, &[organization.into(), folder.into()]).await?;
        match row {
            Some(row) if row.text(0)? != "DELETED" => Ok(Counted::Full),
            Some(_) | None => Ok(Counted::Gone),
        }
    }

    /// Moves the folder's date of change on. False when the folder is no longer there.
    pub async fn touch_folder(
        &mut self,
        organization: &OrganizationId,
        folder: &FolderId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let args = [now.into(), organization.into(), folder.into()];
        Ok(self.execute(TOUCH, &args).await? == 1)
    }

    /// Adds a folder. Its name may be taken.
    pub async fn insert_folder(
        &mut self,
        organization: &OrganizationId,
        folder: &Folder,
    ) -> Result<Inserted, StoreError> {
        let kind = match folder.kind {
            FolderKind::Ordinary => "FOLDER",
            FolderKind::Root => "ROOT",
            FolderKind::RecycleBin => "RECYCLE_BIN",
        };
        let args = [
            organization.into(),
            (&folder.id).into(),
            kind.into(),
            folder.parent.as_ref().map(FolderId::as_str).into(),
            (&folder.owner).into(),
            folder.name.as_str().into(),
            folder.name.key().into(),
            folder.name.key().into(),
            None::<&str>.into(),
            0_i64.into(),
            folder.created.into(),
            folder.modified.into(),
            (&folder.owner).into(),
        ];
        self.insert_unique(INSERT, &args).await
    }

    /// Adds a document that has no ACTIVE version yet and so holds no name.
    pub async fn insert_document(
        &mut self,
        organization: &OrganizationId,
        document: &Document,
    ) -> Result<(), StoreError> {
        let name = &document.latest.name;
        let args = [
            organization.into(),
            (&document.id).into(),
            "DOCUMENT".into(),
            (&document.parent).into(),
            (&document.owner).into(),
            name.as_str().into(),
            name.key().into(),
            None::<&str>.into(),
            (&document.latest.id).into(),
            1_i64.into(),
            document.created.into(),
            document.modified.into(),
            document.creator.as_str().into(),
        ];
        self.execute(INSERT, &args).await?;
        Ok(())
    }

    /// Holds a folder, then an item in it, until the transaction ends. Gives the item's next ordinal,
    /// or nothing when the item no longer stands there.
    pub async fn lock_item(
        &mut self,
        organization: &OrganizationId,
        parent: &FolderId,
        id: &ResourceId,
    ) -> Result<Option<i64>, StoreError> {
        let folder = [organization.into(), parent.into()];
        let Some(folder) = self.row_locked(Lock::NoKeyUpdate, STATE, &folder).await? else {
            return Ok(None);
        };
        let item = [organization.into(), id.into()];
        let Some(item) = self.row_locked(Lock::Update, STATE, &item).await? else {
            return Ok(None);
        };
        let there = folder.text(0)? != "DELETED"
            && item.text(0)? != "DELETED"
            && item.text_opt(1)? == Some(parent.as_str());
        Ok(if there { Some(item.int(2)?) } else { None })
    }

    /// Takes the next ordinal of a locked document.
    pub async fn take_ordinal(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
    ) -> Result<(), StoreError> {
        self.execute(TAKE_ORDINAL, &[organization.into(), document.into()]).await?;
        Ok(())
    }

    /// Lets a locked document hold the name of the version that stands for it from now on. False when
    /// another item of the folder has the name; whoever gives or takes a name there holds the
    /// folder's row, so none can slip in between.
    pub async fn show_version(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
        name: &ResourceName,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let args = [
            name.key().into(),
            name.as_str().into(),
            version.into(),
            now.into(),
            organization.into(),
            document.into(),
        ];
        Ok(self.execute(SHOW, &args).await? == 1)
    }

    /// Lets another draft stand for a locked document that has no ACTIVE version.
    pub async fn show_draft(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        version: &VersionId,
    ) -> Result<(), StoreError> {
        self.execute(SET_DRAFT, &[version.into(), organization.into(), document.into()]).await?;
        Ok(())
    }

    /// Takes an item out of its folder for good: one row, whatever hangs below. False when somebody
    /// else did.
    pub async fn detach(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(DETACH, &[organization.into(), id.into()]).await? == 1)
    }

    /// Removes a document that never had an ACTIVE version and has no version left.
    pub async fn delete_draft_document(
        &mut self,
        organization: &OrganizationId,
        id: &DocumentId,
    ) -> Result<(), StoreError> {
        self.execute(DELETE_DRAFT, &[organization.into(), id.into()]).await?;
        Ok(())
    }
}
