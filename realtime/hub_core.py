"""The hub as a state machine: the stream of the log in, what each socket hears out.

No I/O and no clock: `realtime.hub` reads bus and log and tells this what it read; sockets are
`Peer`s. Promises, each of which the model in tests/realtime/test_hub_core.py tries to break:

- Every event after the hub's `seq` is taken once and in order, whatever the bus does. What cannot
  be taken (a hole) makes `receive` answer False: read the log. What the log cannot tell either
  (another epoch, history that was dropped) closes every socket, so that each begins again.
- A session that ends by the clock hears nothing of what is taken at that moment or later.
- A control event takes effect before the event after it is told to anyone it concerns. Others do
  not wait: only the concerned readers are held, and what comes meanwhile is judged by their new
  rights. Unknown rights are no rights.
- A mistake of ours about one channel ends its socket, which begins again, and nothing else: to
  the others the event is told all the same, because a position that was passed never comes again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Protocol

from realtime import close_codes
from realtime.authority import Grants
from realtime.bindings import BindingSet
from realtime.event import CHANGE, CONTROL, RESYNC, Event
from realtime.readers import Reader, Readers, Roll
from realtime.rights import Rights
from realtime.ring import Ring
from realtime.subscription import Outlet, Peer, Subscription

SESSION_ENDED, USER_ENDED = "session_ended", "user_ended"
_USER = "user:"


class Effects(Protocol):
    """What the core asks of the world around it."""

    def recompute(self, reader: Reader) -> None:
        """Ask the authority for the reader's rights, then call `granted` or `refused`."""

    def tell(self, event: Event, roll: Roll) -> None:
        """Send a change to all of `roll.ready`, if it meets their bindings; drop who cannot be."""

    def failed(self, error: Exception) -> None:
        """Say that a mistake of ours ended sockets; once for an event, however many they are."""


