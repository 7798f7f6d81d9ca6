-- A site. Its id leads every key of every other table.
CREATE TABLE organization (
    id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;

-- Keys that sign requests. The secret is sealed under the master key.
CREATE TABLE access_key (
    organization_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    sealed_secret TEXT NOT NULL,
    policy TEXT,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX access_key_id ON access_key (id);

-- Users' tokens, by the SHA-256 of their text.
CREATE TABLE token (
    organization_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    user_id TEXT NOT NULL,
    read_scope INTEGER NOT NULL,
    write_scope INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (organization_id, hash)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX token_hash ON token (hash);
CREATE INDEX token_user ON token (organization_id, user_id);

-- storage_used_bytes is what the owner's versions are charged with, INITIALIZED ones included.
CREATE TABLE site_user (
    organization_id TEXT NOT NULL,
    id TEXT NOT NULL,
    username TEXT NOT NULL,
    username_key TEXT NOT NULL,
    email TEXT,
    given_name TEXT NOT NULL,
    surname TEXT NOT NULL,
    full_name_key TEXT NOT NULL,
    search_text TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    status TEXT NOT NULL,
    type TEXT NOT NULL,
    time_zone TEXT,
    locale TEXT,
    storage_allocated_bytes INTEGER,
    storage_used_bytes INTEGER NOT NULL,
    root_folder_id TEXT NOT NULL,
    recycle_bin_id TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX site_user_username ON site_user (organization_id, username_key);
CREATE INDEX site_user_full_name ON site_user (organization_id, full_name_key, id);

-- Folders and documents share one table because they share one name space. live_name_key is set while
-- the item holds its name: always for a folder, from its first activation on for a document.
CREATE TABLE resource (
    organization_id TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    parent_id TEXT,
    owner_id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    live_name_key TEXT,
    state TEXT NOT NULL,
    latest_version_id TEXT,
    next_ordinal INTEGER NOT NULL,
    item_count INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX resource_live_name ON resource (organization_id, parent_id, live_name_key);
CREATE INDEX resource_by_name ON resource (organization_id, parent_id, kind, name_key, id);
CREATE INDEX resource_by_date ON resource (organization_id, parent_id, kind, modified_ms, id);

-- ordinal is the order of beginning for INITIALIZED versions and of activation for ACTIVE ones; it
-- comes from resource.next_ordinal, so no clock decides which version is the latest.
CREATE TABLE version (
    organization_id TEXT NOT NULL,
    document_id TEXT NOT NULL,
    id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    status TEXT NOT NULL,
    name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    creator TEXT NOT NULL,
    blob_id TEXT,
    declared_bytes INTEGER,
    charged_bytes INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL,
    content_created_ms INTEGER,
    content_modified_ms INTEGER,
    expires_ms INTEGER,
    PRIMARY KEY (organization_id, document_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX version_ordinal ON version (organization_id, document_id, ordinal);
CREATE INDEX version_expires ON version (organization_id, expires_ms) WHERE expires_ms IS NOT NULL;

-- Stored bytes that a version refers to. location names the store that holds them.
CREATE TABLE blob (
    organization_id TEXT NOT NULL,
    id TEXT NOT NULL,
    location TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    md5 TEXT NOT NULL,
    blake3 TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;

-- Stored bytes that nothing refers to any more, until their grace is over.
CREATE TABLE garbage (
    organization_id TEXT NOT NULL,
    blob_id TEXT NOT NULL,
    location TEXT NOT NULL,
    not_before_ms INTEGER NOT NULL,
    PRIMARY KEY (organization_id, blob_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX garbage_due ON garbage (organization_id, not_before_ms);

-- Deleted items whose rows and bytes, and those of everything below them, are still to be removed.
CREATE TABLE purge (
    organization_id TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    deleted_ms INTEGER NOT NULL,
    PRIMARY KEY (organization_id, resource_id)
) STRICT, WITHOUT ROWID;

-- What a changing call was answered, for an SDK's next attempt at the same call.
CREATE TABLE answer (
    organization_id TEXT NOT NULL,
    retry_key TEXT NOT NULL,
    answer TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (organization_id, retry_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_created ON answer (organization_id, created_ms);
