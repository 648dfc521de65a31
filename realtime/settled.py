"""Up to where the inbox is settled: nothing there is left, and nothing there will ever appear.

Rows appear in the inbox when their transactions commit, in any order; what was moved lies there
until a vacuum may take it away. Without this the relay's look would walk over all of it, which
beside an hour's dump is all that was told in that hour (realtime/sql/realtime_move).
"""

from __future__ import annotations

from collections.abc import Sequence

# To ask who writes costs as much as a look: not before so many rows, nor more often (seconds).
WORTH, EVERY_SECONDS = 1000, 0.25

# How PostgreSQL names a prepared transaction, which had another name before it was.
PREPARED = "-1/"

# A look at everything all the same, in case that somebody writes as nobody does.
NET_SECONDS = 60.0


class Settled:
    """What one leader knows of it. Without input or output: it is told, and answers."""

    __slots__ = ("_asked_at", "_drawn", "_ended", "_everything_at", "_moved", "_writers", "upto")

    def __init__(self, now: float) -> None:
        """`now`: seconds of one monotonic clock, here and below."""
        self.upto = 0
        self._moved = 0  # since it was last asked for the first time
        self._asked_at = self._everything_at = now
        # Of a first answer: how far ids were drawn then, and who might have had some.
        self._drawn: int | None = None
        self._writers: frozenset[str] = frozenset()
        # All of them have ended; the next look that finds all there is has what they left.
        self._ended = False

    def is_due(self, now: float) -> bool:
        """Whether to ask now who writes, before the next look."""
        if self._ended or now - self._asked_at < EVERY_SECONDS:
            return False
        return self._drawn is not None or self._moved >= WORTH

    def hear(self, drawn: int, writers: Sequence[str], now: float) -> None:
        """Take in an answer: the ids drawn so far, and after that who holds the writers' lock."""
        self._asked_at = now
        if self._drawn is None:
            self._drawn, self._writers, self._moved = drawn, frozenset(writers), 0
        elif self._writers.isdisjoint(writers):
            self._ended = not any(writer.startswith(PREPARED) for writer in writers)

    def beyond(self, now: float) -> int:
        """The id up to which the next look may leave the inbox out."""
        if now - self._everything_at >= NET_SECONDS:
            self._everything_at = now
            return 0
        return self.upto

    def looked(self, found: int, is_all: bool) -> None:
        """A look that began after the latest answer found so many rows; whether all there were."""
        self._moved += found
        if self._ended and is_all and self._drawn is not None:
            self.upto, self._drawn, self._ended = self._drawn, None, False
