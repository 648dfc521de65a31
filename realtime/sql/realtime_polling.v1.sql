-- realtime_silence()                            seconds since the leading relay's last sign of life
-- realtime_rights_changed(who, since, upto)     whether a right of theirs changed between two positions
--
-- What a poll has to know beside history, and may not read itself: nothing is told while no relay
-- moves it, and what the reader may see is said by control events, which are for the engine alone.
-- NULL silence: no relay ever led.
CREATE FUNCTION realtime_silence() RETURNS double precision
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT extract(epoch FROM clock_timestamp() - nullif(beat, '-infinity')) FROM realtime_relay
$$;

CREATE FUNCTION realtime_rights_changed(who uuid, since bigint, upto bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM realtime_events
        WHERE seq > since AND seq <= upto AND kind = 'control' AND operation = 'grants'
            AND (organization_id = realtime_organization() OR organization_id IS NULL)
            AND topics @> ARRAY['user:' || who]
    )
$$;
REVOKE ALL ON FUNCTION realtime_silence(), realtime_rights_changed(uuid, bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION realtime_silence(), realtime_rights_changed(uuid, bigint, bigint) TO @app@;
