"""One channel's place in the stream: buffering while history is read, then live.

A state machine without I/O. The hub offers it every event that its reader may hear, in order; the
replay hands it history; it decides what goes out, through its `Outlet`, so that each event past
the cursor is sent once and in order:

    BUFFERING   registered with the hub; offered events wait
    LIVE        offered events go out at once, unless the reader is held
    CLOSED      nothing goes out

The switch to LIVE happens in the call that finds the buffer empty: nothing slips between. While the
reader is *held* (a control event said that rights changed, the new ones are not known yet) a live
subscription buffers too, and what waited is judged by the new rights.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Protocol

from realtime.authority import Identity
from realtime.bindings import BindingSet
from realtime.event import RESYNC, Event
from realtime.rights import Rights

# While history is read, or rights are. More than this and the connection is told to begin again.
BUFFER_EVENTS = 5_000

UNTOLD = "the change could not be told"


class State(Enum):
    """Where a subscription stands."""

    BUFFERING = "buffering"
    LIVE = "live"
    CLOSED = "closed"


class Outlet(Protocol):
    """Where a subscription's frames go: the channel of a socket, or the list of a test."""

    def event(self, event: Event) -> bool:
        """Send the event if it meets the channel's bindings. False: the peer cannot keep up."""

    def history(self, events: Sequence[Event]) -> bool:
        """Send those of the past that meet the bindings. False: the peer cannot keep up."""

    def resync(self, reason: str) -> bool:
        """Tell that something cannot be told. False: the peer cannot keep up."""


class Peer(Protocol):
    """The other end of one socket, as far as the stream is concerned."""

    @property
    def identity(self) -> Identity:
        """Who it is, in which organization, by which session."""

    @property
    def subscriptions(self) -> set[Subscription]:
        """Its channels; kept by the hub."""

    def close(self, code: int, reason: str) -> None:
        """End it, soon. It has no subscriptions any more when this is called."""


class Subscription:
    """One channel's place in the stream."""

    __slots__ = ("bindings", "buffer", "limit", "outlet", "peer", "position", "rights", "state")

    def __init__(
        self,
        peer: Peer,
        rights: Rights,
        bindings: BindingSet,
        outlet: Outlet,
        *,
        position: int,
        limit: int = BUFFER_EVENTS,
    ) -> None:
        self.peer = peer
        self.rights = rights
        self.bindings = bindings
        self.outlet = outlet
        # Everything up to here is sent, or was never to be sent.
        self.position = position
        self.limit = limit
        self.state = State.BUFFERING
        self.buffer: deque[Event] = deque()

    @property
    def is_live(self) -> bool:
        """Whether its history is sent, so that events go out as they come."""
        return self.state is State.LIVE

    @property
    def is_closed(self) -> bool:
        """Whether nothing goes out any more."""
        return self.state is State.CLOSED

    def offer(self, event: Event) -> bool:
        """Take the next event of the stream, which the reader may hear unless rights are held.

        False when the peer cannot keep up, or more waits than may: the connection has to go.
        """
        if self.state is State.LIVE and not self.rights.held:
            return event.seq <= self.position or self._send(event)
        if self.state is State.CLOSED:
            return True
        if len(self.buffer) >= self.limit:
            return False
        self.buffer.append(event)
        return True

    def begin(self, since: int) -> None:
        """Nothing after `since` has been told yet."""
        self.position = since

    def replay(self, events: Iterable[Event]) -> bool:
        """Send a page of history, which was read under the reader's rights of today."""
        if self.state is State.CLOSED:
            return True
        told: list[Event] = []
        for event in events:
            if event.seq <= self.position:
                continue
            self.position = event.seq
            if event.kind != RESYNC:
                told.append(event)
            elif self.outlet.history(told) and self.outlet.resync(UNTOLD):
                told = []
            else:
                return False
        return self.outlet.history(told)

    def caught_up(self, head: int) -> None:
        """History is sent up to `head`, also where none of it was ours."""
        self.position = max(self.position, head)

    def drain(self, now: float, most: int | None = None) -> bool:
        """Send up to `most` of what waited. False when the peer cannot keep up.

        The subscription is LIVE as soon as nothing waits. Held, it goes live too, and keeps what
        waits until the hold ends.
        """
        if self.state is State.CLOSED:
            return True
        if self.rights.held:
            self.state = State.LIVE
            return True
        count = len(self.buffer) if most is None else min(most, len(self.buffer))
        for _ in range(count):
            event = self.buffer.popleft()
            # Rights may have ended, by the clock or by a control event, since this was offered.
            heard = event.seq > self.position and self.rights.may_hear(event, now)
            if heard and not self._send(event):
                return False
        if not self.buffer:
            self.state = State.LIVE
        return True

    def close(self) -> None:
        """Send nothing any more."""
        self.state = State.CLOSED
        self.buffer.clear()

    def _send(self, event: Event) -> bool:
        if event.kind == RESYNC:
            return self.outlet.resync(UNTOLD)
        return self.outlet.event(event)
