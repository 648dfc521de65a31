"""Whatever goes wrong with the engine, the write that it should have told of goes through."""

import uuid

import psycopg
import pytest


def rows_of(app):
    return app.execute("SELECT count(*) FROM notes").fetchone()["count"]


def test_an_error_while_publishing_becomes_a_resync(notes, log, app):
    organization = uuid.uuid4()
    with app.transaction():
        app.execute("SELECT set_config('portal.user', 'nobody', true)")  # not a uuid
        notes.insert(organization_id=organization)
        notes.insert(organization_id=organization)

    assert rows_of(app) == 2
    assert [(e["kind"], e["table_name"], e["organization_id"]) for e in log.inbox()] == [
        ("resync", "notes", organization)
    ] * 2


def test_an_update_and_a_delete_survive_an_error_too(notes, log, app):
    row = notes.insert()
    with app.transaction():
        app.execute("SELECT set_config('portal.user', 'nobody', true)")
        app.execute("UPDATE notes SET number = 3")
        app.execute("DELETE FROM notes")

    assert rows_of(app) == 0
    assert [(e["kind"], e["organization_id"]) for e in log.inbox()[1:]] == [
        ("resync", row["organization_id"])
    ] * 2


FAULTS = {
    "the rights on the inbox are gone": (
        "REVOKE ALL ON realtime_inbox FROM CURRENT_USER",
        "GRANT ALL ON realtime_inbox TO CURRENT_USER",
    ),
    "the owner's policy is gone": (
        "DROP POLICY owner_all ON realtime_inbox",
        "CREATE POLICY owner_all ON realtime_inbox TO CURRENT_USER USING (true) WITH CHECK (true)",
    ),
    "the inbox is gone": (
        "ALTER TABLE realtime_inbox RENAME TO realtime_lost",
        "ALTER TABLE realtime_lost RENAME TO realtime_inbox",
    ),
    "a column is gone": (
        "ALTER TABLE realtime_inbox RENAME COLUMN topics TO lost",
        "ALTER TABLE realtime_inbox RENAME COLUMN lost TO topics",
    ),
}


@pytest.mark.parametrize(("fault", "repair"), FAULTS.values(), ids=FAULTS)
def test_no_fault_of_the_engine_fails_a_write(fault, repair, notes, app, owner):
    missed = "SELECT last_value FROM realtime_missed"
    before = owner.execute(missed).fetchone()["last_value"]
    owner.execute(fault)
    try:
        row = notes.insert()
        app.execute("UPDATE notes SET number = 3")
        assert app.execute("SELECT id, number FROM notes").fetchall() == [
            {"id": row["id"], "number": 3}
        ]
        app.execute("DELETE FROM notes")
        assert rows_of(app) == 0
    finally:
        owner.execute(repair)

    # What nobody could be told is at least counted, for the reconciler.
    assert owner.execute(missed).fetchone()["last_value"] == before + 3


def test_a_missing_function_and_a_missing_counter_do_not_fail_a_write(notes, app, owner):
    with owner.transaction(force_rollback=True):
        # Only the owner sees its own uncommitted faults: it writes here.
        owner.execute("ALTER FUNCTION realtime_order_resync RENAME TO realtime_lost")
        owner.execute("DROP SEQUENCE realtime_missed")
        owner.execute("ALTER TABLE realtime_inbox RENAME TO realtime_lost")
        notes.insert(owner)
        assert rows_of(owner) == 1


def test_a_fault_in_a_savepoint_leaves_the_transaction_usable(notes, log, app):
    with app.transaction():
        row = notes.insert()
        with pytest.raises(psycopg.errors.UniqueViolation), app.transaction():
            notes.insert(id=row["id"])
        notes.insert()

    assert len(log.inbox()) == 2
