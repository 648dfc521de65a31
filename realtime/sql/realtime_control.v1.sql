-- realtime_control(organization, users, kind, detail)
--
-- Tell the hub, in order with the data, that what these users may read has changed: `grants`
-- (judge them anew), `session_ended` or `user_ended` (close their sockets). In the log: kind
-- 'control', the word as operation, topics user:<id>, detail as record. No users: nothing written.
--
-- Unlike a published change it may fail its caller: a right that ends without the engine's
-- knowledge would be a leak, a refused write is not.
CREATE FUNCTION realtime_control(
    organization uuid, users uuid[], kind text, detail jsonb DEFAULT '{}'
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF kind IS NULL OR kind NOT IN ('grants', 'session_ended', 'user_ended') THEN
        RAISE EXCEPTION 'realtime_control: unknown kind %', kind USING ERRCODE = '22023';
    END IF;
    -- A whole clinic in one row would make one long frame of work for the hub: 500 at a time.
    INSERT INTO realtime_inbox (organization_id, kind, topics, operation, record, actor, rings)
    SELECT organization, 'control', array_agg('user:' || told.id ORDER BY told.at),
        realtime_control.kind, detail,
        nullif(current_setting('portal.user', true), '')::uuid, (told.at - 1) / 500 = 0
    FROM unnest(users) WITH ORDINALITY AS told (id, at)
    WHERE told.id IS NOT NULL
    GROUP BY (told.at - 1) / 500;
END $$;
REVOKE ALL ON FUNCTION realtime_control(uuid, uuid[], text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION realtime_control(uuid, uuid[], text, jsonb) TO @app@, @engine@;
