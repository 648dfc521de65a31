"""Writing to one another about a patient, and reading what was written."""

from collections.abc import Callable
from datetime import datetime
from typing import cast
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from messaging.errors import Empty, PatientIsDeceased, TooLong
from messaging.models import Category, Conversation, Message, Receipt, Side
from messaging.models.receipt import ReceiptQuerySet
from messaging.recipients import recipients
from notifications.actions import mark_read_about, notify
from notifications.models import Kind
from portal import access, audit
from portal.access import Reader
from portal.models import Patient


@transaction.atomic
def start_conversation(
    patient_id: UUID,
    *,
    category: Category,
    subject: str,
    body: str,
    key: UUID,
    by: Reader,
    at: datetime | None = None,
) -> Message:
    """Begin a conversation about a patient with its first message; return that message.

    `key` is the sender's own name for this sending: the same key again returns the message that
    exists. Raises Patient.DoesNotExist when the reader may not write for the patient, Empty,
    TooLong, and PatientIsDeceased.
    """
    patient = access.writable_patients(by).get(pk=patient_id)
    _check(patient, body)

    def begin() -> Conversation:
        conversation = Conversation(
            organization_id=by.organization_id,
            patient=patient,
            category=category,
            created_by_id=by.user_id,
            created_at=at or timezone.now(),
        )
        conversation.subject = subject.strip()
        conversation.save(force_insert=True)
        return conversation

    return _send_once(patient, begin, body=body, key=key, by=by, at=at)


@transaction.atomic
def reply(
    conversation_id: UUID, *, body: str, key: UUID, by: Reader, at: datetime | None = None
) -> Message:
    """Add a message to a conversation; return it. Whoever replies has read what came before.

    Raises Conversation.DoesNotExist when the reader may not write there, and what
    `start_conversation` raises.
    """
    conversation = (
        access.of_writable_patients(Conversation.objects.all(), by)
        .select_related("patient")
        .get(pk=conversation_id)
    )
    _check(conversation.patient, body)
    message = _send_once(
        conversation.patient, lambda: conversation, body=body, key=key, by=by, at=at
    )
    mark_read(conversation_id, by=by)
    return message


@transaction.atomic
def mark_read(conversation_id: UUID, *, by: Reader) -> int:
    """Note that the reader has read a conversation; return how many messages were new to them.

    The notifications that told of them are read with it: nothing has to be cleared twice. Raises
    Conversation.DoesNotExist.
    """
    conversation = access.of_visible_patients(Conversation.objects.all(), by).get(
        pk=conversation_id
    )
    now = timezone.now()
    number = (
        _mine(by)
        .unread()
        .filter(conversation=conversation)
        .update(read_at=now, delivered_at=Coalesce(F("delivered_at"), now))
    )
    mark_read_about(conversation.pk, by=by)
    if number:
        audit.record(
            "message.read",
            organization_id=by.organization_id,
            actor_id=by.user_id,
            subject=conversation,
            number=number,
        )
    return number


@transaction.atomic
def mark_delivered(*, by: Reader) -> int:
    """Note that what was sent to the reader has reached a screen of theirs; return how many."""
    return _mine(by).filter(delivered_at=None).update(delivered_at=timezone.now())


def unread(reader: Reader) -> int:
    """How many messages the reader has not read: the one number that every badge shows."""
    return _mine(reader).unread().count()


def _mine(reader: Reader) -> ReceiptQuerySet:
    mine = Receipt.objects.filter(user_id=reader.user_id)
    return cast(ReceiptQuerySet, access.of_visible_patients(mine, reader))


def _check(patient: Patient, body: str) -> None:
    if patient.is_deceased:
        raise PatientIsDeceased
    if not body.strip():
        raise Empty
    if len(body) > Message.MAX_LENGTH:
        raise TooLong(len(body), Message.MAX_LENGTH)


def _send_once(
    patient: Patient,
    find_conversation: Callable[[], Conversation],
    *,
    body: str,
    key: UUID,
    by: Reader,
    at: datetime | None,
) -> Message:
    sent = Message.objects.filter(
        organization_id=by.organization_id, author_id=by.user_id, idempotency_key=key
    )
    if message := sent.first():
        return message
    try:
        # A savepoint: the loser of a race still reads the winner's message in this transaction.
        with transaction.atomic():
            return _send(patient, find_conversation(), body=body, key=key, by=by, at=at)
    except IntegrityError:
        return sent.get()


def _send(
    patient: Patient,
    conversation: Conversation,
    *,
    body: str,
    key: UUID,
    by: Reader,
    at: datetime | None,
) -> Message:
    message = Message(
        organization_id=by.organization_id,
        patient=patient,
        conversation=conversation,
        author_id=by.user_id,
        side=Side(by.side),
        idempotency_key=key,
        sent_at=at or timezone.now(),
    )
    message.body = body.strip()
    message.save(force_insert=True)
    told = recipients(patient, author_id=by.user_id)
    Receipt.objects.bulk_create(
        Receipt(
            organization_id=by.organization_id,
            patient=patient,
            conversation=conversation,
            message=message,
            user_id=user_id,
        )
        for user_id in told
    )
    notify(told, Kind.MESSAGE, patient=patient, subject_id=conversation.pk)
    audit.record(
        "message.sent", organization_id=by.organization_id, actor_id=by.user_id, subject=message
    )
    return message
