//! Custom metadata of folders and documents, and of single versions.

use docharbor_domain::{CustomMetadata, OrganizationId, ResourceId, VersionId};

use crate::StoreError;
use crate::driver::Tx;
use crate::value::Value;

/// Entries that one statement names.
const ENTRIES_AT_ONCE: usize = 8;

const ENTRIES: &str = "
    SELECT key, value FROM custom_metadata
     WHERE organization_id = $1 AND resource_id = $2 AND version_id = $3";

// UNION makes one of the entries that fill the places: none may be updated twice.
const PUT: &str = "
    INSERT INTO custom_metadata (organization_id, resource_id, version_id, key, value)
    SELECT $1, $2, $3, entry.key, entry.value
      FROM (SELECT $4 AS key, $5 AS value UNION SELECT $6, $7 UNION SELECT $8, $9
            UNION SELECT $10, $11 UNION SELECT $12, $13 UNION SELECT $14, $15
            UNION SELECT $16, $17 UNION SELECT $18, $19) entry
     WHERE true
    ON CONFLICT (organization_id, resource_id, version_id, key)
    DO UPDATE SET value = excluded.value";

const COUNT: &str = "
    SELECT COUNT(*) FROM custom_metadata
     WHERE organization_id = $1 AND resource_id = $2 AND version_id = $3";

const DELETE: &str = "
    DELETE FROM custom_metadata
     WHERE organization_id = $1 AND resource_id = $2 AND version_id = $3
       AND key IN ($4, $5, $6, $7, $8, $9, $10, $11)";

const DELETE_ALL: &str = "
    DELETE FROM custom_metadata
     WHERE organization_id = $1 AND resource_id = $2 AND version_id = $3";

impl Tx {
    /// Reads the custom metadata of an item, or of one of its versions.
    pub async fn custom_metadata(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
        version: Option<&VersionId>,
    ) -> Result<CustomMetadata, StoreError> {
        let rows = self.rows(ENTRIES, &whole(organization, id, version)).await?;
        let entries = rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned())));
        Ok(CustomMetadata::new(entries.collect::<Result<_, StoreError>>()?))
    }

    /// Sets entries; those of other keys stay.
    pub async fn put_custom_metadata(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
        version: Option<&VersionId>,
        metadata: &CustomMetadata,
    ) -> Result<(), StoreError> {
        let entries: Vec<_> = metadata.entries().collect();
        for some in entries.chunks(ENTRIES_AT_ONCE) {
            let filled = some.iter().cycle().take(ENTRIES_AT_ONCE);
            let values = filled.flat_map(|&(key, value)| [Value::from(key), Value::from(value)]);
            let args: Vec<_> = whole(organization, id, version).into_iter().chain(values).collect();
            self.execute(PUT, &args).await?;
        }
        Ok(())
    }

    /// How many entries an item has, or one of its versions.
    pub async fn count_custom_metadata(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
        version: Option<&VersionId>,
    ) -> Result<i64, StoreError> {
        let row = self.row(COUNT, &whole(organization, id, version)).await?;
        row.map_or(Ok(0), |row| row.int(0))
    }

    /// Removes the entries of these keys, as many of them as there are.
    pub async fn delete_custom_metadata(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
        version: Option<&VersionId>,
        keys: &[String],
    ) -> Result<(), StoreError> {
        for some in keys.chunks(ENTRIES_AT_ONCE) {
            let filled = some.iter().cycle().take(ENTRIES_AT_ONCE).map(Value::from);
            let args: Vec<_> = whole(organization, id, version).into_iter().chain(filled).collect();
            self.execute(DELETE, &args).await?;
        }
        Ok(())
    }

    /// Removes every entry of an item, or of one of its versions; those of the others stay.
    pub async fn delete_all_custom_metadata(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
        version: Option<&VersionId>,
    ) -> Result<(), StoreError> {
        self.execute(DELETE_ALL, &whole(organization, id, version)).await?;
        Ok(())
    }
}

/// Names all the entries of an item itself, which the table keeps under no version's id, or of one
/// of its versions.
fn whole(
    organization: &OrganizationId,
    id: &ResourceId,
    version: Option<&VersionId>,
) -> [Value; 3] {
    let version = version.map_or("", VersionId::as_str);
    [organization.into(), id.into(), version.into()]
}
