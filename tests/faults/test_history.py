"""The checker itself: a history that kept every promise, and one made-up lie for each of them.

A checker that has never failed proves nothing: each of these must be found, and named rightly.
"""

from dataclasses import replace

import pytest

from tests.faults.facts import (
    FAILED,
    OK,
    UNKNOWN,
    Client,
    Gauge,
    Heard,
    Logged,
    Resynced,
    Right,
    Sample,
    Truth,
    Write,
)
from tests.faults.history import check

# Six positions: 3 and 5 are about other things (a right that ends, one that begins).
EVENTS = [
    Logged(1, "ana", ("r1", 0)),
    Logged(2, "ben", ("r2", 0)),
    Logged(4, "ana", ("r3", 0)),
    Logged(6, "ana", ("r1", 1)),
]
TRUTH = Truth(
    epoch="e",
    seqs=[1, 2, 3, 4, 5, 6],
    oldest=1,
    head=6,
    events=EVENTS,
    rows={"r1": 1, "r2": 0, "r3": 0},
    samples=[Sample(1, 0), Sample(1, 2), Sample(2, 4), Sample(2, 6)],
    gauges=[Gauge("web 1", 120_000, 60)],
    connections=[12, 20],
    absences=[(10.0, 12.0)],
    settled=0.5,
)
# Noor lost her place at position 3, which was committed at 2.9, and has it again from 5 on.
RIGHTS = [
    Right("ana", "ana"),
    Right("ben", "ben"),
    Right("noor", "ana", until=3, revoked=2.5, ended=2.9),
    Right("noor", "ana", since=5, granted=4.5),
]
WRITES = [
    Write("w1", 1.0, 1.1, OK, (("r1", 0),)),
    Write("w2", 1.5, 2.0, OK, (("r2", 0),)),
    Write("w1", 2.0, 3.0, OK, (("r3", 0),)),
    Write("w1", 5.0, 6.0, OK, (("r1", 1),)),
    Write("w2", 6.0, 6.1, FAILED, (("r9", 0),)),
    Write("w2", 11.0, 11.5, UNKNOWN, (("r8", 0),), "server closed the connection"),
]


def heard(seq, at=None, epoch="e", **how):
    event = next(event for event in EVENTS if event.seq == seq)
    return Heard(float(seq) if at is None else at, epoch, seq, event.patient, event.fact, **how)


ANA = Client("page of ana", "ana", 0, [heard(1), heard(4), heard(6)], position=6)
BEN = Client("page of ben", "ben", 0, [heard(2)], position=6)
NOOR = Client("page of noor", "noor", 0, [heard(1), heard(6)], position=6)
ALL = [ANA, BEN, NOOR]


def found(truth=TRUTH, clients=ALL, writes=WRITES, rights=RIGHTS):
    return check(truth, rights, clients, writes).wrong


def test_a_history_that_kept_every_promise_passes():
    report = check(TRUTH, RIGHTS, ALL, WRITES)

    assert report.wrong == {}
    assert report.counts["deliveries"] == 6
    assert report.counts["writes acknowledged"] == 4
    assert report.counts["leaders"] == 2


def test_what_is_told_again_under_later_rights_is_no_leak():
    assert not found(clients=[replace(NOOR, heard=[heard(1), heard(4, at=4.8), heard(6)])])


def test_what_was_on_its_way_when_a_right_ended_may_be_withheld():
    assert not found(clients=[replace(NOOR, heard=[heard(6)])])


# What web 1 told Ana at 4.1 came after the end of Noor's right: from then on it knew of that.
ANA_LIVE = replace(ANA, heard=[heard(1), heard(4, at=4.1, by="web 1", is_live=True), heard(6)])


@pytest.mark.parametrize(
    "how",
    [
        # An answer to a poll, which was under way when the end was committed.
        {"at": 3.5, "asked": 2.8},
        # A line that joined, or was last heard to answer, before anything shows that web 1 knew.
        {"at": 4.3, "asked": 4.0, "by": "web 1"},
        {"at": 4.3, "asked": 4.0, "by": "web 1", "is_live": True},
        # Another process, which may know less.
        {"at": 4.3, "asked": 4.2, "by": "web 2"},
    ],
)
def test_what_came_before_an_end_may_be_told_until_the_end_is_known(how):
    assert not found(clients=[ANA_LIVE, replace(NOOR, heard=[heard(1, **how), heard(6)])])


