-- notifications_queue_deliveries(), notifications_note_reading(), notifications_cancel(subject)
--
-- What follows from a notification, in the transaction that writes it. SECURITY DEFINER: whoever
-- tells somebody has no right on the log of what reaches them.

-- The bell has it at once. Every other channel gets a row, and a job looks whether it is wanted, in
-- the channel's own queue (portal/lanes.py): a way out that hangs keeps no other waiting.
CREATE OR REPLACE FUNCTION notifications_queue_deliveries() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    one record;
BEGIN
    INSERT INTO notification_logs (id, organization_id, user_id, notification_id, channel,
        is_important, status, reason, attempts, next_at, sent_at, provider_id, error, created_at)
    SELECT gen_random_uuid(), told.organization_id, told.user_id, told.id, channel,
           told.is_important, CASE channel WHEN 'in_app' THEN 'sent' ELSE 'pending' END, '', 0,
           told.created_at, CASE channel WHEN 'in_app' THEN told.created_at END, '', '',
           told.created_at
    FROM told, unnest(ARRAY['in_app', 'email', 'web_push', 'sms']) AS channel;

    FOR one IN
        SELECT organization_id, channel, bool_or(is_important) AS is_important
        FROM told, unnest(ARRAY['email', 'web_push', 'sms']) AS channel
        GROUP BY organization_id, channel
    LOOP
        BEGIN
            PERFORM procrastinate_defer_jobs_v1(ARRAY[ROW(
                one.channel, 'notifications.deliver', CASE WHEN one.is_important THEN 20 ELSE 0 END,
                NULL, NULL,
                jsonb_build_object('organization_id', one.organization_id, 'channel', one.channel),
                NULL
            )::procrastinate_job_to_defer_v1]);
        EXCEPTION WHEN OTHERS THEN
            -- The rows are what counts: a sweep finds them. No job may keep a message unwritten.
            RAISE WARNING 'A job to deliver was not made (%).', SQLSTATE;
        END;
    END LOOP;
    RETURN NULL;
END $$;

-- Whoever has read it in the portal is not told again elsewhere.
CREATE OR REPLACE FUNCTION notifications_note_reading() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- In one order: two windows of one person may read the same things at the same time.
    PERFORM 1 FROM notification_logs AS delivery
    WHERE delivery.notification_id IN (
        SELECT seen.id FROM seen JOIN unseen USING (id)
        WHERE unseen.read_at IS NULL AND seen.read_at IS NOT NULL)
    ORDER BY delivery.id FOR UPDATE;
    UPDATE notification_logs AS delivery SET
        status = CASE
            WHEN channel = 'in_app' THEN 'delivered'
            WHEN status = 'pending' THEN 'cancelled'
            ELSE status END,
        reason = CASE WHEN status = 'pending' THEN 'read' ELSE reason END,
        cancelled_at = CASE
            WHEN status IN ('pending', 'sending') THEN clock_timestamp() ELSE cancelled_at END,
        delivered_at = CASE WHEN channel = 'in_app' THEN seen.read_at ELSE delivered_at END
    FROM seen JOIN unseen USING (id)
    WHERE delivery.notification_id = seen.id
      AND unseen.read_at IS NULL AND seen.read_at IS NOT NULL
      AND (channel = 'in_app' OR status IN ('pending', 'sending'));
    RETURN NULL;
END $$;

-- What was to be sent about one thing is not wanted any more. A message that is on its way at this
-- moment cannot be called back; that it is not tried again is noted on it. What failed or was not
-- sent keeps its status, and is noted too: nobody sends it again afterwards. Returns how many were
-- waiting or on their way.
CREATE OR REPLACE FUNCTION notifications_cancel(subject uuid) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH unwanted AS (
        SELECT delivery.id, delivery.status IN ('pending', 'sending') AS was_coming
        FROM notification_logs AS delivery
        JOIN portal_notifications AS told ON told.id = delivery.notification_id
        WHERE told.subject_id = subject
          AND told.organization_id = portal_organization()
          AND portal_is_staff()
          AND delivery.status IN ('pending', 'sending', 'failed', 'suppressed')
        ORDER BY delivery.id FOR UPDATE OF delivery
    ), changed AS (
        UPDATE notification_logs AS delivery SET
            status = CASE status WHEN 'pending' THEN 'cancelled' ELSE status END,
            reason = CASE status WHEN 'pending' THEN 'answered' ELSE reason END,
            cancelled_at = clock_timestamp()
        FROM unwanted
        WHERE delivery.id = unwanted.id
          AND delivery.status IN ('pending', 'sending', 'failed', 'suppressed')
        RETURNING unwanted.was_coming
    )
    SELECT count(*) FROM changed WHERE was_coming
$$;
