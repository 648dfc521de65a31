-- portal_service(), portal_service_may(scope), portal_find_service_account(prefix),
-- portal_count_service_use(), portal_patient_of_service(id, mrn), portal_is_patient_here(patient)
--
-- What the database answers to a program with a key. A service account is neither a user nor the
-- system: `portal.service` names it, no other function of this folder knows it, and so every table
-- is closed to it but those whose policy asks here. Revoked and expired are asked in each statement:
-- the right ends in that moment, also in the middle of a request.

CREATE OR REPLACE FUNCTION portal_service() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT id FROM service_accounts
    WHERE id = nullif(current_setting('portal.service', true), '')::uuid
      AND organization_id = portal_organization()
      AND revoked_at IS NULL
      AND expires_at > statement_timestamp()
$$;

CREATE OR REPLACE FUNCTION portal_service_may(scope text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM service_accounts WHERE id = portal_service() AND scope = ANY (scopes)
    )
$$;

-- Whoever shows a key is nobody yet. The prefix finds the account; the digest is compared by the
-- application, in constant time.
CREATE OR REPLACE FUNCTION portal_find_service_account(prefix text)
RETURNS TABLE (
    account_id uuid, organization_id uuid, key_digest text, scopes text[], is_over boolean
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT id, account.organization_id, account.key_digest, account.scopes,
           revoked_at IS NOT NULL OR expires_at <= statement_timestamp()
    FROM service_accounts AS account WHERE key_prefix = prefix
$$;

-- Note that the account is used; returns the seconds to wait when this minute is full, else 0.
CREATE OR REPLACE FUNCTION portal_count_service_use() RETURNS integer
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE service_accounts AS account SET
        last_used_at = clock_timestamp(),
        minute_began_at = CASE WHEN is_new THEN clock_timestamp() ELSE minute_began_at END,
        -- The minute ends by itself, however often somebody knocks meanwhile.
        minute_requests = CASE WHEN is_new THEN 1
                               ELSE least(minute_requests + 1, requests_per_minute + 1) END
    FROM (
        SELECT id, coalesce(minute_began_at <= clock_timestamp() - interval '1 minute', true)
        FROM service_accounts WHERE id = portal_service() FOR UPDATE
    ) AS locked (locked_id, is_new)
    WHERE account.id = locked_id
    RETURNING CASE WHEN minute_requests > requests_per_minute
        THEN greatest(1, ceil(extract(
            epoch FROM minute_began_at + interval '1 minute' - clock_timestamp()
        )))::integer
        ELSE 0 END
$$;

-- The one patient whom a service account names, by our id or by the record number; it cannot ask
-- who there is. What is returned is what a measurement must be held against.
CREATE OR REPLACE FUNCTION portal_patient_of_service(by_id uuid, by_mrn text)
RETURNS TABLE (id uuid, organization_id uuid, mrn text, birth_on date, deceased_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT patients.id, patients.organization_id, patients.mrn, patients.birth_on,
           patients.deceased_at
    FROM patients
    WHERE patients.organization_id = portal_organization()
      AND portal_service() IS NOT NULL
      AND (patients.id = by_id OR patients.mrn = by_mrn)
$$;

-- Whether a patient is the organization's, for the rows that a service account writes about one.
CREATE OR REPLACE FUNCTION portal_is_patient_here(patient uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM patients WHERE id = patient AND organization_id = portal_organization()
    )
$$;
