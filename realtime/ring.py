"""The newest events, kept in memory for those who come back after a moment.

When a server dies, all its pages come back at once, each asking for the few events it missed. They
are answered from here, so that a herd does not reach the database.
"""

from __future__ import annotations

from bisect import bisect_right

from realtime.event import Event

NEWEST = 10_000


class Ring:
    """All events after `floor`, at most `size` of them."""

    def __init__(self, floor: int = 0, size: int = NEWEST) -> None:
        self.floor = floor
        self.size = size
        self._events: list[Event] = []

    def add(self, event: Event) -> None:
        """Keep the next event; forgets the oldest ones from time to time."""
        self._events.append(event)
        if len(self._events) >= 2 * self.size:
            # In one go, because dropping the first of a list moves all the others.
            self.floor = self._events[-self.size - 1].seq
            del self._events[: -self.size]

    def after(self, seq: int) -> list[Event] | None:
        """The events after a position, in order; None when some of them are forgotten."""
        if seq < self.floor:
            return None
        start = bisect_right(self._events, seq, key=lambda event: event.seq)
        return self._events[start:]

    def restart(self, floor: int) -> None:
        """Forget everything; the next event comes after `floor`."""
        self.floor = floor
        self._events.clear()
