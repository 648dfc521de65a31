"""Lists of conversations: what is unread, what waits for an answer, and what was said last."""

from collections.abc import Iterable

from django.db.models import Case, Count, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from messaging.models import Conversation, Message, Receipt, Side
from portal import access
from portal.access import Reader
from portal.models import Patient

# A list is for finding the next thing to do, not for reading everything ever written.
LONGEST = 100

UNANSWERED = Q(last_side=Side.PATIENT)


def conversations(reader: Reader, patient: Patient | None = None) -> "QuerySet[Conversation]":
    """The reader's conversations, annotated with `unread`, `last_at`, `last_side`, `last_id`.

    For the care team what needs somebody comes first: unread, then unanswered; otherwise, and for
    the patient's side, the newest comes first.
    """
    latest = Message.objects.filter(conversation=OuterRef("pk")).order_by("-sent_at", "-pk")
    unread = (
        Receipt.objects.unread()
        .filter(conversation=OuterRef("pk"), user_id=reader.user_id)
        .order_by()
        .values("conversation")
        .annotate(number=Count("pk"))
        .values("number")
    )
    found = access.of_visible_patients(Conversation.objects.all(), reader)
    if patient is not None:
        found = found.filter(patient=patient)
    found = found.select_related("patient").annotate(
        unread=Coalesce(Subquery(unread), 0),
        last_at=Subquery(latest.values("sent_at")[:1]),
        last_side=Subquery(latest.values("side")[:1]),
        last_id=Subquery(latest.values("pk")[:1]),
    )
    if not reader.is_clinical:
        return found.order_by("-last_at")
    need = Case(
        When(unread__gt=0, then=Value(0)),
        When(UNANSWERED, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return found.order_by(need, "-last_at")


def with_last_message(found: Iterable[Conversation]) -> list[Conversation]:
    """The conversations as a list, each with `last`: its newest message and that one's author."""
    listed = list(found)
    messages = Message.objects.select_related("author").in_bulk(
        [conversation.last_id for conversation in listed]  # type: ignore[attr-defined]
    )
    for conversation in listed:
        conversation.last = messages.get(conversation.last_id)  # type: ignore[attr-defined]
    return listed
