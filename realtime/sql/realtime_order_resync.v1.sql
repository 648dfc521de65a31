-- realtime_order_resync(source, organizations, reason)
--
-- Tell the readers of these organizations (NULL: of all) that something happened to a table that no
-- event describes, so that they read it again. Used where an event could not be written.
CREATE FUNCTION realtime_order_resync(source text, organizations uuid[], reason text)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO realtime_inbox (organization_id, kind, topics, table_name, operation, record, rings)
    SELECT told.organization, 'resync', '{}', source, 'RESYNC',
        jsonb_build_object('reason', reason), row_number() OVER () = 1
    FROM (SELECT DISTINCT unnest(organizations)) AS told (organization)
$$;
REVOKE ALL ON FUNCTION realtime_order_resync(text, uuid[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION realtime_order_resync(text, uuid[], text) TO @engine@;
