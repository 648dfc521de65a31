"""Sent twice on a slow line, a message exists once; other words are never taken for it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone

from messaging.errors import AlreadySent
from messaging.models import Conversation, Message, Receipt
from notifications.models import Notification
from tests.messaging.writing import QUESTION, answered_by, started_by

KEY = uuid4()


def test_the_same_key_again_returns_the_first_message(cast, acting, conversation):
    first = answered_by(cast.ada, conversation, key=KEY)
    again = answered_by(cast.ada, conversation, key=KEY)

    assert again.pk == first.pk
    with acting(cast.ana):
        assert Message.objects.filter(conversation=conversation).count() == 2
        assert Receipt.objects.filter(message=first).count() == 3


def test_the_same_key_begins_one_conversation(cast, acting):
    first = started_by(cast.ana, cast.ana.patient, key=KEY)
    again = started_by(cast.ana, cast.ana.patient, key=KEY)

    assert again.pk == first.pk
    with acting(cast.ana):
        assert Conversation.objects.count() == 1


def test_a_key_is_its_authors_own(cast, acting, conversation):
    answered_by(cast.ada, conversation, key=KEY)
    answered_by(cast.noor, conversation, key=KEY)

    with acting(cast.ana):
        assert Message.objects.filter(idempotency_key=KEY).count() == 2


def test_other_words_under_a_used_key_are_not_taken_as_sent(cast, acting, conversation):
    answered_by(cast.ada, conversation, key=KEY, body="Please rest.")

    with pytest.raises(AlreadySent):
        answered_by(cast.ada, conversation, key=KEY, body="Please come in today.")
    with acting(cast.ana):
        assert Message.objects.filter(idempotency_key=KEY).get().body == "Please rest."


def test_a_key_used_for_a_patient_who_is_out_of_sight_sends_nothing(cast, change, system):
    from portal.models import CareTeamMembership

    with system():
        CareTeamMembership.objects.create(
            organization=cast.clinic, patient=cast.ben.patient, provider=cast.ada.provider
        )
    started_by(cast.ada, cast.ben.patient, key=KEY)
    with system():
        CareTeamMembership.objects.filter(
            patient=cast.ben.patient, provider=cast.ada.provider
        ).update(ends_at=timezone.now())

    with pytest.raises(AlreadySent):
        started_by(cast.ada, cast.ana.patient, key=KEY)


def at_the_same_time(send):
    """Call `send` from two threads at once, each on its own connection."""
    together = Barrier(2, timeout=60)

    def one(_):
        try:
            together.wait()
            return send()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(one, range(2)))


def test_two_windows_send_the_same_first_message_at_once(committed, cast, system):
    for key in [uuid4() for _ in range(8)]:
        first, second = at_the_same_time(
            lambda key=key: started_by(cast.ana, cast.ana.patient, key=key)
        )
        assert first.pk == second.pk

    with system():
        assert Message.objects.count() == 8
        assert Conversation.objects.count() == 8
        assert Receipt.objects.count() == 8 * 3
        assert Notification.objects.count() == 8 * 3


def test_two_windows_send_the_same_answer_at_once(committed, cast, system):
    conversation = started_by(cast.ana, cast.ana.patient).conversation
    for key in [uuid4() for _ in range(8)]:
        first, second = at_the_same_time(
            lambda key=key: answered_by(cast.ada, conversation, key=key)
        )
        assert first.pk == second.pk

    with system():
        assert Message.objects.filter(author=cast.ada.user).count() == 8
        assert {message.body for message in Message.objects.filter(author=cast.ana.user)} == {
            QUESTION
        }


def test_two_windows_of_one_person_read_at_once(committed, cast, system):
    from tests.messaging.writing import read_by

    conversation = started_by(cast.ana, cast.ana.patient).conversation
    for _ in range(5):
        for number in range(10):
            answered_by(cast.ana, conversation, body=f"again {number}")
        assert sum(at_the_same_time(lambda: read_by(cast.ada, conversation))) in (10, 11)
