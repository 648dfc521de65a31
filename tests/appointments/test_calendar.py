"""Free times: on the clinic's clock, across both changes of it, and never on what is taken."""

import itertools
import uuid
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appointments.calendar import (
    DayHours,
    Hours,
    Shape,
    Taken,
    day_bounds,
    days_from,
    free_slots,
    good_times,
    nearest,
    open_time,
)

ADA, BORIS, ROOM, OTHER_ROOM = (uuid.uuid4() for _ in range(4))
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
LORD_HOWE, KATHMANDU = ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kathmandu")
ZONES = [BERLIN, NEW_YORK, LORD_HOWE, KATHMANDU]
MONDAY = date(2026, 11, 23)
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
HALF_HOUR = Shape(timedelta(minutes=30), timedelta(minutes=30), horizon_days=5000)


def hours(starts, ends, day=MONDAY, provider=ADA, **more):
    return Hours(
        day.weekday(), time.fromisoformat(starts), time.fromisoformat(ends), provider, **more
    )


def slots(week, day=MONDAY, zone=BERLIN, shape=HALF_HOUR, **more):
    given = {
        "exceptions": (),
        "holidays": (),
        "taken": (),
        "busy": (),
        "now": LONG_AGO,
        "days": [day],
    }
    return free_slots(week=week, shape=shape, zone=zone, **(given | more))


def on_the_wall(found, zone):
    return [f"{slot.starts_at.astimezone(zone):%H:%M %Z}" for slot in found]


def at(clock, zone=BERLIN, day=MONDAY):
    return datetime.combine(day, time.fromisoformat(clock), zone)


def test_a_day_is_cut_into_visits_and_none_reaches_over_its_end():
    assert on_the_wall(slots([hours("09:00", "10:45")]), BERLIN) == [
        "09:00 CET",
        "09:30 CET",
        "10:00 CET",
    ]


def test_a_break_is_free_of_visits_and_the_next_begins_after_it():
    week = [hours("11:00", "14:00", breaks=((time(12, 15), time(13)),))]
    assert on_the_wall(slots(week), BERLIN) == [
        "11:00 CET",
        "11:30 CET",
        "13:00 CET",
        "13:30 CET",
    ]


# The nights on which the clocks change, in hours of a clinic that never closes.
@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        # Europe, spring: 02:00 to 03:00 does not happen.
        (BERLIN, date(2026, 3, 29), ["01:00 CET", "01:30 CET", "03:00 CEST", "03:30 CEST"]),
        # Europe, autumn: 02:00 to 03:00 happens twice.
        (
            BERLIN,
            date(2026, 10, 25),
            ["01:00 CEST", "01:30 CEST", "02:00 CEST", "02:30 CEST", "02:00 CET", "02:30 CET",
             "03:00 CET", "03:30 CET"],
        ),
        # America, spring and autumn.
        (NEW_YORK, date(2026, 3, 8), ["01:00 EST", "01:30 EST", "03:00 EDT", "03:30 EDT"]),
        (
            NEW_YORK,
            date(2026, 11, 1),
            ["01:00 EDT", "01:30 EDT", "01:00 EST", "01:30 EST", "02:00 EST", "02:30 EST",
             "03:00 EST", "03:30 EST"],
        ),
        # Lord Howe changes by half an hour: forward at 02:00, back at 02:00.
        (
            LORD_HOWE,
            date(2026, 10, 4),
            ["01:00 +1030", "01:30 +1030", "02:30 +11", "03:00 +11", "03:30 +11"],
        ),
        (
            LORD_HOWE,
            date(2026, 4, 5),
            ["01:00 +11", "01:30 +11", "01:30 +1030", "02:00 +1030", "02:30 +1030",
             "03:00 +1030", "03:30 +1030"],
        ),
        # Kathmandu never changes, and is 5:45 from UTC.
        (
            KATHMANDU,
            date(2026, 10, 25),
            ["01:00 +0545", "01:30 +0545", "02:00 +0545", "02:30 +0545", "03:00 +0545",
             "03:30 +0545"],
        ),
    ],
)  # fmt: skip
def test_visits_follow_one_another_through_a_change_of_the_clocks(zone, day, expected):
    found = slots([hours("01:00", "04:00", day)], day, zone)

    assert on_the_wall(found, zone) == expected
    instants = [slot.starts_at for slot in found]
    assert all(b - a == timedelta(minutes=30) for a, b in itertools.pairwise(instants))
    assert len(set(instants)) == len(instants)


