"""What a published table says of its changes, and that saying it never fails the change."""

import json
import uuid

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from realtime.triggers import Publish, published

BULK = 3000


def audience(event):
    return event["operation"], event["topics"]


def test_an_insert_tells_the_topics_of_the_row_and_its_listed_columns(notes, log):
    row = notes.insert(number=9_007_199_254_740_993, at="2026-03-01 12:00+02", body="in pain")

    [event] = log.inbox()
    assert event["kind"] == "change"
    assert event["operation"] == "INSERT"
    assert event["table_name"] == "notes"
    assert event["row_id"] == str(row["id"])
    assert event["organization_id"] == row["organization_id"]
    assert event["topics"] == [f"patient:{row['patient_id']}"]
    assert event["record"] == {
        "id": str(row["id"]),
        "patient_id": str(row["patient_id"]),
        "number": 9_007_199_254_740_993,
        "at": "2026-03-01T10:00:00+00:00",
    }
    assert event["old_record"] is None


def test_nothing_but_listed_columns_travels(notes, log, app):
    row = notes.insert(body="in pain")
    app.execute("UPDATE notes SET body = 'worse'")
    app.execute("DELETE FROM notes WHERE id = %s", [row["id"]])

    said = json.dumps(log.inbox(), default=str)
    assert len(log.inbox()) == 3
    assert "pain" not in said
    assert "worse" not in said


def test_the_actor_is_who_the_transaction_says(notes, log, app):
    user = uuid.uuid4()
    with app.transaction():
        app.execute("SELECT set_config('portal.user', %s, true)", [str(user)])
        notes.insert()
    notes.insert()

    assert [event["actor"] for event in log.inbox()] == [user, None]


def test_a_row_without_a_topic_is_not_published(notes, log):
    notes.insert(patient_id=None)

    assert log.inbox() == []


def test_an_update_tells_old_and_new_values(notes, log, app):
    row = notes.insert(number=1)
    app.execute("UPDATE notes SET number = 2 WHERE id = %s", [row["id"]])

    event = log.inbox()[1]
    assert event["operation"] == "UPDATE"
    assert (event["old_record"]["number"], event["record"]["number"]) == (1, 2)


def test_an_update_of_a_private_column_is_published_too(notes, log, app):
    notes.insert()
    app.execute("UPDATE notes SET body = 'worse'")

    assert [event["operation"] for event in log.inbox()] == ["INSERT", "UPDATE"]


def test_an_update_that_changes_nothing_is_not_published(notes, log, app):
    notes.insert(body="same", extra='{"a": 1}')
    app.execute("UPDATE notes SET body = 'same'")

    assert len(log.inbox()) == 1


def test_a_delete_tells_the_old_values(notes, log, app):
    row = notes.insert(number=7)
    app.execute("DELETE FROM notes")

    event = log.inbox()[1]
    assert event["operation"] == "DELETE"
    assert event["row_id"] == str(row["id"])
    assert event["record"] is None
    assert event["old_record"]["number"] == 7


def test_topics_a_row_leaves_are_told_the_key_alone(notes, log, app):
    first, second = uuid.uuid4(), uuid.uuid4()
    row = notes.insert(provider_id=first, number=5)
    app.execute("UPDATE notes SET provider_id = %s", [second])

    _, left, updated = log.inbox()
    assert audience(left) == ("DELETE", [f"provider:{first}"])
    assert left["old_record"] == {"id": str(row["id"])}
    assert left["record"] is None
    assert audience(updated) == (
        "UPDATE",
        [f"patient:{row['patient_id']}", f"provider:{second}"],
    )


def test_a_row_that_changes_organization_leaves_all_its_topics(notes, log, app):
    row = notes.insert()
    other = uuid.uuid4()
    app.execute("UPDATE notes SET organization_id = %s", [other])

    _, left, updated = log.inbox()
    assert (left["organization_id"], left["operation"]) == (row["organization_id"], "DELETE")
    assert left["topics"] == [f"patient:{row['patient_id']}"]
    assert (updated["organization_id"], updated["operation"]) == (other, "UPDATE")


def test_a_row_that_changes_its_key_goes_and_comes(notes, log, app):
    row = notes.insert()
    app.execute("UPDATE notes SET id = gen_random_uuid()")

    assert [event["operation"] for event in log.inbox()] == ["INSERT", "DELETE", "INSERT"]
    assert log.inbox()[1]["row_id"] == str(row["id"])


def test_a_record_over_two_kilobytes_travels_as_its_key(notes, log, app):
    notes.publish(columns=("id", "body"))
    row = notes.insert(body="x" * 2100)
    app.execute("UPDATE notes SET body = repeat('y', 1500)")
    app.execute("UPDATE notes SET body = repeat('z', 1500)")
    app.execute("UPDATE notes SET body = 'short'")

    key = {"id": str(row["id"])}
    inserted, shrunk, swapped, short = log.inbox()
    assert inserted["record"] == key
    assert (shrunk["record"], shrunk["old_record"]) == (key, key)
    assert (swapped["record"], swapped["old_record"]) == (key, key)
    assert short["record"]["body"] == "short"


def test_the_database_refuses_a_payload_over_two_kilobytes(log, owner):
    with pytest.raises(psycopg.errors.CheckViolation):
        owner.execute(
            "INSERT INTO realtime_inbox (kind, topics, record)"
            " VALUES ('change', '{}', jsonb_build_object('a', repeat('x', 2048)))"
        )


