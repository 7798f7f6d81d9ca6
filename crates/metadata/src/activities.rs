//! Activities: what happened is written with the change and read newest first.

use docharbor_domain::{
    Activity, ActivityId, CommentId, CommentMention, Contributor, FolderId, GroupId, ItemKind,
    OrganizationId, Principal, Profile, ResourceId, ResourceName, Subject, Timestamp, UserId,
    VersionId,
};

use crate::comments::decode_profile;
use crate::driver::{ByEngine, Tx};
use crate::permissions::{is_mine, principal_type, rank};
use crate::value::{Row, Value};
use crate::{StoreError, corrupt};

/// Activities looked at for one page at the most: those a caller may not see cost time too.
const WINDOW: i64 = 2_000;

const INSERT: &str = "
    INSERT INTO activity (organization_id, created_ms, id, type, initiator, resource_id, kind, name,
                          version_id, owner_id, parent_id, original_name, original_parent_id,
                          comment_id, comment_created_ms, contributor, recipient, is_private,
                          has_participants)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";

const INSERT_PARTICIPANT: &str = "
    INSERT INTO activity_participant (organization_id, created_ms, activity_id, principal_type,
                                      principal_id)
    VALUES ($1, $2, $3, $4, $5)";

/// What stood in a folder that was emptied: the items stand in a deleted folder now. A draft never
/// was there for others.
const INSERT_DELETIONS: &str = "
    INSERT INTO activity (organization_id, created_ms, id, type, initiator, resource_id, kind, name,
                          version_id, owner_id, parent_id, is_private, has_participants)
    SELECT r.organization_id, $1, $2 || '-' || r.id,
           CASE r.kind WHEN 'DOCUMENT' THEN 'DOCUMENT_VERSION_DELETED' ELSE 'FOLDER_DELETED' END,
           $3, r.id, r.kind, COALESCE(v.name, r.name), v.id, r.owner_id, $4, 0, 0
      FROM resource r
      LEFT JOIN version v ON v.organization_id = r.organization_id AND v.document_id = r.id
           AND v.id = r.latest_version_id
     WHERE r.organization_id = $5 AND r.parent_id = $6
       AND (r.kind <> 'DOCUMENT' OR v.status = 'ACTIVE')";

/// The columns of an activity, in the order `decode` reads them.
macro_rules! columns {
    () => {
        "a.created_ms, a.id, a.type, a.initiator, a.resource_id, a.kind, a.name, a.version_id, \
         a.owner_id, a.parent_id, a.original_name, a.original_parent_id, a.comment_id, \
         a.comment_created_ms, a.contributor, a.recipient, a.is_private, a.has_participants"
    };
}

/// A page of the activities that `$source` finds, newest first: of the newest ones as many as a window
/// holds are looked at, and the last of them is read even if it is not shown, so that the next page
/// can begin behind it.
macro_rules! feed {
    ($with:literal, $is_indirect:literal, $source:literal) => {
        concat!(
            $with,
            "scanned AS (
                 SELECT page.*,
                        row_number() OVER (ORDER BY page.created_ms DESC, page.id DESC) AS place
                   FROM (SELECT ",
            columns!(),
            ", ",
            $is_indirect,
            " AS is_indirect FROM ",
            $source,
            " AND a.created_ms > $3 AND a.created_ms < $4 AND (a.created_ms, a.id) < ($5, $6)
              ORDER BY a.created_ms DESC, a.id DESC LIMIT $7) page),
             ",
            held!(),
            "judged AS (SELECT scanned.*, CASE WHEN ($8 = '' OR $8 LIKE '%,' || scanned.type || ',%')
                     AND ($9 = '' OR scanned.initiator = $9) AND (",
            is_concerned!(),
            ") THEN 1 ELSE 0 END AS shown
                  FROM scanned LEFT JOIN held ON held.item_id = scanned.resource_id)
             SELECT judged.*,
               i.username, i.given_name, i.surname, i.status, i.type,
               o.username, o.given_name, o.surname, o.status, o.type,
               c.username, c.given_name, c.surname, c.status, c.type
               FROM judged
               LEFT JOIN site_user i ON i.organization_id = $1 AND i.id = judged.initiator
               LEFT JOIN site_user o ON o.organization_id = $1 AND o.id = judged.owner_id
               LEFT JOIN site_user c ON c.organization_id = $1 AND c.id = judged.contributor
              WHERE judged.shown = 1 OR judged.place = $7
              ORDER BY judged.place LIMIT $13"
        )
    };
}

