"""Answering: who may, in what order it stands, and what it says about the one who answers."""

from datetime import timedelta

import pytest
from django.utils import timezone

from messaging.actions import unread
from messaging.models import Conversation, Message, Side
from tests.messaging.writing import answered_by, started_by


def test_an_answer_joins_the_conversation_and_reaches_the_patient(cast, acting, conversation):
    answer = answered_by(cast.ada, conversation)

    with acting(cast.ana):
        assert list(Message.objects.filter(conversation=conversation))[-1] == answer
        assert unread(cast.ana.reader) == 1
    assert answer.side == Side.TEAM


@pytest.mark.parametrize("who", ["ben", "boris", "carla", "olga", "admin"])
def test_a_stranger_cannot_tell_that_the_conversation_exists(cast, conversation, who):
    with pytest.raises(Conversation.DoesNotExist):
        answered_by(getattr(cast, who), conversation)


@pytest.mark.parametrize("who", ["sam", "noor"])
def test_whoever_may_only_read_cannot_answer(cast, change, conversation, who):
    change.caregiver(cast.sam, scope="read")
    change.place(cast.noor, access="read")

    with pytest.raises(Conversation.DoesNotExist):
        answered_by(getattr(cast, who), conversation)


def test_a_right_that_has_ended_answers_nothing(cast, change, conversation):
    change.place(cast.ada, ends_at=timezone.now())

    with pytest.raises(Conversation.DoesNotExist):
        answered_by(cast.ada, conversation)


def test_messages_stand_in_the_order_in_which_they_were_sent(cast, acting, conversation):
    now = timezone.now()
    answered_by(cast.ada, conversation, body="third", at=now + timedelta(seconds=2))
    answered_by(cast.ada, conversation, body="second", at=now + timedelta(seconds=1))

    with acting(cast.ana):
        assert [m.body for m in Message.objects.filter(conversation=conversation)][1:] == [
            "second",
            "third",
        ]


def test_twenty_messages_of_one_instant_keep_their_order(cast, acting, conversation):
    now = timezone.now()
    texts = [f"message {number}" for number in range(20)]
    for text in texts:
        answered_by(cast.ada, conversation, body=text, at=now)

    with acting(cast.ana):
        assert [m.body for m in Message.objects.filter(conversation=conversation)][1:] == texts


def test_whoever_answers_has_read_what_came_before(cast, acting, conversation):
    answered_by(cast.ada, conversation)

    with acting(cast.ada):
        assert unread(cast.ada.reader) == 0
    with acting(cast.noor):
        assert unread(cast.noor.reader) == 2


def test_what_arrived_while_she_was_typing_stays_unread(cast, acting, conversation, swelling):
    answered_by(cast.ana, conversation, body="And now it is red.")
    answered_by(cast.ada, conversation, seen=swelling.pk)

    with acting(cast.ada):
        assert unread(cast.ada.reader) == 1


def test_a_conversation_of_one_patient_never_leads_to_another(cast, acting, conversation):
    other = started_by(cast.ben, cast.ben.patient)

    with acting(cast.ana):
        assert not Message.objects.filter(pk=other.pk).exists()
    with acting(cast.boris):
        assert [m.pk for m in Message.objects.all()] == [other.pk]
