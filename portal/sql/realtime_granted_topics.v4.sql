-- realtime_granted_topics()
--
-- The topics that the reader of this transaction may read now (design section 5): replaces the
-- engine's own deny-all version. Twin of portal.access.topics.
CREATE OR REPLACE FUNCTION realtime_granted_topics() RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(array_agg(topic), '{}') FROM (
        SELECT 'patient:' || patient FROM portal_visible_patients() AS patient
        UNION ALL
        SELECT 'care:' || patient FROM portal_watched_patients() AS patient
        UNION ALL
        SELECT 'team:' || patient FROM portal_care_team_patients() AS patient
        UNION ALL
        SELECT 'provider:' || id FROM providers
        WHERE organization_id = (SELECT portal_organization()) AND user_id = (SELECT portal_user())
          AND portal_role() IN ('nurse', 'clinician')
        UNION ALL
        SELECT 'user:' || portal_user() WHERE portal_role() IS NOT NULL
        UNION ALL
        SELECT prefix || portal_organization()
        FROM (VALUES ('tenant:'), ('calendar:')) AS everyone (prefix)
        WHERE portal_role() IS NOT NULL
        UNION ALL
        SELECT 'staff:' || portal_organization()
        WHERE portal_role() IN ('nurse', 'clinician', 'admin')
        UNION ALL
        SELECT 'admin:' || portal_organization() WHERE portal_role() = 'admin'
    ) AS granted (topic)
$$;
