"""Who is on call, reckoned: patterns, exceptions, and the two nights when the clock changes."""

import uuid
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.rota import Gap, Override, Pattern, duties, gaps, instant, on_call, turn

ADA, BORIS, NOOR = (uuid.UUID(int=number) for number in (1, 2, 3))
BERLIN = ZoneInfo("Europe/Berlin")
# Half an hour, a whole day, midnight itself: clocks change in more ways than one.
ZONES = [
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Santiago",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "UTC",
]
MONDAY = date(2026, 11, 16)


def pattern(user, weekday, starts, ends, **more):
    given = {"days": 0 if ends > starts else 1, "from_on": date(2020, 1, 6)} | more
    return Pattern(given.pop("series", uuid.uuid4()), user, weekday, starts, ends, **given)


def override(user, replaces, **more):
    return Override(uuid.uuid4(), user, replaces, **more)


def berlin(*when):
    return datetime(*when, tzinfo=BERLIN)


@pytest.fixture
def night():
    return pattern(ADA, 0, time(20), time(8))


@pytest.fixture
def morrow():
    return pattern(BORIS, 1, time(20), time(8))


# Patterns ---------------------------------------------------------------------------------------


def test_a_night_shift_lasts_until_the_next_morning(night):
    assert on_call([night], [], berlin(2026, 11, 16, 20), BERLIN) == [ADA]
    assert on_call([night], [], berlin(2026, 11, 17, 7, 59), BERLIN) == [ADA]
    assert on_call([night], [], berlin(2026, 11, 17, 8), BERLIN) == []
    assert on_call([night], [], berlin(2026, 11, 16, 19, 59), BERLIN) == []


def test_the_first_and_the_last_date_belong_to_the_pattern():
    week = pattern(ADA, 0, time(8), time(8), days=7, from_on=MONDAY, until_on=MONDAY)
    assert on_call([week], [], berlin(2026, 11, 16, 7, 59), BERLIN) == []
    assert on_call([week], [], berlin(2026, 11, 23, 7, 59), BERLIN) == [ADA]
    assert on_call([week], [], berlin(2026, 11, 23, 8), BERLIN) == []


def test_every_second_week_is_counted_from_the_first():
    first = pattern(ADA, 2, time(8), time(9), every=2, from_on=MONDAY)
    second = pattern(BORIS, 2, time(8), time(9), every=2, from_on=MONDAY + timedelta(7))
    met = [
        on_call([first, second], [], berlin(2026, 11, 18, 8) + timedelta(7 * week), BERLIN)
        for week in range(4)
    ]
    assert met == [[ADA], [BORIS], [ADA], [BORIS]]


def test_the_first_is_called_first_and_nobody_twice():
    second = pattern(ADA, 0, time(8), time(20), position=2)
    first = pattern(BORIS, 0, time(9), time(20), position=1)
    again = pattern(ADA, 0, time(8), time(12), position=3)
    at = berlin(2026, 11, 16, 10)
    assert on_call([second, first, again], [], at, BERLIN) == [BORIS, ADA]


def test_who_has_left_counts_as_nobody(night):
    at = berlin(2026, 11, 16, 21)
    assert on_call([night], [], at, BERLIN, able={BORIS}) == []
    assert gaps([night], [], at, at + timedelta(hours=1), BERLIN, able={BORIS}) == [
        Gap(at, at + timedelta(hours=1))
    ]


# Overrides --------------------------------------------------------------------------------------


def test_a_turn_is_taken_once_and_not_the_week_after(night):
    taken = override(NOOR, ADA, series=night.series, begins_on=MONDAY)
    assert on_call([night], [taken], berlin(2026, 11, 16, 23), BERLIN) == [NOOR]
    assert on_call([night], [taken], berlin(2026, 11, 23, 23), BERLIN) == [ADA]


def test_a_span_replaces_a_person_in_every_turn_and_splits_them(night, morrow):
    away = override(NOOR, ADA, start=berlin(2026, 11, 16, 22), end=berlin(2026, 11, 24, 0))
    found = duties(
        [night, morrow], [away], berlin(2026, 11, 16, 12), berlin(2026, 11, 18, 12), BERLIN
    )
    assert [(each.user, each.start.astimezone(BERLIN).hour) for each in found] == [
        (ADA, 20),
        (NOOR, 22),
        (BORIS, 20),
    ]


