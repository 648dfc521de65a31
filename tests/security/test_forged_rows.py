"""Rows in somebody else's name, written past the application: row-level security refuses them."""

from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection, transaction

from care.models import VitalSign
from messaging.models import Conversation, Message, Receipt, Side
from notifications.models import Kind, Notification
from portal.identifiers import uuid7
from portal.models import AuditEntry, Membership, Role, User

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def refused(write) -> bool:
    try:
        with transaction.atomic():
            write()
    except DatabaseError as error:
        return getattr(error.__cause__, "sqlstate", "") == "42501"
    return False


@pytest.fixture
def talk(cast, system):
    """A conversation about Ana and one about Ben, each with a message of its patient."""

    def begin(who):
        conversation = Conversation(
            organization=who.organization, patient=who.patient, category="pain", created_by=who.user
        )
        conversation.subject = "Pain"
        conversation.save(force_insert=True)
        message = said(conversation, who)
        message.save(force_insert=True)
        return conversation, message

    with system():
        return {"ana": begin(cast.ana), "ben": begin(cast.ben)}


def said(conversation, author, side=Side.PATIENT, patient=None) -> Message:
    message = Message(
        organization=author.organization,
        patient=patient or conversation.patient,
        conversation=conversation,
        author=author.user,
        side=side,
        idempotency_key=uuid7(),
    )
    message.body = "Good morning"
    return message


def sent(message, to, **times) -> Receipt:
    return Receipt(
        organization=to.organization,
        patient=message.patient,
        conversation=message.conversation,
        message=message,
        user=to.user,
        **times,
    )


def test_nobody_writes_a_message_in_anothers_name(acting, ana, ada, talk):
    with acting(ana):
        assert refused(lambda: said(talk["ana"][0], ada).save(force_insert=True))


def test_a_patient_does_not_speak_for_the_care_team(acting, ana, ada, talk):
    with acting(ana):
        assert refused(lambda: said(talk["ana"][0], ana, Side.TEAM).save(force_insert=True))
    with acting(ada):
        said(talk["ana"][0], ada, Side.TEAM).save(force_insert=True)


def test_a_message_is_not_put_into_a_conversation_about_somebody_else(acting, ana, talk):
    with acting(ana):
        stray = said(talk["ben"][0], ana, patient=ana.patient)
        assert refused(lambda: stray.save(force_insert=True))


@pytest.mark.parametrize("times", [{"read_at": NOW}, {"delivered_at": NOW}])
def test_nobody_says_for_another_that_they_have_read(acting, ana, ada, talk, times):
    with acting(ana):
        receipts = [sent(talk["ana"][1], ada, **times)]
        assert refused(lambda: Receipt.objects.bulk_create(receipts))


def test_receipts_are_for_messages_of_ones_own(acting, ana, ada, noor, talk):
    with acting(ada):
        assert refused(lambda: Receipt.objects.bulk_create([sent(talk["ana"][1], noor)]))
    with acting(ana):
        Receipt.objects.bulk_create([sent(talk["ana"][1], noor)])


def test_a_notification_is_not_made_read_for_another(acting, ana, ada):
    told = Notification(
        organization=ana.organization,
        user=ada.user,
        patient=ana.patient,
        kind=Kind.MESSAGE,
        read_at=NOW,
    )
    with acting(ana):
        assert refused(lambda: Notification.objects.bulk_create([told]))


def test_a_reading_is_recorded_in_ones_own_name(acting, ana, ada):
    reading = VitalSign(
        organization=ana.organization,
        patient=ana.patient,
        code="8867-4",
        display="Pulse",
        measured_at=NOW,
        value=72,
        unit="/min",
        recorded_by=ada.user,
    )
    with acting(ana):
        assert refused(lambda: reading.save(force_insert=True))


def test_nobody_puts_on_record_what_another_did(acting, ana, ada):
    entry = AuditEntry(organization=ana.organization, actor_id=ada.user.pk, action="patient.read")
    with acting(ana):
        assert refused(lambda: AuditEntry.objects.bulk_create([entry]))


@pytest.mark.parametrize(
    "change",
    ["is_superuser = true", "email = 'me@evil.example'", "name = 'Ada Lee'", "date_joined = now()"],
)
@pytest.mark.parametrize("who", ["ana", "admin"])
def test_what_a_user_is_does_not_change(request, acting, who, change):
    person = request.getfixturevalue(who)
    with acting(person), connection.cursor() as cursor:
        assert refused(
            lambda: cursor.execute(f"UPDATE users SET {change} WHERE id = %s", [person.user.pk])
        )


def test_nobody_makes_a_superuser(system):
    with system():
        assert refused(lambda: User.objects.create_user("x@evil.example", is_superuser=True))


def test_proving_who_one_is_gives_no_place_anywhere(cast, carla, clinic):
    from portal import tenancy

    with transaction.atomic():
        tenancy.bind(clinic.pk, None)
        tenancy.prove(str(carla.user.pk))
        place = Membership(organization=clinic, user=carla.user, role=Role.ADMIN)
        assert refused(lambda: place.save(force_insert=True))


@pytest.mark.usefixtures("committed")
def test_a_superuser_that_the_owner_made_is_nobody(client_for, ada):
    User.objects.using("owner").filter(pk=ada.user.pk).update(is_superuser=True)

    assert client_for(ada).get("/admin/").status_code == 404
