"""Counting: spreads, differences between moments, and what is kept of a day."""

from datetime import UTC, datetime, timedelta

import pytest

from realtime.event import Event
from realtime.tally import BOUNDS, Spread, Tally, Totals

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def event(seq, *, age):
    return Event(
        seq=seq, topics=("care:1",), table="visits", operation="INSERT",
        created_at=NOW - timedelta(seconds=age),
    )  # fmt: skip


def test_a_spread_tells_the_bound_within_which_most_were():
    spread = Spread()
    for _ in range(95):
        spread.add(0.02)
    for _ in range(5):
        spread.add(0.7)
    assert spread.within(0.5) == 0.025
    assert spread.within(0.95) == 0.025
    assert spread.within(0.99) == 1.0
    assert spread.seconds == pytest.approx(95 * 0.02 + 5 * 0.7)


def test_a_bound_belongs_to_what_it_bounds_and_beyond_the_last_is_no_bound():
    spread = Spread()
    spread.add(BOUNDS[0])
    assert spread.within(1.0) == BOUNDS[0]
    spread.add(BOUNDS[-1] + 1)
    assert spread.within(1.0) == float("inf")
    assert Spread().within(0.5) is None


def test_events_are_counted_once_and_timed_from_their_change():
    tally = Tally()
    events = [event(seq, age=0.3) for seq in (4, 5, 6)]
    tally.took(events, 4, NOW.timestamp())
    assert tally.totals.events == 2
    assert tally.totals.delivery.within(1.0) == 0.5


def test_a_clock_that_was_set_back_is_no_negative_time():
    tally = Tally()
    tally.took([event(1, age=-5)], 0, NOW.timestamp())
    assert tally.totals.delivery.seconds == 0


def test_what_was_counted_since_a_moment_is_told():
    tally = Tally()
    for minute in range(10):
        tally.second(60.0 * minute, sockets=3, is_fresh=minute != 9)
        tally.totals.opened += 1
        tally.totals.closed[1006] += 1
        tally.totals.opening.add(0.01)
    last = tally.since(60.0 * 5)
    # The minute was kept before what came in it was counted.
    assert last.opened == 5
    assert last.closed == {1006: 5}
    assert sum(last.opening.counts) == 5
    assert (last.watched, last.fresh, last.socket_seconds) == (4, 3, 12)
    assert tally.since(-1.0).opened == 10


def test_only_a_minute_apart_and_only_a_day_is_kept():
    tally = Tally()
    for second in range(0, 3 * 86_400, 20):
        tally.second(float(second), sockets=0, is_fresh=True)
    assert len(tally.minutes) == 24 * 60 + 1
    assert tally.minutes[1][0] - tally.minutes[0][0] == 60
    assert tally.totals.watched == 0


def test_what_was_taken_down_does_not_change_any_more():
    totals = Totals()
    before = totals.copy()
    totals.refused["Unauthorized"] += 1
    totals.delivery.add(1)
    assert before == Totals()
    assert totals.minus(before).refused == {"Unauthorized": 1}
