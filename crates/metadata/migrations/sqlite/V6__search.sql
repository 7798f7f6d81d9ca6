-- What a search looks through: a row for each folder, version and comment. ordinal is its place in the
-- index and no id. The tokens are the analyser's, a blank before each and one behind the last;
-- content_tokens is NULL until the content was read. All of it can be made again from the items.
CREATE TABLE search_entry (
    ordinal INTEGER NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    version_id TEXT NOT NULL,
    comment_id TEXT NOT NULL,
    script TEXT NOT NULL,
    category TEXT NOT NULL,
    name_tokens TEXT NOT NULL,
    content_tokens TEXT
) STRICT;
CREATE UNIQUE INDEX search_entry_item
    ON search_entry (organization_id, resource_id, version_id, comment_id);

-- The index of the tokens, by ordinal. The organization is a token of its own, so that a search meets
-- nothing of another site. The tokeniser leaves our tokens as they are.
CREATE VIRTUAL TABLE search_text USING fts5 (
    name, content, organization_id,
    content = '', contentless_delete = 1, tokenize = 'ascii', prefix = '2 3'
);
INSERT INTO search_text (search_text, rank) VALUES ('rank', 'bm25(10.0, 1.0, 0.0)');

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('search_entry', 'search_entry_item', '2000000 2000000 2 2 1');
ANALYZE sqlite_schema;
