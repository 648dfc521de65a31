-- realtime_try_to_lead(patience)  → leader_epoch, or NULL while another relay leads
-- realtime_log_epoch()            the log's epoch as it should be now
--
-- One relay leads, by advisory lock (0x76696769, 4) of its session: that lock is for efficiency.
-- The epoch it is given here is the fence, for correctness: who holds an older one moves nothing.
-- The lock of a process that is stopped, or of a machine that vanished, would be held for ever: so
-- a leader whose last sign of life is older than `patience` is ended (same role, hence allowed).
--
-- The log's epoch changes with the server's identity, its timeline (promotion, restore to a point
-- in time), the database, the table (restored from a dump) and a counter raised by hand, because in
-- each case a position that a reader has seen may come again for another event.
CREATE FUNCTION realtime_log_epoch() RETURNS text LANGUAGE sql VOLATILE
SET search_path = public, pg_temp AS $$
    SELECT substr(md5(concat_ws('|',
        (SELECT system_identifier FROM pg_control_system()),
        substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
        (SELECT oid FROM pg_database WHERE datname = current_database()),
        'realtime_relay'::regclass::oid,
        (SELECT coalesce(max(restores), 0) FROM realtime_relay)
    )), 1, 16)
$$;

CREATE FUNCTION realtime_try_to_lead(patience interval) RETURNS bigint LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    epoch bigint;
BEGIN
    IF NOT pg_try_advisory_lock(1986619241, 4) THEN
        IF EXISTS (SELECT FROM realtime_relay WHERE beat < clock_timestamp() - patience) THEN
            PERFORM pg_terminate_backend(pid) FROM pg_locks
            WHERE locktype = 'advisory' AND granted AND classid = 1986619241 AND objid = 4
                AND objsubid = 2
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
        END IF;
        RETURN NULL;
    END IF;
    UPDATE realtime_relay SET leader_epoch = leader_epoch + 1, beat = clock_timestamp(),
        log_epoch = realtime_log_epoch()
    RETURNING leader_epoch INTO epoch;
    RETURN epoch;
END $$;
REVOKE ALL ON FUNCTION realtime_try_to_lead(interval), realtime_log_epoch() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION realtime_try_to_lead(interval), realtime_log_epoch() TO @engine@;

INSERT INTO realtime_relay (log_epoch) VALUES (realtime_log_epoch());
SELECT realtime_add_partition();
