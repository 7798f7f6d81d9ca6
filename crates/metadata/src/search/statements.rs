//! The statements of a search: where its candidates come from, in which order, and what is shown of
//! them.
//!
//! `$1` the organization · `$2` the user, empty for an administrator · `$3` levels of a walk · `$4` rows
//! wanted · `$5` candidates of a step · `$6` candidates before it · `$7` 1 upwards, -1 downwards · `$8`
//! the sort key · `$9` whether the user is a guest · `$10` kinds · `$11` scripts · `$12` categories ·
//! `$13` labels · `$14` principals with roles · `$15` folders above · `$16` own or not · `$17` `$18` size ·
//! `$19` `$20` made · `$21` `$22` changed · `$23` the words · `$24` the organization's token.

use crate::driver::ByEngine;
use crate::items::item_columns;
use crate::permissions::{is_mine, rank};
use crate::versions::version_columns;

/// Whether a list of ours has a value.
macro_rules! has {
    ($list:literal, $($value:tt)*) => {
        concat!("REPLACE(", $list, ", '|' || ", $($value)*, " || '|', '') <> ", $list)
    };
}

/// What the user sees: all below what is theirs or was given to them. What was given may be gone, so
/// this chooses candidates and decides nothing. `VISIBLE_MAX` and one more.
macro_rules! down {
    () => {
        concat!(
            "WITH RECURSIVE given(id) AS (
                 SELECT every.id FROM (
                     SELECT u.root_folder_id AS id FROM site_user u
                      WHERE u.organization_id = $1 AND u.id = $2
                     UNION
                     SELECT p.resource_id FROM permission p
                      WHERE p.organization_id = $1 AND $2 <> '' AND ",
            is_mine!("$2"),
            ") every LIMIT 5001),
             down(id) AS (
                 SELECT given.id FROM given
                 UNION
                 SELECT r.id FROM down CROSS JOIN resource r
                  WHERE r.organization_id = $1 AND r.parent_id = down.id
                    AND r.live_name_key IS NOT NULL), "
        )
    };
}

/// The order of candidates, which end with their ordinals so that none are equal.
macro_rules! in_order {
    () => {
        "CASE WHEN CAST($7 AS BIGINT) = 1 THEN k.word END,
         CASE WHEN CAST($7 AS BIGINT) = -1 THEN k.word END DESC,
         k.number * CAST($7 AS BIGINT), k.ordinal"
    };
}

/// Candidates by how well they match.
macro_rules! by_score {
    () => {
        ", keyed(ordinal, word, number) AS (SELECT hits.ordinal, '', hits.score FROM hits), "
    };
}

/// Candidates by what they are.
macro_rules! by_key {
    () => {
        ", keyed(ordinal, word, number) AS (
         SELECT hits.ordinal,
                CASE WHEN $8 = 'NAME' AND e.kind <> 'COMMENT' THEN r.name_key ELSE '' END,
                CASE $8
                    WHEN 'SIZE' THEN
                        COALESCE(CASE WHEN e.kind = 'VERSION' THEN b.size_bytes END, 0)
                    WHEN 'CREATED' THEN
                        COALESCE(c.created_ms, CASE WHEN v.id <> r.latest_version_id
                                               THEN v.created_ms END, r.created_ms)
                    WHEN 'MODIFIED' THEN
                        COALESCE(c.created_ms, CASE WHEN v.id <> r.latest_version_id
                                               THEN v.modified_ms END, r.modified_ms)
                    ELSE 0 END
           FROM hits CROSS JOIN search_entry e CROSS JOIN resource r
           LEFT JOIN version v ON v.organization_id = $1 AND v.document_id = e.resource_id
                AND v.id = e.version_id
           LEFT JOIN blob b ON b.organization_id = $1 AND b.id = v.blob_id
           LEFT JOIN comment c ON c.organization_id = $1 AND c.document_id = e.resource_id
                AND c.version_id = e.version_id AND c.id = e.comment_id
          WHERE e.organization_id = $1 AND e.ordinal = hits.ordinal
            AND r.organization_id = $1 AND r.id = e.resource_id), "
    };
}

