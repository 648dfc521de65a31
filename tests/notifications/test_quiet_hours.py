"""Nights: where they begin and end, also when the clocks change."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.quiet_hours import instant, next_at, quiet_until

BOSTON, BERLIN = ZoneInfo("America/New_York"), ZoneInfo("Europe/Berlin")
NIGHT = time(22), time(7)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        ("2026-11-20T02:59", None),  # 21:59 in Boston
        ("2026-11-20T03:00", "2026-11-20T12:00"),  # 22:00
        ("2026-11-20T11:59", "2026-11-20T12:00"),  # 06:59
        ("2026-11-20T12:00", None),  # 07:00
    ],
)
def test_a_night_crosses_midnight(now, ends):
    assert quiet_until(at(now), *NIGHT, BOSTON) == (at(ends) if ends else None)


def test_a_rest_at_noon_stays_within_its_day():
    assert quiet_until(at("2026-06-01T11:30"), time(13), time(15), BERLIN) == at("2026-06-01T13:00")
    assert quiet_until(at("2026-06-01T13:30"), time(13), time(15), BERLIN) is None


def test_the_night_in_which_clocks_go_forward_is_an_hour_shorter():
    # 8 March 2026, 02:00 EST becomes 03:00 EDT.
    assert quiet_until(at("2026-03-08T04:00"), *NIGHT, BOSTON) == at("2026-03-08T11:00")


def test_the_night_in_which_clocks_go_back_is_an_hour_longer():
    # 1 November 2026, 02:00 EDT becomes 01:00 EST.
    assert quiet_until(at("2026-11-01T03:00"), *NIGHT, BOSTON) == at("2026-11-01T12:00")


def test_an_end_that_does_not_happen_is_the_jump_itself():
    # There is no 02:30 on that day.
    end = at("2026-03-08T07:00")
    assert quiet_until(at("2026-03-08T05:00"), time(22), time(2, 30), BOSTON) == end
    assert quiet_until(end, time(22), time(2, 30), BOSTON) is None


def test_an_end_that_happens_twice_is_the_second():
    end = at("2026-11-01T06:30")  # 01:30 EST; 05:30 UTC was 01:30 EDT
    for now in ("2026-11-01T05:29", "2026-11-01T05:31", "2026-11-01T06:29"):
        assert quiet_until(at(now), time(22), time(1, 30), BOSTON) == end
    assert quiet_until(end, time(22), time(1, 30), BOSTON) is None


def test_the_daily_hour_is_met_once_a_day_through_the_change():
    now, hours = at("2026-03-07T00:00"), []
    for _ in range(3):
        now = next_at(now, time(8), BOSTON)
        hours.append(now)
    assert hours == [at("2026-03-07T13:00"), at("2026-03-08T12:00"), at("2026-03-09T12:00")]


@given(
    st.integers(0, 2 * 366 * 24 * 60).map(lambda m: at("2026-01-01T00:00") + timedelta(minutes=m)),
    st.times().map(lambda of: of.replace(second=0, microsecond=0)),
    st.times().map(lambda of: of.replace(second=0, microsecond=0)),
    st.sampled_from([BOSTON, BERLIN, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kolkata")]),
)
def test_a_night_ends_ahead_and_within_a_day_and_then_it_is_day(now, begins, ends, zone):
    end = quiet_until(now, begins, ends, zone) if begins != ends else None
    if end is not None:
        assert now < end
        assert (end - now).total_seconds() <= 25 * 3600
        following = quiet_until(end, begins, ends, zone)
        # Two nights touch only where the day between them was swallowed by the jump.
        assert following is None or instant(end.astimezone(zone).date(), begins, zone) == end
