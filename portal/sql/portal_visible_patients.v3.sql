-- portal_care_team_patients(), portal_watched_patients(), portal_visible_patients(),
-- portal_writable_patients(), portal_known_patients(), portal_people_around()
--
-- The SQL twin of portal/access.py; tests compare the two over random worlds. SECURITY DEFINER: the
-- answer needs rows (care teams, caregivers) that the reader need not see one by one.
-- clock_timestamp() would differ between two rows of one statement; statement_timestamp() does not,
-- and, unlike now(), it does not stand still in a long transaction.
--
-- Who asks is itself asked in a SELECT of its own, so that it is asked once and not for each row.

-- Patients whose care team the reader is on now, as a nurse or clinician.
CREATE OR REPLACE FUNCTION portal_care_team_patients() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT team.patient_id
    FROM care_team_memberships AS team JOIN providers ON providers.id = team.provider_id
    WHERE team.organization_id = (SELECT portal_organization())
      AND providers.organization_id = (SELECT portal_organization())
      AND providers.user_id = (SELECT portal_user())
      AND team.starts_at <= statement_timestamp()
      AND (team.ends_at IS NULL OR team.ends_at > statement_timestamp())
      AND (SELECT portal_role()) IN ('nurse', 'clinician')
$$;

-- Patients over whom the reader watches now: the care team's, and those to whom an escalation has
-- called somebody from outside the team.
CREATE OR REPLACE FUNCTION portal_watched_patients() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT portal_care_team_patients()
    UNION
    SELECT called.patient_id FROM access_grants AS called
    WHERE called.organization_id = (SELECT portal_organization())
      AND called.user_id = (SELECT portal_user())
      AND (called.ends_at IS NULL OR called.ends_at > statement_timestamp())
      AND (SELECT portal_role()) IN ('nurse', 'clinician')
$$;

-- Patients whose record the reader may read: as the patient, a caregiver, or one who watches.
CREATE OR REPLACE FUNCTION portal_visible_patients() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT portal_watched_patients()
    UNION
    SELECT patients.id FROM patients
    WHERE patients.organization_id = (SELECT portal_organization())
      AND patients.user_id = (SELECT portal_user()) AND (SELECT portal_role()) IS NOT NULL
    UNION
    SELECT caregivers.patient_id FROM caregivers
    WHERE caregivers.organization_id = (SELECT portal_organization())
      AND caregivers.user_id = (SELECT portal_user()) AND (SELECT portal_role()) IS NOT NULL
      AND (caregivers.ends_at IS NULL OR caregivers.ends_at > statement_timestamp())
$$;

-- Patients for whom the reader may write: a caregiver or colleague may have been given reading only.
CREATE OR REPLACE FUNCTION portal_writable_patients() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT team.patient_id
    FROM care_team_memberships AS team JOIN providers ON providers.id = team.provider_id
    WHERE team.organization_id = (SELECT portal_organization())
      AND providers.organization_id = (SELECT portal_organization())
      AND providers.user_id = (SELECT portal_user())
      AND team.access = 'write'
      AND team.starts_at <= statement_timestamp()
      AND (team.ends_at IS NULL OR team.ends_at > statement_timestamp())
      AND (SELECT portal_role()) IN ('nurse', 'clinician')
    UNION
    SELECT patients.id FROM patients
    WHERE patients.organization_id = (SELECT portal_organization())
      AND patients.user_id = (SELECT portal_user()) AND (SELECT portal_role()) IS NOT NULL
    UNION
    SELECT caregivers.patient_id FROM caregivers
    WHERE caregivers.organization_id = (SELECT portal_organization())
      AND caregivers.user_id = (SELECT portal_user()) AND (SELECT portal_role()) IS NOT NULL
      AND caregivers.scope = 'write'
      AND (caregivers.ends_at IS NULL OR caregivers.ends_at > statement_timestamp())
$$;

-- Patients whose name and number the reader may know: an administrator keeps the register without
-- seeing anything clinical.
CREATE OR REPLACE FUNCTION portal_known_patients() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT portal_visible_patients()
    UNION
    SELECT patients.id FROM patients
    WHERE patients.organization_id = (SELECT portal_organization()) AND (SELECT portal_is_admin())
$$;

-- Users around the reader's own patients: those themselves, and their caregivers.
CREATE OR REPLACE FUNCTION portal_people_around() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT patients.user_id FROM patients
    WHERE patients.id IN (SELECT portal_visible_patients()) AND patients.user_id IS NOT NULL
    UNION
    SELECT caregivers.user_id FROM caregivers
    WHERE caregivers.patient_id IN (SELECT portal_visible_patients())
$$;
