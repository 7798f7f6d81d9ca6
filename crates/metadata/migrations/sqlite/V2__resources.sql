-- Who may do what with an item, and with everything below it. The owner of the tree has no row.
CREATE TABLE permission (
    organization_id TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    principal_id TEXT NOT NULL,
    principal_type TEXT NOT NULL,
    role TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (organization_id, resource_id, principal_id, principal_type)
) STRICT, WITHOUT ROWID;
CREATE INDEX permission_principal ON permission (organization_id, principal_id, resource_id);

-- Groups of the built-in directory.
CREATE TABLE site_group (
    organization_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX site_group_name ON site_group (organization_id, name_key);

CREATE TABLE group_member (
    organization_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (organization_id, group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_member_user ON group_member (organization_id, user_id, group_id);

-- Finds whom an invitation is for. Addresses are ASCII, so both engines fold them alike.
CREATE INDEX site_user_email ON site_user (organization_id, lower(email));

-- Labels of folders and documents.
CREATE TABLE label (
    organization_id TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (organization_id, resource_id, name)
) STRICT, WITHOUT ROWID;

-- Custom metadata of folders and documents, and of versions; version_id is empty for the former.
CREATE TABLE custom_metadata (
    organization_id TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    version_id TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (organization_id, resource_id, version_id, key)
) STRICT, WITHOUT ROWID;

-- Comments of a version, in the order they were written. contributor and recipient are principals: a
-- user's id or an administrator's ARN. text is NULL once the comment was deleted but has replies.
CREATE TABLE comment (
    organization_id TEXT NOT NULL,
    document_id TEXT NOT NULL,
    version_id TEXT NOT NULL,
    id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    parent_id TEXT,
    thread_id TEXT NOT NULL,
    contributor TEXT NOT NULL,
    recipient TEXT,
    visibility TEXT NOT NULL,
    text TEXT,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (organization_id, document_id, version_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX comment_ordinal ON comment (organization_id, document_id, version_id, ordinal);
CREATE INDEX comment_parent ON comment (organization_id, document_id, version_id, parent_id)
    WHERE parent_id IS NOT NULL;

-- former_parent_id and recycled_ms are set while an item is in a recycle bin. creator is who made the
-- item: an ARN or a user's id.
ALTER TABLE resource ADD COLUMN former_parent_id TEXT;
ALTER TABLE resource ADD COLUMN recycled_ms INTEGER;
ALTER TABLE resource ADD COLUMN creator TEXT NOT NULL DEFAULT '';
UPDATE resource SET creator = COALESCE(
    (SELECT v.creator FROM version v
      WHERE v.organization_id = resource.organization_id AND v.document_id = resource.id
      ORDER BY v.ordinal LIMIT 1), '');
CREATE INDEX resource_recycled ON resource (organization_id, state, recycled_ms) WHERE recycled_ms IS NOT NULL;

-- deleted_ms is set while a version is DELETED and can still be restored.
ALTER TABLE version ADD COLUMN deleted_ms INTEGER;
CREATE INDEX version_deleted ON version (organization_id, deleted_ms) WHERE deleted_ms IS NOT NULL;

-- The number the next comment of a version gets.
ALTER TABLE version ADD COLUMN next_comment INTEGER NOT NULL DEFAULT 0;

-- Without figures SQLite takes an index's first column to name a few rows, and looks through a whole
-- site where it should look through one folder. These are a large site's; they choose, they bind
-- nothing.
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('access_key', 'access_key', '100 100 1'),
    ('access_key', 'access_key_id', '100 1'),
    ('answer', 'answer', '100000 100000 1'),
    ('answer', 'answer_created', '100000 100000 1'),
    ('blob', 'blob', '1000000 1000000 1'),
    ('comment', 'comment', '100000 100000 10 5 1'),
    ('comment', 'comment_ordinal', '100000 100000 10 5 1'),
    ('custom_metadata', 'custom_metadata', '100000 100000 4 3 1'),
    ('garbage', 'garbage', '1000 1000 1'),
    ('garbage', 'garbage_due', '1000 1000 1'),
    ('group_member', 'group_member', '10000 10000 20 1'),
    ('group_member', 'group_member_user', '10000 10000 5 1'),
    ('label', 'label', '100000 100000 3 1'),
    ('permission', 'permission', '100000 100000 3 1 1'),
    ('permission', 'permission_principal', '100000 100000 20 1'),
    ('purge', 'purge', '1000 1000 1'),
    ('resource', 'resource', '1000000 1000000 1'),
    ('resource', 'resource_by_date', '1000000 1000000 50 25 1 1'),
    ('resource', 'resource_by_name', '1000000 1000000 50 25 1 1'),
    ('resource', 'resource_live_name', '1000000 1000000 50 1'),
    ('resource', 'resource_recycled', '1000 1000 500 1'),
    ('site_group', 'site_group', '1000 1000 1'),
    ('site_group', 'site_group_name', '1000 1000 1'),
    ('site_user', 'site_user', '10000 10000 1'),
    ('site_user', 'site_user_email', '10000 10000 1'),
    ('site_user', 'site_user_full_name', '10000 10000 1 1'),
    ('site_user', 'site_user_username', '10000 10000 1'),
    ('token', 'token', '10000 10000 1'),
    ('token', 'token_hash', '10000 1'),
    ('token', 'token_user', '10000 10000 3'),
    ('version', 'version', '1000000 1000000 3 1'),
    ('version', 'version_deleted', '1000 1000 1'),
    ('version', 'version_expires', '1000 1000 1'),
    ('version', 'version_ordinal', '1000000 1000000 3 1');
ANALYZE sqlite_schema;
