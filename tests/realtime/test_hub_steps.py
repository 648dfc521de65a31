"""The hub's core step by step: holes, doubles, another log, rights, and ends by the clock."""

from datetime import UTC, datetime

import pytest

from realtime import close_codes
from realtime.authority import Identity
from realtime.hub_core import HubCore
from tests.realtime.hub_world import NOTES, ORGANIZATION, an_event

ENDS = 1_000.0


class Socket:
    """A peer with one channel, which notes what it hears."""

    def __init__(self, session, ends):
        at = None if ends is None else datetime.fromtimestamp(ends, UTC)
        self.identity = Identity("ana", ORGANIZATION, session, expires_at=at)
        self.subscriptions = set()
        self.heard, self.closed = [], None
        self.breaks_at = None
        self.is_odd = False

    def event(self, event):
        if event.seq == self.breaks_at:
            raise ZeroDivisionError
        self.heard.append(event.seq)
        return True

    def history(self, events):
        return all(self.event(event) for event in events)

    def resync(self, reason):
        if self.is_odd:
            raise ZeroDivisionError
        self.heard.append("resync")
        return True

    def close(self, code, reason):
        self.closed = code


class Questions:
    def __init__(self):
        self.mistakes = []

    def recompute(self, reader):
        """Nobody answers by himself."""

    def tell(self, event, roll):
        for subscription in roll.ready:
            subscription.outlet.event(event)

    def failed(self, error):
        self.mistakes.append(type(error))


@pytest.fixture
def core():
    core = HubCore(Questions())
    core.start("e0", 0)
    return core


@pytest.fixture
def live(core):
    """`live("first", ends)`: a socket whose channel is live."""

    def live(session, ends):
        socket = Socket(session, ends)
        core.arrive(socket, core.seq)
        reader = core.readers.of(socket.identity)
        core.granted(reader, reader.rights.asked, {"patient:1": None}, 0.0)
        core.subscribe(socket, NOTES, socket).drain(0.0)
        return socket

    return live


# The stream ------------------------------------------------------------------------------------


def test_what_follows_a_hole_waits_for_the_log(core, live):
    page = live("page", None)
    assert not core.receive("e0", 2, [an_event(2)], 0.0)
    assert not core.receive("e0", 1, [an_event(1), an_event(3)], 0.0)
    assert page.heard == [1]
    core.read(
        epoch="e0",
        oldest=1,
        head=3,
        events=[an_event(2), an_event(3)],
        asked_after=1,
        is_whole=True,
        now=0.0,
    )
    assert page.heard == [1, 2, 3]


def test_what_is_told_twice_is_heard_once(core, live):
    page = live("page", None)
    for first in (1, 1, 2):
        assert core.receive("e0", first, [an_event(seq) for seq in range(first, 4)], 0.0)
    assert page.heard == [1, 2, 3]


def test_a_message_of_another_log_is_not_taken(core, live):
    page = live("page", None)
    assert not core.receive("e1", 1, [an_event(1)], 0.0)
    assert (page.heard, page.closed) == ([], None)


@pytest.mark.parametrize(
    "snapshot",
    [
        {"epoch": "e1", "oldest": 1, "head": 3},  # a restore
        {"epoch": "e0", "oldest": 5, "head": 6},  # history was dropped before it was read
        {"epoch": "e0", "oldest": 1, "head": 1},  # shorter than what was heard
    ],
)
def test_a_log_that_does_not_follow_closes_every_page(core, live, snapshot):
    page = live("page", None)
    assert core.receive("e0", 1, [an_event(1), an_event(2)], 0.0)
    core.read(**snapshot, events=[], asked_after=2, is_whole=True, now=0.0)
    assert page.closed == close_codes.RESYNC
    assert (core.epoch, core.seq) == (snapshot["epoch"], snapshot["head"])


# Mistakes of ours ------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["from the bus", "from the log"])
def test_a_mistake_about_one_channel_costs_the_others_nothing(core, live, way):
    first, odd, odd_too, last = pages = [live(name, None) for name in "abcd"]
    odd.is_odd = odd_too.is_odd = True
    events = [an_event(1, kind="resync"), an_event(2)]
    if way == "from the bus":
        assert core.receive("e0", 1, events, 0.0)
    else:
        snapshot = {"epoch": "e0", "oldest": 1, "head": 2, "asked_after": 0, "is_whole": True}
        core.read(**snapshot, events=events, now=0.0)
    assert [page.heard for page in pages] == [["resync", 2], [], [], ["resync", 2]]
    assert (first.closed, last.closed) == (None, None)
    assert odd.closed == odd_too.closed == close_codes.RESYNC
    assert core.effects.mistakes == [ZeroDivisionError]


