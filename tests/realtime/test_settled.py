"""Up to where the inbox is settled: nothing below is left, whatever writers and relay do when."""

from dataclasses import dataclass, field

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from realtime.settled import EVERY_SECONDS, NET_SECONDS, PREPARED, WORTH, Settled
from tests.waiting import wait_until

BATCH = 3


@dataclass
class Writer:
    """A transaction that has the inbox's lock."""

    name: str
    drawn: list[int] = field(default_factory=list)


class Inbox(RuleBasedStateMachine):
    """Transactions draw ids and end in any order; a relay looks and asks, in pieces."""

    writers = Bundle("writers")

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.settled = Settled(self.now)
        self.settled._moved = WORTH  # so that it is worth it, whatever is moved
        self.under_way = {}
        self.rows, self.drawn, self.begun = set(), 0, 0
        self.asked = None

    @rule(target=writers)
    def begin(self):
        self.begun += 1
        writer = Writer(f"3/{self.begun}")
        self.under_way[writer.name] = writer
        return writer.name

    @rule(name=writers, count=st.integers(1, 4))
    def draw(self, name, count):
        if writer := self.under_way.get(name):
            writer.drawn += range(self.drawn + 1, self.drawn + count + 1)
            self.drawn += count

    @rule(name=writers)
    def prepare(self, name):
        if (writer := self.under_way.get(name)) and not name.startswith(PREPARED):
            del self.under_way[name]
            writer.name = PREPARED + name
            self.under_way[writer.name] = writer

    @rule(name=writers, commits=st.booleans())
    def end(self, name, commits):
        for each in (name, PREPARED + name):
            if (writer := self.under_way.pop(each, None)) and commits:
                self.rows |= set(writer.drawn)

    @rule()
    def ask_first_half(self):
        self.now += EVERY_SECONDS
        self.asked = self.drawn if self.settled.is_due(self.now) else None

    @rule()
    def ask_second_half(self):
        if self.asked is not None:
            self.settled.hear(self.asked, list(self.under_way), self.now)
            self.asked = None

    @rule(seconds=st.sampled_from([0.0, 1.0, NET_SECONDS]))
    def look(self, seconds):
        if self.asked is not None:
            return  # one thing after the other
        self.now += seconds
        beyond = self.settled.beyond(self.now)
        found = sorted(each for each in self.rows if each > beyond)[:BATCH]
        self.rows -= set(found)
        self.settled.looked(len(found) + WORTH, is_all=len(found) < BATCH)

    @invariant()
    def nothing_below_is_left_or_will_come(self):
        coming = [each for writer in self.under_way.values() for each in writer.drawn]
        assert all(each > self.settled.upto for each in (*coming, *self.rows))


TestInbox = Inbox.TestCase
TestInbox.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)


def test_it_follows_the_writers_and_not_who_only_looks(log, engine, connect, notes):
    """Who has the writers' lock is named; an open transaction without it holds nothing up."""
    undecided = "SELECT drawn, writers FROM realtime_undecided()"
    idle, writer = connect("application"), connect("application")
    with idle.transaction(), writer.transaction():
        idle.execute("SELECT pg_current_xact_id(), count(*) FROM notes")
        assert engine.execute(undecided).fetchone()["writers"] == []
        notes.insert(writer)
        during = engine.execute(undecided).fetchone()
        assert len(during["writers"]) == 1
        notes.insert()
        assert engine.execute(undecided).fetchone()["drawn"] == during["drawn"] + 1
    assert engine.execute(undecided).fetchone()["writers"] == []


def test_beside_an_old_transaction_a_relay_leaves_out_what_it_has_moved(
    notes, log, relay, connect, superuser
):
    zero = "00000000-0000-0000-0000-000000000000"
    idle = connect("application")

    def told():
        # Others may say things of their own meanwhile.
        events = [event for event in log.events() if event["table_name"] == "notes"]
        return [event["record"]["number"] for event in events]

    with idle.transaction():
        idle.execute("SELECT pg_current_xact_id()")
        for _ in range(3):
            superuser.execute(
                "INSERT INTO notes (id, organization_id, patient_id, provider_id, number)"
                " SELECT gen_random_uuid(), %(zero)s, %(zero)s, %(zero)s, n"
                " FROM generate_series(1, %(worth)s) AS n",
                {"zero": zero, "worth": WORTH},
            )
        last = superuser.execute("SELECT last_value AS id FROM realtime_inbox_id_seq").fetchone()
        # Each look may be the one; while there is little to do there are two a second.
        wait_until(lambda: relay.relay.settled_upto >= last["id"] - WORTH)
        notes.insert(number=7)
        wait_until(lambda: told()[-1] == 7)
    assert len(told()) == 3 * WORTH + 1
