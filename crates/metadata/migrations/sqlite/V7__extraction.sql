-- What was taken out of each version's bytes, or is still to be: state is DUE, EXTRACTED or
-- NOT_EXTRACTABLE, and due_ms is set while it is DUE. The three pictures lie behind each other in one
-- blob. All of it can be made again from the bytes.
CREATE TABLE extraction (
    organization_id TEXT NOT NULL,
    document_id TEXT NOT NULL,
    version_id TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_ms INTEGER,
    blob_id TEXT,
    small_bytes INTEGER,
    small_hq_bytes INTEGER,
    large_bytes INTEGER,
    PRIMARY KEY (organization_id, document_id, version_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX extraction_due ON extraction (organization_id, due_ms) WHERE due_ms IS NOT NULL;

INSERT INTO extraction (organization_id, document_id, version_id, state, attempts, due_ms)
SELECT organization_id, document_id, id, 'DUE', 0, 0 FROM version WHERE status IN ('ACTIVE', 'DELETED');

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('extraction', 'extraction', '1000000 1000000 3 1'),
    ('extraction', 'extraction_due', '1000 1000 1');
ANALYZE sqlite_schema;
