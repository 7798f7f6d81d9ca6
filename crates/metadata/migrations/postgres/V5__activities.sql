-- What happened, newest last. initiator and contributor are an ARN or a user's id. name, owner_id and
-- parent_id are those of the item then; original_* those it had before. is_private is set for what a
-- private comment is about.
CREATE TABLE activity (
    organization_id TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    initiator TEXT COLLATE "C" NOT NULL,
    resource_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    version_id TEXT COLLATE "C",
    owner_id TEXT COLLATE "C" NOT NULL,
    parent_id TEXT COLLATE "C",
    original_name TEXT COLLATE "C",
    original_parent_id TEXT COLLATE "C",
    comment_id TEXT COLLATE "C",
    comment_created_ms BIGINT,
    contributor TEXT COLLATE "C",
    recipient TEXT COLLATE "C",
    is_private BIGINT NOT NULL,
    has_participants BIGINT NOT NULL,
    PRIMARY KEY (organization_id, created_ms, id)
);
CREATE INDEX activity_resource ON activity (organization_id, resource_id, created_ms, id);
CREATE INDEX activity_initiator ON activity (organization_id, initiator, created_ms, id);

-- Whom an item was shared with, or no longer is.
CREATE TABLE activity_participant (
    organization_id TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    activity_id TEXT COLLATE "C" NOT NULL,
    principal_type TEXT COLLATE "C" NOT NULL,
    principal_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (organization_id, created_ms, activity_id, principal_type, principal_id)
);
