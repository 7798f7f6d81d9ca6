//! Labels as they are written; they are read with the item that has them.

use docharbor_domain::{OrganizationId, ResourceId};

use crate::StoreError;
use crate::driver::{Lock, Tx};
use crate::value::Value;

/// Labels that one statement names.
const LABELS_AT_ONCE: usize = 20;

const STATE: &str = "SELECT state FROM resource WHERE organization_id = $1 AND id = $2";

const INSERT: &str = "
    INSERT INTO label (organization_id, resource_id, name)
    VALUES ($1, $2, $3), ($1, $2, $4), ($1, $2, $5), ($1, $2, $6), ($1, $2, $7),
           ($1, $2, $8), ($1, $2, $9), ($1, $2, $10), ($1, $2, $11), ($1, $2, $12),
           ($1, $2, $13), ($1, $2, $14), ($1, $2, $15), ($1, $2, $16), ($1, $2, $17),
           ($1, $2, $18), ($1, $2, $19), ($1, $2, $20), ($1, $2, $21), ($1, $2, $22)
    ON CONFLICT (organization_id, resource_id, name) DO NOTHING";

const COUNT: &str = "SELECT COUNT(*) FROM label WHERE organization_id = $1 AND resource_id = $2";

const DELETE: &str = "
    DELETE FROM label
     WHERE organization_id = $1 AND resource_id = $2
       AND name IN ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
                    $20, $21, $22)";

const DELETE_ALL: &str = "DELETE FROM label WHERE organization_id = $1 AND resource_id = $2";

impl Tx {
    /// Holds an item, wherever it stands, until the transaction ends. False when it is in a recycle
    /// bin by itself, or gone.
    pub async fn hold_live_item(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
    ) -> Result<bool, StoreError> {
        let args = [organization.into(), id.into()];
        match self.row_locked(Lock::NoKeyUpdate, STATE, &args).await? {
            Some(row) => Ok(row.text(0)? == "LIVE"),
            None => Ok(false),
        }
    }

    /// Gives an item labels; those it has already stay.
    pub async fn insert_labels(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
        labels: &[String],
    ) -> Result<(), StoreError> {
        for some in labels.chunks(LABELS_AT_ONCE) {
            self.execute(INSERT, &arguments(organization, id, some)).await?;
        }
        Ok(())
    }

    /// How many labels an item has.
    pub async fn count_labels(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
    ) -> Result<i64, StoreError> {
        let row = self.row(COUNT, &[organization.into(), id.into()]).await?;
        row.map_or(Ok(0), |row| row.int(0))
    }

    /// Takes labels away from an item, as many of them as it has.
    pub async fn delete_labels(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
        labels: &[String],
    ) -> Result<(), StoreError> {
        for some in labels.chunks(LABELS_AT_ONCE) {
            self.execute(DELETE, &arguments(organization, id, some)).await?;
        }
        Ok(())
    }

    /// Takes all its labels away from an item.
    pub async fn delete_all_labels(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
    ) -> Result<(), StoreError> {
        self.execute(DELETE_ALL, &[organization.into(), id.into()]).await?;
        Ok(())
    }
}

/// Fills the places of a statement: to name a label again changes nothing.
fn arguments(organization: &OrganizationId, id: &ResourceId, labels: &[String]) -> Vec<Value> {
    let names = labels.iter().cycle().take(LABELS_AT_ONCE).map(Value::from);
    [organization.into(), id.into()].into_iter().chain(names).collect()
}
