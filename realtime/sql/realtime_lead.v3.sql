-- realtime_try_to_lead(patience)  → leader_epoch, or NULL while another relay leads
-- realtime_log_epoch()            the log's epoch as it should be now
--
-- One relay leads, by advisory lock (0x76696769, 4) of its session: that lock is for efficiency.
-- The epoch it is given here is the fence, for correctness: who holds an older one moves nothing.
-- The lock of a process that is stopped, or of a machine that vanished, would be held for ever: so
-- a leader whose last sign of life is older than `patience` is ended (same role, hence allowed),
-- and that it was is noted (realtime_ended_sessions).
--
-- The log's epoch changes with the server's identity, its timeline (promotion, restore to a point
-- in time), the database, the table (restored from a dump) and a counter raised by hand, because in
-- each case a position that a reader has seen may come again for another event.
CREATE OR REPLACE FUNCTION realtime_log_epoch() RETURNS text LANGUAGE sql VOLATILE
SET search_path = public, pg_temp AS $$
    SELECT substr(md5(concat_ws('|',
        (SELECT system_identifier FROM pg_control_system()),
        substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
        (SELECT oid FROM pg_database WHERE datname = current_database()),
        'realtime_relay'::regclass::oid,
        (SELECT coalesce(max(restores), 0) FROM realtime_relay)
    )), 1, 16)
$$;

CREATE OR REPLACE FUNCTION realtime_try_to_lead(patience interval) RETURNS bigint LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    epoch bigint;
    silent double precision;
    holder record;
BEGIN
    IF NOT pg_try_advisory_lock(1986619241, 4) THEN
        SELECT extract(epoch FROM clock_timestamp() - nullif(beat, '-infinity')) INTO silent
        FROM realtime_relay WHERE beat < clock_timestamp() - patience;
        IF FOUND THEN
            FOR holder IN
                SELECT held.pid, activity.backend_start AS began_at
                FROM pg_locks AS held LEFT JOIN pg_stat_activity AS activity USING (pid)
                WHERE held.locktype = 'advisory' AND held.granted
                    AND held.classid = 1986619241 AND held.objid = 4 AND held.objsubid = 2
                    -- Who has just taken the lead is in the middle of its first sign of life.
                    AND coalesce(activity.state_change < clock_timestamp() - patience, true)
                    AND held.database =
                        (SELECT oid FROM pg_database WHERE datname = current_database())
            LOOP
                IF pg_terminate_backend(holder.pid) AND holder.began_at IS NOT NULL THEN
                    PERFORM realtime_note_ended(
                        holder.pid, holder.began_at, 'silent leader', coalesce(silent, 0));
                END IF;
            END LOOP;
        END IF;
        RETURN NULL;
    END IF;
    UPDATE realtime_relay SET leader_epoch = leader_epoch + 1, beat = clock_timestamp(),
        log_epoch = realtime_log_epoch()
    RETURNING leader_epoch INTO epoch;
    RETURN epoch;
END $$;