/// The items of the window with how the user `$10` stands to them, each walked up from once. One that
/// is not there, or below something that is not, has no standing.
macro_rules! held {
    () => {
        concat!(
            "up(item_id, at_id, parent_id, depth) AS (
                 SELECT r.id, r.id, r.parent_id, 0
                   FROM (SELECT DISTINCT scanned.resource_id AS id FROM scanned
                          WHERE $11 = 1 AND $10 <> '') page
                  CROSS JOIN resource r
                  WHERE r.organization_id = $1 AND r.id = page.id AND r.state = 'LIVE'
                 UNION ALL
                 SELECT up.item_id, a.id, a.parent_id, up.depth + 1
                   FROM up CROSS JOIN resource a
                  WHERE a.organization_id = $1 AND a.id = up.parent_id AND a.state = 'LIVE'
                    AND up.depth < $12),
             held(item_id, role) AS MATERIALIZED (
                 SELECT up.item_id, MAX(CASE WHEN p.resource_id IS NOT NULL THEN ",
            rank!(),
            " END) FROM up
                   LEFT JOIN permission p ON p.organization_id = $1 AND p.resource_id = up.at_id AND ",
            is_mine!("$10"),
            " GROUP BY up.item_id
                HAVING MAX(CASE WHEN up.parent_id IS NULL THEN 1 ELSE 0 END) = 1), "
        )
    };
}

/// Whether an activity concerns the user `$10`: done by them, to what is theirs, with them, or to what
/// they may read the history of now. What a private comment is about is for hosts alone.
macro_rules! is_concerned {
    () => {
        "$10 = '' OR scanned.initiator = $10 OR scanned.owner_id = $10 OR scanned.recipient = $10
             OR (scanned.has_participants = 1 AND EXISTS (SELECT 1 FROM activity_participant x
                  WHERE x.organization_id = $1 AND x.created_ms = scanned.created_ms
                    AND x.activity_id = scanned.id AND x.principal_id = $10))
             OR held.role >= CASE scanned.is_private WHEN 1 THEN 3 ELSE 2 END"
    };
}

const OF_SITE: &str =
    feed!("WITH RECURSIVE ", "0", "activity a WHERE a.organization_id = $1 AND $2 = ''");

const OF_INITIATOR: &str =
    feed!("WITH RECURSIVE ", "0", "activity a WHERE a.organization_id = $1 AND a.initiator = $2");

const OF_RESOURCE: &str =
    feed!("WITH RECURSIVE ", "0", "activity a WHERE a.organization_id = $1 AND a.resource_id = $2");

