-- realtime_partitions()            → relation, first, past: the log's partitions, oldest first
-- realtime_add_partition()         make the next one
-- realtime_make_ahead()            make it if the relay has entered the last one
-- realtime_prune(keep)             → how many partitions were dropped
-- realtime_new_epoch()             declare every cursor void, by hand, after a restore
--
-- The log is range-partitioned by `seq`, so that it stays unique, a replay prunes, and history goes
-- by dropping whole tables: deleting 41 million rows a night took a system down for nine hours.
-- Nobody has rights on partitions themselves; these functions run as the owner.
CREATE FUNCTION realtime_partitions(OUT relation regclass, OUT first bigint, OUT past bigint)
RETURNS SETOF record LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT inhrelid::regclass, bounds[1]::bigint, bounds[2]::bigint
    FROM pg_inherits
    JOIN pg_class ON pg_class.oid = inhrelid
    CROSS JOIN LATERAL regexp_match(
        pg_get_expr(relpartbound, inhrelid), 'FROM \(''?(\d+)''?\) TO \(''?(\d+)''?\)'
    ) AS bounds
    WHERE inhparent = 'realtime_events'::regclass
    ORDER BY bounds[1]::bigint
$$;

-- A partition should last some hours, whatever the clinic's pace: one that was needed within three
-- is followed by one twice its size, one that lasted a day by one of half.
CREATE FUNCTION realtime_add_partition() RETURNS void
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
    EXECUTE format('CREATE TABLE %I (LIKE realtime_events INCLUDING ALL)', name);
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

CREATE FUNCTION realtime_make_ahead() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM realtime_relay WHERE last_seq >= partitioned_to - partition_size) THEN
        PERFORM realtime_add_partition();
    END IF;
END $$;

-- History is given up in two steps, a minute apart. First it is told: oldest_seq moves on, and who
-- asks from now on is sent to resync. Then it is dropped: a replay whose snapshot still had the old
-- oldest_seq must not find the table gone and take the hole for silence.
CREATE FUNCTION realtime_prune(keep interval) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '250ms' AS $$
DECLARE
    kept interval := greatest(keep, interval '24 hours');
    relay realtime_relay;
    part record;
    newest timestamptz;
    oldest bigint;
    dropped integer := 0;
BEGIN
    SELECT * INTO relay FROM realtime_relay;
    FOR part IN SELECT * FROM realtime_partitions() AS p WHERE p.past <= relay.oldest_seq LOOP
        EXIT WHEN relay.oldest_moved_at > clock_timestamp() - interval '1 minute';
        BEGIN
            EXECUTE format('DROP TABLE %s', part.relation);
            dropped := dropped + 1;
        EXCEPTION WHEN lock_not_available THEN
            -- Someone is reading the log; the next round will find it free.
            EXIT;
        END;
    END LOOP;

    oldest := relay.oldest_seq;
    FOR part IN
        SELECT * FROM realtime_partitions() AS p
        WHERE p.past > relay.oldest_seq AND p.past <= relay.last_seq + 1
    LOOP
        SELECT sequenced_at INTO newest FROM realtime_events
        WHERE seq >= part.first AND seq < part.past ORDER BY seq DESC LIMIT 1;
        EXIT WHEN newest > clock_timestamp() - kept;
        oldest := part.past;
    END LOOP;
    IF oldest > relay.oldest_seq THEN
        UPDATE realtime_relay SET oldest_seq = oldest, oldest_moved_at = clock_timestamp();
    END IF;
    RETURN dropped;
END $$;

CREATE FUNCTION realtime_new_epoch() RETURNS void
LANGUAGE sql SET search_path = public, pg_temp AS $$
    UPDATE realtime_relay SET restores = restores + 1
$$;

REVOKE ALL ON FUNCTION realtime_add_partition(), realtime_make_ahead(), realtime_prune(interval),
    realtime_new_epoch() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION realtime_add_partition(), realtime_make_ahead(), realtime_prune(interval)
    TO @engine@;
