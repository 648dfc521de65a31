-- alerts_audit(), alerts_alarms_to_tell(), alerts_alarm_told(alarm), alerts_alarms_untold(since)
--
-- The auditor's eyes. It runs in the relay's leader as the engine, which may read nothing clinical:
-- so these answer with counts, and only the engine may call them. SECURITY DEFINER: all
-- organizations at once, whoever forgot to look into one.

-- Looks at everything once: opens an alarm for what is wrong now and ends those that are not wrong
-- any more. Returns how many organizations were looked at, and how many alarms are open.
--
-- A number that grows is written once a minute, or when it has doubled since it was written or
-- told: every open page of staff hears of each change of an alarm and asks for its bar again, just
-- when the machines may have too much to do.
CREATE OR REPLACE FUNCTION alerts_audit(late_after interval, worker_silent_after interval)
RETURNS TABLE (looked_at bigint, open_alarms bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    CREATE TEMPORARY TABLE IF NOT EXISTS pg_temp.found
        (organization_id uuid, kind text, number bigint) ON COMMIT DELETE ROWS;
    INSERT INTO pg_temp.found
    -- A next step that nobody took.
    SELECT organization_id, 'step_late', count(*) FROM alert_steps
    WHERE done_at IS NULL AND cancelled_at IS NULL
      AND due_at < clock_timestamp() - late_after
    GROUP BY organization_id
    UNION ALL
    -- What a constraint keeps from being; looked for all the same.
    SELECT alert.organization_id, 'no_next_step', count(*) FROM assessment_critical_alerts AS alert
    WHERE alert.severity = 'critical' AND alert.phase <> 'closed'
      AND (SELECT count(*) FROM alert_steps AS step
           WHERE step.alert_id = alert.id
             AND step.done_at IS NULL AND step.cancelled_at IS NULL) <> 1
    GROUP BY alert.organization_id
    UNION ALL
    SELECT organization_id, 'unjudged', count(*) FROM alert_judgements
    WHERE judged_at IS NULL AND queued_at < clock_timestamp() - late_after
    GROUP BY organization_id
    UNION ALL
    SELECT id, 'worker_silent', 1 FROM organizations
    WHERE NOT EXISTS (
        SELECT 1 FROM procrastinate_workers
        WHERE last_heartbeat > clock_timestamp() - worker_silent_after
    );

    UPDATE auditor_alarms AS alarm SET ended_at = clock_timestamp()
    WHERE alarm.ended_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM pg_temp.found
        WHERE found.organization_id = alarm.organization_id AND found.kind = alarm.kind
    );
    INSERT INTO auditor_alarms AS alarm (id, organization_id, kind, number, found_at)
    SELECT gen_random_uuid(), found.organization_id, found.kind, found.number, clock_timestamp()
    FROM pg_temp.found
    ON CONFLICT (organization_id, kind) WHERE ended_at IS NULL
        DO UPDATE SET number = excluded.number, counted_at = clock_timestamp()
        WHERE alarm.number <> excluded.number AND (
            alarm.counted_at <= clock_timestamp() - interval '1 minute'
            OR excluded.number >= 2 * alarm.number
            -- Due to be told now, with what is true now.
            OR excluded.number >= 2 * alarm.told_number AND alarm.number < 2 * alarm.told_number
        );

    DELETE FROM pg_temp.found;
    SELECT count(*) INTO looked_at FROM organizations;
    SELECT count(*) INTO open_alarms FROM auditor_alarms WHERE ended_at IS NULL;
    RETURN NEXT;
END $$;

-- Alarms that are open and that are due to be told by e-mail, with the administrators' and, where
-- there are none, with nobody's addresses. A new one; one that lasts, each hour; and before that one
-- that has doubled: a single row that nobody can judge must not hide that none is judged any more.
CREATE OR REPLACE FUNCTION alerts_alarms_to_tell()
RETURNS TABLE (alarm uuid, kind text, number bigint, addresses text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT open.id, open.kind, open.number::bigint, array(
        SELECT users.email::text FROM memberships JOIN users ON users.id = memberships.user_id
        WHERE memberships.organization_id = open.organization_id
          AND memberships.role = 'admin' AND memberships.ended_at IS NULL AND users.is_active
        ORDER BY users.email
    )
    FROM auditor_alarms AS open
    WHERE open.ended_at IS NULL
      AND (open.told_at IS NULL
           OR open.told_at <= clock_timestamp() - interval '1 hour'
           OR open.number >= 2 * open.told_number)
$$;

CREATE OR REPLACE FUNCTION alerts_alarm_told(alarm uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE auditor_alarms SET told_at = clock_timestamp(), told_number = number WHERE id = alarm
$$;

-- How many alarms have been open for so long although nobody could be told of them by e-mail.
CREATE OR REPLACE FUNCTION alerts_alarms_untold(since interval) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT count(*) FROM auditor_alarms
    WHERE ended_at IS NULL AND told_at IS NULL AND found_at < clock_timestamp() - since
$$;