@pytest.mark.parametrize(
    ("zone", "before", "after"),
    [
        (BERLIN, date(2026, 3, 23), date(2026, 3, 30)),
        (BERLIN, date(2026, 10, 19), date(2026, 10, 26)),
        (NEW_YORK, date(2026, 3, 2), date(2026, 3, 9)),
        (LORD_HOWE, date(2026, 9, 28), date(2026, 10, 5)),
        (KATHMANDU, date(2026, 3, 23), date(2026, 3, 30)),
    ],
)
def test_nine_o_clock_stays_nine_o_clock(zone, before, after):
    week = [hours("09:00", "10:00", before)]
    found = slots(week, zone=zone, days=[before, after])
    assert [f"{slot.starts_at.astimezone(zone):%a %H:%M}" for slot in found] == [
        "Mon 09:00",
        "Mon 09:30",
    ] * 2


@pytest.mark.parametrize(
    ("zone", "day", "long"),
    [
        (BERLIN, date(2026, 3, 29), 23),
        (BERLIN, date(2026, 10, 25), 25),
        (NEW_YORK, date(2026, 11, 1), 25),
        (LORD_HOWE, date(2026, 10, 4), 23.5),
        (LORD_HOWE, date(2026, 4, 5), 24.5),
        (KATHMANDU, date(2026, 3, 29), 24),
        # Where the clocks change at midnight, the day begins when it begins.
        (ZoneInfo("Africa/Cairo"), date(2026, 4, 24), 23),
    ],
)
def test_a_day_is_as_long_as_it_is(zone, day, long):
    begins, ends = day_bounds(day, zone)
    assert ends - begins == timedelta(hours=long)


def test_two_stretches_that_meet_in_the_repeated_hour_meet_in_truth():
    night = date(2026, 10, 25)
    week = [hours("00:00", "02:30", night), hours("02:30", "04:00", night)]
    found = slots(week, night)
    assert len(found) == 10  # five hours have passed
    assert len({slot.starts_at for slot in found}) == 10


def test_holidays_are_free_and_exceptions_take_the_place_of_the_week():
    week = [hours("09:00", "10:00"), hours("09:00", "10:00", provider=BORIS)]
    assert slots(week, holidays={MONDAY}) == []
    away = slots(week, exceptions=[DayHours(MONDAY, ADA)])
    assert {slot.provider for slot in away} == {BORIS}
    other = slots(week, exceptions=[DayHours(MONDAY, ADA, time(14), time(15), ROOM)])
    assert [
        (f"{slot.starts_at.astimezone(BERLIN):%H:%M}", slot.room)
        for slot in other
        if slot.provider == ADA
    ] == [("14:00", ROOM), ("14:30", ROOM)]


def test_hours_hold_from_their_first_to_their_last_day():
    week = [hours("09:00", "09:30", from_on=MONDAY, until_on=MONDAY + timedelta(days=7))]
    days = [MONDAY + timedelta(days=7 * number) for number in range(-1, 3)]
    found = slots(week, days=days)
    assert [slot.starts_at.astimezone(BERLIN).date() for slot in found] == days[1:3]


