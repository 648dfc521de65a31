-- portal_await_seal(), portal_netstrings(parts), portal_seal_audit(most)
--
-- The hash chain of the audit log. An entry is put down to be sealed in its own transaction, and one
-- sealer at a time gives it the next number and a digest over the digest before it. Nothing is
-- locked on the way of a write. SECURITY DEFINER: no role that serves anybody writes these tables.
-- What is digested is said again, outside the database, in portal/audit_chain.py.

CREATE OR REPLACE FUNCTION portal_await_seal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO audit_unsealed (entry_id, organization_id, since)
    SELECT id, organization_id, clock_timestamp() FROM added;
    RETURN NULL;
END $$;

-- Texts as bytes that no other texts have: each with its length before it, NULL as "~".
CREATE OR REPLACE FUNCTION portal_netstrings(parts text[]) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$
    SELECT convert_to(
        string_agg(
            coalesce(octet_length(convert_to(part, 'UTF8')) || ':' || part || ',', '~'),
            '' ORDER BY place
        ),
        'UTF8'
    )
    FROM unnest(parts) WITH ORDINALITY AS listed (part, place)
$$;

-- Seals at most so many entries, the oldest first; returns how many it dealt with. 0 also when
-- another sealer is at it: a second one would wait only to find nothing.
--
-- The texts depend on no setting of the session: instants are seconds since 1970 in decimal digits,
-- columns are named, and jsonb is written in PostgreSQL's own order of keys.
CREATE OR REPLACE FUNCTION portal_seal_audit(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    sealed CONSTANT timestamptz := clock_timestamp();
    last_number bigint;
    last_digest bytea;
    entry record;
    taken uuid[] := '{}';
BEGIN
    -- Held to the end of the transaction, so that the next one reads a head that is committed.
    IF NOT pg_try_advisory_xact_lock(1986619241, 101) THEN
        RETURN 0;
    END IF;
    SELECT number, digest INTO last_number, last_digest
    FROM audit_seals ORDER BY number DESC LIMIT 1;
    last_number := coalesce(last_number, 0);
    last_digest := coalesce(last_digest, '');

    -- A row without its entry stays: it is what shows that the entry was removed.
    FOR entry IN
        SELECT logged.*,
            EXISTS (SELECT FROM audit_seals AS seal WHERE seal.entry_id = logged.id) AS is_sealed
        FROM audit_unsealed AS waiting JOIN audit_logs AS logged ON logged.id = waiting.entry_id
        ORDER BY waiting.entry_id LIMIT most
    LOOP
        taken := taken || entry.id;
        -- Rows of a backup may come back for what was sealed since.
        CONTINUE WHEN entry.is_sealed;
        last_number := last_number + 1;
        last_digest := sha256(last_digest || portal_netstrings(ARRAY[
            '1',
            last_number::text,
            extract(epoch FROM sealed)::text,
            entry.id::text,
            entry.organization_id::text,
            extract(epoch FROM entry.at)::text,
            entry.actor_id::text,
            entry.action,
            entry.subject_type,
            entry.subject_id::text,
            entry.patient_id::text,
            entry.detail::text
        ]));
        INSERT INTO audit_seals (number, entry_id, organization_id, form, sealed_at, digest)
        VALUES (last_number, entry.id, entry.organization_id, 1, sealed, last_digest);
    END LOOP;
    DELETE FROM audit_unsealed WHERE entry_id = ANY (taken);
    RETURN cardinality(taken);
END $$;