def test_what_a_process_tells_of_the_past_shows_nothing_of_what_it_knows():
    history = replace(ANA_LIVE.heard[1], is_live=False)
    told = heard(1, at=4.3, asked=4.2, by="web 1")
    clients = [replace(ANA, heard=[heard(1), history, heard(6)]), replace(NOOR, heard=[told])]
    assert "leaked" not in found(clients=clients)


def test_who_was_told_to_begin_anew_need_not_hear_what_came_before():
    assert not found(clients=[replace(ANA, heard=[Resynced(5.0, "e", 5), heard(6)])])


def test_who_comes_later_hears_what_comes_later():
    assert not found(clients=[replace(ANA, since=4, heard=[heard(6)])])


# One lie for each promise -------------------------------------------------------------------------


def test_an_acknowledged_write_that_is_not_there():
    rows = {"r1": 1, "r3": 0}
    assert "lost" in found(replace(TRUTH, rows=rows, events=[EVENTS[0], *EVENTS[2:]]), [ANA])


def test_an_acknowledged_change_that_was_undone():
    truth = replace(TRUTH, rows=TRUTH.rows | {"r1": 0}, events=EVENTS[:3])
    assert "lost" in found(truth, [replace(ANA, heard=ANA.heard[:2])])


def test_a_row_without_an_event():
    truth = replace(TRUTH, rows=TRUTH.rows | {"r8": 0})
    assert "lost" in found(truth)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_an_event_that_a_client_never_heard(missing):
    heard_ = [each for number, each in enumerate(ANA.heard) if number != missing]
    assert list(found(clients=[replace(ANA, heard=heard_)])) == ["lost"]


def test_an_event_that_was_skipped_while_a_right_that_ended_still_held():
    earlier = [Logged(1, "ana", ("r1", 0)), Logged(2, "ana", ("r2", 0)), *EVENTS[2:]]
    second = Heard(2.0, "e", 2, "ana", ("r2", 0))
    truth = replace(TRUTH, events=earlier)
    assert list(found(truth, [replace(NOOR, heard=[second, heard(6)])])) == ["lost"]


def test_an_event_that_comes_after_a_right_was_given_again():
    assert list(found(clients=[replace(NOOR, heard=[heard(1)])])) == ["lost"]


def test_an_event_that_was_heard_twice():
    assert list(found(clients=[replace(BEN, heard=[heard(2), heard(2)])])) == ["doubled"]


def test_a_change_that_is_in_the_log_twice():
    truth = replace(TRUTH, events=[*EVENTS, Logged(5, "ben", ("r2", 0))])
    fifth = Heard(5.0, "e", 5, "ben", ("r2", 0))
    assert list(found(truth, [replace(BEN, heard=[heard(2), fifth])])) == ["doubled"]


def test_events_that_were_heard_out_of_order():
    heard_ = [heard(1), heard(6), heard(4)]
    assert list(found(clients=[replace(ANA, heard=heard_)])) == ["disordered"]


def test_another_log_that_nobody_was_told_of():
    heard_ = [heard(1, epoch="old"), heard(4), heard(6)]
    assert "disordered" in found(clients=[replace(ANA, since=3, heard=heard_)])


def test_writes_of_one_writer_in_another_order_than_they_were_made():
    swapped = [
        Logged(1, "ana", ("r3", 0)),
        EVENTS[1],
        Logged(4, "ana", ("r1", 0)),
        EVENTS[3],
    ]
    assert "disordered" in found(replace(TRUTH, events=swapped), [BEN])


def test_an_event_of_somebody_else():
    heard_ = [heard(1), heard(2), heard(4), heard(6)]
    assert list(found(clients=[replace(ANA, heard=heard_)])) == ["leaked"]


