-- realtime_ended_sessions                     server sessions that were ended to heal the engine
-- realtime_note_ended(pid, began_at, …)       adds one; once for each session, however often tried
-- realtime_end_stale_sessions(above, older)   ends the caller's own role's sessions that sit idle
--                                             in a transaction longer than `older` while the notify
--                                             queue is fuller than `above`; returns how many
-- realtime_take_ended()                       what was ended and not taken yet, each once
--
-- A listener inside an open transaction keeps the notify queue from being emptied; a full one makes
-- commits fail. PostgreSQL does not tell which session listens, so that all of ours go that could:
-- an idle transaction has been answered for nothing, and what it wrote is rolled back as if its
-- program had died. Sessions of other roles are not ours to end.
CREATE TABLE realtime_ended_sessions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reason text NOT NULL CHECK (reason IN ('silent leader', 'stale session')),
    pid integer NOT NULL,
    began_at timestamptz NOT NULL,
    -- How long the leader had been silent, or the transaction idle.
    seconds double precision NOT NULL,
    taken_at timestamptz,
    UNIQUE (pid, began_at)
);
ALTER TABLE realtime_ended_sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON realtime_ended_sessions TO @owner@ USING (true) WITH CHECK (true);
CREATE POLICY engine_all ON realtime_ended_sessions TO @engine@ USING (true) WITH CHECK (true);
REVOKE ALL ON realtime_ended_sessions FROM PUBLIC, @app@, @engine@;

CREATE FUNCTION realtime_note_ended(
    pid integer, began_at timestamptz, reason text, seconds double precision
) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO realtime_ended_sessions (pid, began_at, reason, seconds)
    VALUES (pid, began_at, reason, seconds) ON CONFLICT DO NOTHING
$$;

CREATE FUNCTION realtime_end_stale_sessions(above double precision, older interval)
RETURNS bigint LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    ended bigint := 0;
    stale record;
BEGIN
    IF pg_notification_queue_usage() <= above THEN
        RETURN 0;
    END IF;
    FOR stale IN
        SELECT pid, backend_start,
            extract(epoch FROM clock_timestamp() - state_change)::float8 AS seconds
        FROM pg_stat_activity
        WHERE usename = current_user AND pid <> pg_backend_pid()
            AND datname = current_database()
            AND state LIKE 'idle in transaction%'
            AND state_change < clock_timestamp() - older
    LOOP
        IF pg_terminate_backend(stale.pid) THEN
            PERFORM realtime_note_ended(
                stale.pid, stale.backend_start, 'stale session', stale.seconds);
            ended := ended + 1;
        END IF;
    END LOOP;
    RETURN ended;
END $$;

CREATE FUNCTION realtime_take_ended()
RETURNS TABLE (at timestamptz, reason text, pid integer, seconds double precision)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE realtime_ended_sessions SET taken_at = clock_timestamp() WHERE taken_at IS NULL
    RETURNING at, reason, pid, seconds
$$;

REVOKE ALL ON FUNCTION realtime_note_ended(integer, timestamptz, text, double precision),
    realtime_end_stale_sessions(double precision, interval), realtime_take_ended() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION realtime_note_ended(integer, timestamptz, text, double precision),
    realtime_end_stale_sessions(double precision, interval) TO @app@, @engine@;
GRANT EXECUTE ON FUNCTION realtime_take_ended() TO @app@;
