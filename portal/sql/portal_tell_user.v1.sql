-- portal_tell_user(who, kind, detail), portal_users_of_provider(provider)
--
-- For the triggers of portal/models/controls.py. SECURITY DEFINER: whoever ends a right need not be
-- allowed to see whose it was, and the order must reach the engine all the same.
CREATE OR REPLACE FUNCTION portal_tell_user(who uuid, kind text, detail jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT realtime_control(organization_id, ARRAY[who], kind, detail)
    FROM memberships WHERE user_id = who AND ended_at IS NULL
$$;

CREATE OR REPLACE FUNCTION portal_users_of_provider(provider uuid) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(array_agg(user_id), '{}') FROM providers
    WHERE id = provider AND user_id IS NOT NULL
$$;
