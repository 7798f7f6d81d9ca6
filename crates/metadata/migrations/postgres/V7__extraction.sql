-- What was taken out of each version's bytes, or is still to be: state is DUE, EXTRACTED or
-- NOT_EXTRACTABLE, and due_ms is set while it is DUE. The three pictures lie behind each other in one
-- blob. All of it can be made again from the bytes.
CREATE TABLE extraction (
    organization_id TEXT COLLATE "C" NOT NULL,
    document_id TEXT COLLATE "C" NOT NULL,
    version_id TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    attempts BIGINT NOT NULL,
    due_ms BIGINT,
    blob_id TEXT COLLATE "C",
    small_bytes BIGINT,
    small_hq_bytes BIGINT,
    large_bytes BIGINT,
    PRIMARY KEY (organization_id, document_id, version_id)
);
CREATE INDEX extraction_due ON extraction (organization_id, due_ms) WHERE due_ms IS NOT NULL;

INSERT INTO extraction (organization_id, document_id, version_id, state, attempts, due_ms)
SELECT organization_id, document_id, id, 'DUE', 0, 0 FROM version WHERE status IN ('ACTIVE', 'DELETED');
