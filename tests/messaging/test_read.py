"""Reading: who has read what, and what is said of it to whom."""

import pytest
from django.db.models import F
from django.utils import timezone

from messaging.actions import mark_delivered, unread
from messaging.models import Conversation, Receipt
from notifications.actions import unread as notifications_unread
from portal.models import AuditEntry
from tests.messaging.writing import answered_by, read_by


def test_reading_is_per_person(cast, acting, conversation):
    assert read_by(cast.ada, conversation) == 1

    with acting(cast.ada):
        assert unread(cast.ada.reader) == 0
    with acting(cast.noor):
        assert unread(cast.noor.reader) == 1


def test_reading_twice_changes_nothing(cast, acting, conversation):
    read_by(cast.ada, conversation)
    with acting(cast.ada):
        first = Receipt.objects.get(user=cast.ada.user).read_at

    assert read_by(cast.ada, conversation) == 0
    with acting(cast.ada):
        assert Receipt.objects.get(user=cast.ada.user).read_at == first


def test_only_what_was_before_the_reader_is_read(cast, acting, conversation, swelling):
    answered_by(cast.ana, conversation, body="And now it is red.")

    assert read_by(cast.ada, conversation, seen=swelling.pk) == 1
    with acting(cast.ada):
        assert unread(cast.ada.reader) == 1
        # The bell still rings for the one that is left.
        assert notifications_unread(cast.ada.reader) == 2


def test_a_message_of_another_conversation_was_not_before_the_reader(cast, conversation):
    from tests.messaging.writing import started_by

    elsewhere = started_by(cast.ana, cast.ana.patient, subject="Another matter")
    assert read_by(cast.ada, conversation, seen=elsewhere.pk) == 0


def test_the_bell_is_quiet_when_the_conversation_is_read(cast, acting, conversation):
    answered_by(cast.ana, conversation, body="And now it is red.")
    read_by(cast.ada, conversation)

    with acting(cast.ada):
        assert notifications_unread(cast.ada.reader) == 0
    with acting(cast.noor):
        assert notifications_unread(cast.noor.reader) == 2


def test_whoever_may_only_read_also_reads(cast, acting, change, conversation):
    change.place(cast.noor, access="read")
    change.caregiver(cast.sam, scope="read")

    for person in (cast.noor, cast.sam):
        assert read_by(person, conversation) == 1
        with acting(person):
            assert unread(person.reader) == 0


@pytest.mark.parametrize("who", ["ben", "boris", "carla", "olga", "admin"])
def test_a_stranger_cannot_tell_that_there_is_something_to_read(cast, conversation, who):
    with pytest.raises(Conversation.DoesNotExist):
        read_by(getattr(cast, who), conversation)


def test_what_is_read_was_delivered_too(cast, acting, conversation):
    read_by(cast.ada, conversation)

    with acting(cast.ada):
        assert Receipt.objects.filter(user=cast.ada.user, delivered_at=F("read_at")).exists()


def test_delivery_is_noted_once_and_says_nothing_of_reading(cast, acting, conversation):
    with acting(cast.ada):
        assert mark_delivered(by=cast.ada.reader) == 1
        delivered_at = Receipt.objects.get(user=cast.ada.user).delivered_at
        assert mark_delivered(by=cast.ada.reader) == 0
        assert unread(cast.ada.reader) == 1

    read_by(cast.ada, conversation)
    with acting(cast.ada):
        assert Receipt.objects.get(user=cast.ada.user).delivered_at == delivered_at


def test_nothing_is_unread_of_a_patient_whom_one_may_no_longer_see(
    cast, acting, change, conversation
):
    change.place(cast.ada, ends_at=timezone.now())

    with acting(cast.ada):
        assert unread(cast.ada.reader) == 0


def test_reading_is_on_record_once_with_its_number(cast, acting, conversation):
    answered_by(cast.ana, conversation, body="And now it is red.")
    read_by(cast.ada, conversation)
    read_by(cast.ada, conversation)

    with acting(cast.admin):
        entry = AuditEntry.objects.get(action="message.read", actor_id=cast.ada.user.pk)
    assert (entry.patient_id, entry.detail) == (cast.ana.patient.pk, {"number": 2})