def test_buffers_keep_their_distance_and_do_not_make_a_visit_longer():
    shape = Shape(
        timedelta(minutes=30),
        timedelta(minutes=15),
        buffer_before=timedelta(minutes=5),
        buffer_after=timedelta(minutes=10),
        horizon_days=5000,
    )
    taken = [Taken(at("10:00"), at("10:30"), ADA)]
    found = slots([hours("09:00", "12:00")], shape=shape, taken=taken)
    wall = [f"{slot.starts_at.astimezone(BERLIN):%H:%M}" for slot in found]
    assert "09:15" in wall  # until 09:45, free again at 09:55
    assert not {"09:30", "10:00", "10:30"} & set(wall)  # 10:30 would begin its buffer at 10:25
    assert "10:45" in wall
    assert all(slot.ends_at - slot.starts_at == timedelta(minutes=30) for slot in found)


def test_a_room_is_one_for_all_who_work_there_and_another_is_given():
    week = [
        hours("09:00", "09:30", room=ROOM),
        hours("09:00", "09:30", room=OTHER_ROOM),
        hours("09:00", "09:30", provider=BORIS, room=ROOM),
    ]
    taken = [Taken(at("09:00"), at("09:30"), room=ROOM)]
    assert [(slot.provider, slot.room) for slot in slots(week, taken=taken)] == [(ADA, OTHER_ROOM)]


def test_a_patient_is_not_offered_a_time_at_which_they_are_elsewhere():
    found = slots([hours("09:00", "10:30")], busy=[(at("09:20"), at("09:40"))])
    assert on_the_wall(found, BERLIN) == ["10:00 CET"]


def test_lead_and_horizon_are_counted_from_now_on_the_clinics_clock():
    shape = Shape(
        timedelta(minutes=30), timedelta(minutes=30), lead=timedelta(hours=2), horizon_days=1
    )
    # 23:30 on Sunday in Berlin is still Sunday; in UTC too, but an hour earlier.
    now = at("23:30", day=MONDAY - timedelta(days=1))
    week = [hours("01:00", "02:30"), hours("01:00", "02:00", MONDAY + timedelta(days=1))]
    found = slots(week, shape=shape, now=now, days=days_from(MONDAY, MONDAY + timedelta(days=1)))
    assert on_the_wall(found, BERLIN) == ["01:30 CET", "02:00 CET"]


def test_a_few_good_times_differ():
    week = [hours("09:00", "16:00"), hours("09:00", "16:00", MONDAY + timedelta(days=1))]
    found = slots(week, days=days_from(MONDAY, MONDAY + timedelta(days=1)))
    assert [
        f"{slot.starts_at.astimezone(BERLIN):%a %H:%M}" for slot in good_times(found, BERLIN)
    ] == ["Mon 09:00", "Mon 12:00", "Tue 09:00", "Tue 12:00"]


def test_the_nearest_are_on_both_sides_of_what_is_gone():
    found = [slot for slot in slots([hours("09:00", "16:00")]) if slot.starts_at != at("12:00")]
    assert on_the_wall(nearest(found, at("12:00")), BERLIN) == [
        "11:00 CET",
        "11:30 CET",
        "12:30 CET",
        "13:00 CET",
    ]


def test_a_visit_lasts():
    with pytest.raises(ValueError, match="lasts"):
        Shape(timedelta(), timedelta(minutes=5))


# Whatever the week, the zone and what is taken -------------------------------------------------