def test_an_event_after_the_right_ended():
    heard_ = [heard(1), heard(4, at=4.4), heard(6)]
    assert list(found(clients=[replace(NOOR, heard=heard_)])) == ["leaked"]


@pytest.mark.parametrize(
    "how",
    [
        {"at": 3.5, "asked": 3.0},  # by a poll that was asked for after the end was committed
        {"at": 4.3, "asked": 4.2, "by": "web 1"},  # as the history of a join
        {"at": 4.3, "asked": 4.2, "by": "web 1", "is_live": True},  # after a heartbeat's answer
    ],
)
def test_an_event_of_before_the_end_that_is_told_when_the_end_is_known(how):
    clients = [ANA_LIVE, replace(NOOR, heard=[heard(1, **how), heard(6)])]
    assert list(found(clients=clients)) == ["leaked"]


def test_history_that_is_told_when_a_right_that_was_given_again_has_ended_too():
    again = replace(RIGHTS[3], until=6, revoked=5.5, ended=5.6)
    late = heard(4, at=5.9, asked=5.8)
    rights = [*RIGHTS[:3], again]
    in_time = replace(late, at=5.5, asked=5.4)
    assert not found(clients=[replace(NOOR, heard=[heard(1), in_time])], rights=rights)
    clients = [replace(NOOR, heard=[heard(1), late])]
    assert list(found(clients=clients, rights=rights)) == ["leaked"]


def test_an_event_that_never_happened():
    forged = Heard(3.0, "e", 3, "ana", ("r7", 0))
    heard_ = [heard(1), forged, heard(4), heard(6)]
    assert list(found(clients=[replace(ANA, heard=heard_)])) == ["leaked"]


def test_an_event_that_tells_something_else_than_the_log():
    heard_ = [heard(1), Heard(4.0, "e", 4, "ana", ("r1", 0)), heard(6)]
    assert list(found(clients=[replace(ANA, heard=heard_)])) == ["leaked"]


def test_a_hole_in_the_log():
    assert list(found(replace(TRUTH, seqs=[1, 2, 4, 5, 6]))) == ["torn"]


def test_a_position_that_was_given_out_twice():
    assert list(found(replace(TRUTH, seqs=[1, 2, 3, 4, 4, 5, 6]))) == ["torn"]


@pytest.mark.parametrize("stale", [Sample(1, 7), Sample(2, 3)])
def test_a_deposed_leader_that_wrote(stale):
    assert list(found(replace(TRUTH, samples=[*TRUTH.samples, stale]))) == ["torn"]


def test_an_event_of_a_change_that_was_rolled_back():
    truth = replace(TRUTH, events=[*EVENTS, Logged(5, "carla", ("r9", 0))])
    assert list(found(truth)) == ["torn"]


def test_a_client_that_never_knew_everything():
    assert list(found(replace(TRUTH, settled=None))) == ["unsettled"]
    assert list(found(replace(TRUTH, settled=61.0))) == ["unsettled"]
    assert list(found(clients=[replace(BEN, position=5)])) == ["unsettled"]
    assert list(found(clients=[replace(ANA, heard=ANA.heard[:2], position=5)])) == ["unsettled"]


def test_a_write_that_failed_while_the_database_was_there():
    failed = Write("w3", 7.0, 8.0, FAILED, (("r7", 0),), "too many notifications")
    assert list(found(writes=[*WRITES, failed])) == ["refused"]


@pytest.mark.parametrize("name", ["kilobytes", "files"])
def test_a_process_that_grows(name):
    grown = replace(TRUTH.gauges[0], **{name: 10**7})
    assert list(found(replace(TRUTH, gauges=[grown]))) == ["swollen"]


def test_a_database_full_of_connections():
    assert list(found(replace(TRUTH, connections=[12, 95]))) == ["swollen"]


def test_the_checker_knows_nothing_of_the_engine():
    from pathlib import Path

    for name in ("history.py", "facts.py"):
        text = Path(__file__).with_name(name).read_text()
        assert "realtime" not in text
        assert "portal" not in text
