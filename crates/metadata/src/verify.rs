//! What `verify` asks: each statement lists the rows that break one invariant, and is empty for a
//! sound database.

use docharbor_domain::{BlobId, OrganizationId};

use crate::StoreError;
use crate::driver::Tx;
use crate::versions::Blob;

/// An invariant, and the statement that lists what breaks it: a subject, and what is wrong with it.
pub struct Check {
    /// The invariant, as a sentence.
    pub invariant: &'static str,
    sql: &'static str,
}

/// Every invariant that can be asked of the database alone.
pub const CHECKS: &[Check] = &[
    Check {
        invariant: "an item that was not deleted stands in a folder, or is a root folder or recycle bin",
        sql: "SELECT r.id, r.kind FROM resource r
               LEFT JOIN resource p ON p.organization_id = r.organization_id AND p.id = r.parent_id
               WHERE r.organization_id = $1 AND r.state <> 'DELETED'
                 AND CASE WHEN r.kind IN ('ROOT', 'RECYCLE_BIN') THEN r.parent_id IS NOT NULL
                          ELSE p.id IS NULL OR p.kind = 'DOCUMENT' END",
    },
    Check {
        invariant: "every item is reached from a root, a recycle bin or a deletion: no cycles",
        sql: "WITH RECURSIVE down(id) AS (
                  SELECT id FROM resource WHERE organization_id = $1 AND parent_id IS NULL
                  UNION ALL
                  SELECT r.id FROM down CROSS JOIN resource r
                   WHERE r.organization_id = $1 AND r.parent_id = down.id)
              SELECT r.id, r.kind FROM resource r LEFT JOIN down ON down.id = r.id
               WHERE r.organization_id = $1 AND down.id IS NULL",
    },
    Check {
        invariant: "a folder's number of items is the number of its items",
        sql: "SELECT r.id, 'counts ' || r.item_count FROM resource r
               LEFT JOIN (SELECT parent_id AS id, COUNT(*) AS items FROM resource
                           WHERE organization_id = $1 AND parent_id IS NOT NULL
                           GROUP BY parent_id) standing ON standing.id = r.id
               WHERE r.organization_id = $1 AND r.state <> 'DELETED' AND r.kind <> 'DOCUMENT'
                 AND r.item_count <> COALESCE(standing.items, 0)",
    },
    Check {
        invariant: "a folder holds its name, and a document does once it has an ACTIVE version",
        sql: "SELECT r.id, r.kind FROM resource r
               WHERE r.organization_id = $1 AND r.state = 'LIVE'
                 AND (CASE WHEN r.live_name_key IS NULL THEN 0 ELSE 1 END) <>
                     (CASE WHEN r.kind <> 'DOCUMENT' OR EXISTS (SELECT 1 FROM version v
                           WHERE v.organization_id = $1 AND v.document_id = r.id
                             AND v.status = 'ACTIVE') THEN 1 ELSE 0 END)",
    },
    Check {
        invariant: "the latest version of a document is its newest ACTIVE one, else its newest",
        sql: "SELECT r.id, 'latest' FROM resource r
               WHERE r.organization_id = $1 AND r.state <> 'DELETED' AND r.kind = 'DOCUMENT'
                 AND NOT EXISTS (SELECT 1 FROM version v
                      WHERE v.organization_id = $1 AND v.document_id = r.id
                        AND v.id = r.latest_version_id AND v.status <> 'DELETED'
                        AND NOT EXISTS (SELECT 1 FROM version o
                             WHERE o.organization_id = $1 AND o.document_id = r.id
                               AND o.status <> 'DELETED'
                               AND (o.status = 'ACTIVE' OR v.status <> 'ACTIVE')
                               AND ((o.status = 'ACTIVE' AND v.status <> 'ACTIVE')
                                    OR o.ordinal > v.ordinal)))",
    },
    Check {
        invariant: "a document has the name of the ACTIVE version that stands for it",
        sql: "SELECT r.id, 'name' FROM resource r
               JOIN version v ON v.organization_id = r.organization_id AND v.document_id = r.id
                     AND v.id = r.latest_version_id AND v.status = 'ACTIVE'
               WHERE r.organization_id = $1 AND r.state <> 'DELETED' AND r.name <> v.name",
    },
    Check {
        invariant: "every version belongs to a document",
        sql: "SELECT v.id, v.status FROM version v
               LEFT JOIN resource r ON r.organization_id = v.organization_id
                     AND r.id = v.document_id AND r.kind = 'DOCUMENT'
               WHERE v.organization_id = $1 AND r.id IS NULL",
    },
    Check {
        invariant: "an ACTIVE or DELETED version has bytes, is charged for them and does not expire",
        sql: "SELECT v.id, v.status FROM version v
               LEFT JOIN blob b ON b.organization_id = v.organization_id AND b.id = v.blob_id
               WHERE v.organization_id = $1 AND v.status IN ('ACTIVE', 'DELETED')
                 AND (b.id IS NULL OR b.size_bytes <> v.charged_bytes OR v.expires_ms IS NOT NULL
                      OR (v.status = 'DELETED') <> (v.deleted_ms IS NOT NULL))",
    },
    Check {
        invariant: "an INITIALIZED version expires, and is charged what arrived or was declared",
        sql: "SELECT v.id, v.status FROM version v
               LEFT JOIN blob b ON b.organization_id = v.organization_id AND b.id = v.blob_id
               WHERE v.organization_id = $1 AND v.status = 'INITIALIZED'
                 AND (v.expires_ms IS NULL OR (v.blob_id IS NOT NULL AND b.id IS NULL)
                      OR v.charged_bytes <> COALESCE(b.size_bytes, v.declared_bytes, 0))",
    },
    Check {
        invariant: "stored bytes belong to exactly one version, and are not garbage",
        sql: "SELECT b.id, b.location FROM blob b
               LEFT JOIN (SELECT x.id, COUNT(*) AS versions FROM (
                            SELECT v.blob_id AS id FROM version v JOIN resource r
                                ON r.organization_id = v.organization_id AND r.id = v.document_id
                             WHERE v.organization_id = $1 AND v.blob_id IS NOT NULL
                            UNION ALL
                            SELECT e.blob_id FROM extraction e
                             WHERE e.organization_id = $1 AND e.blob_id IS NOT NULL) x
                           GROUP BY x.id) referring ON referring.id = b.id
               LEFT JOIN garbage g ON g.organization_id = b.organization_id AND g.blob_id = b.id
               WHERE b.organization_id = $1
                 AND (COALESCE(referring.versions, 0) <> 1 OR g.blob_id IS NOT NULL)",
    },
    Check {
        invariant: "every ACTIVE or DELETED version was looked into or is waiting for it",
        sql: "SELECT v.id, v.status FROM version v
               LEFT JOIN extraction e ON e.organization_id = v.organization_id
                     AND e.document_id = v.document_id AND e.version_id = v.id
               WHERE v.organization_id = $1 AND v.status IN ('ACTIVE', 'DELETED')
                 AND e.version_id IS NULL",
    },
    Check {
        invariant: "what was taken out of a version belongs to one that exists, and its bytes are kept",
        sql: "SELECT e.version_id, e.state FROM extraction e
               LEFT JOIN version v ON v.organization_id = e.organization_id
                     AND v.document_id = e.document_id AND v.id = e.version_id
               LEFT JOIN blob b ON b.organization_id = e.organization_id AND b.id = e.blob_id
               WHERE e.organization_id = $1
                 AND (v.id IS NULL OR v.status = 'INITIALIZED'
                      OR (e.state = 'DUE') <> (e.due_ms IS NOT NULL)
                      OR (e.blob_id IS NOT NULL AND (b.id IS NULL OR e.state = 'NOT_EXTRACTABLE'
                          OR b.size_bytes <> e.small_bytes + e.small_hq_bytes + e.large_bytes)))",
    },
    Check {
        invariant: "what a user is charged is the sum of what the versions of their tree are charged",
        sql: "SELECT u.id, 'is charged ' || u.storage_used_bytes FROM site_user u
               LEFT JOIN (SELECT r.owner_id AS id, SUM(v.charged_bytes) AS bytes
                            FROM version v JOIN resource r
                              ON r.organization_id = v.organization_id AND r.id = v.document_id
                           WHERE v.organization_id = $1 GROUP BY r.owner_id) stored
                 ON stored.id = u.id
               WHERE u.organization_id = $1
                 AND u.storage_used_bytes <> COALESCE(stored.bytes, 0)",
    },
    Check {
        invariant: "what is recycled lies in its owner's recycle bin, and holds no name there",
        sql: "SELECT r.id, r.kind FROM resource r
               LEFT JOIN site_user u ON u.organization_id = r.organization_id
                     AND u.id = r.owner_id AND u.recycle_bin_id = r.parent_id
               LEFT JOIN resource p ON p.organization_id = r.organization_id AND p.id = r.parent_id
               WHERE r.organization_id = $1 AND COALESCE(p.state, 'LIVE') <> 'DELETED'
                 AND CASE WHEN r.state IN ('RECYCLED', 'RECOVERABLE')
                          THEN u.id IS NULL OR r.recycled_ms IS NULL OR r.live_name_key IS NOT NULL
                               OR r.former_parent_id IS NULL
                          ELSE (u.id IS NOT NULL AND r.state = 'LIVE')
                               OR r.recycled_ms IS NOT NULL OR r.former_parent_id IS NOT NULL END",
    },
    Check {
        invariant: "what stands in a tree belongs to the owner of the tree",
        sql: "SELECT r.id, r.kind FROM resource r
               JOIN resource p ON p.organization_id = r.organization_id AND p.id = r.parent_id
               WHERE r.organization_id = $1 AND r.owner_id <> p.owner_id",
    },
    Check {
        invariant: "permissions, labels and custom metadata belong to an item",
        sql: "SELECT x.resource_id, x.what FROM (
                  SELECT resource_id, 'permission' AS what FROM permission WHERE organization_id = $1
                  UNION ALL
                  SELECT resource_id, 'label' FROM label WHERE organization_id = $1
                  UNION ALL
                  SELECT resource_id, 'custom metadata' FROM custom_metadata
                   WHERE organization_id = $1) x
               LEFT JOIN resource r ON r.organization_id = $1 AND r.id = x.resource_id
               WHERE r.id IS NULL",
    },
    Check {
        invariant: "comments and custom metadata of a version belong to one that exists",
        sql: "SELECT x.document_id, x.what FROM (
                  SELECT document_id, version_id, 'comment' AS what FROM comment
                   WHERE organization_id = $1
                  UNION ALL
                  SELECT resource_id, version_id, 'custom metadata' FROM custom_metadata
                   WHERE organization_id = $1 AND version_id <> '') x
               LEFT JOIN version v ON v.organization_id = $1 AND v.document_id = x.document_id
                     AND v.id = x.version_id
               LEFT JOIN resource r ON r.organization_id = $1 AND r.id = x.document_id
               WHERE v.id IS NULL AND COALESCE(r.state, 'LIVE') <> 'DELETED'",
    },
    Check {
        invariant: "a reply answers a comment that is kept, and only answered ones are tombstones",
        sql: "SELECT c.id, 'comment' FROM comment c
               LEFT JOIN comment p ON p.organization_id = c.organization_id
                     AND p.document_id = c.document_id AND p.version_id = c.version_id
                     AND p.id = c.parent_id
               WHERE c.organization_id = $1
                 AND ((c.parent_id IS NOT NULL AND p.id IS NULL)
                      OR (c.text IS NULL AND NOT EXISTS (
                          SELECT 1 FROM comment r WHERE r.organization_id = $1
                             AND r.document_id = c.document_id AND r.version_id = c.version_id
                             AND r.parent_id = c.id)))",
    },
    Check {
        invariant: "a permission is given to a user or group that exists, and not to the owner",
        sql: "SELECT p.resource_id, p.principal_type FROM permission p
               LEFT JOIN resource r ON r.organization_id = p.organization_id AND r.id = p.resource_id
               LEFT JOIN site_user u ON u.organization_id = p.organization_id
                     AND u.id = p.principal_id
               LEFT JOIN site_group g ON g.organization_id = p.organization_id
                     AND g.id = p.principal_id
               WHERE p.organization_id = $1 AND r.state <> 'DELETED'
                 AND CASE p.principal_type
                     WHEN 'USER' THEN u.id IS NULL OR u.id = r.owner_id
                     WHEN 'GROUP' THEN g.id IS NULL
                     WHEN 'ORGANIZATION' THEN p.principal_id <> $1
                     ELSE p.principal_id <> 'anonymous' END",
    },
    Check {
        invariant: "every user has a live root folder and a live recycle bin",
        sql: "SELECT u.id, 'root or recycle bin' FROM site_user u
               WHERE u.organization_id = $1
                 AND (NOT EXISTS (SELECT 1 FROM resource r WHERE r.organization_id = $1
                           AND r.id = u.root_folder_id AND r.kind = 'ROOT' AND r.state = 'LIVE'
                           AND r.owner_id = u.id)
                      OR NOT EXISTS (SELECT 1 FROM resource r WHERE r.organization_id = $1
                           AND r.id = u.recycle_bin_id AND r.kind = 'RECYCLE_BIN'
                           AND r.state = 'LIVE' AND r.owner_id = u.id))",
    },
    Check {
        invariant: "a deleted item is waiting to be removed, and stands nowhere",
        sql: "SELECT r.id, r.kind FROM resource r
               LEFT JOIN purge p ON p.organization_id = r.organization_id AND p.resource_id = r.id
               WHERE r.organization_id = $1 AND r.state = 'DELETED'
                 AND (p.resource_id IS NULL OR r.parent_id IS NOT NULL
                      OR r.live_name_key IS NOT NULL)",
    },
    Check {
        invariant: "only deleted items are waiting to be removed",
        sql: "SELECT p.resource_id, 'not deleted' FROM purge p
               JOIN resource r ON r.organization_id = p.organization_id AND r.id = p.resource_id
               WHERE p.organization_id = $1 AND r.state <> 'DELETED'",
    },
    Check {
        invariant: "who is in a group is what follows from who was put into it and its groups",
        sql: "WITH RECURSIVE below(root, id) AS (
                  SELECT g.id, g.id FROM site_group g WHERE g.organization_id = $1
                  UNION
                  SELECT below.root, d.member_id FROM below CROSS JOIN group_direct_member d
                   WHERE d.organization_id = $1 AND d.group_id = below.id
                     AND d.member_type = 'GROUP'),
                   due(group_id, user_id) AS (
                  SELECT DISTINCT below.root, d.member_id
                    FROM below CROSS JOIN group_direct_member d
                   WHERE d.organization_id = $1 AND d.group_id = below.id
                     AND d.member_type = 'USER')
              SELECT due.group_id, 'lacks a member' FROM due
               LEFT JOIN group_member m ON m.organization_id = $1 AND m.group_id = due.group_id
                     AND m.user_id = due.user_id
               WHERE m.user_id IS NULL
              UNION ALL
              SELECT m.group_id, 'has one too many' FROM group_member m
               LEFT JOIN due ON due.group_id = m.group_id AND due.user_id = m.user_id
               WHERE m.organization_id = $1 AND due.user_id IS NULL",
    },
    Check {
        invariant: "who was put into a group exists, and so does the group",
        sql: "SELECT d.group_id, d.member_type FROM group_direct_member d
               LEFT JOIN site_group g ON g.organization_id = d.organization_id
                     AND g.id = d.group_id
               LEFT JOIN site_group i ON i.organization_id = d.organization_id
                     AND i.id = d.member_id AND d.member_type = 'GROUP'
               LEFT JOIN site_user u ON u.organization_id = d.organization_id
                     AND u.id = d.member_id AND d.member_type = 'USER'
               WHERE d.organization_id = $1
                 AND (g.id IS NULL OR (i.id IS NULL AND u.id IS NULL))",
    },
    Check {
        invariant: "whom an activity is about is told of an activity that there is",
        sql: "SELECT x.activity_id, 'participant' FROM activity_participant x
               LEFT JOIN activity a ON a.organization_id = x.organization_id
                     AND a.created_ms = x.created_ms AND a.id = x.activity_id
               WHERE x.organization_id = $1 AND (a.id IS NULL OR a.has_participants <> 1)",
    },
    Check {
        invariant: "a delivery is of an event that is kept, for somebody who subscribed",
        sql: "SELECT d.event_id, d.state FROM delivery d
               LEFT JOIN outbox o ON o.organization_id = d.organization_id AND o.id = d.event_id
                     AND o.spread = 1 AND o.created_ms = d.created_ms
               LEFT JOIN notification_subscription s ON s.organization_id = d.organization_id
                     AND s.id = d.subscription_id
               WHERE d.organization_id = $1 AND (o.id IS NULL OR s.id IS NULL)",
    },
    Check {
        invariant: "nobody is told of anything before they confirmed that they want to be",
        sql: "SELECT s.id, s.status FROM notification_subscription s
               WHERE s.organization_id = $1 AND s.status = 'PENDING'
                 AND EXISTS (SELECT 1 FROM delivery d WHERE d.organization_id = $1
                              AND d.subscription_id = s.id)",
    },
    Check {
        invariant: "what can be found has an entry in the index, and its words",
        sql: "SELECT x.id, x.what FROM (
                  SELECT r.id, r.id AS resource_id, '' AS version_id, '' AS comment_id,
                         'folder' AS what
                    FROM resource r
                   WHERE r.organization_id = $1 AND r.kind = 'FOLDER' AND r.state <> 'DELETED'
                  UNION ALL
                  SELECT v.id, v.document_id, v.id, '', 'version' FROM version v
                    JOIN resource r ON r.organization_id = v.organization_id
                         AND r.id = v.document_id
                   WHERE v.organization_id = $1 AND v.status <> 'INITIALIZED'
                     AND r.state <> 'DELETED'
                  UNION ALL
                  SELECT c.id, c.document_id, c.version_id, c.id, 'comment' FROM comment c
                    JOIN resource r ON r.organization_id = c.organization_id
                         AND r.id = c.document_id
                    JOIN version v ON v.organization_id = c.organization_id
                         AND v.document_id = c.document_id AND v.id = c.version_id
                   WHERE c.organization_id = $1 AND c.text IS NOT NULL AND r.state <> 'DELETED') x
               LEFT JOIN search_entry e ON e.organization_id = $1
                    AND e.resource_id = x.resource_id AND e.version_id = x.version_id
                    AND e.comment_id = x.comment_id
               LEFT JOIN search_text t ON t.rowid = e.ordinal
               WHERE e.ordinal IS NULL OR t.rowid IS NULL",
    },
    Check {
        invariant: "the index has entries of nothing but what there is",
        sql: "SELECT e.resource_id, e.kind FROM search_entry e
               LEFT JOIN resource r ON r.organization_id = e.organization_id
                    AND r.id = e.resource_id
               LEFT JOIN version v ON v.organization_id = e.organization_id
                    AND v.document_id = e.resource_id AND v.id = e.version_id
               LEFT JOIN comment c ON c.organization_id = e.organization_id
                    AND c.document_id = e.resource_id AND c.version_id = e.version_id
                    AND c.id = e.comment_id
               WHERE e.organization_id = $1
                 AND (r.id IS NULL OR (e.version_id <> '' AND v.id IS NULL)
                      OR (e.comment_id <> '' AND c.text IS NULL))",
    },
    Check {
        invariant: "what a version says is in the index, or will be looked for",
        sql: "SELECT e.version_id, x.state FROM search_entry e
               JOIN extraction x ON x.organization_id = e.organization_id
                    AND x.document_id = e.resource_id AND x.version_id = e.version_id
               WHERE e.organization_id = $1 AND e.kind = 'VERSION' AND e.content_tokens IS NULL
                 AND x.state <> 'DUE'",
    },
    Check {
        invariant: "every token belongs to a user",
        sql: "SELECT t.user_id, 'token' FROM token t
               LEFT JOIN site_user u ON u.organization_id = t.organization_id AND u.id = t.user_id
               WHERE t.organization_id = $1 AND u.id IS NULL",
    },
];

