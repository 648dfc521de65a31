"""The newest events, kept in memory for those who come back after a moment.

When a server dies, all its pages come back at once, each asking for the few events it missed. They
are answered from here, so that a herd does not reach the database.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection

from realtime.event import CONTROL, Event

NEWEST = 10_000


class Ring:
    """All events after `floor`, at most `size` of them."""

    def __init__(self, floor: int = 0, size: int = NEWEST) -> None:
        self.floor = floor
        self.size = size
        self._events: list[Event] = []
        # The same by table: a herd is itself a stream of audit entries, one for each who joins,
        # which the others would all step over.
        self._of: dict[str, list[Event]] = {}

    def add(self, event: Event) -> None:
        """Keep the next event; forgets the oldest ones from time to time."""
        self._events.append(event)
        table = "" if event.kind == CONTROL else event.table
        of_table = self._of.get(table)
        if of_table is None:
            of_table = self._of[table] = []
        of_table.append(event)
        if len(self._events) >= 2 * self.size:
            # In one go, because dropping the first of a list moves all the others.
            self.floor = self._events[-self.size - 1].seq
            self._events = _after(self._events, self.floor)
            kept = ((table, _after(events, self.floor)) for table, events in self._of.items())
            self._of = {table: events for table, events in kept if events}

    def after(self, seq: int, tables: Collection[str] | None = None) -> list[Event] | None:
        """The events after a position, in order; None when some of them are forgotten.

        Given `tables`, those of these tables, those of none (what is said to everybody) and control
        events.
        """
        if seq < self.floor:
            return None
        if tables is None:
            return _after(self._events, seq)
        lists = [self._of[table] for table in {"", *tables} if table in self._of]
        found = [event for events in lists for event in _after(events, seq)]
        if len(lists) > 1:
            found.sort(key=lambda event: event.seq)
        return found

    def restart(self, floor: int) -> None:
        """Forget everything; the next event comes after `floor`."""
        self.floor = floor
        self._events.clear()
        self._of.clear()


def _after(events: list[Event], seq: int) -> list[Event]:
    return events[bisect_right(events, seq, key=lambda event: event.seq) :]
