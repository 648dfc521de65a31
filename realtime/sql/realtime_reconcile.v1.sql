-- realtime_reconcile() → source, reason
--
-- Order a resync for tables whose changes may have slipped past their triggers, and say which.
--
-- Row counts cannot settle it: PostgreSQL's own count attempted changes, rolled-back ones too. So
-- each way past a trigger is watched instead: the catalogue shows one that is missing, disabled or
-- was touched since the last look (its row's xmin changes even when it is enabled again), ENABLE
-- ALWAYS closes the replica role, and the triggers themselves count what they could not write
-- (realtime_missed). Such a change may be uncommitted still, and a page that reads again now would
-- read the old: so a second resync follows when every transaction that runs now has ended.
CREATE FUNCTION realtime_reconcile(OUT source text, OUT reason text) RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    published record;
    missed bigint := (SELECT last_value FROM realtime_missed);
    relay realtime_relay := (SELECT r FROM realtime_relay AS r);
    running xid8 := pg_snapshot_xmax(pg_current_snapshot());
    ordered boolean := false;
BEGIN
    IF relay.resync_after <= pg_snapshot_xmin(pg_current_snapshot()) THEN
        PERFORM realtime_order_resync(NULL, '{NULL}', 'settled');
        UPDATE realtime_relay SET resync_after = NULL;
    END IF;

    IF missed <> relay.missed_seen THEN
        ordered := true;
        source := NULL;
        reason := 'missed';
        PERFORM realtime_order_resync(NULL, '{NULL}', reason);
        UPDATE realtime_relay SET missed_seen = missed;
        RETURN NEXT;
    END IF;

    FOR published IN
        SELECT p.table_name, p.trigger_name, p.seen, count(t.oid) AS triggers,
            coalesce(bool_and(t.tgenabled = 'A'), false) AS enabled,
            coalesce(string_agg(concat_ws(':', t.oid, t.xmin), ' ' ORDER BY t.oid), '') AS looks
        FROM realtime_published AS p
        LEFT JOIN pg_trigger AS t
            ON t.tgfoid = to_regprocedure(format('%I()', p.trigger_name))
            AND t.tgrelid = to_regclass(quote_ident(p.table_name))
        GROUP BY p.table_name, p.trigger_name, p.seen
    LOOP
        IF published.triggers = 4 AND published.enabled AND published.looks = published.seen THEN
            CONTINUE;
        END IF;
        source := published.table_name;
        reason := CASE
            WHEN published.triggers < 4 THEN 'missing'
            WHEN NOT published.enabled THEN 'disabled'
            WHEN published.seen IS NULL THEN 'new'
            ELSE 'touched'
        END;
        UPDATE realtime_published SET seen = published.looks
        WHERE table_name = published.table_name AND trigger_name = published.trigger_name;
        -- A table that has just begun to be published has no reader yet.
        IF reason <> 'new' THEN
            ordered := true;
            PERFORM realtime_order_resync(source, '{NULL}', reason);
            RETURN NEXT;
        END IF;
    END LOOP;
    IF ordered THEN
        UPDATE realtime_relay SET resync_after = running;
    END IF;
END $$;
REVOKE ALL ON FUNCTION realtime_reconcile() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION realtime_reconcile() TO @engine@;
