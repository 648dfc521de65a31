"""Who reads and writes the engine's tables, in raw SQL, as each role."""

import uuid

import psycopg
import pytest

from tests.waiting import wait_until

TABLES = (
    "realtime_inbox",
    "realtime_events",
    "realtime_relay",
    "realtime_dead_letters",
    "realtime_published",
)


@pytest.fixture
def granted(superuser):
    """`granted(topics)`: what the product says its reader may read, until the test ends."""
    original = superuser.execute(
        "SELECT pg_get_functiondef('realtime_granted_topics()'::regprocedure) AS it"
    ).fetchone()["it"]

    def granted(*topics):
        listed = ", ".join(f"'{topic}'" for topic in topics)
        superuser.execute(
            "CREATE OR REPLACE FUNCTION realtime_granted_topics() RETURNS text[]"
            f" LANGUAGE sql STABLE AS $$ SELECT ARRAY[{listed}]::text[] $$"
        )

    yield granted
    superuser.execute(original)


@pytest.fixture
def told(notes, log, relay):
    """Events of two organizations, an order to resync and a control event, in the log."""
    harbour, hill, ana = (uuid.uuid4() for _ in range(3))
    notes.insert(organization_id=harbour, patient_id=ana)
    notes.insert(organization_id=harbour)
    notes.insert(organization_id=hill, patient_id=ana)
    notes.owner.execute("SELECT realtime_order_resync('notes', %s, 'test')", [[harbour]])
    notes.owner.execute("SELECT realtime_order_resync('notes', %s, 'test')", [[hill]])
    notes.owner.execute("SELECT realtime_order_resync('notes', '{NULL}', 'test')")
    notes.connection.execute("SELECT realtime_control(%s, %s, 'grants')", [harbour, [ana]])
    wait_until(lambda: len(log.events()) == 7)
    return log.start, harbour, hill, ana


def seen(app, since, organization):
    """What the application role reads of the log, as offsets from `since`."""
    with app.transaction():
        app.execute("SELECT set_config('portal.organization', %s, true)", [str(organization)])
        rows = app.execute(
            "SELECT seq FROM realtime_events WHERE seq > %s ORDER BY seq", [since]
        ).fetchall()
    return [row["seq"] - since for row in rows]


def test_a_reader_sees_granted_topics_of_their_organization(told, app, granted):
    since, harbour, hill, ana = told
    granted(f"patient:{ana}", f"user:{ana}")

    # The change, both orders to resync; never the control event.
    assert seen(app, since, harbour) == [1, 4, 6]
    assert seen(app, since, hill) == [3, 5, 6]


def test_a_reader_without_grants_sees_only_orders_to_resync(told, app, granted):
    since, harbour, *_ = told
    granted()

    assert seen(app, since, harbour) == [4, 6]


@pytest.mark.parametrize("organization", ["", uuid.UUID(int=7)])
def test_a_stranger_sees_no_change(organization, told, app, granted):
    since, _, _, ana = told
    granted(f"patient:{ana}")

    assert seen(app, since, organization) == ([] if organization == "" else [6])


def test_without_any_context_nothing_is_seen(told, app, granted):
    since, _, _, ana = told
    granted(f"patient:{ana}")

    assert app.execute("SELECT * FROM realtime_events WHERE seq > %s", [since]).fetchall() == []


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("command", ["INSERT", "UPDATE", "DELETE", "TRUNCATE", "SELECT"])
def test_the_application_has_no_other_right(table, command, app):
    if (table, command) == ("realtime_events", "SELECT"):
        return
    statement = {
        "INSERT": f"INSERT INTO {table} DEFAULT VALUES",
        "UPDATE": f"UPDATE {table} SET ctid = ctid",
        "DELETE": f"DELETE FROM {table}",
        "TRUNCATE": f"TRUNCATE {table}",
        "SELECT": f"SELECT FROM {table}",
    }[command]
    if command == "UPDATE":
        privilege = app.execute(
            "SELECT has_any_column_privilege(%s, 'UPDATE') AS it", [table]
        ).fetchone()["it"]
        assert not privilege
        return
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(statement)


def test_functions_of_the_relay_are_not_the_applications(app):
    for call in (
        "realtime_move(1, 1, false)",
        "realtime_move_singly(1, 1)",
        "realtime_lie_down()",
        "realtime_try_to_lead('1 second')",
        "realtime_prune('72 hours')",
        "realtime_add_partition()",
        "realtime_reconcile()",
        "realtime_order_resync('notes', '{}', 'x')",
        "realtime_install_publish('a', 'b', 'c', '{}', '{}', 'd', true)",
        "realtime_new_epoch()",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(f"SELECT {call}")


def test_the_engine_cannot_rewrite_history(told, engine):
    for statement in (
        "UPDATE realtime_events SET topics = '{}'",
        "DELETE FROM realtime_events",
        "DELETE FROM realtime_dead_letters",
        "TRUNCATE realtime_events",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            engine.execute(statement)


def test_row_level_security_is_forced_on_every_table_and_partition(owner):
    rows = owner.execute(
        "SELECT relname, relrowsecurity AND relforcerowsecurity AS forced FROM pg_class"
        " WHERE relname LIKE 'realtime\\_%' AND relkind IN ('r', 'p')"
    ).fetchall()

    assert {row["relname"] for row in rows} >= set(TABLES)
    assert [row["relname"] for row in rows if not row["forced"]] == []


def test_functions_that_run_as_the_owner_pin_their_search_path(owner):
    loose = owner.execute(
        "SELECT proname FROM pg_proc WHERE prosecdef AND proname LIKE 'realtime%'"
        " AND NOT coalesce(proconfig::text LIKE '%search_path=%', false)"
    ).fetchall()

    assert loose == []
