-- realtime_move(mine, most, getting_up, beyond)  → the rows it put into the log
-- realtime_move(mine, most, getting_up)          the same, of the whole inbox
-- realtime_move_singly(mine, most)               row by row, burying what the log refuses
-- realtime_undecided()                           → how far ids are drawn, and who may hold some
-- realtime_deposed()
--
-- Give the oldest rows of the inbox their positions: seq = last_seq + 1, 2, … in the order of
-- their ids. A counter in a table and never a SEQUENCE, so that a rollback leaves no hole.
--
-- `mine` is the epoch the caller leads in. The fence is a statement of its own: within one,
-- the move would see the inbox as it was before it waited for the fence. No row there: SQLSTATE
-- VG001, the caller is deposed. An empty look asks the fence too, without locking it, or a deposed
-- relay that finds nothing to do would sleep on lock 1 for ever.
-- `getting_up` gives lock 1 back first (see realtime_bell). Each call is also a sign of life.
--
-- `beyond`: only rows with larger ids. What was moved stays in the index until a vacuum, and no
-- vacuum takes what the oldest transaction might still see: beside a dump of an hour each look would
-- walk over everything that was moved in that hour. An id that can still appear belongs to somebody
-- who holds the inbox's lock of writers, taken before an id is drawn and given back after the commit
-- is visible. So when all who held it have ended (realtime_undecided, twice), and a look after that
-- has found all there was, nothing up to the number drawn at first is left or will come.
--
-- The inbox is empty nearly always and as large as its last burst until a vacuum has been there: a
-- planner that expects a full table would read its dead pages, so it may not.
CREATE OR REPLACE FUNCTION realtime_deposed() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Another relay leads.' USING ERRCODE = 'VG001';
END $$;

CREATE OR REPLACE FUNCTION realtime_move(
    mine bigint, most integer, getting_up boolean, beyond bigint
)
RETURNS TABLE (
    seq bigint, organization_id text, kind text, topics text[], table_name text, row_id text,
    operation text, record text, old_record text, actor text, created_at timestamptz
) LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    relay realtime_relay;
    moved bigint;
BEGIN
    IF getting_up THEN
        PERFORM pg_advisory_unlock(1986619241, 1);
    END IF;

    IF NOT EXISTS (SELECT FROM realtime_inbox WHERE id > beyond) THEN
        SELECT * INTO relay FROM realtime_relay WHERE leader_epoch = mine;
        IF NOT FOUND THEN
            PERFORM realtime_deposed();
        END IF;
        IF relay.beat < clock_timestamp() - interval '400 ms' THEN
            UPDATE realtime_relay SET beat = clock_timestamp() WHERE leader_epoch = mine;
        END IF;
        RETURN;
    END IF;

    SELECT * INTO relay FROM realtime_relay WHERE leader_epoch = mine FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM realtime_deposed();
    END IF;
    IF relay.last_seq + most >= relay.partitioned_to THEN
        PERFORM realtime_add_partition();
    END IF;

    RETURN QUERY
        WITH oldest AS MATERIALIZED (
            SELECT id FROM realtime_inbox WHERE id > beyond ORDER BY id LIMIT most
        ), taken AS (
            DELETE FROM realtime_inbox AS i
            WHERE i.id >= (SELECT min(id) FROM oldest) AND i.id <= (SELECT max(id) FROM oldest)
            RETURNING i.*
        ), numbered AS (
            SELECT relay.last_seq + row_number() OVER (ORDER BY id) AS seq, * FROM taken
        )
        INSERT INTO realtime_events AS e (
            seq, organization_id, kind, topics, table_name, row_id, operation, record, old_record,
            actor, created_at
        )
        SELECT n.seq, n.organization_id, n.kind, n.topics, n.table_name, n.row_id, n.operation,
            n.record, n.old_record, n.actor, n.created_at
        FROM numbered AS n ORDER BY n.seq
        RETURNING e.seq, e.organization_id::text, e.kind, e.topics, e.table_name, e.row_id,
            e.operation, e.record::text, e.old_record::text, e.actor::text, e.created_at;
    GET DIAGNOSTICS moved = ROW_COUNT;
    UPDATE realtime_relay SET last_seq = relay.last_seq + moved, beat = clock_timestamp()
    WHERE leader_epoch = mine;
