-- realtime_topic(template, source)
--
-- The SQL expression that makes one topic of a row named `source`. Replaces the one that came with
-- realtime_install_publish.v1.sql, which knew no condition.
--   'patient:{patient_id}'
--   'patient:{patient_id} unless {is_private}', or 'care:{patient_id} if {is_private}'
--
-- A topic whose column is NULL drops out, and so does one whose condition is not met: NULL meets
-- neither.
CREATE OR REPLACE FUNCTION realtime_topic(template text, source text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parts text[] := regexp_match(template, '^(\S+)(?: (if|unless) \{([^{}]*)\})?$');
    texts text[] := regexp_split_to_array(parts[1], '\{[^{}]*\}');
    names text[] := ARRAY(
        SELECT name[1] FROM regexp_matches(parts[1], '\{([^{}]*)\}', 'g') AS name
    );
    expression text := quote_literal(texts[1]);
BEGIN
    IF parts IS NULL THEN
        RAISE EXCEPTION 'No template of a topic: %', template;
    END IF;
    FOR i IN 1 .. coalesce(array_length(names, 1), 0) LOOP
        -- || with NULL is NULL: a topic whose column is NULL drops out.
        expression := expression || format(' || %I.%I::text || %L', source, names[i], texts[i + 1]);
    END LOOP;
    RETURN CASE parts[2]
        WHEN 'if' THEN format('CASE WHEN %I.%I THEN %s END', source, parts[3], expression)
        WHEN 'unless' THEN format('CASE WHEN NOT %I.%I THEN %s END', source, parts[3], expression)
        ELSE expression
    END;
END $$;
