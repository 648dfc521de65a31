"""What the hub of this process has done: counted as it happens, kept minute by minute for a day.

Counting is adding to a number, because it happens for each frame. Rates, shares and percentiles are
worked out by whoever asks, from the difference between now and an earlier minute.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

from realtime.event import Event

MINUTE_SECONDS = 60.0
_MINUTES_KEPT = 24 * 60 + 1

# Seconds; the last group holds all that took longer.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)


@dataclass(slots=True)
class Spread:
    """How long something took: how often within each of BOUNDS, and longer."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds

    def within(self, share: float) -> float | None:
        """The bound within which at least `share` of all were; None when there were none."""
        total = sum(self.counts)
        if not total:
            return None
        reached = 0
        for bound, count in zip(BOUNDS, self.counts, strict=False):
            reached += count
            if reached >= share * total:
                return bound
        return float("inf")

    def about(self, share: float) -> float | None:
        """About how long `share` of all took at most: the even way between two of BOUNDS.

        Beyond one of BOUNDS exactly when `within` is; None when there were none.
        """
        total = sum(self.counts)
        if not total:
            return None
        reached, lower = 0, 0.0
        for bound, count in zip(BOUNDS, self.counts, strict=False):
            if count and reached + count >= share * total:
                return lower + (bound - lower) * (share * total - reached) / count
            reached, lower = reached + count, bound
        return float("inf")

    def minus(self, earlier: Spread) -> Spread:
        """What was added since `earlier`."""
        counts = [now - then for now, then in zip(self.counts, earlier.counts, strict=True)]
        return Spread(counts, self.seconds - earlier.seconds)

    def plus(self, other: Spread) -> Spread:
        """Both together."""
        counts = [one + another for one, another in zip(self.counts, other.counts, strict=True)]
        return Spread(counts, self.seconds + other.seconds)

    def copy(self) -> Spread:
        return Spread(list(self.counts), self.seconds)


@dataclass(slots=True)
class Totals:
    """Everything counted, since the process began or between two moments."""

    opened: int = 0
    joined: int = 0
    received: int = 0
    sent: int = 0
    events: int = 0
    not_ours: int = 0  # messages on the bus that none of our processes signed
    # Seconds with sockets open, and those in which the hub had everything there was.
    watched: int = 0
    fresh: int = 0
    # Requests for a page that got no turn (`portal.page_turns`).
    pages_turned_away: int = 0
    # Sockets times seconds: what a rate for each of them is divided by.
    socket_seconds: int = 0
    # Polls that were answered to the end, and refused ones.
    polls: Counter[int] = field(default_factory=Counter)  # by HTTP status
    turned_away: Counter[int] = field(default_factory=Counter)  # by HTTP status
    refused: Counter[str] = field(default_factory=Counter)  # joins, by the reason's code
    closed: Counter[int] = field(default_factory=Counter)  # by close code
    delivery: Spread = field(default_factory=Spread)  # from the change to the sockets
    opening: Spread = field(default_factory=Spread)  # of handshakes

    def copy(self) -> Totals:
        values: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            values[each.name] = value if isinstance(value, int) else value.copy()
        return Totals(**values)

    def minus(self, earlier: Totals) -> Totals:
        """What was added since `earlier`."""
        values: dict[str, Any] = {}
        for each in fields(self):
            now, then = getattr(self, each.name), getattr(earlier, each.name)
            values[each.name] = now.minus(then) if isinstance(now, Spread) else now - then
        return Totals(**values)

    def plus(self, other: Totals) -> Totals:
        """Both together, as of two processes."""
        values: dict[str, Any] = {}
        for each in fields(self):
            one, another = getattr(self, each.name), getattr(other, each.name)
            values[each.name] = one.plus(another) if isinstance(one, Spread) else one + another
        return Totals(**values)


class Tally:
    """The totals of one hub, and what they were at each minute of the last day."""

    def __init__(self) -> None:
        self.totals = Totals()
        # Oldest first: when, how many sockets were open, and the totals up to then.
        self.minutes: deque[tuple[float, int, Totals]] = deque(maxlen=_MINUTES_KEPT)

    def polled(self, status: int) -> None:
        """Count a page that asked instead of listening."""
        self.totals.polls[status] += 1

    def took(self, events: Iterable[Event], after: int, now: float) -> None:
        """Count the events that follow position `after` as told at `now` (seconds since 1970)."""
        for event in events:
            if event.seq > after:
                self.totals.events += 1
                self.totals.delivery.add(max(0.0, now - event.created_at.timestamp()))

    def second(self, now: float, sockets: int, *, is_fresh: bool) -> None:
        """To be called once a second, at `now` (monotonic); keeps the minute when one is over."""
        totals = self.totals
        if sockets:
            totals.watched += 1
            totals.fresh += is_fresh
            totals.socket_seconds += sockets
        if not self.minutes or now - self.minutes[-1][0] >= MINUTE_SECONDS:
            self.minutes.append((now, sockets, totals.copy()))

    def since(self, moment: float) -> Totals:
        """What was counted since about `moment` (monotonic): from the newest minute not younger."""
        earlier = Totals()
        for at, _, totals in self.minutes:
            if at > moment:
                break
            earlier = totals
        return self.totals.minus(earlier)