def test_a_person_more_is_called_first(night):
    more = override(NOOR, None, start=berlin(2026, 11, 16, 21), end=berlin(2026, 11, 16, 22))
    assert on_call([night], [more], berlin(2026, 11, 16, 21, 30), BERLIN) == [NOOR, ADA]
    assert on_call([night], [more], berlin(2026, 11, 16, 22), BERLIN) == [ADA]


def test_the_last_word_wins_and_stands_on_the_one_before(night):
    first = override(BORIS, ADA, series=night.series, begins_on=MONDAY)
    second = override(NOOR, BORIS, series=night.series, begins_on=MONDAY)
    at = berlin(2026, 11, 16, 23)
    assert on_call([night], [first, second], at, BERLIN) == [NOOR]
    # Without the first, the second has nobody to replace.
    assert on_call([night], [second], at, BERLIN) == [ADA]


def test_an_empty_turn_is_a_gap_until_somebody_takes_it():
    empty = pattern(None, 0, time(20), time(8))
    start, end = berlin(2026, 11, 16, 12), berlin(2026, 11, 17, 12)
    span = gaps([empty], [], start, end, BERLIN, round_the_clock=False)
    assert span == [Gap(berlin(2026, 11, 16, 20), berlin(2026, 11, 17, 8))]
    taken = override(NOOR, None, series=empty.series, begins_on=MONDAY)
    assert gaps([empty], [taken], start, end, BERLIN, round_the_clock=False) == []


def test_who_steps_down_leaves_a_gap(night):
    ill = override(None, ADA, series=night.series, begins_on=MONDAY)
    assert on_call([night], [ill], berlin(2026, 11, 16, 23), BERLIN) == []


# Swaps ------------------------------------------------------------------------------------------


def swapped(night, morrow):
    swap = uuid.uuid4()
    return [
        override(BORIS, ADA, series=night.series, begins_on=MONDAY, swap=swap),
        override(ADA, BORIS, series=morrow.series, begins_on=date(2026, 11, 17), swap=swap),
    ]


def both(patterns, overrides):
    return [on_call(patterns, overrides, berlin(2026, 11, day, 23), BERLIN) for day in (16, 17)]


def test_two_people_have_each_others_turn(night, morrow):
    assert both([night, morrow], swapped(night, morrow)) == [[BORIS], [ADA]]


def test_half_a_swap_is_none(night, morrow):
    for half in swapped(night, morrow):
        assert both([night, morrow], [half]) == [[ADA], [BORIS]]


def test_a_swap_follows_a_turn_to_other_hours(night, morrow):
    halves = swapped(night, morrow)
    later = pattern(ADA, 0, time(22), time(6), series=night.series)
    assert both([later, morrow], halves) == [[BORIS], [ADA]]
    assert on_call([later, morrow], halves, berlin(2026, 11, 16, 21), BERLIN) == []


