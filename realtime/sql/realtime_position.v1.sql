-- realtime_position() → epoch, last_seq, oldest_seq
--
-- Where the log stands, for roles that may not read realtime_relay. STABLE, so that it answers from
-- the caller's snapshot: head, oldest retained position and the events between them agree. A cursor
-- `since` can be replayed when its epoch is this one and oldest_seq - 1 <= since <= last_seq.
CREATE FUNCTION realtime_position(OUT epoch text, OUT last_seq bigint, OUT oldest_seq bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT log_epoch, last_seq, oldest_seq FROM realtime_relay
$$;
REVOKE ALL ON FUNCTION realtime_position() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION realtime_position() TO @app@, @engine@;
