-- portal_organization(), portal_user(), portal_is_system(), portal_role() and its questions
--
-- Who the database is answering. The settings are transaction-local and set by portal/tenancy.py.
-- A setting whose SET LOCAL has ended reads as '' and not as NULL: hence nullif.
CREATE OR REPLACE FUNCTION portal_organization() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('portal.organization', true), '')::uuid
$$;

CREATE OR REPLACE FUNCTION portal_user() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('portal.user', true), '')::uuid
$$;

CREATE OR REPLACE FUNCTION portal_is_system() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT current_setting('portal.system', true) = 'on'
$$;

-- The role that the reader holds in this organization now; NULL without an active membership, so
-- that a right ends in the moment in which the membership or the user ends.
CREATE OR REPLACE FUNCTION portal_role() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT membership.role
    FROM memberships AS membership JOIN users ON users.id = membership.user_id
    WHERE membership.organization_id = portal_organization()
      AND membership.user_id = portal_user()
      AND membership.ended_at IS NULL
      AND users.is_active
$$;

CREATE OR REPLACE FUNCTION portal_is_member() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT portal_is_system() OR portal_role() IS NOT NULL
$$;

CREATE OR REPLACE FUNCTION portal_is_staff() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT portal_is_system() OR coalesce(portal_role() IN ('nurse', 'clinician', 'admin'), false)
$$;

CREATE OR REPLACE FUNCTION portal_is_admin() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT portal_is_system() OR coalesce(portal_role() = 'admin', false)
$$;