@pytest.mark.parametrize("far", [60, 300])
def test_a_swap_over_far_dates_is_seen_whole_from_each(night, morrow, far):
    swap, later = uuid.uuid4(), date(2026, 11, 17) + timedelta(days=far // 7 * 7)
    halves = [
        override(BORIS, ADA, series=night.series, begins_on=MONDAY, swap=swap),
        override(ADA, BORIS, series=morrow.series, begins_on=later, swap=swap),
    ]
    assert on_call([night, morrow], halves, berlin(2026, 11, 16, 23), BERLIN) == [BORIS]
    evening = datetime.combine(later, time(23), tzinfo=BERLIN)
    assert on_call([night, morrow], halves, evening, BERLIN) == [ADA]


def test_a_swap_ends_for_both_when_a_turn_is_given_to_somebody_else(night, morrow):
    halves = swapped(night, morrow)
    given = pattern(NOOR, 1, time(20), time(8), series=morrow.series)
    assert both([night, given], halves) == [[ADA], [NOOR]]


def test_a_swap_ends_for_both_when_a_turn_is_no_more(night, morrow):
    ended = pattern(BORIS, 1, time(20), time(8), series=morrow.series, until_on=MONDAY)
    assert both([night, ended], swapped(night, morrow)) == [[ADA], []]


def test_what_rested_on_a_swap_ends_with_it(night, morrow):
    halves = swapped(night, morrow)
    onward = override(NOOR, BORIS, series=night.series, begins_on=MONDAY)
    assert both([night, morrow], [*halves, onward]) == [[NOOR], [ADA]]
    assert both([night, morrow], [halves[0], onward]) == [[ADA], [BORIS]]


# The clock --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 28), 11),
        ("Europe/Berlin", date(2026, 10, 24), 13),
        ("America/New_York", date(2026, 3, 7), 11),
        ("America/New_York", date(2026, 10, 31), 13),
        ("Australia/Lord_Howe", date(2026, 10, 3), 11.5),
        ("Australia/Lord_Howe", date(2026, 4, 4), 12.5),
        ("Asia/Kathmandu", date(2026, 3, 28), 12),
    ],
)
def test_a_night_is_as_long_as_the_clock_makes_it(name, day, hours):
    night = pattern(ADA, day.weekday(), time(20), time(8))
    start, end = turn(night, day, ZoneInfo(name))
    assert end - start == timedelta(hours=hours)


@pytest.mark.parametrize("ends", [time(2), time(2, 30), time(3)])
def test_shifts_that_meet_in_the_missing_hour_meet_when_the_clock_jumps(ends):
    day = date(2026, 3, 29)
    early, late = pattern(ADA, 6, time(0), ends), pattern(BORIS, 6, ends, time(8))
    assert turn(early, day, BERLIN)[1] == turn(late, day, BERLIN)[0]
    assert turn(early, day, BERLIN)[1] == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_a_shift_inside_the_missing_hour_does_not_happen():
    gone = pattern(ADA, 6, time(2, 10), time(2, 50))
    start, end = berlin(2026, 3, 29, 0), berlin(2026, 3, 29, 12)
    assert duties([gone], [], start, end, BERLIN) == []


def test_a_shift_of_the_hour_that_comes_twice_has_it_twice():
    twice = pattern(ADA, 6, time(2), time(3))
    start, end = turn(twice, date(2026, 10, 25), BERLIN)
    assert end - start == timedelta(hours=2)


@given(
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    dates=st.tuples(*[st.dates(date(2009, 1, 1), date(2030, 1, 1))] * 2),
    times=st.tuples(st.times(), st.times()),
)
@settings(max_examples=400)
def test_the_clock_never_goes_back(zone, dates, times):
    first, second = sorted(zip(dates, times, strict=True))
    assert instant(*first, zone) <= instant(*second, zone)


@given(
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    # Around the clock changes of that half of the year, and Apia's missing Friday of 2011.
    day=st.one_of(
        st.dates(date(2026, 3, 1), date(2026, 4, 10)),
        st.dates(date(2026, 9, 1), date(2026, 11, 10)),
        st.dates(date(2011, 12, 25), date(2012, 1, 5)),
    ),
    cuts=st.lists(st.times(), min_size=1, unique=True).map(sorted),
    every=st.integers(1, 3),
)
@settings(max_examples=150)
def test_shifts_that_meet_on_the_clock_cover_every_moment_once(zone, day, cuts, every):
    monday = day - timedelta(days=day.weekday() + 7 * every)
    edges = list(zip(cuts, [*cuts[1:], cuts[0]], strict=True))
    patterns = [
        pattern(
            uuid.UUID(int=100 + number),
            weekday,
            *(starts, ends),
            from_on=monday + timedelta(days=7 * week),
            every=every,
        )
        for week in range(every)
        for weekday in range(7)
        for number, (starts, ends) in enumerate(edges)
    ]
    start = datetime.combine(day, time(0), tzinfo=UTC)
    end = start + timedelta(days=3)
    assert gaps(patterns, [], start, end, zone) == []
    spans = sorted((each.start, each.end) for each in duties(patterns, [], start, end, zone))
    assert all(one[1] == other[0] for one, other in pairwise(spans)), "two people at once"
