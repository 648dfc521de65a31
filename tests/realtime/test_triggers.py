"""What a published table says of its changes."""

import json
import uuid

import psycopg
import pytest

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


@pytest.fixture
def conditional(notes, owner):
    """Notes of which a hidden one is told to the provider and not to the patient."""
    owner.execute("ALTER TABLE notes ADD COLUMN hidden boolean")
    notes.publish(
        topics=("patient:{patient_id} unless {hidden}", "provider:{provider_id} if {hidden}")
    )
    return notes


@pytest.mark.parametrize(("hidden", "kind"), [(False, "patient"), (True, "provider"), (None, "")])
def test_a_topic_may_depend_on_what_the_row_says(conditional, log, hidden, kind):
    row = conditional.insert(provider_id=uuid.uuid4(), hidden=hidden)

    told = [event["topics"] for event in log.inbox()]
    assert told == ([[f"{kind}:{row[f'{kind}_id']}"]] if kind else [])


def test_who_may_hear_of_it_no_more_is_told_the_key_alone(conditional, log, app):
    row = conditional.insert(provider_id=uuid.uuid4(), hidden=False, number=5)
    app.execute("UPDATE notes SET hidden = true")

    _, left, updated = log.inbox()
    assert audience(left) == ("DELETE", [f"patient:{row['patient_id']}"])
    assert left["old_record"] == {"id": str(row["id"])}
    assert audience(updated) == ("UPDATE", [f"provider:{row['provider_id']}"])


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


def test_ten_megabytes_travel_as_a_key_and_what_is_no_text_is_not_written(notes, log, app):
    notes.publish(columns=("id", "body"))
    large = notes.insert(body="x" * 10_000_000)
    with pytest.raises(psycopg.errors.CharacterNotInRepertoire):
        app.execute("UPDATE notes SET body = convert_from('\\xff6e6f'::bytea, 'UTF8')")
    # The ends of lines of JavaScript, a mark of byte order, writing turned round, the last of all.
    strange = "\u2028\ufeff\u202e\U0010ffff\x01\\u0000"
    notes.insert(body=strange)

    first, second = log.inbox()
    assert first["record"] == {"id": str(large["id"])}
    assert second["record"]["body"] == strange


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
