"""Messages by raw SQL, as each person: the second wall, without the first."""

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from portal.identifiers import uuid7
from tests.messaging.writing import answered_by, read_by

TABLES = (
    "client_portal_conversations",
    "client_portal_messages",
    "client_portal_message_receipts",
)
ENTITLED = ("ana", "sam", "ada", "noor")
STRANGERS = ("ben", "boris", "carla", "olga", "admin", "other_admin")


def run(sql, *parameters):
    """Run a statement; return how many rows it touched, refused counting as none."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.rowcount
    except DatabaseError as error:
        if "row-level security" in str(error) or "permission denied" in str(error):
            return 0
        raise


def count(table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("table", TABLES)
def test_the_entitled_see_all_of_it_and_strangers_nothing(cast, acting, conversation, table):
    for name in ENTITLED:
        with acting(getattr(cast, name)):
            assert count(table) > 0, name
    for name in STRANGERS:
        with acting(getattr(cast, name)):
            assert count(table) == 0, name


def test_nobody_changes_or_deletes_what_was_said(cast, acting, conversation, system):
    for name in (*ENTITLED, *STRANGERS):
        with acting(getattr(cast, name)):
            assert run("UPDATE client_portal_messages SET sent_at = now()") == 0, name
            for table in TABLES:
                assert run(f"DELETE FROM {table}") == 0, (name, table)
    with system():
        for table in TABLES:
            assert run(f"DELETE FROM {table}") == 0


def insert_message(conversation, author):
    return run(
        "INSERT INTO client_portal_messages (id, organization_id, patient_id, conversation_id,"
        " author_id, side, body_sealed, idempotency_key, sent_at)"
        " VALUES (%s, %s, %s, %s, %s, 'team', 'x', %s, now())",
        uuid7(),
        conversation.organization_id,
        conversation.patient_id,
        conversation.pk,
        author.user.pk,
        uuid7(),
    )


def test_nobody_writes_in_anothers_name(cast, acting, conversation):
    with acting(cast.ada):
        assert insert_message(conversation, cast.noor) == 0
        assert insert_message(conversation, cast.ada) == 1


@pytest.mark.parametrize("who", STRANGERS)
def test_a_stranger_writes_nothing_into_it(cast, acting, conversation, who):
    person = getattr(cast, who)
    with acting(person):
        assert insert_message(conversation, person) == 0


def test_whoever_may_only_read_writes_nothing(cast, acting, change, conversation):
    change.place(cast.noor, access="read")
    change.caregiver(cast.sam, scope="read")
    for person in (cast.noor, cast.sam):
        with acting(person):
            assert count("client_portal_messages") == 1
            assert insert_message(conversation, person) == 0


def test_nobody_says_for_another_that_they_have_read(cast, acting, conversation):
    with acting(cast.ana):
        assert run("UPDATE client_portal_message_receipts SET read_at = now()") == 0
    with acting(cast.noor):
        assert run("UPDATE client_portal_message_receipts SET read_at = now()") == 1


def test_a_receipt_stays_with_its_person_and_patient(cast, acting, conversation):
    with acting(cast.noor), pytest.raises(DatabaseError):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE client_portal_message_receipts SET user_id = %s WHERE user_id = %s",
                [cast.ada.user.pk, cast.noor.user.pk],
            )


def test_without_a_context_there_is_nothing(cast, conversation):
    for table in (*TABLES, "portal_notifications"):
        assert count(table) == 0


def test_a_context_of_another_clinic_shows_nothing(cast, conversation):
    from portal.tenancy import acting_for

    with acting_for(cast.other_clinic.pk, cast.ada.user.pk):
        for table in TABLES:
            assert count(table) == 0
    with acting_for(cast.other_clinic.pk, system=True):
        for table in TABLES:
            assert count(table) == 0


def test_the_engine_may_read_none_of_it(committed, cast, database_urls):
    from tests.messaging.writing import started_by

    conversation = started_by(cast.ana, cast.ana.patient).conversation
    answered_by(cast.ada, conversation)
    read_by(cast.ana, conversation)
    with psycopg.connect(database_urls.engine, autocommit=True) as engine:
        assert engine.execute("SELECT current_user").fetchone() == (settings.ENGINE_ROLE,)
        for table in (*TABLES, "portal_notifications", "appointments"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                engine.execute(f"SELECT * FROM {table}")


def test_each_person_reads_their_own_notifications_only(cast, acting, conversation):
    for name in ("ada", "noor", "sam"):
        with acting(getattr(cast, name)):
            assert count("portal_notifications") == 1, name
    for name in ("ana", *STRANGERS):
        with acting(getattr(cast, name)):
            assert count("portal_notifications") == 0, name


def test_nobody_marks_anothers_notification(cast, acting, conversation):
    with acting(cast.ana):
        assert run("UPDATE portal_notifications SET read_at = now()") == 0
    with acting(cast.ada):
        assert run("UPDATE portal_notifications SET read_at = now()") == 1


def test_a_stranger_tells_nobody_anything(cast, acting):
    with acting(cast.boris):
        told = run(
            "INSERT INTO portal_notifications (id, organization_id, user_id, patient_id, kind,"
            " created_at) VALUES (%s, %s, %s, %s, 'message', now())",
            uuid7(),
            cast.clinic.pk,
            cast.ada.user.pk,
            cast.ana.patient.pk,
        )
    assert told == 0
