-- realtime_install_publish(trigger_name, source, key, topics, columns, organization, actor)
--
-- Publish the changes of table `source`: make its trigger function and its four triggers (INSERT,
-- UPDATE, DELETE, TRUNCATE), replacing those of the same name. Called by migrations, as the owner.
--   key            the primary key's column
--   topics         templates over columns, 'patient:{patient_id}'
--   columns        what may travel
--   organization   the tenant's column, or NULL
--   actor          whether to say who did it (the setting portal.user)
--
-- The statement is generated once here, and not at every write, so that PostgreSQL can keep its
-- plan. Statement triggers with transition tables, because there must be one exception block per
-- statement: one per row overflows the sub-transaction cache in bulk writes. ENABLE ALWAYS, because
-- a bulk load in the replica role changes what readers see as well.
CREATE FUNCTION realtime_topic(template text, source text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    texts text[] := regexp_split_to_array(template, '\{[^{}]*\}');
    names text[] := ARRAY(
        SELECT name[1] FROM regexp_matches(template, '\{([^{}]*)\}', 'g') AS name
    );
    expression text := quote_literal(texts[1]);
BEGIN
    FOR i IN 1 .. coalesce(array_length(names, 1), 0) LOOP
        -- || with NULL is NULL: a topic whose column is NULL drops out.
        expression := expression || format(' || %I.%I::text || %L', source, names[i], texts[i + 1]);
    END LOOP;
    RETURN expression;
END $$;

CREATE FUNCTION realtime_install_publish(
    trigger_name text, source text, key text, topics text[], columns text[], organization text,
    actor boolean
) RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $install$
DECLARE
    suffix text := regexp_replace(trigger_name, '^pgtrigger_', '');
    old_topics text := (SELECT string_agg(realtime_topic(t, 'o'), ', ') FROM unnest(topics) AS t);
    new_topics text := (SELECT string_agg(realtime_topic(t, 'n'), ', ') FROM unnest(topics) AS t);
    old_record text := (
        SELECT string_agg(format('%L, o.%I', c, c), ', ') FROM unnest(columns) AS c
    );
    new_record text := (
        SELECT string_agg(format('%L, n.%I', c, c), ', ') FROM unnest(columns) AS c
    );
    old_organization text := coalesce('o.' || quote_ident(organization), 'NULL::uuid');
    new_organization text := coalesce('n.' || quote_ident(organization), 'NULL::uuid');
BEGIN
    PERFORM realtime_uninstall(trigger_name, source);

    EXECUTE format($function$
CREATE FUNCTION %1$I() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET TimeZone = 'UTC' AS $publish$
DECLARE
    doer uuid;
    reason text;
    organizations uuid[] := '{NULL}';
BEGIN
    BEGIN
        IF TG_OP = 'TRUNCATE' THEN
            PERFORM realtime_order_resync(TG_TABLE_NAME, '{NULL}', 'truncate');
            RETURN NULL;
        END IF;
        %2$s
        IF TG_OP = 'INSERT' THEN
            INSERT INTO realtime_inbox (
                organization_id, kind, topics, table_name, row_id, operation, record, actor, rings
            )
            SELECT organization_id, 'change', topics, TG_TABLE_NAME, row_id, 'INSERT',
                CASE WHEN octet_length(record::text) <= 2048 THEN record ELSE key END,
                doer, row_number() OVER () = 1
            -- OFFSET 0 keeps the planner from building each record twice.
            FROM (
                SELECT %4$s AS organization_id, array_remove(ARRAY[%6$s], NULL) AS topics,
                    n.%9$I::text AS row_id, jsonb_build_object(%10$L, n.%9$I) AS key,
                    jsonb_build_object(%8$s) AS record
                FROM new_rows AS n OFFSET 0
            ) AS change
            WHERE topics <> '{}';
        ELSIF TG_OP = 'DELETE' THEN
            INSERT INTO realtime_inbox (
                organization_id, kind, topics, table_name, row_id, operation, old_record, actor,
                rings
            )
            SELECT organization_id, 'change', topics, TG_TABLE_NAME, row_id, 'DELETE',
                CASE WHEN octet_length(record::text) <= 2048 THEN record ELSE key END,
                doer, row_number() OVER () = 1
            FROM (
                SELECT %3$s AS organization_id, array_remove(ARRAY[%5$s], NULL) AS topics,
                    o.%9$I::text AS row_id, jsonb_build_object(%10$L, o.%9$I) AS key,
                    jsonb_build_object(%7$s) AS record
                FROM old_rows AS o OFFSET 0
            ) AS change
            WHERE topics <> '{}';
        ELSE
            INSERT INTO realtime_inbox (
                organization_id, kind, topics, table_name, row_id, operation, record, old_record,
                actor, rings
            )
            SELECT event.organization_id, 'change', event.topics, TG_TABLE_NAME, event.row_id,
                event.operation, event.record, event.old_record, doer, row_number() OVER () = 1
            FROM (
                SELECT *, octet_length(coalesce(new_record::text, ''))
                    + octet_length(coalesce(old_record::text, '')) <= 2048 AS fits
                FROM (
                    SELECT o.%9$I IS NOT NULL AS had_old, n.%9$I IS NOT NULL AS has_new,
                        %3$s AS old_organization, %4$s AS new_organization,
                        array_remove(ARRAY[%5$s], NULL) AS old_topics,
                        array_remove(ARRAY[%6$s], NULL) AS new_topics,
                        o.%9$I::text AS old_id, n.%9$I::text AS new_id,
                        jsonb_build_object(%10$L, o.%9$I) AS old_key,
                        jsonb_build_object(%10$L, n.%9$I) AS new_key,
                        jsonb_build_object(%7$s) AS old_record,
                        jsonb_build_object(%8$s) AS new_record
                    -- A full join cannot be planned as a nested loop, which would be quadratic; and
                    -- an UPDATE that changes the key shows as a DELETE and an INSERT.
                    FROM old_rows AS o FULL JOIN new_rows AS n ON o.%9$I = n.%9$I
                    -- *<> compares images: it works for types without an equality too.
                    WHERE o.%9$I IS NULL OR n.%9$I IS NULL OR (o.*) *<> (n.*)
                    OFFSET 0
                ) AS pair OFFSET 0
            ) AS pair
            CROSS JOIN LATERAL (VALUES
                (
                    'DELETE', had_old, old_organization, old_id,
                    CASE
                        WHEN NOT has_new OR old_organization IS DISTINCT FROM new_organization
                            THEN old_topics
                        WHEN old_topics = new_topics THEN '{}'
                        ELSE ARRAY(SELECT unnest(old_topics) EXCEPT SELECT unnest(new_topics))
                    END,
                    NULL, old_key
                ),
                (
                    CASE WHEN had_old THEN 'UPDATE' ELSE 'INSERT' END, has_new, new_organization,
                    new_id, new_topics,
                    CASE WHEN fits THEN new_record ELSE new_key END,
                    CASE WHEN NOT had_old THEN NULL WHEN fits THEN old_record ELSE old_key END
                )
            ) AS event (operation, applies, organization_id, row_id, topics, record, old_record)
            WHERE event.applies AND event.topics <> '{}';
        END IF;
    EXCEPTION WHEN OTHERS THEN
        -- The code and never the message, which may quote the row.
        reason := SQLSTATE;
        BEGIN
            IF TG_OP = 'INSERT' THEN
                organizations := ARRAY(SELECT DISTINCT %4$s FROM new_rows AS n);
            ELSIF TG_OP = 'DELETE' THEN
                organizations := ARRAY(SELECT DISTINCT %3$s FROM old_rows AS o);
            ELSIF TG_OP = 'UPDATE' THEN
                organizations := ARRAY(
                    SELECT %3$s FROM old_rows AS o UNION SELECT %4$s FROM new_rows AS n
                );
            END IF;
            PERFORM realtime_order_resync(TG_TABLE_NAME, organizations, reason);
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING 'realtime: a change of %% was not published (%%, %%)',
                TG_TABLE_NAME, reason, SQLSTATE;
            BEGIN
                -- Counted where no table is needed; the reconciler orders the resync.
                PERFORM nextval('realtime_missed');
            EXCEPTION WHEN OTHERS THEN
                NULL;
            END;
        END;
    END;
    RETURN NULL;
END $publish$
    $function$,
        trigger_name,
        CASE WHEN actor
            THEN 'doer := nullif(current_setting(''portal.user'', true), '''')::uuid;' ELSE '' END,
        old_organization, new_organization, old_topics, new_topics, old_record, new_record,
        key, key
    );
    EXECUTE format('REVOKE ALL ON FUNCTION %I() FROM PUBLIC', trigger_name);

    EXECUTE format(
        'CREATE TRIGGER %1$I AFTER INSERT ON %2$I REFERENCING NEW TABLE AS new_rows'
        ' FOR EACH STATEMENT EXECUTE FUNCTION %1$I()', trigger_name, source);
    EXECUTE format(
        'CREATE TRIGGER %3$I AFTER UPDATE ON %2$I'
        ' REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'
        ' FOR EACH STATEMENT EXECUTE FUNCTION %1$I()', trigger_name, source,
        'realtime_update_' || suffix);
    EXECUTE format(
        'CREATE TRIGGER %3$I AFTER DELETE ON %2$I REFERENCING OLD TABLE AS old_rows'
        ' FOR EACH STATEMENT EXECUTE FUNCTION %1$I()', trigger_name, source,
        'realtime_delete_' || suffix);
    EXECUTE format(
        'CREATE TRIGGER %3$I AFTER TRUNCATE ON %2$I'
        ' FOR EACH STATEMENT EXECUTE FUNCTION %1$I()', trigger_name, source,
        'realtime_truncate_' || suffix);
    EXECUTE format(
        'ALTER TABLE %1$I ENABLE ALWAYS TRIGGER %2$I, ENABLE ALWAYS TRIGGER %3$I,'
        ' ENABLE ALWAYS TRIGGER %4$I, ENABLE ALWAYS TRIGGER %5$I',
        source, trigger_name, 'realtime_update_' || suffix, 'realtime_delete_' || suffix,
        'realtime_truncate_' || suffix);

    INSERT INTO realtime_published (table_name, trigger_name, arguments)
    VALUES (source, trigger_name, jsonb_build_object(
        'key', key, 'topics', topics, 'columns', columns, 'organization', organization,
        'actor', actor
    ));
END $install$;
REVOKE ALL ON FUNCTION
    realtime_install_publish(text, text, text, text[], text[], text, boolean) FROM PUBLIC;
