//! Folders and documents as they are read: one at a time, by path, by folder.

use docharbor_domain::limits::TREE_WALK_MAX;
use docharbor_domain::{
    Document, Folder, FolderId, FolderKind, Found, Item, ItemKind, OrganizationId, PathStep,
    ResourceId, ResourceName, Sort, SubtreeRow, UserId,
};

use crate::driver::Tx;
use crate::value::Row;
use crate::versions::{VERSION_AT, decode_version, version_columns};
use crate::{StoreError, corrupt};

/// The columns every statement that reads items begins with; a version's follow.
macro_rules! item_columns {
    () => {
        concat!(
            "r.id, r.kind, r.parent_id, r.owner_id, r.name, r.created_ms, r.modified_ms, ",
            version_columns!()
        )
    };
}

/// Joins each document with the version that stands for it.
macro_rules! latest_version {
    () => {
        "LEFT JOIN version v ON v.organization_id = r.organization_id
            AND v.document_id = r.id AND v.id = r.latest_version_id
         LEFT JOIN blob b ON b.organization_id = v.organization_id AND b.id = v.blob_id"
    };
}

/// Walks from an item to its root. `walked` counts the levels above it and finds a deletion in them.
macro_rules! walk_up {
    () => {
        "WITH RECURSIVE up(id, parent_id, state, depth) AS (
             SELECT id, parent_id, state, 0 FROM resource WHERE organization_id = $1 AND id = $2
             UNION ALL
             SELECT a.id, a.parent_id, a.state, up.depth + 1
               FROM up JOIN resource a ON a.organization_id = $1 AND a.id = up.parent_id
              WHERE up.depth < $3)"
    };
}

const ITEM: &str = concat!(
    walk_up!(),
    ", walked AS (SELECT MAX(depth) AS depth,
                         MAX(CASE state WHEN 'LIVE' THEN 0 ELSE 1 END) AS dead FROM up)
     SELECT ",
    item_columns!(),
    ", walked.depth, walked.dead FROM walked
       JOIN resource r ON r.organization_id = $1 AND r.id = $2 ",
    latest_version!()
);

const PATH: &str = concat!(
    walk_up!(),
    " SELECT up.depth, up.state, r.id, r.name, r.owner_id, r.kind
        FROM up JOIN resource r ON r.organization_id = $1 AND r.id = up.id
       ORDER BY up.depth DESC"
);

/// A page of one kind of items of a folder, after a place given by the sort key and the id.
macro_rules! children {
    ($key:literal, $after:literal, $order:literal) => {
        concat!(
            "SELECT ",
            item_columns!(),
            " FROM resource r ",
            latest_version!(),
            " WHERE r.organization_id = $1 AND r.parent_id = $2 AND r.kind = $3
                AND (r.live_name_key IS NOT NULL OR $4 = 1)
                AND (r.",
            $key,
            ", r.id) ",
            $after,
            " ($5, $6)
              ORDER BY r.",
            $key,
            " ",
            $order,
            ", r.id ",
            $order,
            " LIMIT $7"
        )
    };
}

const BY_NAME: &str = children!("name_key", ">", "ASC");
const BY_NAME_DESCENDING: &str = children!("name_key", "<", "DESC");
const BY_DATE: &str = children!("modified_ms", ">", "ASC");
const BY_DATE_DESCENDING: &str = children!("modified_ms", "<", "DESC");

const SUBTREE: &str = "
    WITH RECURSIVE down(id, parent_id, kind, latest_version_id) AS (
        SELECT id, parent_id, kind, latest_version_id FROM resource
         WHERE organization_id = $1 AND parent_id = $2 AND live_name_key IS NOT NULL
        UNION ALL
        SELECT r.id, r.parent_id, r.kind, r.latest_version_id
          FROM down JOIN resource r ON r.organization_id = $1 AND r.parent_id = down.id
         WHERE r.live_name_key IS NOT NULL)
    SELECT down.id, down.parent_id, down.kind,
           (SELECT CAST(SUM(b.size_bytes) AS BIGINT) FROM version v
              JOIN blob b ON b.organization_id = v.organization_id AND b.id = v.blob_id
             WHERE v.organization_id = $1 AND v.document_id = down.id AND v.status = 'ACTIVE'),
           latest.size_bytes, latest.md5
      FROM down
      LEFT JOIN version v ON v.organization_id = $1 AND v.document_id = down.id
           AND v.id = down.latest_version_id
      LEFT JOIN blob latest ON latest.organization_id = $1 AND latest.id = v.blob_id
     LIMIT $3";

/// Where a page of a folder's contents begins and how it is ordered.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Which items.
    pub kind: ItemKind,
    /// In which order.
    pub sort: Sort,
    /// Backwards.
    pub descending: bool,
    /// With documents that have no ACTIVE version yet.
    pub include_initialized: bool,
    /// Behind this item.
    pub after: Option<Place>,
    /// At most so many.
    pub limit: i64,
}

/// An item's place in an ordered listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name's key, where the listing is by name.
    pub name_key: String,
    /// The last change, where it is by date, in milliseconds.
    pub modified_ms: i64,
    /// The id, which decides between equals.
    pub id: String,
}