/// One step's candidates and their places, and the walk up from each. `seen` tells whether an item is
/// there, and how the user stands to it as `rank!` and the domain say: an owner and an administrator 4.
macro_rules! candidates {
    () => {
        concat!(
            "found(ordinal, place) AS MATERIALIZED (
                 SELECT k.ordinal, CAST($6 AS BIGINT) + ROW_NUMBER() OVER (ORDER BY ",
            in_order!(),
            ") FROM (SELECT k.ordinal, k.word, k.number FROM keyed k ORDER BY ",
            in_order!(),
            " LIMIT $5 OFFSET $6) k),
             up(item_id, at_id, parent_id, depth) AS (
                 SELECT r.id, r.id, r.parent_id, 0
                   FROM (SELECT DISTINCT e.resource_id AS id
                           FROM found CROSS JOIN search_entry e
                          WHERE e.organization_id = $1 AND e.ordinal = found.ordinal) page
                  CROSS JOIN resource r
                  WHERE r.organization_id = $1 AND r.id = page.id
                    AND r.state = 'LIVE' AND r.live_name_key IS NOT NULL
                 UNION ALL
                 SELECT up.item_id, a.id, a.parent_id, up.depth + 1
                   FROM up CROSS JOIN resource a
                  WHERE a.organization_id = $1 AND a.id = up.parent_id AND a.state = 'LIVE'
                    AND up.depth < $3),
             held(item_id, is_live, role) AS (
                 SELECT up.item_id, MAX(CASE WHEN up.parent_id IS NULL THEN 1 ELSE 0 END),
                        MAX(CASE WHEN p.resource_id IS NOT NULL THEN ",
            rank!(),
            " END) FROM up
                   LEFT JOIN permission p ON p.organization_id = $1 AND p.resource_id = up.at_id
                        AND $2 <> '' AND ",
            is_mine!("$2"),
            " GROUP BY up.item_id),
             seen(item_id, standing) AS MATERIALIZED (
                 SELECT held.item_id,
                        CASE WHEN $2 = '' THEN 4
                             WHEN CAST($9 AS BIGINT) = 1 AND (r.owner_id = $2 OR held.role > 1) THEN 1
                             WHEN r.owner_id = $2 THEN 4
                             WHEN r.kind = 'DOCUMENT' AND r.creator = $2 AND held.role = 2 THEN 3
                             ELSE held.role END
                   FROM held CROSS JOIN resource r
                  WHERE r.organization_id = $1 AND r.id = held.item_id AND held.is_live = 1),
             roles(item_id) AS (
                 SELECT up.item_id FROM up CROSS JOIN permission p
                  WHERE $14 <> '' AND p.organization_id = $1 AND p.resource_id = up.at_id AND ",
            has!("$14", "p.principal_id || ':' || p.role"),
            ")"
        )
    };
}

/// What a candidate is shown as: the version that stands for its document is the document, unless
/// only versions are wanted.
macro_rules! kind {
    () => {
        concat!(
            "CASE e.kind WHEN 'VERSION' THEN
                 CASE WHEN v.id = r.latest_version_id AND ",
            has!("$10", "'DOCUMENT'"),
            " THEN 'DOCUMENT' ELSE 'DOCUMENT_VERSION' END ELSE e.kind END"
        )
    };
}

/// What is wanted of what was found.
macro_rules! wanted {
    () => {
        concat!(
            " AND ($11 = '' OR ",
            has!("$11", "e.script"),
            ") AND ($12 = '' OR ",
            has!("$12", "e.category"),
            ") AND ($13 = '' OR EXISTS (
                  SELECT 1 FROM label l
                   WHERE l.organization_id = $1 AND l.resource_id = r.id AND ",
            has!("$13", "l.name"),
            ")) AND ($14 = '' OR ",
            has!("$14", "r.owner_id || ':OWNER'"),
            " OR r.id IN (SELECT roles.item_id FROM roles))
              AND ($15 = '' OR r.id IN (SELECT up.item_id FROM up WHERE up.depth > 0 AND ",
            has!("$15", "up.at_id"),
            ")) AND (CAST($16 AS BIGINT) IS NULL
                     OR CAST($16 AS BIGINT) = CASE WHEN r.owner_id = $2 THEN 1 ELSE 0 END)",
            between!("$17", "$18", "CASE WHEN e.kind = 'VERSION' THEN b.size_bytes END"),
            between!("$19", "$20", moment!("created_ms")),
            between!("$21", "$22", moment!("modified_ms")),
            // Every statement is given the same arguments, whether it needs them or not.
            " AND CAST($8 AS TEXT) IS NOT NULL AND CAST($23 AS TEXT) IS NOT NULL
              AND CAST($24 AS TEXT) IS NOT NULL"
        )
    };
}

/// Whether a value lies between two that may be absent.
macro_rules! between {
    ($from:literal, $to:literal, $($value:tt)*) => {
        concat!(
            " AND (CAST(", $from, " AS BIGINT) IS NULL OR ", $($value)*, " >= CAST(", $from,
            " AS BIGINT)) AND (CAST(", $to, " AS BIGINT) IS NULL OR ", $($value)*, " <= CAST(", $to,
            " AS BIGINT))"
        )
    };
}

/// A moment of what a candidate is shown as.
macro_rules! moment {
    ($column:literal) => {
        concat!(
            "CASE WHEN e.kind = 'COMMENT' THEN c.created_ms
                  WHEN v.id <> r.latest_version_id THEN v.",
            $column,
            " ELSE r.",
            $column,
            " END"
        )
    };
}

/// Those candidates that are there for the user and wanted. A public link is for whoever was given it:
/// it makes nothing that others find.
macro_rules! shown {
    () => {
        concat!(
            ", shown(place, ordinal, kind) AS MATERIALIZED (
                 SELECT found.place, found.ordinal, ",
            kind!(),
            " FROM found CROSS JOIN search_entry e CROSS JOIN seen CROSS JOIN resource r
                   LEFT JOIN version v ON v.organization_id = $1 AND v.document_id = r.id
                        AND v.id = e.version_id
                   LEFT JOIN blob b ON b.organization_id = $1 AND b.id = v.blob_id
                   LEFT JOIN comment c ON c.organization_id = $1 AND c.document_id = r.id
                        AND c.version_id = e.version_id AND c.id = e.comment_id
                  WHERE e.organization_id = $1 AND e.ordinal = found.ordinal
                    AND seen.item_id = e.resource_id
                    AND r.organization_id = $1 AND r.id = e.resource_id
                    AND (e.kind = 'FOLDER' OR v.status = 'ACTIVE')
                    AND seen.standing >= CASE WHEN e.kind = 'COMMENT' OR v.id <> r.latest_version_id
                                              THEN 2 ELSE 1 END
                    AND (e.kind <> 'COMMENT'
                         OR (c.text IS NOT NULL
                             AND (c.visibility = 'PUBLIC' OR seen.standing >= 3
                                  OR c.contributor = $2 OR c.recipient = $2)))
                    AND ",
            has!("$10", kind!()),
            wanted!(),
            " ORDER BY found.place LIMIT $4)"
        )
    };
}

/// The answer: what is shown, and how many candidates were looked at.
macro_rules! answer {
    () => {
        concat!(
            " SELECT ",
            item_columns!(),
            ", looked.at, shown.place, shown.kind, c.id, c.contributor, c.recipient, c.created_ms,
                     u.username, u.given_name, u.surname, u.status, u.type
                FROM (SELECT COUNT(*) AS at FROM found) looked
                LEFT JOIN shown ON 1 = 1
                LEFT JOIN search_entry e ON e.organization_id = $1 AND e.ordinal = shown.ordinal
                LEFT JOIN resource r ON r.organization_id = $1 AND r.id = e.resource_id
                LEFT JOIN version v ON v.organization_id = $1 AND v.document_id = e.resource_id
                     AND v.id = e.version_id
                LEFT JOIN blob b ON b.organization_id = $1 AND b.id = v.blob_id
                LEFT JOIN comment c ON c.organization_id = $1 AND c.document_id = e.resource_id
                     AND c.version_id = e.version_id AND c.id = e.comment_id
                LEFT JOIN site_user u ON u.organization_id = $1 AND u.id = c.contributor
               ORDER BY shown.place"
        )
    };
}

/// What matches in the whole site, on SQLite.
macro_rules! sqlite_hits {
    () => {
        "hits(ordinal, score) AS (
             SELECT search_text.rowid, search_text.rank FROM search_text
              WHERE search_text.organization_id MATCH $24 AND search_text MATCH $23)"
    };
}

/// The same on PostgreSQL. It is kept, because PostgreSQL might look for it anew for every row it is joined
/// with.
macro_rules! postgres_hits {
    () => {
        "hits(ordinal, score) AS MATERIALIZED (
             SELECT t.rowid, -ts_rank('{0.1, 0.1, 0.1, 1.0}', t.words,
                                      CAST(CAST($23 AS TEXT) AS TSQUERY))
               FROM search_text t
              WHERE t.organization_id = $1
                AND t.words @@ CAST(CAST($23 AS TEXT) AS TSQUERY))"
    };
}

/// What matches of what the user sees, on SQLite.
macro_rules! sqlite_visible_hits {
    () => {
        "scored(ordinal, score) AS MATERIALIZED (
             SELECT e.ordinal, search_score($23, e.name_tokens, e.content_tokens)
               FROM down CROSS JOIN search_entry e
              WHERE e.organization_id = $1 AND e.resource_id = down.id),
         hits(ordinal, score) AS MATERIALIZED (
             SELECT scored.ordinal, scored.score FROM scored WHERE scored.score < 0)"
    };
}

/// The same on PostgreSQL, by a condition its index cannot answer: the words of these few are looked at one
/// by one.
macro_rules! postgres_visible_hits {
    () => {
        "hits(ordinal, score) AS MATERIALIZED (
             SELECT t.rowid, -ts_rank('{0.1, 0.1, 0.1, 1.0}', t.words,
                                      CAST(CAST($23 AS TEXT) AS TSQUERY))
               FROM down CROSS JOIN search_entry e CROSS JOIN search_text t
              WHERE e.organization_id = $1 AND e.resource_id = down.id
                AND t.organization_id = $1 AND t.rowid = e.ordinal
                AND CASE WHEN t.words @@ CAST(CAST($23 AS TEXT) AS TSQUERY)
                         THEN 1 ELSE 0 END = 1)"
    };
}

/// Everything in the whole site, the last first.
macro_rules! all_hits {
    () => {
        "hits(ordinal, score) AS MATERIALIZED (
             SELECT e.ordinal, -e.ordinal FROM search_entry e WHERE e.organization_id = $1)"
    };
}

