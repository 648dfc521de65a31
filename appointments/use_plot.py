"""The use of time week by week, as a drawing: bars for what is booked, points for who did not come.

Vertical places are pixels and horizontal ones per cent (static/css/components/plot.css).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from appointments.report import Use

HEIGHT, TOP, BOTTOM, DATES, GUTTER = 216, 8, 184, 206, 44
TICKS = (0, 25, 50, 75, 100)
# The share of a week's place that its bar fills.
_FILLED = 0.64
# More dates than this would run into one another on a phone.
_MOST_DATES = 7


@dataclass(frozen=True)
class Bar:
    """One week: per cent booked as a bar, per cent not come as a point; None has neither."""

    week: date
    x: float
    width: float
    centre: float
    top: float | None
    height: float
    point: float | None
    label: str
    has_date: bool


@dataclass(frozen=True)
class UsePlot:
    """What the template draws."""

    bars: list[Bar]
    ticks: list[tuple[float, str]]
    line: str
    height: int = HEIGHT
    bottom: int = BOTTOM
    dates_y: int = DATES
    gutter: int = GUTTER


def use_plot(weeks: Sequence[tuple[date, Use]]) -> UsePlot | None:
    """Draw the weeks in the order given; None when there is nothing to draw."""
    if not weeks:
        return None
    place = 100 / len(weeks)
    every = -(-len(weeks) // _MOST_DATES)
    bars = [
        Bar(
            week=week,
            x=place * (number + (1 - _FILLED) / 2),
            width=place * _FILLED,
            centre=place * (number + 0.5),
            top=None if use.utilisation is None else _y(use.utilisation),
            height=0 if use.utilisation is None else BOTTOM - _y(use.utilisation),
            point=None if use.no_shows is None else _y(use.no_shows),
            label=f"Week of {week:%-d %b}: {_said(use)}",
            has_date=number % every == 0,
        )
        for number, (week, use) in enumerate(weeks)
    ]
    line = " ".join(f"{bar.centre:.2f},{bar.point:.1f}" for bar in bars if bar.point is not None)
    return UsePlot(bars, [(_y(tick), f"{tick} %") for tick in TICKS], line)


def _y(share: float) -> float:
    return round(BOTTOM - min(share, 100) / 100 * (BOTTOM - TOP), 1)


def _said(use: Use) -> str:
    booked = "nothing open" if use.utilisation is None else f"{use.utilisation} % booked"
    missed = "" if use.no_shows is None else f", {use.no_shows} % did not come"
    return booked + missed
