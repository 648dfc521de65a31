"""The history as pictures, each with the runbook's bound, and the same numbers as a table.

Drawn by `care.plots`, as every trend of the portal is.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from decimal import Decimal

from care.plots import trend as drawing
from care.plots.overlay import Band, Ring
from care.plots.trend import Plot, Point, Series, plot_of
from care.vital_signs import Limits
from portal.operations import figures, health
from portal.operations.health import Measure
from portal.operations.history import Moment, Span

Value = Callable[[Moment], float | None]

SECONDS, MILLISECONDS = "seconds", "ms"

# What is longer than all that is counted by length is drawn as so many seconds.
_BEYOND_ALL = 10.0


@dataclass(frozen=True)
class Line:
    """One line of a picture."""

    name: str
    value: Value


@dataclass(frozen=True)
class Bounds:
    """Up to `look` (or down to it, where `act` is less) is well; beyond `act` somebody must act."""

    look: float
    act: float | None = None
    # Of which line, by its place; where there are several.
    line: int = 0

    @classmethod
    def of(cls, measure: Measure, *, times: float = 1, line: int = 0) -> "Bounds":
        """The runbook's, in the picture's unit."""
        act = None if measure.red == float("inf") else measure.red * times
        return cls(measure.yellow * times, act, line)

    def times(self, factor: float) -> "Bounds":
        """The same in a smaller unit."""
        return Bounds(self.look * factor, self.act and self.act * factor, self.line)


@dataclass(frozen=True)
class Picture:
    """One question about a stretch of time."""

    key: str
    title: str
    unit: str
    lines: tuple[Line, ...]
    bounds: Bounds | None = None
    note: str = ""


@dataclass(frozen=True)
class Drawn:
    """A picture with its plot, None where nobody looked, and its rows, newest first."""

    picture: Picture
    plot: Plot | None
    rows: list[tuple[datetime, list[str]]] = field(default_factory=list)
    latest: str = ""


def pictures(
    span: Span, moments: Sequence[Moment], organization: str, usual: float | None
) -> list[Picture]:
    """What the page shows, in its order. `usual` is the day's mean of sockets."""
    step = span.step.total_seconds() / 60
    sockets = max((moment.sockets or 0 for moment in moments), default=0)
    # One of each socket and hour, for as many sockets and as long as a step is. For a few sockets
    # that is less than one: a bound that every single loss would be beyond.
    losses = sockets * step / 60
    return [
        Picture(
            "connections",
            "Connections",
            "open sockets",
            (
                Line("All organizations", lambda moment: moment.sockets),
                Line(organization, lambda moment: moment.own_sockets),
            ),
            None if usual is None else Bounds.of(health.SPIKE, times=max(usual, 1.0)),
            "" if usual is None else f"The day's mean is {usual:.3g}; twice that is unusual.",
        ),
        Picture(
            "delivery",
            "From a change to the sockets, in percentiles",
            SECONDS,
            (
                Line("95th", _delivery(0.95)),
                Line("median", _delivery(0.5)),
                Line("99th", _delivery(0.99)),
            ),
            Bounds.of(health.DELIVERY_LATELY, line=2),
            "The range is for the 99th percentile.",
        ),
        Picture(
            "throughput",
            "Changes in the log",
            "a second",
            (Line("Changes", lambda moment: moment.events_per_second),),
        ),
        Picture(
            "delivered",
            "Seconds with everything delivered",
            "per cent",
            (Line("Delivered", _delivered),),
            Bounds.of(health.DELIVERED, times=100),
        ),
        Picture(
            "waiting",
            "Changes that wait in the inbox",
            "changes",
            (Line("Waiting", _of_stream("waiting")),),
            None,
            "Its bound is for how long, beside it.",
        ),
        Picture(
            "oldest",
            "How long the oldest change waits",
            SECONDS,
            (Line("Oldest", _of_stream("oldest_waiting")),),
            Bounds.of(health.OLDEST),
        ),
        Picture(
            "unsent",
            "What waits for slow readers",
            "kB",
            (Line("Unsent", _unsent),),
            None,
            "One socket is ended at 1,049 kB; others never notice.",
        ),
        Picture(
            "reconnects",
            "Sockets opened again, and lost",
            f"in {step:.0f} min",
            (
                Line("Opened", lambda moment: _counted(moment, moment.totals.opened)),
                Line("Lost", lambda moment: _counted(moment, health.lost(moment.totals))),
            ),
            Bounds.of(health.LOST, times=losses, line=1) if losses >= 1 else None,
            "The range is for lost ones: one for each socket and hour." if losses >= 1 else "",
        ),
        Picture(
            "refused",
            "Refused subscriptions",
            "per cent",
            (Line("Refused", _refused),),
            Bounds.of(health.REFUSED, times=100),
        ),
        Picture(
            "beat",
            "Age of the relay's sign of life",
            SECONDS,
            (Line("Age", _of_stream("beat_age")),),
            Bounds.of(health.BEAT),
        ),
        Picture(
            "queue",
            "Notify queue",
            "per cent full",
            (Line("Queue", _times(_of_stream("notify_queue"), 100)),),
            Bounds.of(health.NOTIFY_QUEUE, times=100),
        ),
        Picture(
            "dead",
            "Dead letters",
            "changes",
            (Line("Dead letters", _of_stream("dead_letters")),),
            # One is one too many.
            Bounds(0.5, 1),
        ),
    ]


