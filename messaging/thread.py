"""One conversation as its reader sees it: messages in order, and what became of each."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from messaging.models import Conversation, Message, Receipt, Side
from messaging.names import Names, names_of, work_of
from portal.access import Reader
from portal.models import Caregiver

# So many messages at first, and so many more with each press of "Show earlier messages".
NEWEST = 60
# Within so much time a person's next message needs no second name above it.
RUN = timedelta(minutes=10)


@dataclass(frozen=True)
class Told:
    """What became of a message for one person."""

    name: str
    delivered_at: datetime | None
    seen_at: datetime | None


@dataclass(frozen=True)
class Line:
    """A message with everything its bubble says.

    `body` is None when the text does not open. `is_continued`: the same person goes on, so the name
    need not be said again. `told` and `seen` (those of the other side who have seen it) are for its
    sender only.
    """

    message: Message
    body: str | None
    author: str
    work: str
    is_own: bool
    is_continued: bool
    told: list[Told] = field(default_factory=list)
    seen: list[Told] = field(default_factory=list)

    @property
    def is_delivered(self) -> bool:
        """Whether it has reached a screen of anybody."""
        return any(told.delivered_at for told in self.told)

    @property
    def day(self) -> date:
        """The clinic's day on which it was sent."""
        return timezone.localtime(self.message.sent_at).date()


@dataclass(frozen=True)
class Window:
    """A stretch of a conversation, from one message to the end.

    `earlier` is the message from which the next larger window would begin, None at the beginning.
    The window's own `first` stays while new messages come, so that a page that is refreshed loses
    nothing at its top.
    """

    lines: list[Line]
    earlier: UUID | None
    unread: int

    @property
    def first(self) -> UUID | None:
        return self.lines[0].message.pk if self.lines else None

    @property
    def last(self) -> UUID | None:
        return self.lines[-1].message.pk if self.lines else None


def window(conversation: Conversation, reader: Reader, *, since: UUID | None = None) -> Window:
    """The conversation from the message `since` on, or its newest messages.

    Raises Message.DoesNotExist when `since` is not a message of this conversation.
    """
    said = Message.objects.filter(conversation=conversation)
    newest = said.order_by("-sent_at", "-pk")
    if since is None:
        messages = list(reversed(newest[:NEWEST]))
    else:
        first = said.get(pk=since)
        messages = list(said.exclude(_before(first)))
    earlier = newest.filter(_before(messages[0]))[:NEWEST] if messages else said.none()
    before = list(earlier.values_list("pk", flat=True))
    return Window(
        lines=_lines(messages, conversation, reader),
        earlier=before[-1] if before else None,
        unread=_unread(conversation, reader),
    )


def first_unread(conversation: Conversation, reader: Reader) -> UUID | None:
    """The first message that is new to the reader."""
    mine = Receipt.objects.unread().filter(conversation=conversation, user_id=reader.user_id)
    return (
        mine.order_by("message__sent_at", "message_id").values_list("message_id", flat=True).first()
    )


def _before(message: Message) -> Q:
    return Q(sent_at__lt=message.sent_at) | Q(sent_at=message.sent_at, pk__lt=message.pk)


def _unread(conversation: Conversation, reader: Reader) -> int:
    return (
        Receipt.objects.unread().filter(conversation=conversation, user_id=reader.user_id).count()
    )


def _lines(messages: list[Message], conversation: Conversation, reader: Reader) -> list[Line]:
    own = [message.pk for message in messages if message.author_id == reader.user_id]
    receipts = list(Receipt.objects.filter(message__in=own).order_by("read_at", "pk"))
    authors = {message.author_id for message in messages}
    names = names_of(authors | {receipt.user_id for receipt in receipts})
    work = work_of(authors, conversation.organization_id)
    patients_side = _patients_side(conversation)
    told: dict[UUID, list[Receipt]] = {}
    for receipt in receipts:
        told.setdefault(receipt.message_id, []).append(receipt)
    lines: list[Line] = []
    for message in messages:
        before = lines[-1].message if lines else None
        mine = told.get(message.pk, [])
        others = [
            receipt
            for receipt in mine
            if receipt.read_at and (receipt.user_id in patients_side) == (message.side == Side.TEAM)
        ]
        lines.append(
            Line(
                message=message,
                body=message.body_or_none(),
                author=names[message.author_id],
                work=work.get(message.author_id, "") if message.side == Side.TEAM else "",
                is_own=message.author_id == reader.user_id,
                is_continued=_continues(before, message),
                told=[_told(receipt, names) for receipt in mine],
                seen=[_told(receipt, names) for receipt in others],
            )
        )
    return lines


def _patients_side(conversation: Conversation) -> set[UUID | None]:
    patient = conversation.patient
    return {
        patient.user_id,
        *Caregiver.objects.filter(patient=patient).values_list("user_id", flat=True),
    }


def _told(receipt: Receipt, names: Names) -> Told:
    return Told(names[receipt.user_id], receipt.delivered_at, receipt.read_at)


def _continues(before: Message | None, message: Message) -> bool:
    return (
        before is not None
        and before.author_id == message.author_id
        and message.sent_at - before.sent_at < RUN
        and timezone.localtime(before.sent_at).date() == timezone.localtime(message.sent_at).date()
    )