/// With what happened to the folders above since the item, or a folder between, came to stand there.
/// A tree has far fewer levels than the walk may take.
const OF_RESOURCE_WITH_INDIRECT: &str = feed!(
    "WITH RECURSIVE line(id, parent_id, depth, since, arrived) AS (
         SELECT r.id, r.parent_id, 0, CAST(0 AS BIGINT),
                COALESCE((SELECT m.created_ms FROM activity m
                           WHERE m.organization_id = $1 AND m.resource_id = r.id
                             AND m.type IN ('DOCUMENT_MOVED', 'DOCUMENT_RESTORED', 'FOLDER_MOVED',
                                            'FOLDER_RESTORED')
                           ORDER BY m.created_ms DESC LIMIT 1), r.created_ms)
           FROM resource r WHERE r.organization_id = $1 AND r.id = $2
         UNION ALL
         SELECT r.id, r.parent_id, line.depth + 1,
                CASE WHEN line.since > line.arrived THEN line.since ELSE line.arrived END,
                COALESCE((SELECT m.created_ms FROM activity m
                           WHERE m.organization_id = $1 AND m.resource_id = r.id
                             AND m.type IN ('FOLDER_MOVED', 'FOLDER_RESTORED')
                           ORDER BY m.created_ms DESC LIMIT 1), r.created_ms)
           FROM line JOIN resource r ON r.organization_id = $1 AND r.id = line.parent_id
          WHERE line.depth < 1000), ",
    "CASE line.depth WHEN 0 THEN 0 ELSE 1 END",
    "line CROSS JOIN activity a WHERE a.organization_id = $1 AND a.resource_id = line.id
       AND (line.depth = 0
            OR (a.created_ms >= line.since
                AND a.type IN ('FOLDER_MOVED', 'FOLDER_RECYCLED', 'FOLDER_RESTORED', 'FOLDER_SHARED',
                               'FOLDER_UNSHARED', 'FOLDER_SHARE_PERMISSION_CHANGED',
                               'FOLDER_SHAREABLE_LINK_CREATED', 'FOLDER_SHAREABLE_LINK_REMOVED',
                               'FOLDER_SHAREABLE_LINK_PERMISSION_CHANGED')))"
);

/// Those of the activities of one page, which `$page` reads out of `$2`: pairs of a moment and an id.
macro_rules! participants {
    ($page:literal) => {
        concat!(
            "WITH page(created_ms, id) AS (",
            $page,
            ")
             SELECT x.created_ms, x.activity_id, x.principal_type, x.principal_id,
                    u.username, u.given_name, u.surname, u.status, u.type, g.name
               FROM page CROSS JOIN activity_participant x
               LEFT JOIN site_user u ON u.organization_id = x.organization_id AND u.id = x.principal_id
               LEFT JOIN site_group g ON g.organization_id = x.organization_id
                    AND g.id = x.principal_id
              WHERE x.organization_id = $1 AND x.created_ms = page.created_ms
                AND x.activity_id = page.id
              ORDER BY x.created_ms, x.activity_id, x.principal_type, x.principal_id"
        )
    };
}

const PARTICIPANTS: ByEngine = ByEngine {
    sqlite: participants!(
        "SELECT json_extract(j.value, '$[0]'), json_extract(j.value, '$[1]') FROM json_each($2) j"
    ),
    postgres: participants!(
        "SELECT CAST(j.value ->> 0 AS BIGINT), (j.value ->> 1) COLLATE \"C\"
           FROM jsonb_array_elements(CAST(CAST($2 AS TEXT) AS JSONB)) j"
    ),
};

const KNOWN: &str =
    "SELECT 1 FROM activity WHERE organization_id = $1 AND resource_id = $2 LIMIT 1";

const OLDEST: &str = "
    SELECT created_ms FROM activity WHERE organization_id = $1 AND created_ms < $2
     ORDER BY created_ms, id LIMIT 1 OFFSET $3";

const DELETE_BEFORE: &str = "DELETE FROM activity WHERE organization_id = $1 AND created_ms < $2";

const DELETE_PARTICIPANTS_BEFORE: &str =
    "DELETE FROM activity_participant WHERE organization_id = $1 AND created_ms < $2";

/// Statements whose plans are looked at.
#[cfg(test)]
pub(crate) const PLANNED: &[&str] =
    &[OF_SITE, OF_INITIATOR, OF_RESOURCE, OF_RESOURCE_WITH_INDIRECT, PARTICIPANTS.sqlite, KNOWN];

/// Which activities are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Feed {
    /// All of the site.
    Site,
    /// What one user did.
    Initiator(UserId),
    /// Those of one item; with what happened to it because it happened to a folder above.
    Resource {
        /// The item.
        id: ResourceId,
        /// With indirect ones.
        with_indirect: bool,
    },
}

