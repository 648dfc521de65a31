"""A channel's place in the stream, step by step: what waits, what goes, what is too much."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from realtime import bindings
from realtime.authority import Identity
from realtime.event import Event
from realtime.readers import Readers
from realtime.rights import Rights
from realtime.ring import Ring
from realtime.subscription import State, Subscription

NOW = 1_000.0
TABLES = {"notes": SimpleNamespace(columns={"id": "uuid", "ward": "text"})}


def an_event(seq, topic="patient:1", **values):
    return Event(
        **{
            "seq": seq,
            "topics": (topic,),
            "table": "notes",
            "operation": "INSERT",
            "organization_id": "harbour",
            "created_at": datetime(2026, 1, 1, tzinfo=UTC),
            "record": {"id": seq},
        }
        | values
    )


class Outlet:
    """What a channel would be told."""

    def __init__(self):
        self.told, self.resyncs, self.keeps_up = [], 0, True

    def event(self, event):
        return self.history([event])

    def history(self, events):
        if self.keeps_up:
            self.told += [event.seq for event in events]
        return self.keeps_up

    def resync(self, reason):
        self.resyncs += 1
        return self.keeps_up


@pytest.fixture
def rights():
    rights = Rights("harbour", "ana")
    rights.release({"patient:1": None})
    return rights


@pytest.fixture
def outlet():
    return Outlet()


@pytest.fixture
def subscription(rights, outlet):
    asked = bindings.parse([{"event": "*", "schema": "public", "table": "notes"}], TABLES)
    return Subscription(None, rights, asked, outlet, position=10, limit=3)


def test_what_comes_before_history_is_read_waits_and_follows_it_once(subscription, outlet):
    subscription.begin(4)
    for seq in (11, 12):
        assert subscription.offer(an_event(seq))
    assert outlet.told == []
    assert subscription.replay([an_event(seq) for seq in (5, 9, 11)])
    subscription.caught_up(11)
    assert subscription.drain(NOW)
    assert subscription.state is State.LIVE
    assert subscription.offer(an_event(13))
    assert outlet.told == [5, 9, 11, 12, 13]


def test_more_than_may_wait_is_refused(subscription):
    assert all(subscription.offer(an_event(seq)) for seq in (11, 12, 13))
    assert not subscription.offer(an_event(14))


def test_a_peer_that_cannot_keep_up_is_found_at_every_step(subscription, outlet):
    subscription.begin(4)
    subscription.offer(an_event(11))
    outlet.keeps_up = False
    assert not subscription.replay([an_event(5)])
    assert not subscription.drain(NOW)
    subscription.drain(NOW)
    outlet.keeps_up = False
    assert not subscription.offer(an_event(12))


def test_a_few_at_a_time_and_live_with_the_last(subscription, outlet):
    for seq in (11, 12, 13):
        subscription.offer(an_event(seq))
    subscription.drain(NOW, most=2)
    assert not subscription.is_live
    subscription.drain(NOW, most=2)
    assert subscription.is_live
    assert outlet.told == [11, 12, 13]


def test_held_it_keeps_what_comes_and_judges_it_by_the_new_rights(subscription, rights, outlet):
    subscription.drain(NOW)
    rights.hold()
    subscription.offer(an_event(11))
    subscription.offer(an_event(12, "patient:2"))
    assert outlet.told == []
    rights.release({"patient:2": None})
    subscription.drain(NOW)
    assert outlet.told == [12]


def test_a_right_that_ended_while_an_event_waited_is_not_used(subscription, rights, outlet):
    rights.release({"patient:1": datetime.fromtimestamp(NOW, UTC)})
    subscription.offer(an_event(11))
    subscription.drain(NOW - 0.001)
    assert outlet.told == [11]
    subscription.state = State.BUFFERING
    subscription.offer(an_event(12))
    subscription.drain(NOW)
    assert outlet.told == [11]


def test_closed_it_says_nothing(subscription, outlet):
    subscription.offer(an_event(11))
    subscription.close()
    assert subscription.offer(an_event(12))
    assert subscription.replay([an_event(12)])
    assert subscription.drain(NOW)
    assert outlet.told == []


def test_an_order_to_resync_is_told_in_its_place(subscription, outlet):
    subscription.offer(an_event(11, kind="resync", topics=()))
    subscription.drain(NOW)
    subscription.offer(an_event(12, kind="resync", topics=()))
    assert (outlet.resyncs, outlet.told) == (2, [])


# Rights and readers ---------------------------------------------------------------------------


def test_unknown_rights_are_none():
    rights = Rights("harbour", "ana")
    assert not rights.may_hear(an_event(1), NOW)
    rights.release({"patient:1": None})
    assert rights.may_hear(an_event(1), NOW)
    assert not rights.may_hear(an_event(1, organization_id="hill"), NOW)
    rights.hold()
    assert not rights.may_hear(an_event(1), NOW)


def test_the_clock_is_looked_at_before_every_send():
    class Peer:
        identity = Identity("ana", "harbour", "s")
        subscriptions = set()

    readers = Readers()
    reader, is_new = readers.arrive(Peer())
    assert is_new
    until = datetime.fromtimestamp(NOW, UTC)
    readers.release(reader, {"patient:1": until, "patient:2": until + timedelta(seconds=5)})
    assert readers.audience(an_event(1), NOW - 1) == [reader]
    assert readers.audience(an_event(1), NOW) == []
    both = an_event(1, topics=("patient:1", "patient:2"))
    assert readers.audience(both, NOW) == [reader]
    assert readers.audience(both, NOW + 5) == []


def test_a_reader_goes_with_the_last_socket():
    class Peer:
        identity = Identity("ana", "harbour", "s")

        def __init__(self):
            self.subscriptions = set()

    readers, first, second = Readers(), Peer(), Peer()
    reader, _ = readers.arrive(first)
    assert readers.arrive(second) == (reader, False)
    readers.release(reader, {"patient:1": None})
    readers.depart(first)
    readers.depart(first)
    assert readers.topics == 1
    readers.depart(second)
    assert (len(readers), readers.topics, readers.held) == (0, 0, set())


def test_the_ring_says_when_it_has_forgotten():
    ring = Ring(floor=10, size=3)
    for seq in range(11, 18):
        ring.add(an_event(seq))
    kept = ring.after(ring.floor)
    assert [event.seq for event in kept][-3:] == [15, 16, 17]
    assert ring.after(ring.floor - 1) is None
    assert [event.seq for event in ring.after(16)] == [17]
    assert ring.after(17) == ring.after(99) == []
    ring.restart(50)
    assert (ring.after(49), ring.after(50)) == (None, [])
    assert ring.after(50, {"notes"}) == []


def test_the_ring_tells_of_some_tables_in_the_order_of_all():
    ring = Ring(size=6)
    for seq, table in enumerate(["notes", "rooms", "", "notes", "goals"] * 4, start=1):
        ring.add(an_event(seq, table=table))
    everything = ring.after(ring.floor)
    for tables in ((), {"notes"}, {"notes", "goals"}, {"rooms", "unknown"}):
        for seq in range(ring.floor, 21):
            wanted = [e for e in everything if e.seq > seq and (e.table in tables or not e.table)]
            assert ring.after(seq, tables) == wanted
    assert ring.after(ring.floor - 1, {"notes"}) is None
