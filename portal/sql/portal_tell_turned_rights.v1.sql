-- portal_tell_turned_rights(since)
--
-- Tell the engine of everybody whose right began or ended by the clock after `since` (NULL: a day
-- ago) and up to now, once in each organization; returns that now, where the next look begins.
-- Such a right is in a row that nobody writes at that moment, so no trigger fires. What counts is
-- what portal_visible_patients() compares with the clock. For the engine alone
-- (portal/turning_rights.py), and SECURITY DEFINER: it may read nothing of this, and learns nothing.
--
-- Nothing falls between two looks: each takes what is later than `since` and not later than now, and
-- a right turns at its very instant (`starts_at <= now`, `ends_at > now`). Nor does a row that is
-- committed late: now is read before the rows are, so a row that this look cannot see is committed
-- after it, and the row's own trigger has the rights read later still, by this same clock. A row
-- that turned as it was written is told of twice, which costs reading rights once more.
CREATE OR REPLACE FUNCTION portal_tell_turned_rights(since timestamptz) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    -- Of the statement, and not clock_timestamp(): see above.
    upto CONSTANT timestamptz := statement_timestamp();
BEGIN
    -- No page is open for longer than a session lasts: half a day (SESSION_COOKIE_AGE).
    since := coalesce(since, upto - interval '1 day');
    PERFORM realtime_control(
        organization_id, array_agg(DISTINCT user_id), 'grants', '{"turned_by": "clock"}')
    FROM (
        SELECT team.organization_id, providers.user_id
        FROM care_team_memberships AS team JOIN providers ON providers.id = team.provider_id
        WHERE (team.starts_at > since AND team.starts_at <= upto)
           OR (team.ends_at > since AND team.ends_at <= upto)
        UNION ALL
        SELECT organization_id, user_id FROM access_grants
        WHERE ends_at > since AND ends_at <= upto
        UNION ALL
        SELECT organization_id, user_id FROM caregivers
        WHERE ends_at > since AND ends_at <= upto
    ) AS turned
    WHERE user_id IS NOT NULL
    GROUP BY organization_id;
    RETURN upto;
END $$;
