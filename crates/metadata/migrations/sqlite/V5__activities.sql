-- What happened, newest last. initiator and contributor are an ARN or a user's id. name, owner_id and
-- parent_id are those of the item then; original_* those it had before. is_private is set for what a
-- private comment is about.
CREATE TABLE activity (
    organization_id TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    initiator TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    version_id TEXT,
    owner_id TEXT NOT NULL,
    parent_id TEXT,
    original_name TEXT,
    original_parent_id TEXT,
    comment_id TEXT,
    comment_created_ms INTEGER,
    contributor TEXT,
    recipient TEXT,
    is_private INTEGER NOT NULL,
    has_participants INTEGER NOT NULL,
    PRIMARY KEY (organization_id, created_ms, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX activity_resource ON activity (organization_id, resource_id, created_ms, id);
CREATE INDEX activity_initiator ON activity (organization_id, initiator, created_ms, id);

-- Whom an item was shared with, or no longer is.
CREATE TABLE activity_participant (
    organization_id TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    activity_id TEXT NOT NULL,
    principal_type TEXT NOT NULL,
    principal_id TEXT NOT NULL,
    PRIMARY KEY (organization_id, created_ms, activity_id, principal_type, principal_id)
) STRICT, WITHOUT ROWID;

-- What a large site has, as for the tables before.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('activity', 'activity', '1000000 1000000 2 1'),
    ('activity', 'activity_initiator', '1000000 1000000 1000 2 1'),
    ('activity', 'activity_resource', '1000000 1000000 10 1 1'),
    ('activity_participant', 'activity_participant', '100000 100000 2 2 1 1');
ANALYZE sqlite_schema;
