"""Lists of conversations: what waits for an answer, what is unread, and what was said last."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Case, Count, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from messaging.models import Conversation, Message, Receipt, Side
from messaging.names import names_of
from portal import access
from portal.access import Reader
from portal.models import Patient

# A list is for finding the next thing to do; the rest is a page further.
PER_PAGE = 30

# The patient's side had the last word, and there is still somebody to answer.
UNANSWERED = Q(last_side=Side.PATIENT, patient__deceased_at=None)
NEEDED = Q(unread__gt=0) | UNANSWERED


@dataclass(frozen=True)
class Row:
    """A conversation as a list shows it."""

    conversation: Conversation
    unread: int
    is_unanswered: bool
    waiting_since: datetime | None
    last_at: datetime
    last_author_id: UUID
    last_author: str
    # The newest message's text, None when it does not open.
    preview: str | None


def conversations(reader: Reader, patient: Patient | None = None) -> QuerySet[Any]:
    """The reader's conversations, the newest first, annotated with what `rows` needs.

    `unread` (messages new to the reader), `last_at`, `last_side`, `last_id` (its newest message)
    and `waiting_since` (the first message of the patient's side that nobody has answered).
    """
    messages = Message.objects.filter(conversation=OuterRef("pk"))
    newest = messages.order_by("-sent_at", "-pk")
    answered_at = (
        Message.objects.filter(conversation=OuterRef("conversation"), side=Side.TEAM)
        .order_by("-sent_at")
        .values("sent_at")[:1]
    )
    unanswered = (
        messages.filter(side=Side.PATIENT)
        .alias(answered_at=Subquery(answered_at))
        .filter(Q(answered_at=None) | Q(sent_at__gt=Coalesce("answered_at", "sent_at")))
        .order_by("sent_at")
    )
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
    return (
        found.select_related("patient")
        .annotate(
            unread=Coalesce(Subquery(unread), 0),
            last_at=Subquery(newest.values("sent_at")[:1]),
            last_side=Subquery(newest.values("side")[:1]),
            last_id=Subquery(newest.values("pk")[:1]),
            waiting_since=Subquery(unanswered.values("sent_at")[:1]),
        )
        .order_by("-last_at", "-pk")
    )


def waiting(found: QuerySet[Any]) -> QuerySet[Any]:
    """Those that nobody has answered, the longest waiting first."""
    return found.filter(UNANSWERED).order_by("waiting_since", "pk")


def others(found: QuerySet[Any]) -> QuerySet[Any]:
    """Those that wait for nobody: what is unread first, then the newest."""
    is_new = Case(When(unread__gt=0, then=Value(0)), default=Value(1))
    return found.exclude(UNANSWERED).order_by(is_new, "-last_at", "-pk")


def most_needed(found: QuerySet[Any]) -> QuerySet[Any]:
    """Those that are unanswered or unread: the longest waiting first, then the newest."""
    waits = Case(When(UNANSWERED, then=Value(0)), default=Value(1))
    since = Case(When(UNANSWERED, then="waiting_since"))
    return found.filter(NEEDED).order_by(waits, since, "-last_at", "pk")


def page_of(found: QuerySet[Any], number: str) -> Page[Any]:
    """One page of rows; a number that is none gives the first or the last."""
    page: Page[Any] = Paginator(found, PER_PAGE).get_page(number)
    page.object_list = rows(page.object_list)
    return page


def rows(found: Iterable[Any]) -> list[Row]:
    """What a list shows of these annotated conversations; two queries more, however many."""
    listed = list(found)
    messages = Message.objects.in_bulk([conversation.last_id for conversation in listed])
    names = names_of(message.author_id for message in messages.values())
    return [
        Row(
            conversation=conversation,
            unread=conversation.unread,
            is_unanswered=(
                conversation.last_side == Side.PATIENT and not conversation.patient.is_deceased
            ),
            waiting_since=conversation.waiting_since or conversation.last_at,
            last_at=conversation.last_at,
            last_author_id=message.author_id,
            last_author=names[message.author_id],
            preview=message.body_or_none(),
        )
        for conversation in listed
        if (message := messages.get(conversation.last_id))
    ]
