-- Who wants to be told of events. base_url is how this server was reached by whoever subscribed, for the
-- links in messages; asked_ms is when the endpoint was asked to confirm, which happens once. A DELETED
-- one exists for nobody and goes with what is kept of its deliveries.
CREATE TABLE notification_subscription (
    organization_id TEXT NOT NULL,
    id TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    protocol TEXT NOT NULL,
    status TEXT NOT NULL,
    base_url TEXT NOT NULL,
    creator TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    asked_ms INTEGER,
    asked_error TEXT,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;

-- What happened while somebody wanted to be told, written in the transaction of the change. spread is
-- 1 once each subscriber has a delivery of it.
CREATE TABLE outbox (
    organization_id TEXT NOT NULL,
    id TEXT NOT NULL,
    action TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    parent_entity_type TEXT NOT NULL,
    parent_entity_id TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    spread INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_new ON outbox (organization_id, created_ms) WHERE spread = 0;
CREATE INDEX outbox_created ON outbox (organization_id, created_ms);

-- One event for one subscriber. While it is DUE, due_ms is when it is tried next, or when whoever tries
-- it now is given up for lost.
CREATE TABLE delivery (
    organization_id TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    last_error TEXT,
    PRIMARY KEY (organization_id, subscription_id, event_id),
    FOREIGN KEY (organization_id, subscription_id)
        REFERENCES notification_subscription (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_due ON delivery (organization_id, subscription_id, due_ms) WHERE state = 'DUE';
CREATE INDEX delivery_created ON delivery (organization_id, created_ms);

-- The key that signs a site's messages, sealed, and its certificate. One that was used stays: receivers
-- may ask for its certificate at any time.
CREATE TABLE notification_key (
    organization_id TEXT NOT NULL,
    id TEXT NOT NULL,
    sealed_key TEXT NOT NULL,
    certificate_pem TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('notification_subscription', 'notification_subscription', '100 100 1'),
    ('outbox', 'outbox', '1000000 1000000 1'),
    ('outbox', 'outbox_new', '1000 1000 1'),
    ('outbox', 'outbox_created', '1000000 1000000 1'),
    ('delivery', 'delivery', '1000000 1000000 10000 1'),
    ('delivery', 'delivery_due', '10000 10000 100 1'),
    ('delivery', 'delivery_created', '1000000 1000000 10'),
    ('notification_key', 'notification_key', '1 1 1');
ANALYZE sqlite_schema;
