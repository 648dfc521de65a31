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
# Per cent of the width, on a telephone as much as the numbers above two flags need.
CLOSE = 9.0
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
    code: str = ""


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
    is_third: bool = False


@dataclass(frozen=True)
class Flag:
    """Things that happened about the same time: a line across the plot, their numbers above it."""

    x: float
    number: int
    marks: list[Mark]

    @property
    def numbers(self) -> str:
        """“3”, or “3–5”."""
        last = self.number + len(self.marks) - 1
        return f"{self.number}" if last == self.number else f"{self.number}–{last}"

    @property
    def is_critical(self) -> bool:
        return any(mark.is_critical for mark in self.marks)

    @property
    def label(self) -> str:
        return "; ".join(mark.label for mark in self.marks)


@dataclass(frozen=True)
class Plot:
    """Everything the template draws."""

    summary: str
    lines: list[Line]
    bands: list[tuple[float, float]]
    critical: list[tuple[float, float]]
    limits: list[tuple[float, str]]  # height of a critical limit, and its words
    flags: list[Flag]
    scale_ticks: list[tuple[float, str]]
    date_ticks: list[DateTick]
    height: int = HEIGHT
    bottom: int = BOTTOM
    dates_y: int = DATES
    gutter: int = 44

    @property
    def marks(self) -> list[Mark]:
        """What happened, in the order of its numbers."""
        return [mark for flag in self.flags for mark in flag.marks]


def plot_of(
    series: Sequence[Series],
    *,
    bands: Sequence[Band],
    zone: tzinfo,
    summary: str,
    marks: Sequence[Mark] = (),
    reach: Sequence[Decimal] = (),
) -> Plot | None:
    """Draw some series over one time and one scale; None when there is nothing to draw.

    The scale holds the values of `reach` too. `marks` outside the time of the readings are left
    out: they would squeeze what there is to see.
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
    scale = scale_for([*values, *edges, *reach], top=TOP, bottom=BOTTOM)
    calendar = Calendar(min(instants), max(instants), zone)
    normal = [each for each in bands if each.ring is Ring.NORMAL]
    critical = [each for each in bands if each.ring is Ring.CRITICAL]
    return Plot(
        summary=summary,
        lines=[_line(each, index, scale, calendar) for index, each in enumerate(drawn)],
        bands=_apart([_band(each.limits, scale) for each in normal]),
        # What is critical for one line would colour where another one is well.
        critical=[_band(each.limits, scale) for each in critical] if len(drawn) == 1 else [],
        limits=[limit for each in critical for limit in _limits(each, drawn, normal, scale)],
        flags=_flags(within(marks, min(instants), max(instants)), calendar),
        scale_ticks=[(scale.y(tick), scale.label(tick)) for tick in scale.ticks],
        date_ticks=calendar.ticks,
    )


def within(marks: Sequence[Mark], first: datetime, last: datetime) -> list[Mark]:
    """The marks between two instants, oldest first: as the plot numbers them."""
    return sorted((mark for mark in marks if first <= mark.at <= last), key=lambda mark: mark.at)


def _flags(marks: Sequence[Mark], calendar: Calendar) -> list[Flag]:
    """A flag each; what is so close that the numbers would lie on one another shares one."""
    flags: list[Flag] = []
    for number, mark in enumerate(marks, 1):
        x = calendar.x(mark.at)
        if flags and x - flags[-1].x < CLOSE:
            flags[-1].marks.append(mark)
        else:
            flags.append(Flag(x, number, [mark]))
    return flags


def _limits(
    band: Band, series: Sequence[Series], normal: Sequence[Band], scale: Scale
) -> list[tuple[float, str]]:
    """The ends of a critical range: “≥ 6”, and of which line, where there are several.

    Then one that lies where another line is well would be read as a limit of that one: it is said
    below the plot, and not drawn.
    """
    names = [each.name.lower() for each in series if len(series) > 1 and each.code == band.code]
    ends = (("≥", band.limits.low), ("≤", band.limits.high))
    return [
        (scale.y(end), " ".join([*names, sign, f"{end.normalize():f}"]))
        for sign, end in ends
        if end is not None and not (names and any(each.holds(end) for each in normal))
    ]


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
    return Line(series.name, series.normal, pairs, marks, is_second=index > 0, is_third=index > 1)


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
