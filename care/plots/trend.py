"""A trend: points over time, lines between them, ranges behind them, events across them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal

from care.plots.calendar import Calendar, DateTick
from care.plots.overlay import Band, Mark, Ring
from care.plots.scale import Scale, scale_for
from care.vital_signs import Limits

HEIGHT, TOP, BOTTOM, DATES = 224, 8, 192, 214
# Each mark that can be focused is a stop of the Tab key: the newest are, the others can be pointed
# at, and all of them stand in the table.
MOST_STOPS = 40

CIRCLE, TRIANGLE, UPSIDE_DOWN, DIAMOND = (
    "",
    "M0-5.5 5 4-5 4Z",
    "M0 5.5 5-4-5-4Z",
    "M0-5.5 5.5 0 0 5.5-5.5 0Z",
)
_SHAPES = {
    "high": TRIANGLE,
    "low": UPSIDE_DOWN,
    "critically-high": TRIANGLE,
    "critically-low": UPSIDE_DOWN,
}
_COLOURS = {
    "high": "plot__point--urgent",
    "low": "plot__point--urgent",
    "critically-high": "plot__point--critical",
    "critically-low": "plot__point--critical",
}


@dataclass(frozen=True)
class Point:
    """One value: `label` says it in words, with its time."""

    at: datetime
    value: Decimal
    label: str
    flag: str = ""


@dataclass(frozen=True)
class Series:
    """Values that belong on one line, oldest first."""

    name: str
    points: Sequence[Point]
    normal: str = ""


@dataclass(frozen=True)
class Dot:
    """A point as it is drawn; without a `path` it is a circle."""

    x: float
    y: float
    label: str
    classes: str
    path: str
    is_stop: bool


@dataclass(frozen=True)
class Line:
    """One series as it is drawn. `points` are pairs for a polyline, x in per cent."""

    name: str
    normal: str
    points: str
    marks: list[Dot]
    is_second: bool


@dataclass(frozen=True)
class Flag:
    """Something that happened, as a line across the plot with its number above."""

    x: float
    number: int
    mark: Mark


@dataclass(frozen=True)
class Plot:
    """Everything the template draws."""

    summary: str
    lines: list[Line]
    bands: list[tuple[float, float]]
    critical: list[tuple[float, float]]
    limits: list[tuple[float, str]]  # height of a critical limit, and its figure
    flags: list[Flag]
    scale_ticks: list[tuple[float, str]]
    date_ticks: list[DateTick]
    height: int = HEIGHT
    bottom: int = BOTTOM
    dates_y: int = DATES
    gutter: int = 44


def plot_of(
    series: Sequence[Series],
    *,
    bands: Sequence[Band],
    zone: tzinfo,
    summary: str,
    marks: Sequence[Mark] = (),
) -> Plot | None:
    """Draw some series over one time and one scale; None when there is nothing to draw.

    `marks` outside the time of the readings are left out: they would squeeze what there is to see.
    """
    drawn = [each for each in series if each.points]
    if not drawn:
        return None
    points = [point for each in drawn for point in each.points]
    values = [point.value for point in points]
    instants = [point.at for point in points]
    # The scale reaches to the edges of the ranges, so that one sees how far a value is off.
    edges = [
        edge for band in bands for edge in (band.limits.low, band.limits.high) if edge is not None
    ]
    scale = scale_for([*values, *edges], top=TOP, bottom=BOTTOM)
    calendar = Calendar(min(instants), max(instants), zone)
    return Plot(
        summary=summary,
        lines=[_line(each, index, scale, calendar) for index, each in enumerate(drawn)],
        bands=_apart([_band(each.limits, scale) for each in bands if each.ring is Ring.NORMAL]),
        critical=[_band(each.limits, scale) for each in bands if each.ring is Ring.CRITICAL],
        limits=[
            (scale.y(edge), f"{edge.normalize():f}")
            for each in bands
            if each.ring is Ring.CRITICAL
            for edge in (each.limits.low, each.limits.high)
            if edge is not None
        ],
        flags=[
            Flag(calendar.x(mark.at), number, mark)
            for number, mark in enumerate(within(marks, min(instants), max(instants)), 1)
        ],
        scale_ticks=[(scale.y(tick), scale.label(tick)) for tick in scale.ticks],
        date_ticks=calendar.ticks,
    )


def within(marks: Sequence[Mark], first: datetime, last: datetime) -> list[Mark]:
    """The marks between two instants, oldest first: as the plot numbers them."""
    return sorted((mark for mark in marks if first <= mark.at <= last), key=lambda mark: mark.at)


def _line(series: Series, index: int, scale: Scale, calendar: Calendar) -> Line:
    last = len(series.points) - 1
    marks = [
        Dot(
            x=calendar.x(point.at),
            y=scale.y(point.value),
            label=point.label,
            classes=_classes(point, is_second=index > 0, is_last=place == last),
            path=_SHAPES.get(point.flag, CIRCLE),
            is_stop=place > last - MOST_STOPS,
        )
        for place, point in enumerate(series.points)
    ]
    pairs = " ".join(f"{mark.x},{mark.y}" for mark in marks)
    return Line(series.name, series.normal, pairs, marks, is_second=index > 0)


def _classes(point: Point, *, is_second: bool, is_last: bool) -> str:
    classes = ["plot__point"]
    if is_second:
        classes.append("plot__point--second")
    if is_last:
        classes.append("plot__point--last")
    if point.flag:
        classes.append(_COLOURS[point.flag])
    return " ".join(classes)


def _apart(bands: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Two ranges that touch keep a pixel between them, or they would look like one."""
    uppers = {upper for upper, _ in bands}
    return [
        (upper, round(height - 1.5, 1)) if round(upper + height, 1) in uppers else (upper, height)
        for upper, height in bands
    ]


def _band(limits: Limits, scale: Scale) -> tuple[float, float]:
    """The upper edge and the height of a range; an open end reaches the edge of the plot."""
    upper = scale.top if limits.high is None else scale.y(limits.high)
    lower = scale.bottom if limits.low is None else scale.y(limits.low)
    return upper, round(lower - upper, 1)
