-- A site's short name: what a person types where they sign in to one of several sites.
ALTER TABLE organization ADD COLUMN alias TEXT;
CREATE UNIQUE INDEX organization_alias ON organization (alias) WHERE alias IS NOT NULL;

-- The sites in the order they were made, from 1. Of nodes that make the first site at once, one does.
ALTER TABLE organization ADD COLUMN ordinal INTEGER NOT NULL DEFAULT 1;
CREATE UNIQUE INDEX organization_ordinal ON organization (ordinal);
CREATE UNIQUE INDEX organization_account ON organization (account_id);

-- IAM users and roles of a site. name_key is the name without letter case, by which names are unique.
CREATE TABLE iam_user (
    organization_id TEXT NOT NULL,
    name_key TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    path TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (organization_id, name_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE iam_role (
    organization_id TEXT NOT NULL,
    name_key TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    path TEXT NOT NULL,
    description TEXT NOT NULL,
    trust_policy TEXT NOT NULL,
    session_max_secs INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (organization_id, name_key)
) STRICT, WITHOUT ROWID;

-- Inline policies. principal is user/NAME_KEY or role/NAME_KEY.
CREATE TABLE iam_policy (
    organization_id TEXT NOT NULL,
    principal TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (organization_id, principal, name)
) STRICT, WITHOUT ROWID;

-- principal is whose policies limit the key, as in iam_policy; without one the key's own policy alone
-- does. A temporary key has an expiry, the hash of its session token, the permanent key it was got with
-- (parent), and the name of the session if a role was assumed.
ALTER TABLE access_key ADD COLUMN principal TEXT;
ALTER TABLE access_key ADD COLUMN status TEXT NOT NULL DEFAULT 'Active';
ALTER TABLE access_key ADD COLUMN session_token_hash TEXT;
ALTER TABLE access_key ADD COLUMN session_name TEXT;
ALTER TABLE access_key ADD COLUMN expires_ms INTEGER;
ALTER TABLE access_key ADD COLUMN parent TEXT;
CREATE INDEX access_key_principal ON access_key (organization_id, principal) WHERE principal IS NOT NULL;
CREATE INDEX access_key_expires ON access_key (organization_id, expires_ms) WHERE expires_ms IS NOT NULL;
CREATE INDEX access_key_parent ON access_key (organization_id, parent) WHERE parent IS NOT NULL;

-- Programs that ask users for a token, and where their users may be sent back to. uri is compared
-- byte for byte.
CREATE TABLE application (
    organization_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    read_scope INTEGER NOT NULL,
    write_scope INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX application_id ON application (id);

CREATE TABLE application_redirect (
    organization_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    uri TEXT NOT NULL,
    PRIMARY KEY (organization_id, application_id, uri)
) STRICT, WITHOUT ROWID;

-- id names a token where its text must not stand; application_id is which program asked for it.
ALTER TABLE token ADD COLUMN id TEXT NOT NULL DEFAULT '';
ALTER TABLE token ADD COLUMN application_id TEXT;
UPDATE token SET id = substr(hash, 1, 16);

-- Codes of the authorization-code flow, by the SHA-256 of their text. Each is used once.
CREATE TABLE authorization_code (
    organization_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    application_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    read_scope INTEGER NOT NULL,
    write_scope INTEGER NOT NULL,
    challenge TEXT NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (organization_id, hash)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX authorization_code_hash ON authorization_code (hash);
CREATE INDEX authorization_code_user ON authorization_code (organization_id, user_id);

-- Devices that wait for a person's consent elsewhere. user_code is what the person types.
CREATE TABLE device_code (
    organization_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    user_code TEXT NOT NULL,
    application_id TEXT NOT NULL,
    read_scope INTEGER NOT NULL,
    write_scope INTEGER NOT NULL,
    status TEXT NOT NULL,
    user_id TEXT,
    polled_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (organization_id, hash)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX device_code_hash ON device_code (hash);
CREATE UNIQUE INDEX device_code_user_code ON device_code (organization_id, user_code);

-- Browsers in which a user is signed in, by the SHA-256 of the cookie's text.
CREATE TABLE web_session (
    organization_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    user_id TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (organization_id, hash)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX web_session_hash ON web_session (hash);
CREATE INDEX web_session_user ON web_session (organization_id, user_id);

-- How often signing in failed for a subject: an account, an address, or everybody. Kept here, so that
-- a restart or another node does not forget.
CREATE TABLE sign_in_failure (
    organization_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    failures INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    PRIMARY KEY (organization_id, subject)
) STRICT, WITHOUT ROWID;

-- The connected directory of a site, if it has one. settings is JSON without its secret.
CREATE TABLE directory (
    organization_id TEXT NOT NULL,
    settings TEXT NOT NULL,
    sealed_password TEXT NOT NULL,
    synced_ms INTEGER,
    PRIMARY KEY (organization_id)
) STRICT, WITHOUT ROWID;

-- directory_key is the entry's own lasting id (objectGUID, entryUUID); built-in users and groups have
-- none.
ALTER TABLE site_user ADD COLUMN directory_key TEXT;
-- What a user was before the directory no longer had them.
ALTER TABLE site_user ADD COLUMN status_before TEXT;
ALTER TABLE site_group ADD COLUMN directory_key TEXT;
CREATE UNIQUE INDEX site_user_directory_key ON site_user (organization_id, directory_key)
    WHERE directory_key IS NOT NULL;
CREATE UNIQUE INDEX site_group_directory_key ON site_group (organization_id, directory_key)
    WHERE directory_key IS NOT NULL;

-- Who was put into a group: users and groups. group_member is what follows from it, the users in a
-- group directly or through groups in it, so that a permission is found without a walk.
CREATE TABLE group_direct_member (
    organization_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    member_type TEXT NOT NULL,
    member_id TEXT NOT NULL,
    PRIMARY KEY (organization_id, group_id, member_type, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_direct_member_member
    ON group_direct_member (organization_id, member_type, member_id, group_id);
INSERT INTO group_direct_member (organization_id, group_id, member_type, member_id)
SELECT organization_id, group_id, 'USER', user_id FROM group_member;
