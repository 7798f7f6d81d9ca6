-- A site's short name: what a person types where they sign in to one of several sites.
ALTER TABLE organization ADD COLUMN alias TEXT COLLATE "C";
CREATE UNIQUE INDEX organization_alias ON organization (alias) WHERE alias IS NOT NULL;

-- The sites in the order they were made, from 1. Of nodes that make the first site at once, one does.
ALTER TABLE organization ADD COLUMN ordinal BIGINT NOT NULL DEFAULT 1;
CREATE UNIQUE INDEX organization_ordinal ON organization (ordinal);
CREATE UNIQUE INDEX organization_account ON organization (account_id);

-- IAM users and roles of a site. name_key is the name without letter case, by which names are unique.
CREATE TABLE iam_user (
    organization_id TEXT COLLATE "C" NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (organization_id, name_key)
);

CREATE TABLE iam_role (
    organization_id TEXT COLLATE "C" NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    trust_policy TEXT COLLATE "C" NOT NULL,
    session_max_secs BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (organization_id, name_key)
);

-- Inline policies. principal is user/NAME_KEY or role/NAME_KEY.
CREATE TABLE iam_policy (
    organization_id TEXT COLLATE "C" NOT NULL,
    principal TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    document TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (organization_id, principal, name)
);

-- principal is whose policies limit the key, as in iam_policy; without one the key's own policy alone
-- does. A temporary key has an expiry, the hash of its session token, the permanent key it was got with
-- (parent), and the name of the session if a role was assumed.
ALTER TABLE access_key ADD COLUMN principal TEXT COLLATE "C";
ALTER TABLE access_key ADD COLUMN status TEXT COLLATE "C" NOT NULL DEFAULT 'Active';
ALTER TABLE access_key ADD COLUMN session_token_hash TEXT COLLATE "C";
ALTER TABLE access_key ADD COLUMN session_name TEXT COLLATE "C";
ALTER TABLE access_key ADD COLUMN expires_ms BIGINT;
ALTER TABLE access_key ADD COLUMN parent TEXT COLLATE "C";
CREATE INDEX access_key_principal ON access_key (organization_id, principal) WHERE principal IS NOT NULL;
CREATE INDEX access_key_expires ON access_key (organization_id, expires_ms) WHERE expires_ms IS NOT NULL;
CREATE INDEX access_key_parent ON access_key (organization_id, parent) WHERE parent IS NOT NULL;

-- Programs that ask users for a token, and where their users may be sent back to. uri is compared
-- byte for byte.
CREATE TABLE application (
    organization_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C",
    read_scope BIGINT NOT NULL,
    write_scope BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE UNIQUE INDEX application_id ON application (id);

CREATE TABLE application_redirect (
    organization_id TEXT COLLATE "C" NOT NULL,
    application_id TEXT COLLATE "C" NOT NULL,
    uri TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (organization_id, application_id, uri)
);

-- id names a token where its text must not stand; application_id is which program asked for it.
ALTER TABLE token ADD COLUMN id TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE token ADD COLUMN application_id TEXT COLLATE "C";
UPDATE token SET id = substr(hash, 1, 16);

-- Codes of the authorization-code flow, by the SHA-256 of their text. Each is used once.
CREATE TABLE authorization_code (
    organization_id TEXT COLLATE "C" NOT NULL,
    hash TEXT COLLATE "C" NOT NULL,
    application_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    redirect_uri TEXT COLLATE "C" NOT NULL,
    read_scope BIGINT NOT NULL,
    write_scope BIGINT NOT NULL,
    challenge TEXT COLLATE "C" NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (organization_id, hash)
);
CREATE UNIQUE INDEX authorization_code_hash ON authorization_code (hash);
CREATE INDEX authorization_code_user ON authorization_code (organization_id, user_id);

-- Devices that wait for a person's consent elsewhere. user_code is what the person types.
CREATE TABLE device_code (
    organization_id TEXT COLLATE "C" NOT NULL,
    hash TEXT COLLATE "C" NOT NULL,
    user_code TEXT COLLATE "C" NOT NULL,
    application_id TEXT COLLATE "C" NOT NULL,
    read_scope BIGINT NOT NULL,
    write_scope BIGINT NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C",
    polled_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (organization_id, hash)
);
CREATE UNIQUE INDEX device_code_hash ON device_code (hash);
CREATE UNIQUE INDEX device_code_user_code ON device_code (organization_id, user_code);

-- Browsers in which a user is signed in, by the SHA-256 of the cookie's text.
CREATE TABLE web_session (
    organization_id TEXT COLLATE "C" NOT NULL,
    hash TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (organization_id, hash)
);
CREATE UNIQUE INDEX web_session_hash ON web_session (hash);
CREATE INDEX web_session_user ON web_session (organization_id, user_id);

-- How often signing in failed for a subject: an account, an address, or everybody. Kept here, so that
-- a restart or another node does not forget.
CREATE TABLE sign_in_failure (
    organization_id TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    failures BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    PRIMARY KEY (organization_id, subject)
);

-- The connected directory of a site, if it has one. settings is JSON without its secret.
CREATE TABLE directory (
    organization_id TEXT COLLATE "C" NOT NULL,
    settings TEXT COLLATE "C" NOT NULL,
    sealed_password TEXT COLLATE "C" NOT NULL,
    synced_ms BIGINT,
    PRIMARY KEY (organization_id)
);

-- directory_key is the entry's own lasting id (objectGUID, entryUUID); built-in users and groups have
-- none.
ALTER TABLE site_user ADD COLUMN directory_key TEXT COLLATE "C";
-- What a user was before the directory no longer had them.
ALTER TABLE site_user ADD COLUMN status_before TEXT COLLATE "C";
ALTER TABLE site_group ADD COLUMN directory_key TEXT COLLATE "C";
CREATE UNIQUE INDEX site_user_directory_key ON site_user (organization_id, directory_key)
    WHERE directory_key IS NOT NULL;
CREATE UNIQUE INDEX site_group_directory_key ON site_group (organization_id, directory_key)
    WHERE directory_key IS NOT NULL;

-- Who was put into a group: users and groups. group_member is what follows from it, the users in a
-- group directly or through groups in it, so that a permission is found without a walk.
CREATE TABLE group_direct_member (
    organization_id TEXT COLLATE "C" NOT NULL,
    group_id TEXT COLLATE "C" NOT NULL,
    member_type TEXT COLLATE "C" NOT NULL,
    member_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (organization_id, group_id, member_type, member_id)
);
CREATE INDEX group_direct_member_member
    ON group_direct_member (organization_id, member_type, member_id, group_id);
INSERT INTO group_direct_member (organization_id, group_id, member_type, member_id)
SELECT organization_id, group_id, 'USER', user_id FROM group_member;
