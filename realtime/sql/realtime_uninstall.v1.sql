-- realtime_uninstall(trigger_name, source)
--
-- Stop publishing: drop what realtime_install_publish made under this name, if it is there.
CREATE FUNCTION realtime_uninstall(trigger_name text, source text) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    suffix text := regexp_replace(trigger_name, '^pgtrigger_', '');
    name text;
BEGIN
    IF to_regclass(quote_ident(source)) IS NOT NULL THEN
        FOREACH name IN ARRAY ARRAY[
            trigger_name, 'realtime_update_' || suffix, 'realtime_delete_' || suffix,
            'realtime_truncate_' || suffix
        ] LOOP
            IF EXISTS (
                SELECT FROM pg_trigger
                WHERE tgrelid = to_regclass(quote_ident(source)) AND tgname = name
            ) THEN
                EXECUTE format('DROP TRIGGER %I ON %I', name, source);
            END IF;
        END LOOP;
    END IF;
    IF to_regprocedure(format('%I()', trigger_name)) IS NOT NULL THEN
        EXECUTE format('DROP FUNCTION %I()', trigger_name);
    END IF;
    DELETE FROM realtime_published AS p
    WHERE p.table_name = source AND p.trigger_name = realtime_uninstall.trigger_name;
END $$;
REVOKE ALL ON FUNCTION realtime_uninstall(text, text) FROM PUBLIC;