def drawn(picture: Picture, moments: Sequence[Moment], zone: tzinfo) -> Drawn:
    """Draw a picture of the moments, and write its table."""
    picture = _in_the_unit_that_fits(picture, moments)
    series = [
        _series(index, line, picture, moments, zone) for index, line in enumerate(picture.lines)
    ]
    values = [float(point.value) for each in series for point in each.points]
    plot = plot_of(
        series,
        bands=_bands(picture.bounds, max(values, default=0), min(values, default=0)),
        zone=zone,
        summary=f"{picture.title}, {picture.unit}. {_latest(picture, series)}",
        reach=_reach(picture, values),
    )
    return Drawn(
        picture,
        plot and replace(plot, lines=[_without_most_marks(line) for line in plot.lines]),
        _rows(picture, moments, zone),
        _latest(picture, series),
    )


def _in_the_unit_that_fits(picture: Picture, moments: Sequence[Moment]) -> Picture:
    """In milliseconds where nothing took a second: who reads 0.093 has to count the zeros."""
    measured = [line.value(moment) for line in picture.lines for moment in moments]
    if picture.unit != SECONDS or max(filter(None, measured), default=0.0) >= 1:
        return picture
    return replace(
        picture,
        unit=MILLISECONDS,
        lines=tuple(replace(line, value=_times(line.value, 1000)) for line in picture.lines),
        bounds=picture.bounds and picture.bounds.times(1000),
    )


def _times(value: Value, factor: float) -> Value:
    def times(moment: Moment) -> float | None:
        measured = value(moment)
        return None if measured is None else measured * factor

    return times


def _series(
    index: int, line: Line, picture: Picture, moments: Iterable[Moment], zone: tzinfo
) -> Series:
    points = []
    for moment in moments:
        value = line.value(moment)
        if value is not None:
            flag = _flag(picture.bounds, index, value)
            said = f"{moment.at.astimezone(zone):%H:%M}: {line.name} {_written(value)}"
            points.append(
                Point(moment.at, Decimal(str(round(value, 4))), f"{said} {picture.unit}", flag)
            )
    return Series(line.name, points, code=str(index))


def _flag(bounds: Bounds | None, line: int, value: float) -> str:
    if bounds is None or bounds.line != line:
        return ""
    sign = -1 if bounds.act is not None and bounds.act < bounds.look else 1
    word = "low" if sign < 0 else "high"
    if bounds.act is not None and sign * value > sign * bounds.act:
        return f"critically-{word}"
    return word if sign * value > sign * bounds.look else ""


def _bands(bounds: Bounds | None, highest: float, lowest: float) -> list[Band]:
    """What is well as a range; where somebody must act once a value comes near it.

    A far bound would press all that there is to see onto the axis.
    """
    if bounds is None:
        return []
    code, look = str(bounds.line), _round(bounds.look)
    if bounds.act is None:
        return [Band(code, Limits(high=look), Ring.NORMAL)]
    act = _round(bounds.act)
    if act < look:
        bands = [Band(code, Limits(low=look), Ring.NORMAL)]
        return bands + ([Band(code, Limits(high=act), Ring.CRITICAL)] if lowest < look else [])
    bands = [Band(code, Limits(high=look), Ring.NORMAL)]
    return bands + ([Band(code, Limits(low=act), Ring.CRITICAL)] if highest > look else [])


def _round(bound: float) -> Decimal:
    """Three digits: a bound that was multiplied by a mean is no more exact."""
    return Decimal(f"{bound:.3g}")


def _reach(picture: Picture, values: Sequence[float]) -> list[Decimal]:
    """Nothing measured here is below zero, and a share is best at a hundred."""
    if picture.key == "delivered":
        return [Decimal(100)]
    whole = Decimal(1) if max(values, default=0) <= 0 and picture.bounds is None else Decimal(0)
    return [Decimal(0), whole]


def _without_most_marks(line: drawing.Line) -> drawing.Line:
    """Where the line ends, and what lies beyond a bound: sixty circles hide a line."""
    last = len(line.marks) - 1
    marks = [
        replace(mark, is_stop=False)
        for place, mark in enumerate(line.marks)
        if place == last or mark.path
    ]
    return replace(line, marks=marks)


def _rows(
    picture: Picture, moments: Sequence[Moment], zone: tzinfo
) -> list[tuple[datetime, list[str]]]:
    return [
        (
            moment.at.astimezone(zone),
            [_written(line.value(moment)) for line in picture.lines],
        )
        for moment in reversed(moments)
    ]


def _latest(picture: Picture, series: Sequence[Series]) -> str:
    said = [(each.name, _written(float(each.points[-1].value))) for each in series if each.points]
    if len(series) == 1:
        return "".join(f"Now {value}" for _, value in said)
    return " · ".join(f"{name} {value}" for name, value in said)


def _written(value: float | None) -> str:
    return "–" if value is None else figures.number(value)


def _counted(moment: Moment, number: int) -> float | None:
    return None if moment.sockets is None else float(number)


def _of_stream(name: str) -> Value:
    def value(moment: Moment) -> float | None:
        return None if moment.stream is None else getattr(moment.stream, name)

    return value


def _delivery(share: float) -> Value:
    def value(moment: Moment) -> float | None:
        about = moment.totals.delivery.about(share)
        return None if about is None else min(about, _BEYOND_ALL)

    return value


def _delivered(moment: Moment) -> float | None:
    totals = moment.totals
    return 100 * totals.fresh / totals.watched if totals.watched else None


def _refused(moment: Moment) -> float | None:
    if moment.sockets is None:
        return None
    refused = sum(moment.totals.refused.values())
    asked = moment.totals.joined + refused
    return 100 * refused / asked if asked else 0.0


def _unsent(moment: Moment) -> float | None:
    return None if moment.unsent_bytes is None else moment.unsent_bytes / 1000
