-- operations_audit_standing() -> deviations, oldest_unsealed (seconds), verified_ago (hours)
--
-- How the audit log stands, in numbers: what the last verification found, how long the oldest entry
-- waits for its seal, how long ago a verification ended (NULL: none has). SECURITY DEFINER, for the
-- engine, which reads neither entries nor seals.
--
-- What the round under way has found counts as one until it is over, so that administrators hear of
-- it at once and not with every stretch anew.

CREATE OR REPLACE FUNCTION operations_audit_standing()
RETURNS TABLE (deviations bigint, oldest_unsealed float8, verified_ago float8)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT
        greatest(
            coalesce((
                SELECT ended.deviations FROM operation_audit_rounds AS ended
                WHERE ended.ended_at IS NOT NULL ORDER BY ended.began_at DESC LIMIT 1
            ), 0),
            (
                SELECT count(*) FROM operation_audit_rounds AS begun
                WHERE begun.ended_at IS NULL AND begun.deviations > 0
            )
        ),
        -- By the key, which is in the order of time: a backlog of millions is not read for it.
        coalesce((
            SELECT extract(epoch FROM clock_timestamp() - waiting.since)
            FROM audit_unsealed AS waiting ORDER BY waiting.entry_id LIMIT 1
        ), 0)::float8,
        (
            SELECT extract(epoch FROM clock_timestamp() - max(ended_at)) / 3600
            FROM operation_audit_rounds
        )::float8
$$;
