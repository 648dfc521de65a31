-- notifications_queue_occasion()
--
-- The portal knows no notifications: who joins or leaves a care team and who accepts an invitation
-- is queued here, in the transaction that writes it. SECURITY DEFINER: nobody has a right on the
-- queue.
CREATE OR REPLACE FUNCTION notifications_queue_occasion() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    concerned uuid;
BEGIN
    -- Outside any organization's context only the owner writes, who restores what is no news.
    IF portal_organization() IS NULL THEN
        RETURN NULL;
    END IF;
    IF TG_TABLE_NAME = 'invitations' THEN
        concerned := NEW.created_by_id;
    ELSE
        -- A team that arrives together with its patient is no change.
        IF EXISTS (SELECT 1 FROM patients
                   WHERE id = NEW.patient_id AND created_at >= transaction_timestamp()) THEN
            RETURN NULL;
        END IF;
        SELECT user_id INTO concerned FROM providers WHERE id = NEW.provider_id;
    END IF;
    INSERT INTO notification_occasions
        (id, organization_id, patient_id, kind, user_id, happened_at)
    VALUES (gen_random_uuid(), NEW.organization_id, NEW.patient_id, TG_ARGV[0], concerned,
            clock_timestamp());
    BEGIN
        PERFORM procrastinate_defer_jobs_v1(ARRAY[ROW(
            'default', 'notifications.tell_occasions', 0, NULL, NULL,
            jsonb_build_object('organization_id', NEW.organization_id), NULL
        )::procrastinate_job_to_defer_v1]);
    EXCEPTION WHEN OTHERS THEN
        -- A sweep finds the row. No job may keep somebody from a care team.
        RAISE WARNING 'A job to tell of a change was not made (%).', SQLSTATE;
    END;
    RETURN NULL;
END $$;
