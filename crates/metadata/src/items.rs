//! Folders and documents as they are read: one at a time, by path, by folder.

use docharbor_domain::limits::TREE_WALK_MAX;
use docharbor_domain::{
    Document, DraftsShown, Folder, FolderId, FolderKind, Found, Grants, Item, ItemKind, Life,
    OrganizationId, PathStep, ResourceId, ResourceName, Sort, SubtreeRow, UserId,
};

use crate::driver::Tx;
use crate::permissions::{decode_standing, is_mine, rank};
use crate::value::Row;
use crate::versions::{VERSION_AT, decode_version, drafts_arguments, version_columns};
use crate::{StoreError, corrupt};

/// The columns every statement that reads items begins with; a version's follow.
macro_rules! item_columns {
    () => {
        concat!(
            "r.id, r.kind, r.parent_id, r.owner_id, r.name, r.created_ms, r.modified_ms, \
             r.state, r.creator, \
             (SELECT string_agg(l.name, '\n') FROM label l \
               WHERE l.organization_id = r.organization_id AND l.resource_id = r.id), ",
            version_columns!()
        )
    };
}
pub(crate) use item_columns;

/// Joins each document with the version that stands for it.
macro_rules! latest_version {
    () => {
        "LEFT JOIN version v ON v.organization_id = r.organization_id
            AND v.document_id = r.id AND v.id = r.latest_version_id
         LEFT JOIN blob b ON b.organization_id = v.organization_id AND b.id = v.blob_id"
    };
}
pub(crate) use latest_version;

/// Walks from an item to its root. A walk that is cut short is that of a broken tree.
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
pub(crate) use walk_up;

/// The worst state of the levels of a walk, as a number that `decode_life` reads.
macro_rules! life {
    () => {
        "CASE up.state WHEN 'LIVE' THEN 0 WHEN 'RECYCLED' THEN 1 WHEN 'RECOVERABLE' THEN 2 ELSE 3 END"
    };
}
pub(crate) use life;

