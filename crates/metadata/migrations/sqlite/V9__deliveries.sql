-- What is due for one subscriber is taken on and noted many at a time. In the order of the events it
-- stands together; by their ids, which are random, each delivery stood on a page of its own. An event's
-- deliveries are found by its subscribers, so that no index has to be kept for that.
CREATE TABLE delivery_in_order (
    organization_id TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    last_error TEXT,
    PRIMARY KEY (organization_id, subscription_id, created_ms, event_id),
    FOREIGN KEY (organization_id, subscription_id)
        REFERENCES notification_subscription (organization_id, id)
) STRICT, WITHOUT ROWID;
INSERT INTO delivery_in_order (organization_id, subscription_id, event_id, state, attempts, due_ms,
                               created_ms, changed_ms, last_error)
SELECT organization_id, subscription_id, event_id, state, attempts, due_ms, created_ms, changed_ms,
       last_error
  FROM delivery ORDER BY organization_id, subscription_id, created_ms, event_id;
DROP TABLE delivery;
ALTER TABLE delivery_in_order RENAME TO delivery;
CREATE INDEX delivery_due ON delivery (organization_id, subscription_id, due_ms) WHERE state = 'DUE';
CREATE INDEX delivery_dead ON delivery (organization_id, created_ms) WHERE state = 'DEAD';

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('delivery', 'delivery', '1000000 1000000 10000 1 1'),
    ('delivery', 'delivery_due', '10000 10000 100 1'),
    ('delivery', 'delivery_dead', '1000 1000 10');
ANALYZE sqlite_schema;