minutes = st.integers(0, 24 * 12 - 1).map(lambda number: time(number // 12, number % 12 * 5))
# Around both changes of both hemispheres, and far from them.
some_day = st.one_of(
    *(
        st.integers(-1, 1).map(lambda n, day=day: day + timedelta(days=n))
        for day in (date(2026, 3, 8), date(2026, 3, 29), date(2026, 4, 5), date(2026, 10, 4),
                    date(2026, 10, 25), date(2026, 11, 1), date(2026, 7, 1))
    )
)  # fmt: skip
length = st.integers(1, 36).map(lambda number: timedelta(minutes=5 * number))
pause = st.integers(0, 6).map(lambda number: timedelta(minutes=5 * number))


@st.composite
def stretch(draw, day):
    starts, ends = sorted((draw(minutes), draw(minutes)))
    inner = sorted(draw(st.lists(minutes, min_size=2, max_size=2)))
    breaks = ((inner[0], inner[1]),) if starts <= inner[0] < inner[1] <= ends else ()
    return Hours(
        day.weekday(), starts, ends, draw(st.sampled_from([ADA, BORIS])), breaks=breaks,
        room=draw(st.sampled_from([None, ROOM])),
    )  # fmt: skip


@st.composite
def world(draw):
    zone, day = draw(st.sampled_from(ZONES)), draw(some_day)
    begins, _ = day_bounds(day, zone)
    taken = [
        Taken(
            begins + timedelta(minutes=5 * start),
            begins + timedelta(minutes=5 * (start + long)),
            draw(st.sampled_from([None, ADA, BORIS])),
            draw(st.sampled_from([None, ROOM])),
        )
        for start, long in draw(
            st.lists(st.tuples(st.integers(0, 290), st.integers(1, 30)), max_size=4)
        )
    ]
    shape = Shape(draw(length), draw(length), draw(pause), draw(pause), horizon_days=5000)
    return zone, day, draw(st.lists(stretch(day), max_size=4)), taken, shape


@settings(max_examples=150)
@given(world())
def test_every_free_time_is_open_free_and_as_long_as_it_says(made):
    zone, day, week, taken, shape = made
    found = slots(week, day, zone, shape, taken=taken)
    openings = open_time(week=week, exceptions=(), holidays=(), zone=zone, days=[day])
    begins, ends = day_bounds(day, zone)

    assert found == sorted(found, key=lambda slot: (slot.starts_at, slot.provider))
    assert len({(slot.starts_at, slot.provider) for slot in found}) == len(found)
    for slot in found:
        assert slot.ends_at - slot.starts_at == shape.duration
        assert begins <= slot.starts_at < ends
        assert any(
            opening.provider == slot.provider
            and opening.starts_at <= slot.starts_at
            and slot.ends_at <= opening.ends_at
            for opening in openings
        )
        for time_taken in taken:
            if slot.provider == time_taken.provider or (slot.room and slot.room == time_taken.room):
                assert (
                    slot.ends_at + shape.buffer_after <= time_taken.starts_at
                    or time_taken.ends_at <= slot.starts_at - shape.buffer_before
                )


@settings(max_examples=60)
@given(world())
def test_what_is_free_grows_when_nothing_is_taken_and_comes_out_the_same_twice(made):
    zone, day, week, taken, shape = made
    some = slots(week, day, zone, shape, taken=taken)
    keys = {(slot.starts_at, slot.provider) for slot in slots(week, day, zone, shape)}
    assert {(slot.starts_at, slot.provider) for slot in some} <= keys
    assert some == slots(
        list(reversed(week)), day, zone, shape, taken=list(reversed(taken))
    ) or any(hours.room for hours in week)


@settings(max_examples=60)
@given(st.sampled_from(ZONES), some_day, minutes, minutes)
def test_hours_of_a_day_add_up_whatever_the_clocks_do(zone, day, one, other):
    """Cut anywhere, two halves of a day are the whole day: nothing is lost in a change."""
    cut = max(one, other)
    last = time(23, 59)
    if cut in (time.min, last):
        return
    whole = open_time(
        week=[Hours(day.weekday(), time.min, last, ADA)],
        exceptions=(), holidays=(), zone=zone, days=[day],
    )  # fmt: skip
    halves = open_time(
        week=[Hours(day.weekday(), time.min, cut, ADA), Hours(day.weekday(), cut, last, ADA)],
        exceptions=(), holidays=(), zone=zone, days=[day],
    )  # fmt: skip

    def total(stretches):
        return sum(((each.ends_at - each.starts_at) for each in stretches), timedelta())

    assert total(halves) == total(whole)
