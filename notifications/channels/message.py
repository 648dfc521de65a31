"""What a channel is given, what it gives back, and how it says that it could not."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID


@dataclass(frozen=True)
class Message:
    """One message to one person, for one or for several things they were told.

    Every try of one message has the same `id`, by which a receiver that saw it before may know it.
    """

    id: UUID
    number: int
    is_important: bool
    # What its person agreed to have said instead of the words that fit everybody.
    words: str = ""


class NotSent(Exception):
    """A message did not go out, or nobody knows whether it did (`is_unknown`).

    `code` is for the log: never words of a provider, nor an address.
    """

    def __init__(
        self,
        code: str,
        *,
        is_final: bool = False,
        is_unknown: bool = False,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(code)
        self.code, self.is_final, self.is_unknown = code, is_final, is_unknown
        self.retry_after = retry_after


class AddressGone(NotSent):
    """There is nobody at this address any more, and there never will be."""

    def __init__(self, code: str) -> None:
        super().__init__(code, is_final=True)
