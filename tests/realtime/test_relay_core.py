"""The doorbell as a model: every order in which writers and the relay can take their steps.

The relay is the real machine (`relay_core`); locks, commits and notifications are a model of what
PostgreSQL does, one atomic step at a time. The claim: when all writers are done and the relay waits
with no bell pending, nothing lies in the inbox, and it took no sweep. Weakened copies of the
protocol must fail the same search, or the search would prove nothing.
"""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.relay_core import (
    BUSY,
    BUSY_PAUSE,
    LONGEST_PAUSE,
    SHORTEST_PAUSE,
    LieDown,
    Look,
    Pause,
    RelayCore,
    Wait,
)

RELAY = "relay"


class World:
    """Some writers, one relay, three locks."""

    def __init__(self, writers, aborting=(), core=RelayCore, polite=True, batch=2, busy=4):
        self.writers = ["insert"] * writers
        self.aborting = frozenset(aborting)
        self.polite = polite  # writers that leave the ringing to another hold lock 2
        self.awake_seen = set()  # lock 1, shared
        self.asleep = False  # lock 1, exclusive
        self.silent = set()  # lock 2, shared
        self.lying_down = False  # lock 2, exclusive
        self.ringer = None  # lock 3
        self.ringing = set()  # will notify at commit
        self.inbox = set()
        self.bells = 0
        self.batch = batch
        self.core = core(batch, busy)
        self.command = Look()
        self.step = "begin"

    def key(self):
        """Everything the future depends on."""
        return (
            tuple(self.writers),
            frozenset(self.awake_seen),
            self.asleep,
            frozenset(self.silent),
            self.lying_down,
            self.ringer,
            frozenset(self.ringing),
            frozenset(self.inbox),
            min(self.bells, 1),
            type(self.command).__name__,
            getattr(self.command, "getting_up", None),
            self.step,
            self.core.is_asleep,
        )

    def copy(self):
        twin = copy.copy(self)
        for name in ("awake_seen", "silent", "ringing", "inbox", "writers"):
            setattr(twin, name, getattr(self, name).copy())
        twin.core = copy.copy(self.core)
        return twin

    def able(self):
        """Who can take a step now, without a sweep."""
        able = [number for number, state in enumerate(self.writers) if state != "done"]
        if not isinstance(self.command, Wait) or self.bells:
            able.append(RELAY)
        return able

    def take(self, who):
        if who == RELAY:
            self._relay_step()
        else:
            self._writer_step(who)

    def sweep(self):
        """What the relay does when the wait ends by itself."""
        assert isinstance(self.command, Wait)
        self.command, self.step = self.core.waited(rang=False), "begin"

    def _writer_step(self, me):
        state = self.writers[me]
        if state == "insert":
            # The bell, at the end of the transaction: three tries, each a step.
            if self.asleep:
                self.writers[me] = "found asleep"
            else:
                self.awake_seen.add(me)
                self.writers[me] = "commit"
        elif state == "found asleep":
            if self.lying_down:
                self.ringing.add(me)
                self.writers[me] = "commit"
            else:
                if self.polite:
                    self.silent.add(me)
                self.writers[me] = "found lock 2"
        elif state == "found lock 2":
            if self.ringer is None:
                self.ringer = me
                self.ringing.add(me)
            self.writers[me] = "commit"
        elif state == "commit":
            if me in self.aborting:
                self.ringing.discard(me)
            else:
                self.inbox.add(me)
            self.writers[me] = "unlock"
        elif state == "unlock":
            self.awake_seen.discard(me)
            self.silent.discard(me)
            if self.ringer == me:
                self.ringer = None
            self.writers[me] = "notify" if me in self.ringing else "done"
        elif state == "notify":
            self.bells += 1
            self.writers[me] = "done"

    def _relay_step(self):
        match self.command, self.step:
            case Look(True), "begin":
                self.asleep = False
                self.step = "move"
            case Look(), _:
                moved = sorted(self.inbox)[: self.batch]
                self.inbox.difference_update(moved)
                self._next(self.core.looked(len(moved)))
            case LieDown(), "begin":
                # Locks of a session are counted: a second one would outlive the getting up.
                assert not self.asleep
                if self.awake_seen:
                    self._next(self.core.lay_down(asleep=False))
                else:
                    self.asleep = True
                    self.step = "lock 2"
            case LieDown(), "lock 2":
                if self.silent:
                    self.asleep = False
                    self._next(self.core.lay_down(asleep=False))
                else:
                    self.lying_down = True
                    self.step = "unlock 2"
            case LieDown(), "unlock 2":
                self.lying_down = False
                self._next(self.core.lay_down(asleep=True))
            case Pause(), _:
                self._next(self.core.paused())
            case Wait(), _:
                self.bells = 0
                self._next(self.core.waited(rang=True))

    def _next(self, command):
        self.command, self.step = command, "begin"


