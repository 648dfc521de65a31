-- alerts_queue(), alerts_install_queue(source), alerts_uninstall_queue(source)
--
-- An observation is queued for judgement in the transaction that writes it. The queue row is what
-- counts: were the job beside it lost, a sweep finds the row. SECURITY DEFINER: a patient who writes
-- a reading has no right on the queue.

CREATE OR REPLACE FUNCTION alerts_queue() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    organization uuid;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO alert_judgements
            (id, organization_id, patient_id, source_table, source_id, available_at, queued_at, attempts)
        SELECT gen_random_uuid(), written.organization_id, written.patient_id, TG_TABLE_NAME,
               written.id, clock_timestamp(), clock_timestamp(), 0
        FROM written
        ON CONFLICT (source_table, source_id) DO NOTHING;
    ELSE
        -- Whatever changed may change the judgement: which columns count is not known here.
        INSERT INTO alert_judgements
            (id, organization_id, patient_id, source_table, source_id, available_at, queued_at, attempts)
        SELECT gen_random_uuid(), written.organization_id, written.patient_id, TG_TABLE_NAME,
               written.id, clock_timestamp(), clock_timestamp(), 0
        FROM written JOIN replaced USING (id)
        WHERE to_jsonb(written) IS DISTINCT FROM to_jsonb(replaced)
        ON CONFLICT (source_table, source_id)
            DO UPDATE SET judged_at = NULL, attempts = 0, queued_at = excluded.queued_at,
                available_at = excluded.available_at;
    END IF;

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
