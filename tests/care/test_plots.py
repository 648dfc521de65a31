"""Plots: scales, calendars, trends, sparklines. Pure."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.plots.calendar import LEFT, MOST_TICKS, RIGHT, Calendar
from care.plots.overlay import Band, Mark, Ring
from care.plots.scale import scale_for
from care.plots.sparkline import HEIGHT, WIDTH, sparkline_of
from care.plots.trend import BOTTOM, MOST_STOPS, TOP, Point, Series, plot_of
from care.vital_signs import Limits

NEW_YORK = ZoneInfo("America/New_York")
NOON = datetime(2026, 11, 21, 12, tzinfo=NEW_YORK)

values = st.lists(
    st.floats(min_value=-1e6, max_value=1e6, allow_nan=False, width=32), min_size=1, max_size=50
)


@given(values)
def test_every_value_lies_on_its_scale_between_round_numbers(numbers):
    scale = scale_for(numbers, top=TOP, bottom=BOTTOM)
    assert 2 <= len(scale.ticks) <= 7
    hair = scale.step * 1e-6
    for number in numbers:
        assert scale.low - hair <= number <= scale.high + hair
        assert TOP <= scale.y(number) <= BOTTOM


@given(values)
def test_a_higher_value_is_never_drawn_lower(numbers):
    scale = scale_for(numbers, top=TOP, bottom=BOTTOM)
    heights = [scale.y(number) for number in sorted(numbers)]
    assert heights == sorted(heights, reverse=True)


def test_scales_count_in_what_people_count_in():
    assert [scale_for([61, 99], top=0, bottom=100).label(tick) for tick in (60, 80)] == ["60", "80"]
    scale = scale_for([36.2, 37.9], top=0, bottom=100)
    assert [scale.label(tick) for tick in scale.ticks] == ["36.0", "36.5", "37.0", "37.5", "38.0"]


@given(
    st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(2050, 1, 1)),  # noqa: DTZ001
    st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=365 * 70)),
)
def test_a_calendar_has_few_ticks_inside_its_span_and_in_order(first, span):
    first = first.replace(tzinfo=UTC)
    calendar = Calendar(first, first + span, NEW_YORK)
    ticks = calendar.ticks
    assert 1 <= len(ticks) <= MOST_TICKS
    places = [tick.x for tick in ticks]
    assert places == sorted(places)
    assert all(LEFT <= place <= RIGHT for place in places)


def test_days_begin_at_midnight_in_the_clinic_also_when_the_clock_changes():
    """On 1 November 2026 clocks go back in New York: that day has 25 hours."""
    first = datetime(2026, 10, 30, tzinfo=NEW_YORK)
    calendar = Calendar(first, datetime(2026, 11, 3, tzinfo=NEW_YORK), NEW_YORK)
    assert [tick.label for tick in calendar.ticks] == [
        "30 Oct",
        "31 Oct",
        "1 Nov",
        "2 Nov",
        "3 Nov",
    ]
    assert (calendar.ticks[0].x, calendar.ticks[-1].x) == (LEFT, RIGHT)
    gaps = [later.x - earlier.x for earlier, later in pairwise(calendar.ticks)]
    assert gaps[2] == pytest.approx(gaps[0] * 25 / 24, abs=0.05)


def test_hours_are_the_clinics_hours():
    first = datetime(2026, 11, 21, 13, tzinfo=UTC)
    calendar = Calendar(first, first + timedelta(hours=4), NEW_YORK)
    assert [tick.label for tick in calendar.ticks] == ["08:00", "09:00", "10:00", "11:00", "12:00"]


def points(*numbers, flag=""):
    return [
        Point(NOON + timedelta(days=index), Decimal(str(number)), f"day {index}: {number}", flag)
        for index, number in enumerate(numbers)
    ]


def plot(*series, bands=(), critical=(), marks=()):
    return plot_of(
        [Series(f"s{index}", each) for index, each in enumerate(series)],
        bands=[
            *(Band("", limits, Ring.NORMAL) for limits in bands),
            *(Band("", limits, Ring.CRITICAL) for limits in critical),
        ],
        marks=marks,
        zone=NEW_YORK,
        summary="",
    )


def test_nothing_to_draw_is_no_plot():
    assert plot([]) is None


def test_one_point_stands_in_the_middle():
    drawn = plot(points(72))
    assert drawn.lines[0].marks[0].x == 50
    assert len(drawn.date_ticks) == 1


def test_every_point_says_what_it_is_and_can_be_focused():
    marks = plot(points(72, 80, 76)).lines[0].marks
    assert [mark.label for mark in marks] == ["day 0: 72", "day 1: 80", "day 2: 76"]
    assert all(mark.is_stop for mark in marks)


def test_the_tab_key_stops_at_the_newest_points_only():
    marks = plot(points(*range(100))).lines[0].marks
    assert [mark.is_stop for mark in marks] == [False] * (100 - MOST_STOPS) + [True] * MOST_STOPS


def test_a_value_out_of_range_has_another_shape_not_only_another_colour():
    (high,) = plot(points(150, flag="high")).lines[0].marks
    (low,) = plot(points(50, flag="low")).lines[0].marks
    (normal,) = plot(points(72)).lines[0].marks
    assert len({high.path, low.path, normal.path}) == 3


def test_the_normal_range_is_behind_the_values_and_both_fit():
    band = Limits(Decimal(60), Decimal(100))
    drawn = plot(points(70, 80), bands=[band])
    ((upper, height),) = drawn.bands
    assert upper >= TOP
    assert upper + height <= BOTTOM
    for mark in drawn.lines[0].marks:
        assert upper < mark.y < upper + height


def test_an_open_range_reaches_the_edge():
    ((upper, _),) = plot(points(97, 98), bands=[Limits(low=Decimal(95))]).bands
    assert upper == TOP


def test_two_ranges_that_touch_do_not_look_like_one():
    systolic, diastolic = Limits(Decimal(90), Decimal(140)), Limits(Decimal(60), Decimal(90))
    first, second = plot(points(120), points(80), bands=[systolic, diastolic]).bands
    assert first[0] + first[1] < second[0]


def test_what_is_critical_reaches_the_edge_and_its_limit_is_a_line():
    low, high = Limits(high=Decimal("2.8")), Limits(low=Decimal("6.0"))
    drawn = plot(points("2.1", "4.4", "6.4"), critical=[low, high])
    assert drawn.bands == []
    (lower, above) = drawn.critical
    assert lower[0] + lower[1] == BOTTOM
    assert above[0] == TOP
    assert [words for _, words in drawn.limits] == ["≤ 2.8", "≥ 6"]
    first, middle, last = (mark.y for mark in drawn.lines[0].marks)
    assert last < drawn.limits[1][0] < middle < drawn.limits[0][0] < first


def test_what_happened_is_numbered_in_time_and_only_between_the_readings():
    def mark(days, label):
        return Mark(NOON + timedelta(days=days), label, "visit")

    marks = [mark(3, "later"), mark(1, "first"), mark(-1, "before"), mark(9, "after")]
    flags = plot(points(70, 71, 72, 73, 74), marks=marks).flags
    assert [(flag.numbers, flag.label) for flag in flags] == [("1", "first"), ("2", "later")]
    assert flags[0].x < flags[1].x


def test_what_happened_about_the_same_time_shares_a_flag():
    at = NOON + timedelta(days=1)
    marks = [
        Mark(at, "Medicine", "medicine"),
        Mark(at + timedelta(hours=2), "Alert", "alert", is_critical=True),
        Mark(at + timedelta(days=2), "Visit", "visit"),
    ]
    drawn = plot(points(70, 71, 72, 73, 74), marks=marks)
    assert [flag.numbers for flag in drawn.flags] == ["1–2", "3"]
    assert [flag.is_critical for flag in drawn.flags] == [True, False]
    assert [mark.label for mark in drawn.marks] == ["Medicine", "Alert", "Visit"]


def test_a_limit_of_one_line_is_not_drawn_where_another_is_well():
    series = [
        Series("Systolic", points(130, 140), code="upper"),
        Series("Diastolic", points(80, 85), code="lower"),
    ]
    bands = [
        Band("upper", Limits(Decimal(90), Decimal(140)), Ring.NORMAL),
        Band("lower", Limits(Decimal(60), Decimal(90)), Ring.NORMAL),
        Band("upper", Limits(low=Decimal(200)), Ring.CRITICAL),
        Band("lower", Limits(low=Decimal(120)), Ring.CRITICAL),
    ]
    drawn = plot_of(series, bands=bands, zone=NEW_YORK, summary="")
    assert [words for _, words in drawn.limits] == ["systolic ≥ 200"]
    assert drawn.critical == []


def test_the_second_line_is_told_apart_without_colour():
    first, second = plot(points(120, 130), points(80, 85)).lines
    assert (first.is_second, second.is_second) == (False, True)


def test_a_sparkline_needs_a_shape_and_stays_in_its_box():
    assert sparkline_of([(NOON, Decimal(1))], None) is None
    drawn = sparkline_of(
        [(NOON + timedelta(days=n), Decimal(n * 7 % 5)) for n in range(9)],
        Limits(Decimal(1), Decimal(3)),
    )
    for pair in drawn.points.split():
        x, y = map(float, pair.split(","))
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT
    assert drawn.points.endswith(f"{drawn.last_x},{drawn.last_y}")


def test_readings_of_one_moment_do_not_divide_by_nothing():
    assert sparkline_of([(NOON, Decimal(1)), (NOON, Decimal(2))], None) is not None
    assert plot([*points(1), *points(2)]) is not None
