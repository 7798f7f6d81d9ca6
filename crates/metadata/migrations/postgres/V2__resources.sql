-- Who may do what with an item, and with everything below it. The owner of the tree has no row.
CREATE TABLE permission (
    organization_id TEXT COLLATE "C" NOT NULL,
    resource_id TEXT COLLATE "C" NOT NULL,
    principal_id TEXT COLLATE "C" NOT NULL,
    principal_type TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (organization_id, resource_id, principal_id, principal_type)
);
CREATE INDEX permission_principal ON permission (organization_id, principal_id, resource_id);

-- Groups of the built-in directory.
CREATE TABLE site_group (
    organization_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE UNIQUE INDEX site_group_name ON site_group (organization_id, name_key);

CREATE TABLE group_member (
    organization_id TEXT COLLATE "C" NOT NULL,
    group_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (organization_id, group_id, user_id)
);
CREATE INDEX group_member_user ON group_member (organization_id, user_id, group_id);

-- Finds whom an invitation is for. Addresses are ASCII, so both engines fold them alike.
CREATE INDEX site_user_email ON site_user (organization_id, lower(email));

-- Labels of folders and documents.
CREATE TABLE label (
    organization_id TEXT COLLATE "C" NOT NULL,
    resource_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (organization_id, resource_id, name)
);

-- Custom metadata of folders and documents, and of versions; version_id is empty for the former.
CREATE TABLE custom_metadata (
    organization_id TEXT COLLATE "C" NOT NULL,
    resource_id TEXT COLLATE "C" NOT NULL,
    version_id TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (organization_id, resource_id, version_id, key)
);

-- Comments of a version, in the order they were written. contributor and recipient are principals: a
-- user's id or an administrator's ARN. text is NULL once the comment was deleted but has replies.
CREATE TABLE comment (
    organization_id TEXT COLLATE "C" NOT NULL,
    document_id TEXT COLLATE "C" NOT NULL,
    version_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    ordinal BIGINT NOT NULL,
    parent_id TEXT COLLATE "C",
    thread_id TEXT COLLATE "C" NOT NULL,
    contributor TEXT COLLATE "C" NOT NULL,
    recipient TEXT COLLATE "C",
    visibility TEXT COLLATE "C" NOT NULL,
    text TEXT COLLATE "C",
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (organization_id, document_id, version_id, id)
);
CREATE UNIQUE INDEX comment_ordinal ON comment (organization_id, document_id, version_id, ordinal);
CREATE INDEX comment_parent ON comment (organization_id, document_id, version_id, parent_id)
    WHERE parent_id IS NOT NULL;

-- former_parent_id and recycled_ms are set while an item is in a recycle bin. creator is who made the
-- item: an ARN or a user's id.
ALTER TABLE resource ADD COLUMN former_parent_id TEXT COLLATE "C";
ALTER TABLE resource ADD COLUMN recycled_ms BIGINT;
ALTER TABLE resource ADD COLUMN creator TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE resource SET creator = COALESCE(
    (SELECT v.creator FROM version v
      WHERE v.organization_id = resource.organization_id AND v.document_id = resource.id
      ORDER BY v.ordinal LIMIT 1), '');
CREATE INDEX resource_recycled ON resource (organization_id, state, recycled_ms) WHERE recycled_ms IS NOT NULL;

-- deleted_ms is set while a version is DELETED and can still be restored.
ALTER TABLE version ADD COLUMN deleted_ms BIGINT;
CREATE INDEX version_deleted ON version (organization_id, deleted_ms) WHERE deleted_ms IS NOT NULL;

-- The number the next comment of a version gets.
ALTER TABLE version ADD COLUMN next_comment BIGINT NOT NULL DEFAULT 0;
