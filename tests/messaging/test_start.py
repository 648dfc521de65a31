"""Beginning a conversation: who may, what it leaves behind, what is refused."""

from uuid import uuid4

import pytest

from messaging.actions import start_conversation
from messaging.errors import Empty, TooLong
from messaging.models import Category, Conversation, Message, Receipt, Side
from notifications.models import Notification
from portal.models import AuditEntry, Patient
from tests.messaging.writing import QUESTION, started_by


def test_a_patient_writes_to_the_whole_team_and_to_those_who_help_her(swelling, cast, acting):
    with acting(cast.ana):
        receipts = Receipt.objects.filter(message=swelling)
        told = {receipt.user_id for receipt in receipts}

    assert told == {cast.ada.user.pk, cast.noor.user.pk, cast.sam.user.pk}
    assert all(receipt.delivered_at is None and receipt.read_at is None for receipt in receipts)


def test_a_clinician_writes_to_the_patient_her_daughter_and_the_colleague(cast, acting):
    message = started_by(cast.ada, cast.ana.patient)

    with acting(cast.ada):
        told = set(Receipt.objects.filter(message=message).values_list("user_id", flat=True))
    assert told == {cast.ana.user.pk, cast.sam.user.pk, cast.noor.user.pk}
    assert message.side == Side.TEAM


def test_a_caregiver_writes_for_the_patient(cast):
    assert started_by(cast.sam, cast.ana.patient).side == Side.PATIENT


def test_everyone_who_is_sent_the_message_is_told_once(swelling, cast, system):
    with system():
        told = Notification.objects.filter(subject_id=swelling.conversation_id)
        assert {n.user_id for n in told} == {cast.ada.user.pk, cast.noor.user.pk, cast.sam.user.pk}
        assert {n.kind for n in told} == {"message"}


def test_whoever_left_the_team_is_not_sent_anything(cast, change, system):
    from django.utils import timezone

    change.place(cast.noor, ends_at=timezone.now())
    change.membership(cast.sam, ended_at=timezone.now())
    message = started_by(cast.ana, cast.ana.patient)

    with system():
        told = set(Receipt.objects.filter(message=message).values_list("user_id", flat=True))
    assert told == {cast.ada.user.pk}


@pytest.mark.parametrize("who", ["ben", "boris", "carla", "olga", "admin"])
def test_a_stranger_cannot_tell_that_the_patient_exists(cast, who):
    with pytest.raises(Patient.DoesNotExist):
        started_by(getattr(cast, who), cast.ana.patient)


@pytest.mark.parametrize("who", ["sam", "noor"])
def test_whoever_may_only_read_cannot_begin(cast, change, who):
    change.caregiver(cast.sam, scope="read")
    change.place(cast.noor, access="read")

    with pytest.raises(Patient.DoesNotExist):
        started_by(getattr(cast, who), cast.ana.patient)


@pytest.mark.parametrize("nothing", ["", "   ", "\r\n\t \n"])
def test_a_message_of_nothing_is_not_sent(cast, acting, nothing):
    with pytest.raises(Empty):
        started_by(cast.ana, cast.ana.patient, body=nothing)
    with acting(cast.ana):
        assert not Message.objects.exists()
        assert not Conversation.objects.exists()


def test_five_thousand_letters_fit_and_one_more_does_not(cast):
    whole = "é" * Message.MAX_LENGTH
    assert started_by(cast.ana, cast.ana.patient, body=whole).body == whole

    with pytest.raises(TooLong) as raised:
        started_by(cast.ana, cast.ana.patient, body=whole + "!")
    assert "5,001" in raised.value.sentence


def test_a_line_end_counts_once_however_the_browser_sends_it(cast):
    lines = "a\r\n" * (Message.MAX_LENGTH // 2)
    assert started_by(cast.ana, cast.ana.patient, body=lines).body == ("a\n" * 2500).strip()


def test_the_subject_is_one_line(cast):
    message = started_by(cast.ana, cast.ana.patient, subject="  Swelling \r\n around  the knee ")
    assert message.conversation.subject == "Swelling around the knee"


def test_the_sending_is_on_record_without_a_word_of_it(swelling, cast, acting):
    with acting(cast.admin):
        entry = AuditEntry.objects.get(action="message.sent")
    assert (entry.actor_id, entry.patient_id) == (cast.ana.user.pk, cast.ana.patient.pk)
    assert entry.subject_id == swelling.pk
    assert QUESTION not in str(vars(entry))


def test_a_nurse_who_writes_for_her_mother_speaks_for_the_patient(cast, system):
    from portal.models import Caregiver

    with system():
        Caregiver.objects.create(
            organization=cast.clinic, patient=cast.ben.patient, user=cast.noor.user, scope="write"
        )
    assert started_by(cast.noor, cast.ben.patient).side == Side.PATIENT


def test_the_action_takes_an_id_and_a_key(cast, acting):
    with acting(cast.ana):
        message = start_conversation(
            cast.ana.patient.pk,
            category=Category.PAIN,
            subject="",
            body="It hurts at night.",
            key=uuid4(),
            by=cast.ana.reader,
        )
        assert Conversation.objects.get().category == Category.PAIN
        assert Message.objects.get() == message