def test_whoever_may_not_have_heard_begins_again(core, live):
    pages = [live(name, None) for name in "abc"]
    late = Socket("late", None)
    core.arrive(late, core.seq)
    core.subscribe(late, NOTES, late)
    pages[1].breaks_at = 1
    assert core.receive("e0", 1, [an_event(1), an_event(2)], 0.0)
    assert [page.closed for page in pages] == [close_codes.RESYNC] * 3
    assert (late.closed, core.seq) == (None, 2)
    assert core.effects.mistakes == [ZeroDivisionError]


def test_a_mistake_about_what_waited_for_rights_costs_the_others_nothing(core, live):
    first, odd, last = pages = [live(name, None) for name in "abc"]
    odd.breaks_at = 2
    core.receive("e0", 1, [rights_changed(1), an_event(2), an_event(3)], 0.0)
    reader = core.readers.of(first.identity)
    assert core.granted(reader, reader.rights.asked, {"patient:1": None}, 0.0)
    assert (first.heard, last.heard) == ([2, 3], [2, 3])
    assert [page.closed for page in pages] == [None, close_codes.RESYNC, None]
    assert core.effects.mistakes == [ZeroDivisionError]


# Rights ----------------------------------------------------------------------------------------


def rights_changed(seq):
    return an_event(seq, ("user:ana",), kind="control", operation="grants")


def test_what_follows_a_change_of_rights_is_told_by_the_new_ones(core, live):
    page = live("page", None)
    reader = core.readers.of(page.identity)
    events = [an_event(1), rights_changed(2), an_event(3), an_event(4, ("patient:2",))]
    core.receive("e0", 1, events, 0.0)
    assert page.heard == [1]
    assert core.granted(reader, reader.rights.asked, {"patient:2": None}, 0.0)
    assert page.heard == [1, 4]


def test_a_right_ends_by_the_clock_while_nobody_comes_or_goes(core, live):
    page = live("page", None)
    reader = core.readers.of(page.identity)
    ends = {"patient:1": datetime.fromtimestamp(ENDS, UTC)}
    assert core.granted(reader, reader.rights.asked, ends, 0.0)
    core.receive("e0", 1, [an_event(1)], 0.0)
    core.receive("e0", 2, [an_event(2)], ENDS - 1)
    core.receive("e0", 3, [an_event(3)], ENDS)
    assert page.heard == [1, 2]


def test_an_answer_to_an_earlier_question_is_none(core, live):
    page = live("page", None)
    reader = core.readers.of(page.identity)
    core.receive("e0", 1, [rights_changed(1)], 0.0)
    asked = reader.rights.asked
    core.receive("e0", 2, [rights_changed(2), an_event(3)], 0.0)
    assert not core.granted(reader, asked, {"patient:1": None}, 0.0)
    assert page.heard == []
    assert core.granted(reader, reader.rights.asked, {"tenant:x": None}, 0.0)
    assert page.heard == []


def test_whoever_arrives_late_obeys_what_came_meanwhile(core):
    core.receive("e0", 1, [an_event(1)], 0.0)
    ended = an_event(
        2, ("user:ana",), kind="control", operation="session_ended", record={"session": "page"}
    )
    core.receive("e0", 2, [ended], 0.0)
    page = Socket("page", None)
    core.arrive(page, asked_at=1)
    assert page.closed == close_codes.SIGNED_OUT


# The clock -------------------------------------------------------------------------------------


def test_the_bus_tells_an_ended_session_nothing(core, live):
    ending, other = live("ending", ENDS), live("other", None)
    assert core.receive("e0", 1, [an_event(1)], ENDS - 0.001)
    assert core.receive("e0", 2, [an_event(2)], ENDS)
    assert (ending.heard, other.heard) == ([1], [1, 2])
    assert (ending.closed, other.closed) == (close_codes.SIGNED_OUT, None)


def test_the_log_tells_an_ended_session_nothing(core, live):
    ending = live("ending", ENDS)
    core.read(
        epoch="e0",
        oldest=1,
        head=1,
        events=[an_event(1)],
        asked_after=0,
        is_whole=True,
        now=ENDS,
    )
    assert ending.heard == []
    assert ending.closed == close_codes.SIGNED_OUT


def test_what_waited_for_rights_is_not_told_after_the_end(core, live):
    ending = live("ending", ENDS)
    reader = core.readers.of(ending.identity)
    core.readers.hold(reader)
    core.receive("e0", 1, [an_event(1)], ENDS - 1)
    core.granted(reader, reader.rights.asked, {"patient:1": None}, ENDS)
    assert ending.heard == []
    assert ending.closed == close_codes.SIGNED_OUT


def test_each_session_ends_at_its_own_moment(core, live):
    sockets = [live(f"session {n}", ENDS + n) for n in range(3)]
    for n in range(3):
        core.keep_time(ENDS + n)
        assert [socket.closed is None for socket in sockets] == [i > n for i in range(3)]