def test_a_truncate_orders_a_resync_of_every_organization(notes, log, owner):
    notes.insert()
    owner.execute("TRUNCATE notes")

    event = log.inbox()[1]
    assert (event["kind"], event["table_name"]) == ("resync", "notes")
    assert event["organization_id"] is None


def test_a_bulk_load_past_ordinary_triggers_is_published(notes, log, superuser):
    superuser.execute("SET session_replication_role = replica")
    notes.insert(superuser)

    assert len(log.inbox()) == 1


def test_bulk_statements_are_published_row_by_row_and_ring_once(notes, log, app):
    app.execute(
        "INSERT INTO notes (id, organization_id, patient_id)"
        " SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid()"
        " FROM generate_series(1, %s)",
        [BULK],
    )
    app.execute("UPDATE notes SET number = 1")

    inbox = log.inbox()
    assert len(inbox) == 2 * BULK
    assert sum(event["rings"] for event in inbox) == 2
    assert len({event["row_id"] for event in inbox}) == BULK


def test_an_upsert_is_told_as_what_it_did(notes, log, app):
    row = notes.insert(number=1)
    app.execute(
        "INSERT INTO notes (id, organization_id, patient_id) VALUES (%s, %s, %s)"
        " ON CONFLICT (id) DO UPDATE SET number = 2",
        [row["id"], row["organization_id"], row["patient_id"]],
    )

    assert [event["operation"] for event in log.inbox()] == ["INSERT", "UPDATE"]


# Faults ---------------------------------------------------------------------------------------


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


# Control --------------------------------------------------------------------------------------


def test_a_control_event_names_users_and_what_happened(log, app):
    organization, users = uuid.uuid4(), [uuid.uuid4(), uuid.uuid4()]
    app.execute(
        "SELECT realtime_control(%s, %s, 'session_ended', %s::jsonb)",
        [organization, users, '{"session": "abc"}'],
    )

    [event] = log.inbox()
    assert (event["kind"], event["operation"]) == ("control", "session_ended")
    assert event["organization_id"] == organization
    assert event["topics"] == [f"user:{user}" for user in users]
    assert event["record"] == {"session": "abc"}


def test_a_control_event_for_a_whole_clinic_comes_in_pieces(log, app):
    app.execute(
        "SELECT realtime_control(gen_random_uuid(),"
        " (SELECT array_agg(gen_random_uuid()) FROM generate_series(1, 1200)), 'grants')"
    )

    assert sorted(len(event["topics"]) for event in log.inbox()) == [200, 500, 500]
    assert sum(event["rings"] for event in log.inbox()) == 1


def test_a_control_event_of_an_unknown_kind_is_refused(app):
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        app.execute("SELECT realtime_control(gen_random_uuid(), '{}', 'hello')")


def test_nobody_concerned_nothing_written(log, app):
    app.execute("SELECT realtime_control(gen_random_uuid(), '{}', 'grants')")
    app.execute("SELECT realtime_control(gen_random_uuid(), ARRAY[NULL::uuid], 'grants')")

    assert log.inbox() == []


# Declarations ---------------------------------------------------------------------------------


class Sheet(models.Model):  # noqa: DJ008 - nobody prints one
    """A model to compile declarations for; it never has a table."""

    patient = models.ForeignKey("Sheet", models.CASCADE)
    code = models.CharField(max_length=20)

    class Meta:
        app_label = "sheets"


def test_a_declaration_compiles_to_one_call():
    trigger = Publish(topics=["patient:{patient_id}"], columns=["id", "patient"], organization=None)

    installed = trigger.compile(Sheet)
    assert "'{patient:" not in installed.install_sql
    assert "ARRAY['patient:{patient_id}']::text[], ARRAY['id', 'patient_id']" in (
        installed.install_sql
    )
    assert "NULL, true)" in installed.install_sql
    assert "realtime_uninstall" in installed.uninstall_sql


def test_a_compiled_declaration_survives_a_migration_file():
    installed = Publish(topics=["a:{id}"], columns=["id"], organization=None).compile(Sheet)
    path, _, arguments = installed.sql.deconstruct()

    assert path == "realtime.triggers.TriggerSql"
    assert str(type(installed.sql)(**arguments)) == str(installed.sql)


@pytest.mark.parametrize(
    "declaration",
    [
        {"topics": ["patient:{patience}"], "columns": ["id"]},
        {"topics": ["patient:{id}"], "columns": ["body"]},
        {"topics": ["patient:{id}"], "columns": ["id"], "organization": "organization_id"},
    ],
)
def test_a_declaration_on_a_column_that_is_not_there_is_refused(declaration):
    with pytest.raises(ImproperlyConfigured, match="not one of its columns"):
        Publish(**{"organization": None} | declaration).compile(Sheet)


def test_published_tables_name_their_columns_as_postgresql_does(owner):
    tables = published()

    assert tables
    for name, table in tables.items():
        types = {
            row["attname"]: row["typname"]
            for row in owner.execute(
                "SELECT attname, typname FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid"
                " WHERE attrelid = %s::regclass AND attnum > 0",
                [name],
            )
        }
        assert table.columns == {column: types[column] for column in table.columns}, name