/// Which page of activities is wanted.
#[derive(Clone, Debug)]
pub struct ActivityListing {
    /// Which activities.
    pub feed: Feed,
    /// After this moment.
    pub start: Option<Timestamp>,
    /// Before this moment.
    pub end: Option<Timestamp>,
    /// What this user did alone.
    pub initiator: Option<UserId>,
    /// Of these types alone, by the protocol's words.
    pub types: Option<Vec<String>>,
    /// Those alone that concern this user; all for an administrator.
    pub concerned: Option<UserId>,
    /// Whether the user may read the history of what is shared with them.
    pub reads_shared: bool,
    /// Behind this activity.
    pub after: Option<ActivityPlace>,
    /// At most so many.
    pub limit: i64,
}

/// An activity's place among all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityPlace {
    /// When it was, in milliseconds.
    pub moment_ms: i64,
    /// Its id.
    pub id: String,
}

/// Somebody an item was shared with, or no longer is, as they are now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Participant {
    /// A user; one who was deleted has no profile any more.
    User(UserId, Option<Profile>),
    /// A group with its name, if it still is there.
    Group(GroupId, Option<String>),
}

/// An activity as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedActivity {
    /// Its place.
    pub place: ActivityPlace,
    /// When it was.
    pub moment: Timestamp,
    /// The protocol's word for what was done.
    pub word: String,
    /// Whether it was done to a folder above.
    pub is_indirect: bool,
    /// Who did it.
    pub initiator: Contributor,
    /// What they did it to.
    pub subject: Subject,
    /// The owner, as they are now.
    pub owner: Option<Profile>,
    /// The name before.
    pub original_name: Option<ResourceName>,
    /// The folder before.
    pub original_parent: Option<FolderId>,
    /// Whom it was shared with.
    pub participants: Vec<Participant>,
    /// The comment it is about, with who wrote it.
    pub comment: Option<(CommentMention, Contributor)>,
}

/// A page of activities.
#[derive(Clone, Debug, Default)]
pub struct Activities {
    /// Those to show, newest first.
    pub shown: Vec<ListedActivity>,
    /// The last one looked at, if there may be more behind it.
    pub next: Option<ActivityPlace>,
}

impl Tx {
    /// Writes down what happened.
    pub async fn insert_activity(
        &mut self,
        organization: &OrganizationId,
        activity: &Activity,
    ) -> Result<(), StoreError> {
        let Activity { id, moment, initiator, deed, subject, comment, .. } = activity;
        let people: Vec<_> =
            activity.participants.iter().filter(|principal| is_somebody(principal)).collect();
        let args = [
            organization.into(),
            (*moment).into(),
            id.as_str().into(),
            deed.word(subject.kind).into(),
            initiator.into(),
            (&subject.id).into(),
            encode_kind(subject.kind).into(),
            subject.name.as_str().into(),
            subject.version.as_ref().into(),
            (&subject.owner).into(),
            subject.parent.as_ref().into(),
            activity.original_name.as_ref().map(ResourceName::as_str).into(),
            activity.original_parent.as_ref().into(),
            comment.as_ref().map(|comment| &comment.id).into(),
            comment.as_ref().map(|comment| comment.created).into(),
            comment.as_ref().map(|comment| comment.contributor.as_str()).into(),
            comment.as_ref().and_then(|comment| comment.recipient.as_deref()).into(),
            comment.as_ref().is_some_and(|comment| comment.is_private).into(),
            (!people.is_empty()).into(),
        ];
        self.execute(INSERT, &args).await?;
        for principal in people {
            let args = [
                organization.into(),
                (*moment).into(),
                id.as_str().into(),
                principal_type(principal).into(),
                principal.id().into(),
            ];
            self.execute(INSERT_PARTICIPANT, &args).await?;
        }
        Ok(())
    }

