-- notifications_made(drawn)
--
-- Which of these ids are notifications now. An insert that leaves out who was told before cannot
-- return what it wrote: row-level security shows nobody what another person was told. SECURITY
-- DEFINER: an id that nobody else has seen reveals nothing.
CREATE OR REPLACE FUNCTION notifications_made(drawn uuid[]) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT id FROM portal_notifications
    WHERE id = ANY (drawn) AND organization_id = portal_organization()
$$;
