"""One conversation as its reader sees it: messages in order, and what became of each."""

from dataclasses import dataclass
from datetime import datetime

from messaging.models import Conversation, Message, Receipt
from portal.access import Reader

# Older ones are a press away: most threads are shorter, and a page must stay quick.
NEWEST = 100


@dataclass(frozen=True)
class Line:
    """A message with everything its bubble says."""

    message: Message
    body: str
    is_own: bool
    receipt: str
    seen_by: list[tuple[str, datetime]]


def lines(conversation: Conversation, reader: Reader, *, everything: bool = False) -> list[Line]:
    """The newest messages of a conversation, oldest first; all of them when `everything`."""
    newest = (
        Message.objects.filter(conversation=conversation)
        .select_related("author")
        .order_by("-sent_at", "-pk")
    )
    messages = list(reversed(newest if everything else newest[:NEWEST]))
    own = [message.pk for message in messages if message.author_id == reader.user_id]
    receipts: dict[object, list[Receipt]] = {}
    for receipt in (
        Receipt.objects.filter(message__in=own).select_related("user").order_by("read_at")
    ):
        receipts.setdefault(receipt.message_id, []).append(receipt)
    return [_line(message, receipts.get(message.pk, []), reader) for message in messages]


def has_unread(conversation: Conversation, reader: Reader) -> bool:
    """Whether a conversation has messages that the reader has not read."""
    return (
        Receipt.objects.unread().filter(conversation=conversation, user_id=reader.user_id).exists()
    )


def _line(message: Message, receipts: list[Receipt], reader: Reader) -> Line:
    is_own = message.author_id == reader.user_id
    seen_by = [(receipt.user.name, receipt.read_at) for receipt in receipts if receipt.read_at]
    words = ""
    if is_own and not seen_by:
        words = "Delivered" if any(receipt.delivered_at for receipt in receipts) else "Sent"
    return Line(message, message.body, is_own, words, seen_by)
