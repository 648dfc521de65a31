"""What is written is sealed at rest, and opens only in its own row."""

import psycopg
import pytest
from django.db import connection

from messaging.models import Conversation, Message
from portal.identifiers import uuid7
from portal.sealing import CannotOpen
from tests.messaging.writing import QUESTION, answered_by, started_by


def test_neither_body_nor_subject_is_in_the_database(cast, acting, conversation, system):
    with system(), connection.cursor() as cursor:
        for table in ("client_portal_messages", "client_portal_conversations"):
            cursor.execute(f"SELECT t::text FROM {table} AS t")
            rows = str(cursor.fetchall())
            for words in (QUESTION, "Swelling"):
                assert words not in rows
                assert words.encode().hex() not in rows


def test_a_reader_reads_what_was_written(cast, acting, swelling):
    with acting(cast.noor):
        assert Message.objects.get(pk=swelling.pk).body == QUESTION
        assert Conversation.objects.get().subject == "Swelling"


@pytest.mark.parametrize("field", ["id", "organization_id"])
def test_a_body_moved_to_another_row_or_clinic_does_not_open(swelling, field):
    setattr(swelling, field, uuid7())
    with pytest.raises(CannotOpen):
        _ = swelling.body


def test_a_body_changed_by_one_bit_does_not_open(swelling):
    sealed = bytearray(swelling.body_sealed)
    sealed[-1] ^= 1
    swelling.body_sealed = bytes(sealed)
    with pytest.raises(CannotOpen):
        _ = swelling.body


def test_the_same_words_are_never_sealed_alike(cast, conversation):
    first = answered_by(cast.ada, conversation, body="Yes.")
    second = answered_by(cast.ada, conversation, body="Yes.")
    assert bytes(first.body_sealed) != bytes(second.body_sealed)


def test_nothing_that_was_written_travels_with_the_event(committed, cast, database_urls):
    started_by(cast.ana, cast.ana.patient)

    with psycopg.connect(database_urls.superuser) as superuser:
        events = superuser.execute("SELECT event::text FROM realtime_inbox AS event").fetchall()
    assert len(events) > 5
    for words in (QUESTION, "Swelling", "wound"):
        assert words not in str(events)
