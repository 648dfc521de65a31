-- realtime_add_partition()         make the log's next partition; replaces realtime_partitions.v1.sql
--
-- When PostgreSQL looks again at what the engine's tables hold. By default that is after each tenth
-- that a table grew, which in a busy clinic is every few seconds for the log: 30 to 70 ms of work
-- beside the changes that come just then, to learn what it knew. All that a plan needs of a
-- partition is that its rows lie in the order of `seq`, which one look tells for good. So it looks
-- when a partition has doubled, a dozen times in its life; and at the relay's one row never.
-- (Never at the log would be wrong: without that order it expects to find the rows scattered, and
-- sorts all that a page missed for each thousand of them.)
CREATE OR REPLACE FUNCTION realtime_add_partition() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    relay realtime_relay;
    size bigint;
    name text;
BEGIN
    SELECT * INTO relay FROM realtime_relay FOR UPDATE;
    size := CASE
        WHEN relay.partitioned_to = 1 THEN relay.partition_size
        WHEN relay.grown_at > clock_timestamp() - interval '3 hours'
            THEN least(relay.partition_size * 2, 5000000)
        WHEN relay.grown_at < clock_timestamp() - interval '1 day'
            THEN greatest(relay.partition_size / 2, 10000)
        ELSE relay.partition_size
    END;
    name := 'realtime_events_' || relay.partitioned_to;
    -- Made apart and then attached, because ATTACH lets readers of the log go on.
    EXECUTE format(
        'CREATE TABLE %I (LIKE realtime_events INCLUDING ALL) WITH ('
        'autovacuum_analyze_scale_factor = 1, autovacuum_vacuum_insert_scale_factor = 1)',
        name
    );
    EXECUTE format('REVOKE ALL ON %I FROM PUBLIC, @app@, @engine@', name);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY owner_all ON %I TO @owner@ USING (true) WITH CHECK (true)', name);
    EXECUTE format(
        'ALTER TABLE realtime_events ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
        name, relay.partitioned_to, relay.partitioned_to + size
    );
    UPDATE realtime_relay SET partitioned_to = relay.partitioned_to + size, partition_size = size,
        grown_at = clock_timestamp();
END $$;

DO $$
DECLARE
    part record;
BEGIN
    FOR part IN SELECT * FROM realtime_partitions() LOOP
        EXECUTE format(
            'ALTER TABLE %s SET ('
            'autovacuum_analyze_scale_factor = 1, autovacuum_vacuum_insert_scale_factor = 1)',
            part.relation
        );
    END LOOP;
END $$;

ALTER TABLE realtime_relay SET (
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 2000000000
);
