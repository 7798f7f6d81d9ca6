-- Who wants to be told of events. base_url is how this server was reached by whoever subscribed, for the
-- links in messages; asked_ms is when the endpoint was asked to confirm, which happens once. A DELETED
-- one exists for nobody and goes with what is kept of its deliveries.
CREATE TABLE notification_subscription (
    organization_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    endpoint TEXT COLLATE "C" NOT NULL,
    protocol TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    base_url TEXT COLLATE "C" NOT NULL,
    creator TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    asked_ms BIGINT,
    asked_error TEXT COLLATE "C",
    PRIMARY KEY (organization_id, id)
);

-- What happened while somebody wanted to be told, written in the transaction of the change. spread is
-- 1 once each subscriber has a delivery of it.
CREATE TABLE outbox (
    organization_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    entity_type TEXT COLLATE "C" NOT NULL,
    entity_id TEXT COLLATE "C" NOT NULL,
    parent_entity_type TEXT COLLATE "C" NOT NULL,
    parent_entity_id TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    spread BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX outbox_new ON outbox (organization_id, created_ms) WHERE spread = 0;
CREATE INDEX outbox_created ON outbox (organization_id, created_ms);

-- One event for one subscriber. While it is DUE, due_ms is when it is tried next, or when whoever tries
-- it now is given up for lost.
CREATE TABLE delivery (
    organization_id TEXT COLLATE "C" NOT NULL,
    subscription_id TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    attempts BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL,
    last_error TEXT COLLATE "C",
    PRIMARY KEY (organization_id, subscription_id, event_id),
    FOREIGN KEY (organization_id, subscription_id)
        REFERENCES notification_subscription (organization_id, id)
);
CREATE INDEX delivery_due ON delivery (organization_id, subscription_id, due_ms) WHERE state = 'DUE';
CREATE INDEX delivery_created ON delivery (organization_id, created_ms);

-- The key that signs a site's messages, sealed, and its certificate. One that was used stays: receivers
-- may ask for its certificate at any time.
CREATE TABLE notification_key (
    organization_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    sealed_key TEXT COLLATE "C" NOT NULL,
    certificate_pem TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id)
);
