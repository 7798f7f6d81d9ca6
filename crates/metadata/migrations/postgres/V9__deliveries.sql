-- What is due for one subscriber is taken on and noted many at a time. In the order of the events it
-- stands together; by their ids, which are random, each delivery stood on a page of its own. An event's
-- deliveries are found by its subscribers, so that no index has to be kept for that.
ALTER TABLE delivery DROP CONSTRAINT delivery_pkey;
ALTER TABLE delivery ADD PRIMARY KEY (organization_id, subscription_id, created_ms, event_id);
DROP INDEX delivery_created;
CREATE INDEX delivery_dead ON delivery (organization_id, created_ms) WHERE state = 'DEAD';
