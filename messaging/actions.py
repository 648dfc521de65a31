"""Writing to one another about a patient, and reading what was written."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from messaging.errors import AlreadySent, Empty, NobodyReads, PatientIsDeceased, TooLong
from messaging.models import Category, Conversation, Message, Receipt, Side
from messaging.models.receipt import ReceiptQuerySet
from notifications.actions import mark_read_about, notify
from notifications.models import Kind
from portal import access, audit
from portal.access import Reader
from portal.models import Patient

# The constraint that settles a race between two sendings of one message.
SENT_ONCE = "message_sent_once"


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

    It is addressed to the care team, never to a name. `key` is the sender's own name for this
    sending: the same key again returns the message that exists. Raises Patient.DoesNotExist when
    the reader may not write for the patient, and what `_check` and `_send_once` raise.
    """
    patient = access.writable_patients(by).get(pk=patient_id)
    text = _check(patient, body)

    def begin() -> Conversation:
        conversation = Conversation(
            organization_id=by.organization_id,
            patient=patient,
            category=category,
            created_by_id=by.user_id,
            created_at=at or timezone.now(),
        )
        conversation.subject = " ".join(subject.split())
        conversation.save(force_insert=True)
        return conversation

    return _send_once(patient, begin, text=text, key=key, by=by, at=at)


@transaction.atomic
def reply(
    conversation_id: UUID,
    *,
    body: str,
    key: UUID,
    by: Reader,
    at: datetime | None = None,
    seen: UUID | None = None,
) -> Message:
    """Add a message to a conversation; return it.

    Whoever replies has read what they had before them: everything up to the message `seen`, or
    everything there was when it is None. Raises Conversation.DoesNotExist when the reader may not
    write there, and what `start_conversation` raises.
    """
    conversation = (
        access.of_writable_patients(Conversation.objects.all(), by)
        .select_related("patient")
        .get(pk=conversation_id)
    )
    text = _check(conversation.patient, body)
    message = _send_once(
        conversation.patient, lambda: conversation, text=text, key=key, by=by, at=at
    )
    mark_read(conversation_id, seen=seen or message.pk, by=by)
    return message


@transaction.atomic
def mark_read(conversation_id: UUID, *, by: Reader, seen: UUID | None = None) -> int:
    """Note that the reader has read a conversation; return how many messages were new to them.

    `seen` is the last message that was before them: what arrived after it stays unread. None means
    all of it. When nothing unread is left, the notifications about the conversation are read with
    it, so that nothing has to be cleared twice. Raises Conversation.DoesNotExist.
    """
    conversation = access.of_visible_patients(Conversation.objects.all(), by).get(
        pk=conversation_id
    )
    unread_here = _mine(by).unread().filter(conversation=conversation)
    number = _stamp(unread_here.filter(_up_to(conversation, seen)), read=True)
    if not unread_here.exists():
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
    return _stamp(_mine(by).filter(delivered_at=None), read=False)


def unread(reader: Reader) -> int:
    """How many messages the reader has not read: the one number that every badge shows."""
    return _mine(reader).unread().count()


def undelivered(reader: Reader) -> bool:
    """Whether something was sent to the reader that no screen of theirs has shown yet."""
    return _mine(reader).filter(delivered_at=None).exists()


def is_read(patient: Patient, *, by: Reader) -> bool:
    """Whether somebody of the patient's care team can sign in, and reads what their side writes."""
    return access.reachable_places(by).filter(patient=patient).exists()


def _mine(reader: Reader) -> ReceiptQuerySet:
    mine = Receipt.objects.filter(user_id=reader.user_id)
    return access.of_visible_patients(mine, reader)


def _up_to(conversation: Conversation, seen: UUID | None) -> Q:
    if seen is None:
        return Q()
    last = Message.objects.filter(conversation=conversation, pk=seen).first()
    if last is None:
        # Not of this conversation: then nothing of it was before the reader.
        return Q(pk=None)
    return Q(message__sent_at__lt=last.sent_at) | Q(
        message__sent_at=last.sent_at, message_id__lte=last.pk
    )


def _stamp(receipts: ReceiptQuerySet, *, read: bool) -> int:
    # Locked in one order: two windows of one person often say the same at the same time.
    found = list(
        receipts.order_by("pk").select_for_update(of=["self"]).values_list("pk", flat=True)
    )
    now = timezone.now()
    times: dict[str, object] = {"delivered_at": Coalesce(F("delivered_at"), now)}
    if read:
        times["read_at"] = now
    return Receipt.objects.filter(pk__in=found).update(**times)


def _check(patient: Patient, body: str) -> str:
    """Return the text to send. Raises PatientIsDeceased, Empty and TooLong."""
    # A browser sends each line's end as two characters; a person typed one.
    text = body.replace("\r\n", "\n").strip()
    if patient.is_deceased:
        raise PatientIsDeceased
    if not text:
        raise Empty
    if len(text) > Message.MAX_LENGTH:
        raise TooLong(len(text), Message.MAX_LENGTH)
    return text


def _send_once(
    patient: Patient,
    find_conversation: Callable[[], Conversation],
    *,
    text: str,
    key: UUID,
    by: Reader,
    at: datetime | None,
) -> Message:
    """Send, or return what this key sent before.

    Raises AlreadySent when that said other words, and NobodyReads.
    """
    sent = Message.objects.filter(
        organization_id=by.organization_id, author_id=by.user_id, idempotency_key=key
    )
    if message := sent.first():
        return _same(message, patient, text)
    try:
        # A savepoint: the loser of a race still reads the winner's message in this transaction.
        with transaction.atomic():
            return _send(patient, find_conversation(), text=text, key=key, by=by, at=at)
    except IntegrityError as error:
        if SENT_ONCE not in str(error):
            raise
        # Not found: it was about a patient whom the sender may no longer see.
        if (message := sent.first()) is None:
            raise AlreadySent from None
        return _same(message, patient, text)


def _same(message: Message, patient: Patient, text: str) -> Message:
    # A form that was sent, found again by the Back button and filled with other words, would
    # otherwise look sent while its words are nowhere.
    if message.patient_id != patient.pk or message.body != text:
        raise AlreadySent
    return message


def _send(
    patient: Patient,
    conversation: Conversation,
    *,
    text: str,
    key: UUID,
    by: Reader,
    at: datetime | None,
) -> Message:
    side = _side(patient, by)
    if side == Side.PATIENT and not is_read(patient, by=by):
        raise NobodyReads
    message = Message(
        organization_id=by.organization_id,
        patient=patient,
        conversation=conversation,
        author_id=by.user_id,
        side=side,
        idempotency_key=key,
        sent_at=at or timezone.now(),
    )
    message.body = text
    message.save(force_insert=True)
    told = [user_id for user_id in access.entitled_users(patient) if user_id != by.user_id]
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


def _side(patient: Patient, by: Reader) -> Side:
    """A nurse who writes for her own mother speaks for the patient there, not for the team."""
    on_the_team = access.care_team_patients(by).filter(pk=patient.pk).exists()
    return Side.TEAM if on_the_team else Side.PATIENT