/// Everything the user sees, the last first.
macro_rules! visible_hits {
    () => {
        "hits(ordinal, score) AS MATERIALIZED (
             SELECT e.ordinal, -e.ordinal FROM down CROSS JOIN search_entry e
              WHERE e.organization_id = $1 AND e.resource_id = down.id)"
    };
}

const SQLITE_MATCHING: &str =
    concat!("WITH RECURSIVE ", sqlite_hits!(), by_score!(), candidates!(), shown!(), answer!());
const SQLITE_MATCHING_KEYED: &str =
    concat!("WITH RECURSIVE ", sqlite_hits!(), by_key!(), candidates!(), shown!(), answer!());
const POSTGRES_MATCHING: &str =
    concat!("WITH RECURSIVE ", postgres_hits!(), by_score!(), candidates!(), shown!(), answer!());
const POSTGRES_MATCHING_KEYED: &str =
    concat!("WITH RECURSIVE ", postgres_hits!(), by_key!(), candidates!(), shown!(), answer!());
const SQLITE_VISIBLE: &str =
    concat!(down!(), sqlite_visible_hits!(), by_score!(), candidates!(), shown!(), answer!());
const SQLITE_VISIBLE_KEYED: &str =
    concat!(down!(), sqlite_visible_hits!(), by_key!(), candidates!(), shown!(), answer!());
