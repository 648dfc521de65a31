-- appointments_lock(parties), appointments_end_expired_holds(), appointments_taken(begins, ends),
-- and the triggers that keep taken_times, freed_times and a visit's sequence
--
-- A visit that stands, a hold that lives and a block each have one row in taken_times, whose
-- exclusion constraints are the only place where time collides: for providers, rooms and patients,
-- whoever wrote the row. SECURITY DEFINER: nobody writes taken_times but these triggers, and a
-- patient's booking must meet the visits of others without seeing them.

-- Two transactions that take the same time would each find the other's unfinished row and wait for
-- one another until the deadlock check ends one of them a second later. So whoever takes time first
-- takes the locks of all whose time it is, in one order. Who needs several asks for them at once.
CREATE OR REPLACE FUNCTION appointments_lock(parties uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    party uuid;
BEGIN
    FOR party IN
        SELECT DISTINCT given FROM unnest(parties) AS given WHERE given IS NOT NULL ORDER BY given
    LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended('time of ' || party, 0));
    END LOOP;
END $$;

-- End the holds of this organization that have run out, so that they block nobody. What another
-- transaction is just booking or ending is left to it.
CREATE OR REPLACE FUNCTION appointments_end_expired_holds() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    ended integer;
BEGIN
    UPDATE appointment_holds SET ended_at = statement_timestamp(), fate = 'expired'
    WHERE id IN (
        SELECT id FROM appointment_holds
        WHERE organization_id = portal_organization()
          AND ended_at IS NULL AND until_at <= statement_timestamp()
        FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS ended = ROW_COUNT;
    RETURN ended;
END $$;

-- What is taken of providers and rooms between two instants: for members, and without saying whose
-- or why. A hold that has run out takes nothing.
CREATE OR REPLACE FUNCTION appointments_taken(begins timestamptz, ends timestamptz)
RETURNS TABLE (provider_id uuid, room_id uuid, starts_at timestamptz, ends_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT taken.provider_id, taken.room_id, lower(taken.during), upper(taken.during)
    FROM taken_times AS taken
    WHERE taken.organization_id = portal_organization()
      AND (portal_is_member() OR portal_service() IS NOT NULL)
      AND taken.during && tstzrange(begins, ends)
      AND (taken.held_until IS NULL OR taken.held_until > statement_timestamp())
$$;

CREATE OR REPLACE FUNCTION appointments_stands(status text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT status IN ('booked', 'arrived', 'done')
$$;

-- The time of a visit follows the visit. What is past collides with nothing: records of visits that
-- were may lie on one another, as they did.
CREATE OR REPLACE FUNCTION appointments_take_time() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    around tstzrange := tstzrange(
        NEW.starts_at - make_interval(mins => NEW.buffer_before_minutes),
        NEW.ends_at + make_interval(mins => NEW.buffer_after_minutes)
    );
    apart boolean := NEW.overbook_reason = '' AND NEW.ends_at > statement_timestamp();
    same boolean := false;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        same := appointments_stands(OLD.status) = appointments_stands(NEW.status)
            AND (OLD.starts_at, OLD.ends_at, OLD.overbook_reason)
              = (NEW.starts_at, NEW.ends_at, NEW.overbook_reason)
            AND (OLD.buffer_before_minutes, OLD.buffer_after_minutes)
              = (NEW.buffer_before_minutes, NEW.buffer_after_minutes)
            AND OLD.provider_id IS NOT DISTINCT FROM NEW.provider_id
            AND OLD.room_id IS NOT DISTINCT FROM NEW.room_id;
    END IF;
    IF same THEN
        RETURN NULL;
    END IF;
    IF appointments_stands(NEW.status) THEN
        PERFORM appointments_lock(ARRAY[NEW.provider_id, NEW.room_id, NEW.patient_id]);
        UPDATE taken_times
        SET provider_id = NEW.provider_id, room_id = NEW.room_id, during = around,
            with_patient = tstzrange(NEW.starts_at, NEW.ends_at), is_exclusive = apart
        WHERE appointment_id = NEW.id;
        IF NOT FOUND THEN
            INSERT INTO taken_times (id, organization_id, appointment_id, provider_id, room_id,
                                     patient_id, during, with_patient, is_exclusive)
            VALUES (gen_random_uuid(), NEW.organization_id, NEW.id, NEW.provider_id, NEW.room_id,
                    NEW.patient_id, around, tstzrange(NEW.starts_at, NEW.ends_at), apart);
        END IF;
    ELSE
        DELETE FROM taken_times WHERE appointment_id = NEW.id;
    END IF;
    IF TG_OP = 'UPDATE' AND appointments_stands(OLD.status) AND OLD.overbook_reason = ''
        AND OLD.provider_id IS NOT NULL AND OLD.visit_type_id IS NOT NULL
        AND OLD.starts_at > statement_timestamp()
        AND (NOT appointments_stands(NEW.status) OR OLD.starts_at <> NEW.starts_at
             OR OLD.provider_id IS DISTINCT FROM NEW.provider_id)
    THEN
        INSERT INTO freed_times (id, organization_id, provider_id, visit_type_id, room_id, mode,
                                 starts_at, ends_at, given_up_by_id, freed_at)
        VALUES (gen_random_uuid(), OLD.organization_id, OLD.provider_id, OLD.visit_type_id,
                OLD.room_id, OLD.mode, OLD.starts_at, OLD.ends_at, OLD.patient_id,
                statement_timestamp());
    END IF;
    RETURN NULL;
END $$;

-- The time of a hold. One that would move a visit may lie on that visit: its patient gives it up.
CREATE OR REPLACE FUNCTION appointments_hold_time() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.ended_at IS NOT NULL THEN
        DELETE FROM taken_times WHERE hold_id = NEW.id;
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        UPDATE taken_times SET held_until = NEW.until_at WHERE hold_id = NEW.id;
        RETURN NULL;
    END IF;
    PERFORM appointments_lock(ARRAY[NEW.provider_id, NEW.room_id, NEW.patient_id]);
    INSERT INTO taken_times (id, organization_id, hold_id, provider_id, room_id, patient_id, during,
                             with_patient, is_exclusive, held_until)
    VALUES (gen_random_uuid(), NEW.organization_id, NEW.id, NEW.provider_id, NEW.room_id,
            CASE WHEN NEW.moves_id IS NULL THEN NEW.patient_id END,
            tstzrange(NEW.starts_at - make_interval(mins => NEW.buffer_before_minutes),
                      NEW.ends_at + make_interval(mins => NEW.buffer_after_minutes)),
            tstzrange(NEW.starts_at, NEW.ends_at), true, NEW.until_at);
    RETURN NULL;
END $$;

-- The time of a block, which may lie on visits: they are moved by somebody, not pushed out.
CREATE OR REPLACE FUNCTION appointments_block_time() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM taken_times WHERE block_id = NEW.id;
    IF NEW.withdrawn_at IS NULL THEN
        INSERT INTO taken_times (id, organization_id, block_id, provider_id, room_id, during,
                                 is_exclusive)
        VALUES (gen_random_uuid(), NEW.organization_id, NEW.id, NEW.provider_id, NEW.room_id,
                tstzrange(NEW.starts_at, NEW.ends_at), false);
    END IF;
    RETURN NULL;
END $$;

-- A calendar takes an event over the one it has if its sequence is higher (RFC 5545, 3.8.7.4): so
-- it rises with whatever makes somebody come at another time, to another place, or not at all.
CREATE OR REPLACE FUNCTION appointments_count_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.starts_at, OLD.ends_at, OLD.kind, OLD.mode, OLD.place, OLD.status = 'cancelled')
        IS DISTINCT FROM
       (NEW.starts_at, NEW.ends_at, NEW.kind, NEW.mode, NEW.place, NEW.status = 'cancelled')
       OR OLD.provider_id IS DISTINCT FROM NEW.provider_id
       OR OLD.room_id IS DISTINCT FROM NEW.room_id
    THEN
        NEW.sequence := OLD.sequence + 1;
        NEW.changed_at := statement_timestamp();
    ELSE
        NEW.sequence := OLD.sequence;
        NEW.changed_at := OLD.changed_at;
    END IF;
    RETURN NEW;
END $$;

-- What the patient's own side may make of a visit: booked or called off. Who came, who did not, and
-- which visits may lie on one another, is the clinic's to say.
CREATE OR REPLACE FUNCTION appointments_guard() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF portal_user() IS NULL OR portal_is_system()
        OR NEW.patient_id IN (SELECT portal_care_team_patients())
    THEN
        RETURN NEW;
    END IF;
    IF NEW.status NOT IN ('booked', 'cancelled') OR NEW.late_minutes <> 0
        OR (TG_OP = 'INSERT' AND NEW.overbook_reason <> '')
    THEN
        RAISE EXCEPTION 'Only the care team says that.' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'UPDATE' AND (
        OLD.status <> 'booked' OR OLD.overbook_reason <> NEW.overbook_reason
        OR (OLD.placer_id, OLD.filler_id, OLD.kind) <> (NEW.placer_id, NEW.filler_id, NEW.kind)
        OR OLD.visit_type_id IS DISTINCT FROM NEW.visit_type_id
        OR (OLD.arrived_at, OLD.done_at) IS DISTINCT FROM (NEW.arrived_at, NEW.done_at)
    ) THEN
        RAISE EXCEPTION 'Only the care team says that.' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