def missed(world):
    """The first end in which the relay waits beside a full inbox, over all orders; None if none."""
    seen, waiting = {world.key()}, [world]
    while waiting:
        world = waiting.pop()
        able = world.able()
        if not able and world.inbox:
            return world
        for who in able:
            following = world.copy()
            following.take(who)
            if (key := following.key()) not in seen:
                seen.add(key)
                waiting.append(following)
    return None


class WaitsWithoutLooking(RelayCore):
    def lay_down(self, asleep):
        command = super().lay_down(asleep)
        return Wait() if asleep else command


class SleepsOnFoundRows(RelayCore):
    def looked(self, found):
        return Wait() if self.is_asleep else super().looked(found)


@pytest.mark.parametrize(("batch", "busy"), [(2, 4), (3, 2)], ids=["full batches", "many write"])
def test_no_bell_is_missed_in_any_order(batch, busy):
    assert missed(World(3, batch=batch, busy=busy)) is None


@pytest.mark.parametrize("broken", [WaitsWithoutLooking, SleepsOnFoundRows])
def test_a_weakened_relay_is_caught(broken):
    assert missed(World(3, core=broken)) is not None


def test_writers_that_stay_silent_without_a_lock_are_caught():
    assert missed(World(2, polite=False)) is not None


@given(
    writers=st.integers(1, 6),
    aborting=st.sets(st.integers(0, 5)),
    order=st.lists(st.integers(0, 6), max_size=200),
)
@settings(max_examples=300)
def test_a_sweep_finds_what_an_aborted_ringer_left(writers, aborting, order):
    world = World(writers, aborting)
    for choice in order:
        if able := world.able():
            world.take(able[choice % len(able)])
    while able := world.able():
        world.take(able[0])
    world.sweep()
    while able := world.able():
        world.take(able[0])

    assert world.inbox == set()


# The machine alone ----------------------------------------------------------------------------

ANSWERS = st.one_of(
    st.tuples(st.just("looked"), st.integers(0, 5)),
    st.tuples(st.just("other"), st.booleans()),
)


@given(st.lists(ANSWERS, max_size=60))
def test_the_relay_waits_only_after_an_empty_look_while_asleep(answers):
    core, command, history = RelayCore(batch=4, busy=2), Look(), []
    for kind, value in answers:
        history.append((command, core.is_asleep))
        match command:
            case Look():
                found = value if kind == "looked" else 0
                following = core.looked(int(found))
            case LieDown():
                following = core.lay_down(bool(value))
            case Pause(seconds):
                assert SHORTEST_PAUSE <= seconds <= LONGEST_PAUSE
                following = core.paused()
            case Wait():
                following = core.waited(bool(value))
        if isinstance(following, Wait):
            assert command == Look(getting_up=False)
            assert core.is_asleep
        if isinstance(following, LieDown) or following == Look(getting_up=True):
            assert not core.is_asleep
        command = following


def test_pauses_double_until_rows_are_found():
    core = RelayCore()
    pauses = [core.lay_down(asleep=False).seconds for _ in range(7)]
    assert pauses == [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.016]

    core.looked(1)
    assert core.lay_down(asleep=False) == Pause(SHORTEST_PAUSE)


def test_whoever_finds_rows_asleep_gets_up():
    core = RelayCore()
    assert core.lay_down(asleep=True) == Look()
    assert core.looked(1) == Look(getting_up=True)
    assert core.looked(0) == LieDown()


def test_full_batches_are_followed_by_a_look_at_once():
    core = RelayCore(batch=10)
    assert core.looked(10) == Look()
    assert core.looked(9) != Look()


def test_while_many_write_the_relay_leaves_them_the_processor():
    core = RelayCore()
    assert core.looked(BUSY) == Pause(BUSY_PAUSE)
    assert core.looked(BUSY - 1) == LieDown()
    assert core.looked(0) == LieDown()