const POSTGRES_VISIBLE: &str =
    concat!(down!(), postgres_visible_hits!(), by_score!(), candidates!(), shown!(), answer!());
const POSTGRES_VISIBLE_KEYED: &str =
    concat!(down!(), postgres_visible_hits!(), by_key!(), candidates!(), shown!(), answer!());
const ALL_BY_SCORE: &str =
    concat!("WITH RECURSIVE ", all_hits!(), by_score!(), candidates!(), shown!(), answer!());
const ALL_BY_KEY: &str =
    concat!("WITH RECURSIVE ", all_hits!(), by_key!(), candidates!(), shown!(), answer!());
const VISIBLE_BY_SCORE: &str =
    concat!(down!(), visible_hits!(), by_score!(), candidates!(), shown!(), answer!());
const VISIBLE_BY_KEY: &str =
    concat!(down!(), visible_hits!(), by_key!(), candidates!(), shown!(), answer!());

/// What matches in the whole site, by score.
pub(super) const MATCHING: ByEngine =
    ByEngine { sqlite: SQLITE_MATCHING, postgres: POSTGRES_MATCHING };
/// What matches in the whole site, by a key.
pub(super) const MATCHING_KEYED: ByEngine =
    ByEngine { sqlite: SQLITE_MATCHING_KEYED, postgres: POSTGRES_MATCHING_KEYED };
