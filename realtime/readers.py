"""Who listens in this process, and who holds which topic.

A *reader* is one person in one organization, with all their sockets and one set of rights. The
index from topic to readers is what keeps the cost of an event in proportion to its audience.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from realtime.authority import Grants, Identity
from realtime.event import Event
from realtime.rights import Key, Rights
from realtime.subscription import Peer, Subscription

# That are kept: pages come and go all the time where there are more topics than this.
_MOST_ROLLS = 2_000


class Reader:
    """One person in one organization."""

    __slots__ = ("by_table", "peers", "rights")

    def __init__(self, rights: Rights) -> None:
        self.rights = rights
        self.peers: set[Peer] = set()
        # Tuples, because an event walks them while a socket that cannot keep up is taken out.
        self.by_table: dict[str, tuple[Subscription, ...]] = {}

    def subscriptions(self) -> list[Subscription]:
        """All channels of all sockets; a copy, because closing one changes them."""
        return [subscription for peer in self.peers for subscription in peer.subscriptions]

    def listening(self, table: str) -> Sequence[Subscription]:
        """The channels that have a binding on a table; all of them when no table is named."""
        return self.by_table.get(table, ()) if table else self.subscriptions()

    def add(self, subscription: Subscription) -> None:
        subscription.peer.subscriptions.add(subscription)
        for table in subscription.bindings.tables:
            self.by_table[table] = (*self.by_table.get(table, ()), subscription)

    def remove(self, subscription: Subscription) -> None:
        subscription.peer.subscriptions.discard(subscription)
        for table in subscription.bindings.tables:
            rest = tuple(each for each in self.by_table[table] if each is not subscription)
            if rest:
                self.by_table[table] = rest
            else:
                del self.by_table[table]


class Roll:
    """Who is told of the changes of one table on the same topics, until `until` by the clock.

    To find them costs more than to write to them: each has a dozen objects, which the writing to a
    thousand others drives out of the processor's cache. So they are found once, and again as soon
    as anybody of this process comes, goes, or has other rights.
    """

    __slots__ = ("others", "ready", "rows", "until")

    def __init__(
        self, ready: tuple[Subscription, ...], others: tuple[Subscription, ...], until: float
    ) -> None:
        # Live, with nothing that waits: as long as this roll stands, what comes may go out at once.
        self.ready = ready
        # Those who still read their history have to be offered each event.
        self.others = others
        self.until = until
        # What whoever tells them makes of `ready`.
        self.rows: object = None


class Readers:
    """All readers of this process."""

    def __init__(self) -> None:
        self._readers: dict[Key, Reader] = {}
        # By topic and by organization, which is a wall of its own: an event with a topic of
        # somebody else's finds nobody.
        self._holders: dict[str, dict[str, dict[Reader, float]]] = {}
        # By topics, organization and table; all are forgotten when anything changes that they say.
        self._rolls: dict[object, Roll] = {}
        self.held: set[Reader] = set()

    def __iter__(self) -> Iterator[Reader]:
        return iter(list(self._readers.values()))

    def __len__(self) -> int:
        return len(self._readers)

    @property
    def topics(self) -> int:
        """How many topics somebody holds; for tests and metrics."""
        return len(self._holders)

    def of(self, identity: Identity) -> Reader | None:
        """The reader that an identity belongs to, if any of their sockets is here."""
        return self._readers.get((identity.organization_id, identity.user_id))

    def of_user(self, user_id: str, organization_id: str | None) -> list[Reader]:
        """A person's readers: in one organization, or (None) in all."""
        if organization_id is not None:
            found = self._readers.get((organization_id, user_id))
            return [found] if found else []
        return [reader for reader in self if reader.rights.user_id == user_id]

    def arrive(self, peer: Peer) -> tuple[Reader, bool]:
        """Add a socket; the reader it belongs to, and whether that reader is new here."""
        identity = peer.identity
        reader = self.of(identity)
        is_new = reader is None
        if reader is None:
            rights = Rights(identity.organization_id, identity.user_id)
            reader = self._readers[rights.key] = Reader(rights)
            self.held.add(reader)
        reader.peers.add(peer)
        return reader, is_new

    def subscribe(self, reader: Reader, subscription: Subscription) -> None:
        """Add a channel."""
        self._forget_rolls()
        reader.add(subscription)

    def unsubscribe(self, reader: Reader, subscription: Subscription) -> None:
        """Remove a channel."""
        self._forget_rolls()
        reader.remove(subscription)

    def depart(self, peer: Peer) -> None:
        """Remove a socket, and its reader with the last of them."""
        reader = self.of(peer.identity)
        if reader is None or peer not in reader.peers:
            return
        self._forget_rolls()
        for subscription in list(peer.subscriptions):
            subscription.close()
            reader.remove(subscription)
        reader.peers.discard(peer)
        if not reader.peers:
            self._forget_topics(reader)
            self.held.discard(reader)
            del self._readers[reader.rights.key]

    def hold(self, reader: Reader) -> None:
        """Rely on this reader's rights no longer."""
        self._forget_rolls()
        reader.rights.hold()
        self.held.add(reader)

    def release(self, reader: Reader, grants: Grants) -> None:
        """The reader's rights are these now."""
        self._forget_rolls()
        self._forget_topics(reader)
        reader.rights.release(grants)
        organization_id = reader.rights.organization_id
        for topic, until in reader.rights.until.items():
            self._holders.setdefault(topic, {}).setdefault(organization_id, {})[reader] = until
        self.held.discard(reader)

    def roll(self, event: Event, now: float) -> Roll:
        """Those who are told of a change at `now`."""
        key = (event.topics, event.organization_id, event.table)
        roll = self._rolls.get(key)
        if roll is None or now >= roll.until:
            if len(self._rolls) >= _MOST_ROLLS:
                self._rolls.clear()
            roll = self._rolls[key] = self._call(event, now)
        return roll

    def _call(self, event: Event, now: float) -> Roll:
        ready: list[Subscription] = []
        others: list[Subscription] = []
        until = math.inf
        for reader in self.audience(event, now):
            for subscription in reader.listening(event.table):
                # One that is live stays so, and what it is told from here on comes after this.
                is_ready = subscription.is_live and subscription.position < event.seq
                (ready if is_ready else others).append(subscription)
            ends = (reader.rights.until.get(topic, 0.0) for topic in event.topics)
            until = min(until, *(end for end in ends if end > now))
        return Roll(tuple(ready), tuple(others), until)

    def _forget_rolls(self) -> None:
        """To be called with each change of what `_call` looks at."""
        self._rolls.clear()

    def audience(self, event: Event, now: float) -> list[Reader]:
        """Those whose rights are known and let them hear the event at `now`."""
        held = self.held
        found: dict[Reader, None] = {}
        for topic in event.topics:
            for holders in self._holding(topic, event.organization_id):
                for reader, until in holders.items():
                    if until > now and reader not in held:
                        found[reader] = None
        return list(found)

    def _holding(self, topic: str, organization_id: str | None) -> Iterable[dict[Reader, float]]:
        """Who holds a topic in one organization, or (None) in all, and until when."""
        everywhere = self._holders.get(topic)
        if everywhere is None:
            return ()
        if organization_id is None:
            return everywhere.values()
        here = everywhere.get(organization_id)
        return () if here is None else (here,)

    def _forget_topics(self, reader: Reader) -> None:
        organization_id = reader.rights.organization_id
        for topic in reader.rights.until:
            everywhere = self._holders.get(topic, {})
            holders = everywhere.get(organization_id)
            if holders is not None:
                holders.pop(reader, None)
                if not holders:
                    del everywhere[organization_id]
                if not everywhere:
                    del self._holders[topic]
