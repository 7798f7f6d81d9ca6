//! What is shared with a user: the items they, or a group of theirs, were given themselves.

use docharbor_domain::limits::TREE_WALK_MAX;
use docharbor_domain::{Item, ItemKind, OrganizationId, UserId};

use crate::StoreError;
use crate::driver::Tx;
use crate::items::{decode_item, item_columns, latest_version};
use crate::value::Row;
use crate::versions::{VERSION_AT, version_columns};

/// A page of what a user was given. An item of it is there, and its last column tells so, if the way
/// up from it leads to a root through nothing but what is there.
const SHARED: &str = concat!(
    "WITH RECURSIVE given(id) AS (
         SELECT DISTINCT p.resource_id FROM permission p
          WHERE p.organization_id = $1 AND p.principal_type IN ('USER', 'GROUP')
            AND p.principal_id IN (SELECT $2
                 UNION ALL SELECT m.group_id FROM group_member m
                            WHERE m.organization_id = $1 AND m.user_id = $2)),
     page(id, parent_id) AS (
         SELECT i.id, i.parent_id
           FROM given JOIN resource i ON i.organization_id = $1 AND i.id = given.id
          WHERE i.state = 'LIVE' AND i.live_name_key IS NOT NULL AND i.owner_id <> $2
            AND (CASE i.kind WHEN 'DOCUMENT' THEN 1 ELSE 0 END, i.name_key, i.id) > ($3, $4, $5)
          ORDER BY CASE i.kind WHEN 'DOCUMENT' THEN 1 ELSE 0 END, i.name_key, i.id LIMIT $6),
     up(item_id, parent_id, depth) AS (
         SELECT page.id, page.parent_id, 0 FROM page
         UNION ALL
         SELECT up.item_id, a.parent_id, up.depth + 1
           FROM up JOIN resource a ON a.organization_id = $1 AND a.id = up.parent_id
          WHERE a.state = 'LIVE' AND up.depth < $7)
     SELECT ",
    item_columns!(),
    ", up.item_id
       FROM page JOIN resource r ON r.organization_id = $1 AND r.id = page.id ",
    latest_version!(),
    " LEFT JOIN up ON up.item_id = page.id AND up.parent_id IS NULL
      ORDER BY CASE r.kind WHEN 'DOCUMENT' THEN 1 ELSE 0 END, r.name_key, r.id"
);

/// Where a row tells whether its item is there.
const IS_THERE_AT: usize = VERSION_AT + 15;

/// The place of an item in the list of what is shared with a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedPlace {
    /// Folders come before documents.
    pub kind: ItemKind,
    /// The name's key.
    pub name_key: String,
    /// The id, which decides between equals.
    pub id: String,
}

impl SharedPlace {
    /// The place of an item.
    pub fn of(item: &Item) -> Self {
        let kind = match item {
            Item::Folder(_) => ItemKind::Folder,
            Item::Document(_) => ItemKind::Document,
        };
        Self { kind, name_key: item.name().key(), id: item.id().to_owned() }
    }
}

/// Statements whose plans are looked at.
#[cfg(test)]
pub(crate) const PLANNED: &[&str] = &[SHARED];

impl Tx {
    /// Reads a page of the items that were shared with a user, or with a group of theirs, behind a
    /// place: none of their own, none that is recycled or deleted with a folder above, and no draft.
    pub async fn shared_with(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
        after: Option<&SharedPlace>,
        limit: i64,
    ) -> Result<Vec<Item>, StoreError> {
        let mut after = after.cloned();
        let mut items = Vec::new();
        loop {
            let rows = self.given_to(organization, user, after.as_ref(), limit).await?;
            let is_last = i64::try_from(rows.len()).is_ok_and(|count| count < limit);
            for row in &rows {
                let item = decode_item(row)?;
                after = Some(SharedPlace::of(&item));
                if row.text_opt(IS_THERE_AT)?.is_some() {
                    items.push(item);
                }
                if i64::try_from(items.len()).is_ok_and(|count| count == limit) {
                    return Ok(items);
                }
            }
            if is_last {
                return Ok(items);
            }
        }
    }

    async fn given_to(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
        after: Option<&SharedPlace>,
        limit: i64,
    ) -> Result<Vec<Row>, StoreError> {
        let (kind, name_key, id) = after.map_or((0, "", ""), |place| {
            let kind = match place.kind {
                ItemKind::Folder => 0,
                ItemKind::Document => 1,
            };
            (kind, place.name_key.as_str(), place.id.as_str())
        });
        let args = [
            organization.into(),
            user.into(),
            kind.into(),
            name_key.into(),
            id.into(),
            limit.into(),
            TREE_WALK_MAX.into(),
        ];
        self.rows(SHARED, &args).await
    }
}