/// Walks from an item to its root and tells what the walk found: `walked` its length and worst state,
/// `mine` the strongest permissions that reach the user `$4`.
macro_rules! walk_up_with_grants {
    () => {
        concat!(
            walk_up!(),
            ", walked AS (SELECT MAX(depth) AS depth, MAX(",
            life!(),
            ") AS life FROM up),
             mine AS (SELECT MAX(CASE WHEN up.depth = 0 THEN ",
            rank!(),
            " END) AS direct, MAX(CASE WHEN up.depth > 0 THEN ",
            rank!(),
            " END) AS inherited
                        FROM up CROSS JOIN permission p
                       WHERE p.organization_id = $1 AND p.resource_id = up.id AND $4 <> '' AND ",
            is_mine!("$4"),
            ")"
        )
    };
}
pub(crate) use walk_up_with_grants;

const ITEM: &str = concat!(
    walk_up_with_grants!(),
    " SELECT ",
    item_columns!(),
    ", walked.depth, walked.life, mine.direct, mine.inherited
       FROM walked CROSS JOIN mine
       JOIN resource r ON r.organization_id = $1 AND r.id = $2 ",
    latest_version!()
);

const PATH: &str = concat!(
    walk_up!(),
    " SELECT up.depth, ",
    life!(),
    ", r.id, r.name, r.owner_id, r.kind, r.creator,
             CASE WHEN v.status <> 'ACTIVE' THEN v.creator END,
             (SELECT MAX(",
    rank!(),
    ") FROM permission p
               WHERE p.organization_id = $1 AND p.resource_id = up.id AND $4 <> '' AND ",
    is_mine!("$4"),
    ")
        FROM up CROSS JOIN resource r
        LEFT JOIN version v ON v.organization_id = $1 AND v.document_id = r.id
             AND v.id = r.latest_version_id
       WHERE r.organization_id = $1 AND r.id = up.id
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
                AND (r.live_name_key IS NOT NULL
                     OR (r.state = 'LIVE' AND ($4 = 1 OR v.creator = $5))
                     OR r.state = 'RECYCLED' OR (r.state = 'RECOVERABLE' AND $6 = 1))
                AND (r.",
            $key,
            ", r.id) ",
            $after,
            " ($7, $8)
              ORDER BY r.",
            $key,
            " ",
            $order,
            ", r.id ",
            $order,
            " LIMIT $9"
        )
    };
}

const BY_NAME: &str = children!("name_key", ">", "ASC");
const BY_NAME_DESCENDING: &str = children!("name_key", "<", "DESC");
const BY_DATE: &str = children!("modified_ms", ">", "ASC");
const BY_DATE_DESCENDING: &str = children!("modified_ms", "<", "DESC");

// CROSS JOIN, because SQLite may otherwise look through the whole site for every folder.
const SUBTREE: &str = "
    WITH RECURSIVE down(id, parent_id, kind, latest_version_id) AS (
        SELECT id, parent_id, kind, latest_version_id FROM resource
         WHERE organization_id = $1 AND parent_id = $2
           AND (live_name_key IS NOT NULL OR state = 'RECYCLED'
                OR (state = 'RECOVERABLE' AND $3 = 1))
        UNION ALL
        SELECT r.id, r.parent_id, r.kind, r.latest_version_id
          FROM down CROSS JOIN resource r
         WHERE r.organization_id = $1 AND r.parent_id = down.id
           AND (r.live_name_key IS NOT NULL OR r.state <> 'LIVE'))
    SELECT down.id, down.parent_id, down.kind,
           (SELECT CAST(SUM(b.size_bytes) AS BIGINT) FROM version v
              JOIN blob b ON b.organization_id = v.organization_id AND b.id = v.blob_id
             WHERE v.organization_id = $1 AND v.document_id = down.id AND v.status = 'ACTIVE'),
           latest.size_bytes, latest.md5
      FROM down
      LEFT JOIN version v ON v.organization_id = $1 AND v.document_id = down.id
           AND v.id = down.latest_version_id
      LEFT JOIN blob latest ON latest.organization_id = $1 AND latest.id = v.blob_id
     LIMIT $4";

/// Where a page of a folder's contents begins and how it is ordered.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Which items.
    pub kind: ItemKind,
    /// In which order.
    pub sort: Sort,
    /// Backwards.
    pub descending: bool,
    /// With whose documents that have no ACTIVE version yet.
    pub drafts: DraftsShown,
    /// With what only administrators can still bring back.
    pub include_recoverable: bool,
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

/// Statements whose plans are looked at.
#[cfg(test)]
pub(crate) const PLANNED: &[&str] =
    &[ITEM, PATH, BY_NAME, BY_NAME_DESCENDING, BY_DATE, BY_DATE_DESCENDING, SUBTREE];

impl Tx {
    /// Reads a folder or document that was not deleted, with the permissions that reach a user.
    pub async fn item(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
        user: Option<&UserId>,
    ) -> Result<Option<Found<Item>>, StoreError> {
        let user = user.map_or("", UserId::as_str);
        let args = [organization.into(), id.into(), TREE_WALK_MAX.into(), user.into()];
        let Some(row) = self.row(ITEM, &args).await? else { return Ok(None) };
        let depth = row.int(WALKED_AT)?;
        let life = decode_life(row.int(WALKED_AT + 1)?);
        // What is deleted is being taken apart and need not decode any more.
        if life == Life::Deleted || depth >= TREE_WALK_MAX {
            return Ok(None);
        }
        let mut resource = decode_item(&row)?;
        resource.set_recycled(life != Life::Live);
        Ok(Some(Found {
            owner: resource.owner().clone(),
            creator: row.text(CREATOR_AT)?.to_owned(),
            is_document: matches!(resource, Item::Document(_)),
            depth,
            life,
            grants: Grants {
                direct: decode_standing(row.int_opt(WALKED_AT + 2)?),
                inherited: decode_standing(row.int_opt(WALKED_AT + 3)?),
            },
            resource,
        }))
    }

    /// Reads the path of an item, its root first, in one statement.
    pub async fn path(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
        user: Option<&UserId>,
    ) -> Result<Option<Found<ItemPath>>, StoreError> {
        let user = user.map_or("", UserId::as_str);
        let args = [organization.into(), id.into(), TREE_WALK_MAX.into(), user.into()];
        let rows = self.rows(PATH, &args).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        let depth = last_depth(&rows)?;
        let mut life = Life::Live;
        let mut grants = Grants::default();
        let mut first_shared = None;
        let mut steps = Vec::with_capacity(rows.len());
        for (at, row) in rows.iter().enumerate() {
            life = life.max(decode_life(row.int(1)?));
            let standing = decode_standing(row.int_opt(8)?);
            if standing.is_some() {
                first_shared.get_or_insert(at);
            }
            if row.int(0)? == 0 {
                grants.direct = standing;
            } else {
                grants.inherited = grants.inherited.max(standing);
            }
            let name = ResourceName::new(row.text(3)?);
            steps.push(PathStep { id: row.text(2)?.to_owned(), name });
        }
        if depth >= TREE_WALK_MAX {
            return Ok(None);
        }
        let is_document = last.text(5)? == "DOCUMENT";
        Ok(Some(Found {
            owner: UserId::new(last.text(4)?),
            creator: last.text(6)?.to_owned(),
            is_document,
            depth,
            life,
            grants,
            resource: ItemPath {
                steps,
                first_shared,
                is_document,
                draft_of: last.text_opt(7)?.map(str::to_owned),
            },
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
        let (all_drafts, drafts_of) = drafts_arguments(&listing.drafts);
        let args = [
            organization.into(),
            folder.into(),
            kind.into(),
            all_drafts,
            drafts_of,
            listing.include_recoverable.into(),
            key,
            id.into(),
            listing.limit.into(),
        ];
        self.rows(statement, &args).await?.iter().map(decode_item).collect()
    }

    /// Reads every active item below a folder, or as many as `limit`; what only administrators can
    /// still bring back, if so said.
    pub async fn subtree(
        &mut self,
        organization: &OrganizationId,
        folder: &FolderId,
        include_recoverable: bool,
        limit: i64,
    ) -> Result<Vec<SubtreeRow>, StoreError> {
        let args = [organization.into(), folder.into(), include_recoverable.into(), limit.into()];
        let rows = self.rows(SUBTREE, &args).await?;
        rows.iter().map(decode_subtree_row).collect()
    }
}

/// An item's path, and what the item is.
#[derive(Clone, Debug)]
pub struct ItemPath {
    /// The levels, the root's first and the item's last.
    pub steps: Vec<PathStep>,
    /// The highest level on which the user holds a permission.
    pub first_shared: Option<usize>,
    /// Whether the item is a document.
    pub is_document: bool,
    /// Who began a document that has no ACTIVE version.
    pub draft_of: Option<String>,
}

/// Where the facts of the walk stand in a row of `ITEM`.
const WALKED_AT: usize = VERSION_AT + 15;

/// Where an item's creator stands in a row that reads an item.
const CREATOR_AT: usize = 8;

fn last_depth(rows: &[Row]) -> Result<i64, StoreError> {
    rows.first().map_or(Ok(0), |row| row.int(0))
}

pub(crate) fn decode_life(rank: i64) -> Life {
    match rank {
        0 => Life::Live,
        1 => Life::Recycled,
        2 => Life::Recoverable,
        _ => Life::Deleted,
    }
}

fn decode_labels(row: &Row) -> Result<Vec<String>, StoreError> {
    let mut labels: Vec<String> =
        row.text_opt(9)?.into_iter().flat_map(|all| all.split('\n')).map(str::to_owned).collect();
    labels.sort_unstable();
    Ok(labels)
}

pub(crate) fn decode_item(row: &Row) -> Result<Item, StoreError> {
    let owner = UserId::new(row.text(3)?);
    let parent = row.text_opt(2)?.map(FolderId::new);
    let (created, modified) = (row.timestamp(5)?, row.timestamp(6)?);
    let is_recycled = row.text(7)? != "LIVE";
    let labels = decode_labels(row)?;
    let kind = match row.text(1)? {
        "FOLDER" => FolderKind::Ordinary,
        "ROOT" => FolderKind::Root,
        "RECYCLE_BIN" => FolderKind::RecycleBin,
        "DOCUMENT" => {
            let latest = decode_version(row, VERSION_AT)?
                .ok_or_else(|| corrupt("resource", "a document has no version"))?;
            return Ok(Item::Document(Box::new(Document {
                id: docharbor_domain::DocumentId::new(row.text(0)?),
                // A deleted document stands nowhere; nobody is shown one.
                parent: parent.unwrap_or_else(|| FolderId::new("")),
                owner,
                created,
                modified,
                latest,
                creator: row.text(CREATOR_AT)?.to_owned(),
                is_recycled,
                labels,
            })));
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
        is_recycled,
        labels,
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