    /// Writes down that everything that stood in a folder was deleted: it stands in the folder
    /// `deleted` now.
    pub async fn insert_deletions(
        &mut self,
        organization: &OrganizationId,
        (id, moment): (&ActivityId, Timestamp),
        initiator: &str,
        emptied: &FolderId,
        deleted: &FolderId,
    ) -> Result<(), StoreError> {
        let args = [
            moment.into(),
            id.as_str().into(),
            initiator.into(),
            emptied.into(),
            organization.into(),
            deleted.into(),
        ];
        self.execute(INSERT_DELETIONS, &args).await?;
        Ok(())
    }

    /// Reads a page of activities, newest first.
    pub async fn activities(
        &mut self,
        organization: &OrganizationId,
        listing: &ActivityListing,
        depth_max: i64,
    ) -> Result<Activities, StoreError> {
        let (statement, key) = match &listing.feed {
            Feed::Site => (OF_SITE, ""),
            Feed::Initiator(initiator) => (OF_INITIATOR, initiator.as_str()),
            Feed::Resource { id, with_indirect: false } => (OF_RESOURCE, id.as_str()),
            Feed::Resource { id, with_indirect: true } => (OF_RESOURCE_WITH_INDIRECT, id.as_str()),
        };
        let rows = self.rows(statement, &arguments(organization, key, listing, depth_max)).await?;
        let wanted = usize::try_from(listing.limit).unwrap_or(usize::MAX);
        let mut page = Activities::default();
        for row in &rows {
            if page.shown.len() == wanted {
                page.next = page.shown.last().map(|shown| shown.place.clone());
                break;
            }
            if row.bool(SHOWN_AT)? {
                page.shown.push(decode(row)?);
            }
            if row.int(PLACE_AT)? == WINDOW {
                page.next = Some(place(row)?);
            }
        }
        self.add_participants(organization, &mut page.shown).await?;
        Ok(page)
    }

    async fn add_participants(
        &mut self,
        organization: &OrganizationId,
        shown: &mut [ListedActivity],
    ) -> Result<(), StoreError> {
        let shared = shown.iter().filter(|one| one.word.contains("SHARE"));
        let page: Vec<_> = shared.map(|one| (one.place.moment_ms, one.place.id.as_str())).collect();
        if page.is_empty() {
            return Ok(());
        }
        let page = serde_json::to_string(&page).map_err(|e| StoreError::Internal(e.to_string()))?;
        let args = [organization.into(), page.into()];
        for row in &self.rows(self.of_engine(&PARTICIPANTS), &args).await? {
            let place = place(row)?;
            if let Some(one) = shown.iter_mut().find(|one| one.place == place) {
                one.participants.push(decode_participant(row)?);
            }
        }
        Ok(())
    }

    /// Whether anything is known to have happened to an item, which may be gone.
    pub async fn has_activities(
        &mut self,
        organization: &OrganizationId,
        id: &ResourceId,
    ) -> Result<bool, StoreError> {
        Ok(self.row(KNOWN, &[organization.into(), id.into()]).await?.is_some())
    }

    /// Removes the oldest activities before a moment, about `limit` of them. Tells how many.
    pub async fn delete_old_activities(
        &mut self,
        organization: &OrganizationId,
        before: Timestamp,
        limit: i64,
    ) -> Result<u64, StoreError> {
        let row = self.row(OLDEST, &[organization.into(), before.into(), limit.into()]).await?;
        // The whole moment of the last one goes with it, or it would never be behind the end.
        let end = match row {
            Some(row) => row.int(0)?.saturating_add(1),
            None => before.as_millis(),
        };
        let end = end.min(before.as_millis());
        self.execute(DELETE_PARTICIPANTS_BEFORE, &[organization.into(), end.into()]).await?;
        self.execute(DELETE_BEFORE, &[organization.into(), end.into()]).await
    }
}

/// The whole organization and everybody are nobody in particular.
fn is_somebody(principal: &Principal) -> bool {
    match principal {
        Principal::User(_) | Principal::Group(_) => true,
        Principal::Anonymous | Principal::Organization(_) => false,
    }
}

