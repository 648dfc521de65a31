-- The engine's tables.
--
-- realtime_inbox          where triggers put events, in the transaction of the change
-- realtime_events         the log: the same events in commit order; `seq` is the position
-- realtime_relay          one row: where the log stands, who leads, when it last gave a sign
-- realtime_dead_letters   inbox rows the log would not take, by the position they were given
-- realtime_published      which tables are published, and what their triggers looked like last
--
-- Organizations and users are opaque ids here, without foreign keys. Row-level security is forced
-- on all of it: the owner's own policies are needed because FORCE binds the owner too.

CREATE TABLE realtime_inbox (
    -- CACHE 1 and an AFTER trigger: the second writer of a row waits for the first, then draws its
    -- id, so that ids of one row are in commit order.
    id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    organization_id uuid,
    kind text NOT NULL CHECK (kind IN ('change', 'control', 'resync')),
    topics text[] NOT NULL,
    table_name text,
    row_id text,
    operation text,
    record jsonb,
    old_record jsonb,
    actor uuid,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The first row of a statement rings the doorbell for all of them.
    rings boolean NOT NULL DEFAULT true,
    CONSTRAINT realtime_inbox_payload CHECK (
        octet_length(coalesce(record::text, ''))
            + octet_length(coalesce(old_record::text, '')) <= 2048
    )
) WITH (
    -- Every row is deleted within milliseconds. An old snapshot over 150,000 dead rows took the
    -- empty look from 0.2 to 11 ms, so vacuum early and without pauses; never analyze, because
    -- statistics taken in a full moment would be wrong in all the others.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 500,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 2000000000
);

CREATE TABLE realtime_events (
    seq bigint NOT NULL PRIMARY KEY,
    organization_id uuid,
    kind text NOT NULL,
    topics text[] NOT NULL,
    table_name text,
    row_id text,
    operation text,
    record jsonb,
    old_record jsonb,
    actor uuid,
    created_at timestamptz NOT NULL,
    sequenced_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT realtime_events_payload CHECK (
        octet_length(coalesce(record::text, ''))
            + octet_length(coalesce(old_record::text, '')) <= 2048
    )
) PARTITION BY RANGE (seq);

CREATE TABLE realtime_relay (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    last_seq bigint NOT NULL DEFAULT 0,
    oldest_seq bigint NOT NULL DEFAULT 1,
    oldest_moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    leader_epoch bigint NOT NULL DEFAULT 0,
    beat timestamptz NOT NULL DEFAULT '-infinity',
    log_epoch text NOT NULL,
    -- Raised by hand (realtime_new_epoch) after a restore that nothing else gives away.
    restores integer NOT NULL DEFAULT 0,
    partitioned_to bigint NOT NULL DEFAULT 1,
    partition_size bigint NOT NULL DEFAULT 10000,
    grown_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The reconciler's memory: how much of realtime_missed it has answered, and which transactions
    -- must have ended before it orders that resync a second time.
    missed_seen bigint NOT NULL DEFAULT 0,
    resync_after xid8
) WITH (
    -- Rewritten with every batch: room on its page keeps the updates off the index.
    fillfactor = 10,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);

CREATE TABLE realtime_dead_letters (
    seq bigint PRIMARY KEY,
    reason text NOT NULL,
    raw jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE realtime_published (
    table_name text NOT NULL,
    trigger_name text NOT NULL,
    arguments jsonb NOT NULL,
    -- What the catalogue said of the triggers when the reconciler last looked.
    seen text,
    PRIMARY KEY (table_name, trigger_name)
);

-- Counts changes whose event could be written neither as such nor as an order to resync. It is a
-- sequence because that moves even when every table of the engine is out of reach.
CREATE SEQUENCE realtime_missed MINVALUE 0;
SELECT nextval('realtime_missed');  -- from here on the first call shows too

ALTER TABLE realtime_inbox ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE realtime_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE realtime_relay ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE realtime_dead_letters ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE realtime_published ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON realtime_inbox TO @owner@ USING (true) WITH CHECK (true);
CREATE POLICY owner_all ON realtime_events TO @owner@ USING (true) WITH CHECK (true);
CREATE POLICY owner_all ON realtime_relay TO @owner@ USING (true) WITH CHECK (true);
CREATE POLICY owner_all ON realtime_dead_letters TO @owner@ USING (true) WITH CHECK (true);
CREATE POLICY owner_all ON realtime_published TO @owner@ USING (true) WITH CHECK (true);

CREATE POLICY engine_all ON realtime_inbox TO @engine@ USING (true) WITH CHECK (true);
CREATE POLICY engine_all ON realtime_events TO @engine@ USING (true) WITH CHECK (true);
CREATE POLICY engine_all ON realtime_relay TO @engine@ USING (true) WITH CHECK (true);
CREATE POLICY engine_all ON realtime_dead_letters TO @engine@ USING (true) WITH CHECK (true);
CREATE POLICY engine_all ON realtime_published TO @engine@ USING (true) WITH CHECK (true);

REVOKE ALL ON realtime_inbox, realtime_events, realtime_relay, realtime_dead_letters,
    realtime_published FROM PUBLIC, @app@, @engine@;
REVOKE ALL ON SEQUENCE realtime_missed FROM PUBLIC, @app@, @engine@;
GRANT SELECT, INSERT, DELETE ON realtime_inbox TO @engine@;
GRANT SELECT, INSERT ON realtime_events, realtime_dead_letters TO @engine@;
GRANT SELECT, UPDATE ON realtime_relay TO @engine@;
GRANT SELECT ON realtime_published TO @engine@;
GRANT SELECT ON SEQUENCE realtime_missed TO @engine@;
GRANT SELECT ON realtime_events TO @app@;