END $$;

CREATE OR REPLACE FUNCTION realtime_move(
    mine bigint, most integer, getting_up boolean DEFAULT false
)
RETURNS TABLE (
    seq bigint, organization_id text, kind text, topics text[], table_name text, row_id text,
    operation text, record text, old_record text, actor text, created_at timestamptz
) LANGUAGE sql SET search_path = public, pg_temp AS $$
    SELECT * FROM realtime_move(mine, most, getting_up, 0);
$$;

-- The number first: whoever draws after it draws a larger one.
CREATE OR REPLACE FUNCTION realtime_undecided(OUT drawn bigint, OUT writers text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    drawn := (SELECT last_value FROM realtime_inbox_id_seq);
    writers := ARRAY(
        SELECT DISTINCT virtualtransaction FROM pg_locks
        WHERE relation = 'realtime_inbox'::regclass AND mode = 'RowExclusiveLock'
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    );
END $$;

-- The log row of a buried one is an order to resync, so that the stream has no gap and its readers
-- look for themselves. A dead letter needs that row written: while the log takes nothing at all,
-- nothing is buried and the call fails as a whole.
CREATE OR REPLACE FUNCTION realtime_move_singly(mine bigint, most integer)
RETURNS TABLE (
    seq bigint, organization_id text, kind text, topics text[], table_name text, row_id text,
    operation text, record text, old_record text, actor text, created_at timestamptz, buried text
) LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    relay realtime_relay;
    item realtime_inbox;
    why text;
BEGIN
    SELECT * INTO relay FROM realtime_relay WHERE leader_epoch = mine FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM realtime_deposed();
    END IF;
    IF relay.last_seq + most >= relay.partitioned_to THEN
        PERFORM realtime_add_partition();
    END IF;
    FOR item IN SELECT * FROM realtime_inbox AS i ORDER BY i.id LIMIT most LOOP
        relay.last_seq := relay.last_seq + 1;
        buried := NULL;
        BEGIN
            INSERT INTO realtime_events (
                seq, organization_id, kind, topics, table_name, row_id, operation, record,
                old_record, actor, created_at
            ) VALUES (
                relay.last_seq, item.organization_id, item.kind, item.topics, item.table_name,
                item.row_id, item.operation, item.record, item.old_record, item.actor,
                item.created_at
            );
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS why = CONSTRAINT_NAME;
            buried := concat_ws(' ', SQLSTATE, nullif(why, ''));
            INSERT INTO realtime_dead_letters (seq, reason, raw)
            VALUES (relay.last_seq, buried, to_jsonb(item));
            -- A control event must still reach the hub, or a right outlives its end.
            item.kind := CASE item.kind WHEN 'control' THEN 'control' ELSE 'resync' END;
            item.record := NULL;
            item.old_record := NULL;
            item.row_id := NULL;
            INSERT INTO realtime_events
                (seq, organization_id, kind, topics, table_name, operation, created_at)
            VALUES (
                relay.last_seq, item.organization_id, item.kind,
                CASE item.kind WHEN 'control' THEN item.topics ELSE '{}' END,
                item.table_name,
                CASE item.kind WHEN 'control' THEN item.operation ELSE 'RESYNC' END,
                item.created_at
            );
        END;
        DELETE FROM realtime_inbox AS i WHERE i.id = item.id;
        RETURN QUERY
            SELECT e.seq, e.organization_id::text, e.kind, e.topics, e.table_name, e.row_id,
                e.operation, e.record::text, e.old_record::text, e.actor::text, e.created_at, buried
            FROM realtime_events AS e WHERE e.seq = relay.last_seq;
    END LOOP;
    UPDATE realtime_relay SET last_seq = relay.last_seq, beat = clock_timestamp()
    WHERE leader_epoch = mine;
END $$;

REVOKE ALL ON FUNCTION realtime_move(bigint, integer, boolean),
    realtime_move(bigint, integer, boolean, bigint), realtime_move_singly(bigint, integer),
    realtime_undecided() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION realtime_move(bigint, integer, boolean),
    realtime_move(bigint, integer, boolean, bigint), realtime_move_singly(bigint, integer),
    realtime_undecided() TO @engine@;
