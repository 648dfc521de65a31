-- realtime_lie_down() → 'asleep', 'refused' or 'silenced'
--
-- The relay's side of the doorbell (realtime_bell): try to fall asleep, which is to hold lock 1.
--   refused    a writer that saw us awake is not visible yet: it will not ring
--   silenced   one that found us asleep left the ringing to another, and is not visible yet either
--   asleep     whoever commits from now on rings, or leaves it to one who does. Look once more,
--              then wait
CREATE FUNCTION realtime_lie_down() RETURNS text LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT pg_try_advisory_lock(1986619241, 1) THEN
        RETURN 'refused';
    END IF;
    IF NOT pg_try_advisory_lock(1986619241, 2) THEN
        PERFORM pg_advisory_unlock(1986619241, 1);
        RETURN 'silenced';
    END IF;
    PERFORM pg_advisory_unlock(1986619241, 2);
    RETURN 'asleep';
END $$;
REVOKE ALL ON FUNCTION realtime_lie_down() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION realtime_lie_down() TO @engine@;
