-- Remove the engine from the database: what migrating it to zero leaves behind is nothing.
DROP TABLE IF EXISTS realtime_inbox, realtime_events, realtime_relay, realtime_dead_letters,
    realtime_published;
DROP SEQUENCE IF EXISTS realtime_missed;
DROP FUNCTION IF EXISTS realtime_organization(), realtime_granted_topics(), realtime_position(),
    realtime_control(uuid, uuid[], text, jsonb), realtime_order_resync(text, uuid[], text),
    realtime_bell(), realtime_topic(text, text),
    realtime_install_publish(text, text, text, text[], text[], text, boolean),
    realtime_uninstall(text, text), realtime_partitions(), realtime_add_partition(),
    realtime_make_ahead(), realtime_prune(interval), realtime_new_epoch(),
    realtime_move(bigint, integer, boolean), realtime_move_singly(bigint, integer),
    realtime_deposed(), realtime_lie_down(), realtime_try_to_lead(interval), realtime_log_epoch(),
    realtime_reconcile();
