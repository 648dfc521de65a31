-- alerts_queue(), alerts_install_queue(source), alerts_uninstall_queue(source)
--
-- An observation is queued for judgement in the transaction that writes it. The queue row is what
-- counts: were the job beside it lost, a sweep finds the row. SECURITY DEFINER: a patient who writes
-- a reading has no right on the queue.
--
-- Whose turn it is: nobody's many stand before another's one. What follows a waiting row of the same
-- patient and table takes its place so much later, as if it had come then (start-time fair queueing);
-- what the care team measured does not stand behind what the patient's device sent. Nothing waits
-- for that moment: where nobody else waits, all are judged as fast as can be. What failed is not
-- asked, it was put back by far more; what is corrected while it waits keeps its place.

CREATE OR REPLACE FUNCTION alerts_queue() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    apart CONSTANT interval := '2 seconds';
    moment timestamptz := clock_timestamp();
    changed uuid[];
    organization uuid;
BEGIN
    IF TG_OP = 'INSERT' THEN
        changed := ARRAY(SELECT id FROM written);
    ELSE
        -- Whatever changed may change the judgement: which columns count is not known here.
        changed := ARRAY(
            SELECT id FROM written JOIN replaced USING (id)
            WHERE to_jsonb(written) IS DISTINCT FROM to_jsonb(replaced)
        );
    END IF;

    INSERT INTO alert_judgements AS known
        (id, organization_id, patient_id, source_table, source_id, available_at, queued_at, attempts)
    SELECT gen_random_uuid(), written.organization_id, written.patient_id, TG_TABLE_NAME, written.id,
        CASE WHEN to_jsonb(written) ->> 'source' = 'clinician' THEN moment ELSE first_turn END
            + apart * (row_number() OVER (PARTITION BY written.patient_id ORDER BY written.id) - 1),
        moment, 0
    FROM written JOIN (
        SELECT patient_id, greatest(moment, (
            SELECT waiting.available_at + apart FROM alert_judgements AS waiting
            WHERE waiting.organization_id = patient.organization_id
                AND waiting.patient_id = patient.patient_id
                AND waiting.source_table = TG_TABLE_NAME
                AND waiting.judged_at IS NULL AND waiting.attempts = 0
            ORDER BY waiting.available_at DESC LIMIT 1
        )) AS first_turn
        FROM (
            SELECT DISTINCT organization_id, patient_id FROM written WHERE id = ANY (changed)
        ) AS patient
    ) AS patients USING (patient_id)
    WHERE written.id = ANY (changed)
    ON CONFLICT (source_table, source_id) DO UPDATE SET
        judged_at = NULL, attempts = 0, queued_at = excluded.queued_at,
        available_at = CASE WHEN known.judged_at IS NULL AND known.attempts = 0
            THEN known.available_at ELSE excluded.available_at END
    WHERE TG_OP = 'UPDATE';

    -- One job a statement, in the lane that waits for nobody outside (portal/lanes.py). History that
    -- is imported by the thousand can wait for the sweep.
    FOR organization IN
        SELECT DISTINCT organization_id FROM written
        WHERE coalesce((to_jsonb(written) ->> 'measured_at')::timestamptz, clock_timestamp())
              > clock_timestamp() - interval '7 days'
    LOOP
        BEGIN
            PERFORM procrastinate_defer_jobs_v1(ARRAY[ROW(
                'alerts', 'alerts.judge', 10, NULL, NULL,
                jsonb_build_object('organization_id', organization), NULL
            )::procrastinate_job_to_defer_v1]);
        EXCEPTION WHEN OTHERS THEN
            -- No job may keep a reading out of the record.
            RAISE WARNING 'A job to judge was not made (%).', SQLSTATE;
        END;
    END LOOP;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION alerts_install_queue(source text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE TRIGGER alerts_queue_insert AFTER INSERT ON %I'
        ' REFERENCING NEW TABLE AS written'
        ' FOR EACH STATEMENT EXECUTE FUNCTION alerts_queue()', source);
    EXECUTE format(
        'CREATE TRIGGER alerts_queue_update AFTER UPDATE ON %I'
        ' REFERENCING OLD TABLE AS replaced NEW TABLE AS written'
        ' FOR EACH STATEMENT EXECUTE FUNCTION alerts_queue()', source);
END $$;

CREATE OR REPLACE FUNCTION alerts_uninstall_queue(source text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DROP TRIGGER IF EXISTS alerts_queue_insert ON %I', source);
    EXECUTE format('DROP TRIGGER IF EXISTS alerts_queue_update ON %I', source);
END $$;