impl Tx {
    /// Reads a folder or document that is live, and so is all above it.
    pub async fn item(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
    ) -> Result<Option<Found<Item>>, StoreError> {
        let args = [organization.into(), id.into(), TREE_WALK_MAX.into()];
        let Some(row) = self.row(ITEM, &args).await? else { return Ok(None) };
        // What is deleted is being taken apart and need not decode any more.
        if row.int(WALKED_AT + 1)? != 0 {
            return Ok(None);
        }
        let resource = decode_item(&row)?;
        let owner = resource.owner().clone();
        Ok(Some(Found { resource, owner, depth: row.int(WALKED_AT)?, live: true }))
    }

    /// Reads the path of an item, its root first, in one statement.
    pub async fn path(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
    ) -> Result<Option<Found<ItemPath>>, StoreError> {
        let args = [organization.into(), id.into(), TREE_WALK_MAX.into()];
        let rows = self.rows(PATH, &args).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        let mut live = true;
        let mut steps = Vec::with_capacity(rows.len());
        for row in &rows {
            live &= row.text(1)? == "LIVE";
            let name = ResourceName::new(row.text(3)?);
            steps.push(PathStep { id: row.text(2)?.to_owned(), name });
        }
        let is_document = last.text(5)? == "DOCUMENT";
        Ok(Some(Found {
            owner: UserId::new(last.text(4)?),
            depth: i64::try_from(rows.len()).unwrap_or(i64::MAX) - 1,
            resource: ItemPath { steps, is_document },
            live,
        }))
    }

    /// Reads a page of the folder's items of one kind.
    pub async fn children(
        &mut self,
        organization: &OrganizationId,
        folder: &FolderId,
        listing: &Listing,
    ) -> Result<Vec<Item>, StoreError> {
        let (statement, first) = match (listing.sort, listing.descending) {
            (Sort::Name, false) => (BY_NAME, "".into()),
            // No name has so many of the last character: names have at most 255 UTF-16 units.
            (Sort::Name, true) => (BY_NAME_DESCENDING, "\u{10FFFF}".repeat(128).into()),
            (Sort::Date, false) => (BY_DATE, i64::MIN.into()),
            (Sort::Date, true) => (BY_DATE_DESCENDING, i64::MAX.into()),
        };
        let (key, id) = match (&listing.after, listing.sort) {
            (None, Sort::Name | Sort::Date) => (first, ""),
            (Some(place), Sort::Name) => (place.name_key.as_str().into(), place.id.as_str()),
            (Some(place), Sort::Date) => (place.modified_ms.into(), place.id.as_str()),
        };
        let kind = match listing.kind {
            ItemKind::Folder => "FOLDER",
            ItemKind::Document => "DOCUMENT",
        };
        let args = [
            organization.into(),
            folder.into(),
            kind.into(),
            listing.include_initialized.into(),
            key,
            id.into(),
            listing.limit.into(),
        ];
        self.rows(statement, &args).await?.iter().map(decode_item).collect()
    }

    /// Reads every active item below a folder, or as many as `limit`.
    pub async fn subtree(
        &mut self,
        organization: &OrganizationId,
        folder: &FolderId,
        limit: i64,
    ) -> Result<Vec<SubtreeRow>, StoreError> {
        let args = [organization.into(), folder.into(), limit.into()];
        let rows = self.rows(SUBTREE, &args).await?;
        rows.iter().map(decode_subtree_row).collect()
    }
}

/// An item's path, and what the item is.
#[derive(Clone, Debug)]
pub struct ItemPath {
    /// The levels, the root's first and the item's last.
    pub steps: Vec<PathStep>,
    /// Whether the item is a document.
    pub is_document: bool,
}

/// Where the facts of the walk stand in a row of `ITEM`.
const WALKED_AT: usize = VERSION_AT + 15;

fn decode_item(row: &Row) -> Result<Item, StoreError> {
    let owner = UserId::new(row.text(3)?);
    let parent = row.text_opt(2)?.map(FolderId::new);
    let (created, modified) = (row.timestamp(5)?, row.timestamp(6)?);
    let kind = match row.text(1)? {
        "FOLDER" => FolderKind::Ordinary,
        "ROOT" => FolderKind::Root,
        "RECYCLE_BIN" => FolderKind::RecycleBin,
        "DOCUMENT" => {
            let latest = decode_version(row, VERSION_AT)?
                .ok_or_else(|| corrupt("resource", "a document has no version"))?;
            return Ok(Item::Document(Document {
                id: docharbor_domain::DocumentId::new(row.text(0)?),
                // A deleted document stands nowhere; nobody is shown one.
                parent: parent.unwrap_or_else(|| FolderId::new("")),
                owner,
                created,
                modified,
                latest,
            }));
        }
        other => return Err(corrupt("resource", &format!("kind {other}"))),
    };
    Ok(Item::Folder(Folder {
        id: FolderId::new(row.text(0)?),
        kind,
        parent,
        owner,
        name: ResourceName::new(row.text(4)?),
        created,
        modified,
    }))
}

fn decode_subtree_row(row: &Row) -> Result<SubtreeRow, StoreError> {
    let document = match row.text(2)? {
        "DOCUMENT" => Some((
            row.int_opt(3)?.unwrap_or(0),
            row.int_opt(4)?.unwrap_or(0),
            row.text_opt(5)?.unwrap_or_default().to_owned(),
        )),
        _folder => None,
    };
    Ok(SubtreeRow { id: row.text(0)?.to_owned(), parent: row.text(1)?.to_owned(), document })
}