/// What matches of what the user sees, by score.
pub(super) const VISIBLE_MATCHING: ByEngine =
    ByEngine { sqlite: SQLITE_VISIBLE, postgres: POSTGRES_VISIBLE };
/// What matches of what the user sees, by a key.
pub(super) const VISIBLE_MATCHING_KEYED: ByEngine =
    ByEngine { sqlite: SQLITE_VISIBLE_KEYED, postgres: POSTGRES_VISIBLE_KEYED };
/// Everything in the site, by score.
pub(super) const ALL: &str = ALL_BY_SCORE;
/// Everything in the site, by a key.
pub(super) const ALL_KEYED: &str = ALL_BY_KEY;
/// Everything the user sees, by score.
pub(super) const VISIBLE: &str = VISIBLE_BY_SCORE;
/// Everything the user sees, by a key.
pub(super) const VISIBLE_KEYED: &str = VISIBLE_BY_KEY;

/// How many items the user sees: no more are counted than matter.
pub(super) const COUNT_VISIBLE: &str =
    concat!(down!(), "few(id) AS (SELECT down.id FROM down LIMIT $3) SELECT COUNT(*) FROM few");

/// How many entries match: no more are counted than matter.
pub(super) const COUNT_MATCHES: ByEngine = ByEngine {
    sqlite: "
        SELECT COUNT(*) FROM (
            SELECT 1 FROM search_text
             WHERE search_text.organization_id MATCH $2 AND search_text MATCH $1 LIMIT $3) few",
    postgres: "
        SELECT COUNT(*) FROM (
            SELECT 1 FROM search_text t
             WHERE t.words @@ CAST(CAST($1 AS TEXT) AS TSQUERY) AND t.organization_id = $2
             LIMIT $3) few",
};

/// Statements whose plans are looked at. What looks through everything in a site does so by its words.
#[cfg(test)]
pub(crate) const PLANNED: &[&str] = &[
    SQLITE_MATCHING,
    SQLITE_MATCHING_KEYED,
    SQLITE_VISIBLE,
    SQLITE_VISIBLE_KEYED,
    VISIBLE_BY_SCORE,
    VISIBLE_BY_KEY,
    COUNT_VISIBLE,
    COUNT_MATCHES.sqlite,
];
