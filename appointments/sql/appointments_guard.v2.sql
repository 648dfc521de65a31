-- appointments_guard()
--
-- What the patient's own side may make of a visit: booked or called off. Who came, who did not, and
-- which visits may lie on one another, is the clinic's to say. A visit that patients do not book
-- themselves they do not move either.
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
    IF TG_OP = 'UPDATE' AND (OLD.starts_at, OLD.ends_at) <> (NEW.starts_at, NEW.ends_at)
        AND NOT EXISTS (
            SELECT FROM visit_types WHERE id = NEW.visit_type_id AND self_scheduling = 'on'
        )
    THEN
        RAISE EXCEPTION 'Only the clinic moves it.' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
