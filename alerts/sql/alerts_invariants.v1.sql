-- alerts_must_have_next_step(), alerts_end_calls()
--
-- What must hold of every alert whoever writes it. SECURITY DEFINER: seen whole, not as the writer
-- sees it.

-- A critical alert is closed, or exactly one thing comes next (a unique index keeps it from being
-- two). Looked at when the transaction commits, because alert and step are two rows.
CREATE OR REPLACE FUNCTION alerts_must_have_next_step() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    looked_at uuid;
BEGIN
    looked_at := CASE TG_TABLE_NAME
        WHEN 'alert_steps' THEN (to_jsonb(NEW) ->> 'alert_id')::uuid ELSE NEW.id END;
    IF EXISTS (
        SELECT 1 FROM assessment_critical_alerts AS alert
        WHERE alert.id = looked_at AND alert.severity = 'critical' AND alert.phase <> 'closed'
          AND NOT EXISTS (
              SELECT 1 FROM alert_steps AS step
              WHERE step.alert_id = alert.id
                AND step.done_at IS NULL AND step.cancelled_at IS NULL
          )
    ) THEN
        RAISE EXCEPTION 'critical alert % would have no next step', looked_at
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

-- Whoever was called sees the patient until the alert closes, and no longer.
CREATE OR REPLACE FUNCTION alerts_end_calls() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE access_grants SET ends_at = clock_timestamp()
    WHERE subject_id = NEW.id AND (ends_at IS NULL OR ends_at > clock_timestamp());
    RETURN NULL;
END $$;
