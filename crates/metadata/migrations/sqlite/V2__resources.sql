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
CREATE INDEX resource_recycled ON resource (organization_id, recycled_ms) WHERE recycled_ms IS NOT NULL;

-- deleted_ms is set while a version is DELETED and can still be restored.
ALTER TABLE version ADD COLUMN deleted_ms INTEGER;
CREATE INDEX version_deleted ON version (organization_id, deleted_ms) WHERE deleted_ms IS NOT NULL;

-- The number the next comment of a version gets.
ALTER TABLE version ADD COLUMN next_comment INTEGER NOT NULL DEFAULT 0;
