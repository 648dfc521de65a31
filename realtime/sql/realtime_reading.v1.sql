-- Who may read the log.
--
-- realtime_organization()     the organization this transaction acts in, NULL for none
-- realtime_granted_topics()   the topics its reader may read; here nobody may read any. The product
--                             replaces it with its own, keeping the signature
--
-- The application role reads its organization's changes on granted topics, and orders to resync,
-- which hold nothing but a table's name. Control events are for the engine alone.
CREATE FUNCTION realtime_organization() RETURNS uuid LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT nullif(current_setting('portal.organization', true), '')::uuid
$$;

CREATE FUNCTION realtime_granted_topics() RETURNS text[] LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT '{}'::text[]
$$;

-- Wrapped in (SELECT ...), so that they are evaluated once for a statement and not for each row.
CREATE POLICY app_read ON realtime_events FOR SELECT TO @app@ USING (
    organization_id = (SELECT realtime_organization())
    AND (kind = 'resync' OR (kind = 'change' AND topics && (SELECT realtime_granted_topics())))
    OR kind = 'resync' AND organization_id IS NULL AND (SELECT realtime_organization()) IS NOT NULL
);
