-- portal_entitled_users(about)
--
-- Everybody who may read the record of the patient `about` now: portal_visible_patients() asked from
-- the other end, for whoever sends them something. SECURITY DEFINER: a patient does not read the
-- memberships of other patients' families, and needs to know only who is told. Empty for a reader
-- who may not see the patient, so that an id reveals nothing.
CREATE OR REPLACE FUNCTION portal_entitled_users(about uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH entitled (user_id, as_care_team) AS (
        SELECT providers.user_id, true
        FROM care_team_memberships AS team JOIN providers ON providers.id = team.provider_id
        WHERE team.patient_id = about
          AND team.organization_id = portal_organization()
          AND providers.organization_id = portal_organization()
          AND team.starts_at <= statement_timestamp()
          AND (team.ends_at IS NULL OR team.ends_at > statement_timestamp())
        UNION
        SELECT called.user_id, true FROM access_grants AS called
        WHERE called.patient_id = about
          AND called.organization_id = portal_organization()
          AND (called.ends_at IS NULL OR called.ends_at > statement_timestamp())
        UNION
        SELECT patients.user_id, false FROM patients
        WHERE patients.id = about AND patients.organization_id = portal_organization()
        UNION
        SELECT caregivers.user_id, false FROM caregivers
        WHERE caregivers.patient_id = about
          AND caregivers.organization_id = portal_organization()
          AND (caregivers.ends_at IS NULL OR caregivers.ends_at > statement_timestamp())
    )
    SELECT DISTINCT entitled.user_id
    FROM entitled
    JOIN memberships ON memberships.user_id = entitled.user_id
    JOIN users ON users.id = entitled.user_id
    WHERE memberships.organization_id = portal_organization()
      AND memberships.ended_at IS NULL
      AND users.is_active
      AND (NOT entitled.as_care_team OR memberships.role IN ('nurse', 'clinician'))
      AND (portal_is_system() OR about IN (SELECT portal_visible_patients()))
$$;
