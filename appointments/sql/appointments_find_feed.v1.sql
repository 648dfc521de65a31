-- appointments_find_feed(digest) returns (organization_id, user_id)
--
-- A calendar that fetches a feed is nobody: no policy shows it the row. The digest of the address's
-- token finds whose it is; no row for one that is unknown or revoked. SECURITY DEFINER for this one
-- question.
CREATE OR REPLACE FUNCTION appointments_find_feed(digest text)
RETURNS TABLE (organization_id uuid, user_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT feeds.organization_id, feeds.user_id
    FROM calendar_feeds AS feeds
    WHERE feeds.token_digest = digest AND feeds.revoked_at IS NULL
$$;
