-- realtime_bell()
--
-- Wake the relay if it sleeps. Runs at the end of each transaction that wrote to the inbox.
--
-- A transaction that notifies takes a lock of the whole cluster until its commit is flushed, so the
-- bell rings only when it must. Advisory locks (0x76696769 = 1986619241, n):
--   1  held exclusively by a relay that sleeps. A writer that gets it shared saw the relay awake,
--      and keeps it until its rows are visible: until then the relay cannot fall asleep.
--   2  held shared by a writer that found the relay asleep and left the ringing to another. The
--      relay, once up, does not lie down before it is free. Refused: the relay is just lying down,
--      so ring.
--   3  held by the one writer that rings.
-- Writers try locks and never wait. The relay's side is realtime_lie_down and realtime_move.
--
-- Nothing here may fail a commit. A full notify queue would, so at half full the bell stays silent;
-- other errors (no room for another lock) are swallowed. The relay's sweep finds such rows.
CREATE FUNCTION realtime_bell() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock_shared(1986619241, 1) THEN
        IF NOT pg_try_advisory_xact_lock_shared(1986619241, 2)
            OR pg_try_advisory_xact_lock(1986619241, 3)
        THEN
            IF pg_notification_queue_usage() < 0.5 THEN
                PERFORM pg_notify('realtime', '');
            END IF;
        END IF;
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION realtime_bell() FROM PUBLIC;

CREATE CONSTRAINT TRIGGER realtime_bell AFTER INSERT ON realtime_inbox
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.rings) EXECUTE FUNCTION realtime_bell();
ALTER TABLE realtime_inbox ENABLE ALWAYS TRIGGER realtime_bell;