fn arguments(
    organization: &OrganizationId,
    key: &str,
    listing: &ActivityListing,
    depth_max: i64,
) -> [Value; 13] {
    let types = listing.types.as_ref().map(|types| format!(",{},", types.join(",")));
    let (moment_ms, id) = match &listing.after {
        Some(place) => (place.moment_ms, place.id.as_str()),
        None => (i64::MAX, ""),
    };
    [
        organization.into(),
        key.into(),
        listing.start.map_or(i64::MIN, Timestamp::as_millis).into(),
        listing.end.map_or(i64::MAX, Timestamp::as_millis).into(),
        moment_ms.into(),
        id.into(),
        WINDOW.into(),
        types.unwrap_or_default().into(),
        listing.initiator.as_ref().map_or("", UserId::as_str).into(),
        listing.concerned.as_ref().map_or("", UserId::as_str).into(),
        listing.reads_shared.into(),
        depth_max.into(),
        // One more tells whether another page follows, and one is the end of the window.
        listing.limit.saturating_add(2).into(),
    ]
}

/// Where a row says whether it is shown and how many are newer, and where what is known of people
/// begins.
const PLACE_AT: usize = 19;
const SHOWN_AT: usize = 20;
const PEOPLE_AT: usize = 21;

fn place(row: &Row) -> Result<ActivityPlace, StoreError> {
    Ok(ActivityPlace { moment_ms: row.int(0)?, id: row.text(1)?.to_owned() })
}

fn decode(row: &Row) -> Result<ListedActivity, StoreError> {
    let comment = match row.text_opt(12)? {
        None => None,
        Some(id) => {
            let contributor = row.text(14)?.to_owned();
            let who = Contributor::new(&contributor, decode_profile(row, PEOPLE_AT + 10)?);
            let mention = CommentMention {
                id: CommentId::new(id),
                created: row.timestamp(13)?,
                contributor,
                recipient: row.text_opt(15)?.map(str::to_owned),
                is_private: row.bool(16)?,
            };
            Some((mention, who))
        }
    };
    Ok(ListedActivity {
        place: place(row)?,
        moment: row.timestamp(0)?,
        word: row.text(2)?.to_owned(),
        is_indirect: row.bool(18)?,
        initiator: Contributor::new(row.text(3)?, decode_profile(row, PEOPLE_AT)?),
        subject: Subject {
            id: ResourceId::new(row.text(4)?),
            kind: decode_kind(row.text(5)?)?,
            name: ResourceName::new(row.text(6)?),
            version: row.text_opt(7)?.map(VersionId::new),
            owner: UserId::new(row.text(8)?),
            parent: row.text_opt(9)?.map(FolderId::new),
        },
        owner: decode_profile(row, PEOPLE_AT + 5)?,
        original_name: row.text_opt(10)?.map(ResourceName::new),
        original_parent: row.text_opt(11)?.map(FolderId::new),
        participants: Vec::new(),
        comment,
    })
}

fn decode_participant(row: &Row) -> Result<Participant, StoreError> {
    match row.text(2)? {
        "USER" => Ok(Participant::User(UserId::new(row.text(3)?), decode_profile(row, 4)?)),
        "GROUP" => {
            let name = row.text_opt(9)?.map(str::to_owned);
            Ok(Participant::Group(GroupId::new(row.text(3)?), name))
        }
        other => Err(corrupt("activity_participant", &format!("principal type {other}"))),
    }
}

fn encode_kind(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Folder => "FOLDER",
        ItemKind::Document => "DOCUMENT",
    }
}

fn decode_kind(kind: &str) -> Result<ItemKind, StoreError> {
    match kind {
        "FOLDER" => Ok(ItemKind::Folder),
        "DOCUMENT" => Ok(ItemKind::Document),
        other => Err(corrupt("activity", &format!("kind {other}"))),
    }
}