const BLOBS: &str = "
    SELECT id, location, size_bytes, md5, blake3 FROM blob
     WHERE organization_id = $1 AND id > $2 ORDER BY id LIMIT $3";

const BLOB: &str = "
    SELECT id, location, size_bytes, md5, blake3 FROM blob
     WHERE organization_id = $1 AND id = $2";

impl Tx {
    /// The subjects that break an invariant, each with a word about it. Never a name a user chose.
    pub async fn breaches(
        &mut self,
        organization: &OrganizationId,
        check: &Check,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let rows = self.rows(check.sql, &[organization.into()]).await?;
        rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned()))).collect()
    }

    /// Stored bytes in the order of their names, beginning behind one.
    pub async fn blobs_after(
        &mut self,
        organization: &OrganizationId,
        after: &str,
        limit: i64,
    ) -> Result<Vec<Blob>, StoreError> {
        let args = [organization.into(), after.into(), limit.into()];
        let rows = self.rows(BLOBS, &args).await?;
        rows.iter().map(decode_blob).collect()
    }

    /// Reads what is kept about stored bytes.
    pub async fn blob(
        &mut self,
        organization: &OrganizationId,
        id: &BlobId,
    ) -> Result<Option<Blob>, StoreError> {
        let row = self.row(BLOB, &[organization.into(), id.into()]).await?;
        row.as_ref().map(decode_blob).transpose()
    }
}

fn decode_blob(row: &crate::value::Row) -> Result<Blob, StoreError> {
    Ok(Blob {
        id: BlobId::new(row.text(0)?),
        location: row.text(1)?.to_owned(),
        size_bytes: row.int(2)?,
        md5: row.text(3)?.to_owned(),
        blake3: row.text(4)?.to_owned(),
    })
}