class HubCore:
    """The subscriptions of this process and their place in the stream."""

    def __init__(self, effects: Effects, *, ring: Ring | None = None) -> None:
        self.effects = effects
        self.readers = Readers()
        self.ring = ring or Ring()
        self.epoch: str | None = None
        self.seq = 0
        # When the next session ends by the clock: one comparison for each batch of events.
        self._next_end = math.inf

    # The stream in -------------------------------------------------------------------------

    def start(self, epoch: str, seq: int, recent: Iterable[Event] = ()) -> None:
        """Begin at a position of the log; `recent` are all events before it that are at hand."""
        self.epoch, self.seq = epoch, seq
        events = list(recent)
        self.ring.restart(events[0].seq - 1 if events else seq)
        for event in events:
            self.ring.add(event)

    def receive(self, epoch: str, first: int, events: Sequence[Event], now: float) -> bool:
        """Take a message of the bus: the events from `first` on, without a hole.

        False when it does not follow what was taken before: then the log must be read.
        """
        if epoch != self.epoch or first > self.seq + 1:
            return False
        self.keep_time(now)
        for event in events:
            if event.seq == self.seq + 1:
                self._take(event, now)
            elif event.seq > self.seq:
                return False
        return True

    def read(
        self,
        *,
        epoch: str,
        oldest: int,
        head: int,
        events: Sequence[Event],
        asked_after: int,
        is_whole: bool,
        now: float,
    ) -> None:
        """Take what the log holds after `asked_after`, as one snapshot of it.

        `is_whole` when the events reach up to `head`. The log is the truth: a number without an
        event is one that nobody will ever see.
        """
        if epoch != self.epoch or head < asked_after or oldest > asked_after + 1:
            self.restart(epoch, head)
            return
        self.keep_time(now)
        for event in events:
            if event.seq > self.seq:
                self._take(event, now)
        if is_whole:
            self.seq = max(self.seq, head)

    def restart(self, epoch: str, head: int) -> None:
        """Begin anew where nothing leads from here to there; every page has to begin anew too."""
        self.start(epoch, head)
        for reader in self.readers:
            self._drop_all(reader, close_codes.RESYNC, "resync")

    def _take(self, event: Event, now: float) -> None:
        self.seq = event.seq
        self.ring.add(event)
        if event.kind == CHANGE:
            roll = self.readers.roll(event, now)
            self._tell_at_once(roll, event)
            self.offer(roll.others, event)
        elif event.kind == CONTROL:
            self._control(event)
            return
        elif event.kind == RESYNC:
            # A reader who is held hears of it below, with everything else.
            free = [reader for reader in self.readers if not reader.rights.held]
            self._tell([reader for reader in free if reader.rights.belongs(event)], event)
        if self.readers.held:
            # Their new rights may include topics that the old ones did not: keep it all.
            held = [reader for reader in self.readers.held if reader.rights.belongs(event)]
            self._tell(held, event)

    def _tell_at_once(self, roll: Roll, event: Event) -> None:
        if not roll.ready:
            return
        try:
            self.effects.tell(event, roll)
        except Exception as error:  # noqa: BLE001 - who may not have heard it begins again
            for subscription in roll.ready:
                self.drop(subscription.peer, close_codes.RESYNC, "resync")
            self.effects.failed(error)

    def _tell(self, audience: Iterable[Reader], event: Event) -> None:
        self.offer([each for reader in audience for each in reader.listening(event.table)], event)

    def offer(self, subscriptions: Iterable[Subscription], event: Event) -> None:
        """Tell an event to channels one by one; those that cannot be told are dropped."""
        mistake: Exception | None = None
        for subscription in subscriptions:
            try:
                if not subscription.offer(event):
                    self.drop(subscription.peer, close_codes.OVERFLOW, "resync")
            except Exception as error:  # noqa: BLE001 - nothing may cost the others the event
                mistake = error
                self.drop(subscription.peer, close_codes.RESYNC, "resync")
        if mistake is not None:
            self.effects.failed(mistake)

    def _control(self, event: Event) -> None:
        users = [topic.removeprefix(_USER) for topic in event.topics if topic.startswith(_USER)]
        for user in users:
            for reader in self.readers.of_user(user, event.organization_id):
                if event.operation == SESSION_ENDED:
                    self._end_session(reader, (event.record or {}).get("session"))
                elif event.operation == USER_ENDED:
                    self._drop_all(reader, close_codes.ACCESS_ENDED, "access ended")
                else:
                    # `grants`, and whatever a newer version of us may mean: ask.
                    self.readers.hold(reader)
                    self.effects.recompute(reader)

    def _end_session(self, reader: Reader, session: object) -> None:
        for peer in list(reader.peers):
            if session is None or peer.identity.session == session:
                self.drop(peer, close_codes.SIGNED_OUT, "signed out")

    def rights_changed(self, rights: Rights, since: int) -> bool:
        """Whether somebody's rights changed after a position; yes, when that cannot be known."""
        # Of no table: among them the control events.
        told = self.ring.after(since, ())
        topic = _USER + rights.user_id
        return told is None or any(
            topic in event.topics
            and event.kind == CONTROL
            and event.operation not in (SESSION_ENDED, USER_ENDED)
            and rights.belongs(event)
            for event in told
        )

    # Readers and their rights --------------------------------------------------------------

    def arrive(self, peer: Peer, asked_at: int) -> None:
        """A socket opened, whose identity was read when the hub stood at `asked_at`.

        Its reader is held until the authority has answered. A control event that came after the
        question has not found the socket yet, so it is obeyed here.
        """
        reader, is_new = self.readers.arrive(peer)
        self._next_end = min(self._next_end, _end_of(peer))
        if is_new:
            self.effects.recompute(reader)
        # Of no table: among them the control events.
        missed = self.ring.after(asked_at, ())
        if missed is None:
            self.drop(peer, close_codes.TRY_AGAIN, "try again")
            return
        for event in missed:
            if event.kind == CONTROL and peer in reader.peers:
                self._control(event)

    def subscribe(self, peer: Peer, bindings: BindingSet, outlet: Outlet) -> Subscription:
        """Register a channel: from here on it misses nothing. It buffers until it is drained.

        Raises LookupError when the socket is already dropped.
        """
        reader = self.readers.of(peer.identity)
        if reader is None or peer not in reader.peers:
            raise LookupError("the socket is not here any more")
        subscription = Subscription(peer, reader.rights, bindings, outlet, position=self.seq)
        self.readers.subscribe(reader, subscription)
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """Close one channel."""
        subscription.close()
        reader = self.readers.of(subscription.peer.identity)
        if reader is not None and subscription in subscription.peer.subscriptions:
            self.readers.unsubscribe(reader, subscription)

    def depart(self, peer: Peer) -> None:
        """A socket closed."""
        self.readers.depart(peer)

    def drop(self, peer: Peer, code: int, reason: str) -> None:
        """Close a socket: from here on it hears nothing."""
        self.readers.depart(peer)
        peer.close(code, reason)

    def granted(self, reader: Reader, asked: int, grants: Grants, now: float) -> bool:
        """Take the authority's answer to question number `asked`.

        False when rights changed again meanwhile: the answer is stale, ask again.
        """
        self.keep_time(now)
        if not reader.peers:
            return True
        if asked != reader.rights.asked:
            return False
        if not grants:
            self._drop_all(reader, close_codes.ACCESS_ENDED, "access ended")
            return True
        self.readers.release(reader, grants)
        for subscription in reader.subscriptions():
            try:
                # One that still reads its history drains itself when it has done so.
                if subscription.is_live and not subscription.drain(now):
                    self.drop(subscription.peer, close_codes.OVERFLOW, "resync")
            except Exception as error:  # noqa: BLE001 - the person's other channels go on
                self.drop(subscription.peer, close_codes.RESYNC, "resync")
                self.effects.failed(error)
        return True

    def refused(self, reader: Reader, code: int, reason: str) -> None:
        """The authority did not answer, or said no: the reader hears nothing any more."""
        self._drop_all(reader, code, reason)

    def keep_time(self, now: float) -> None:
        """Close the sockets whose session has reached its end by the clock.

        To be called before anything is sent; also when nothing is, so that they close in time.
        """
        if now < self._next_end:
            return
        peers = [peer for reader in self.readers for peer in reader.peers]
        for peer in peers:
            if _end_of(peer) <= now:
                self.drop(peer, close_codes.SIGNED_OUT, "signed out")
        self._next_end = min(
            (end for peer in peers if (end := _end_of(peer)) > now), default=math.inf
        )

    def position_of(self, subscription: Subscription) -> int:
        """Up to where everything that a channel may hear has been sent."""
        if not subscription.is_live or subscription.rights.held:
            return subscription.position
        return max(subscription.position, self.seq)

    def _drop_all(self, reader: Reader, code: int, reason: str) -> None:
        for peer in list(reader.peers):
            self.drop(peer, code, reason)


def _end_of(peer: Peer) -> float:
    """The last moment of the peer's session, whatever its user does, in seconds since 1970."""
    ends = peer.identity.expires_at
    return math.inf if ends is None else ends.timestamp()
