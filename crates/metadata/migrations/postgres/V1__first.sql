-- A site. Its id leads every key of every other table.
CREATE TABLE organization (
    id TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (id)
);

-- Keys that sign requests. The secret is sealed under the master key.
CREATE TABLE access_key (
    organization_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    sealed_secret TEXT COLLATE "C" NOT NULL,
    policy TEXT COLLATE "C",
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE UNIQUE INDEX access_key_id ON access_key (id);

-- Users' tokens, by the SHA-256 of their text.
CREATE TABLE token (
    organization_id TEXT COLLATE "C" NOT NULL,
    hash TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    read_scope BIGINT NOT NULL,
    write_scope BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (organization_id, hash)
);
CREATE UNIQUE INDEX token_hash ON token (hash);
CREATE INDEX token_user ON token (organization_id, user_id);

-- storage_used_bytes is what the owner's versions are charged with, INITIALIZED ones included.
CREATE TABLE site_user (
    organization_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    username TEXT COLLATE "C" NOT NULL,
    username_key TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C",
    given_name TEXT COLLATE "C" NOT NULL,
    surname TEXT COLLATE "C" NOT NULL,
    full_name_key TEXT COLLATE "C" NOT NULL,
    search_text TEXT COLLATE "C" NOT NULL,
    password_hash TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    time_zone TEXT COLLATE "C",
    locale TEXT COLLATE "C",
    storage_allocated_bytes BIGINT,
    storage_used_bytes BIGINT NOT NULL,
    root_folder_id TEXT COLLATE "C" NOT NULL,
    recycle_bin_id TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    modified_ms BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE UNIQUE INDEX site_user_username ON site_user (organization_id, username_key);
CREATE INDEX site_user_full_name ON site_user (organization_id, full_name_key, id);

-- Folders and documents share one table because they share one name space. live_name_key is set while
-- the item holds its name: always for a folder, from its first activation on for a document.
CREATE TABLE resource (
    organization_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    parent_id TEXT COLLATE "C",
    owner_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    live_name_key TEXT COLLATE "C",
    state TEXT COLLATE "C" NOT NULL,
    latest_version_id TEXT COLLATE "C",
    next_ordinal BIGINT NOT NULL,
    item_count BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    modified_ms BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE UNIQUE INDEX resource_live_name ON resource (organization_id, parent_id, live_name_key);
CREATE INDEX resource_by_name ON resource (organization_id, parent_id, kind, name_key, id);
CREATE INDEX resource_by_date ON resource (organization_id, parent_id, kind, modified_ms, id);

-- ordinal is the order of beginning for INITIALIZED versions and of activation for ACTIVE ones; it
-- comes from resource.next_ordinal, so no clock decides which version is the latest.
CREATE TABLE version (
    organization_id TEXT COLLATE "C" NOT NULL,
    document_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    ordinal BIGINT NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    content_type TEXT COLLATE "C" NOT NULL,
    creator TEXT COLLATE "C" NOT NULL,
    blob_id TEXT COLLATE "C",
    declared_bytes BIGINT,
    charged_bytes BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    modified_ms BIGINT NOT NULL,
    content_created_ms BIGINT,
    content_modified_ms BIGINT,
    expires_ms BIGINT,
    PRIMARY KEY (organization_id, document_id, id)
);
CREATE UNIQUE INDEX version_ordinal ON version (organization_id, document_id, ordinal);
CREATE INDEX version_expires ON version (organization_id, expires_ms) WHERE expires_ms IS NOT NULL;

-- Stored bytes that a version refers to. location names the store that holds them.
CREATE TABLE blob (
    organization_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    location TEXT COLLATE "C" NOT NULL,
    size_bytes BIGINT NOT NULL,
    md5 TEXT COLLATE "C" NOT NULL,
    blake3 TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id)
);

-- Stored bytes that nothing refers to any more, until their grace is over.
CREATE TABLE garbage (
    organization_id TEXT COLLATE "C" NOT NULL,
    blob_id TEXT COLLATE "C" NOT NULL,
    location TEXT COLLATE "C" NOT NULL,
    not_before_ms BIGINT NOT NULL,
    PRIMARY KEY (organization_id, blob_id)
);
CREATE INDEX garbage_due ON garbage (organization_id, not_before_ms);

-- Deleted items whose rows and bytes, and those of everything below them, are still to be removed.
CREATE TABLE purge (
    organization_id TEXT COLLATE "C" NOT NULL,
    resource_id TEXT COLLATE "C" NOT NULL,
    deleted_ms BIGINT NOT NULL,
    PRIMARY KEY (organization_id, resource_id)
);

-- What a changing call was answered, for an SDK's next attempt at the same call.
CREATE TABLE answer (
    organization_id TEXT COLLATE "C" NOT NULL,
    retry_key TEXT COLLATE "C" NOT NULL,
    answer TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (organization_id, retry_key)
);
CREATE INDEX answer_created ON answer (organization_id, created_ms);
