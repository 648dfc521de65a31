"""What can go wrong between a reader and the log.

RealtimeError
├── Malformed            a frame that is not of the protocol; it is dropped, the socket stays
├── Refused              a join that cannot be honoured; the reason travels to the client
│   └── InvalidFilter    its filter cannot be understood or does not fit the column
├── TurnedAway           not now: an HTTP status, a sentence, when to come back
│   ├── HandshakeRefused a socket that is not opened
│   └── PollRefused      a poll that is one too many
├── SignedOut            the session, user or membership behind an identity has ended
├── Truncated            the log no longer (or not yet) holds what follows a cursor: resync
├── NotOurs              the bus brought what no process of ours has signed
└── Unavailable          the log or the authority cannot answer now
"""

from __future__ import annotations


class RealtimeError(Exception):
    """Anything this package raises on purpose."""


class Malformed(RealtimeError):
    """The bytes are not a frame."""


class Refused(RealtimeError):
    """A join is refused; `reason` is what the client is told, as "Code: text"."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text

    @property
    def reason(self) -> str:
        return f"{self.code}: {self.text}"


class InvalidFilter(Refused):
    """A filter that names no published column, or whose value does not fit it."""

    def __init__(self, text: str) -> None:
        super().__init__("RealtimeDisabledForConfiguration", text)


class TurnedAway(RealtimeError):
    """The peer gets this HTTP status and text."""

    def __init__(self, status: int, text: str, *, retry_after: int | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.retry_after = retry_after


class HandshakeRefused(TurnedAway):
    """The socket is not opened."""


class PollRefused(TurnedAway):
    """The poll is not answered now."""


class SignedOut(RealtimeError):
    """Whoever this was is not signed in any more."""


class Truncated(RealtimeError):
    """The events after a cursor cannot all be told; `reason` says why, for the resync."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotOurs(RealtimeError):
    """Somebody else has written to the bus, or one of ours whose key or version is another."""


class Unavailable(RealtimeError):
    """The database did not answer in time; the caller may try again."""
