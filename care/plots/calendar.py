"""The horizontal scale: instants in the clinic's zone, with days or months to read off."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from itertools import islice

# Per cent of the width: room for the first and last point, and for a label under each.
LEFT, RIGHT = 4.0, 96.0
MOST_TICKS = 5


@dataclass(frozen=True)
class DateTick:
    """A label under the plot."""

    x: float
    label: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Calendar:
    """A span of time, drawn from `LEFT` to `RIGHT`."""

    first: datetime
    last: datetime
    zone: tzinfo

    def x(self, at: datetime) -> float:
        """The place of an instant, in per cent."""
        # By the clock of the world: the difference of two times in one zone is that of their wall
        # clocks, an hour wrong on the day on which summer time ends.
        first, last = self.first.timestamp(), self.last.timestamp()
        if first >= last:
            return 50.0
        share = (at.timestamp() - first) / (last - first)
        return round(LEFT + share * (RIGHT - LEFT), 2)

    @property
    def ticks(self) -> list[DateTick]:
        """Round hours, days, months or years inside the span: at most five, or the ends of it."""
        for unit, form in _UNITS:
            instants = list(islice(self._round_instants(unit), MOST_TICKS + 1))
            if 2 <= len(instants) <= MOST_TICKS:
                return [self._tick(at, form) for at in instants]
        form = _form_for(self.last - self.first)
        if self.first == self.last:
            return [self._tick(self.first, form)]
        return [self._tick(self.first, form), self._tick(self.last, form)]

    def _tick(self, at: datetime, form: str) -> DateTick:
        x = self.x(at)
        # A label at the very edge would be cut off.
        anchor = "start" if x < 8 else "end" if x > 92 else "middle"
        return DateTick(x, _written(at.astimezone(self.zone), form), anchor)

    def _round_instants(self, unit: "_Unit") -> Iterator[datetime]:
        local_first = self.first.astimezone(self.zone)
        local_last = self.last.astimezone(self.zone)
        at = unit.floor(local_first.replace(tzinfo=None))
        while True:
            # Steps are counted on the wall clock and only then placed in the zone, so that a
            # midnight stays a midnight across the change to summer time.
            moment = at.replace(tzinfo=self.zone)
            if moment > local_last:
                return
            if moment >= local_first:
                yield moment
            at = unit.next(at)


@dataclass(frozen=True)
class _Unit:
    """A step on the wall clock: some hours, some days, or some months."""

    hours: int = 0
    days: int = 0
    months: int = 0

    def floor(self, at: datetime) -> datetime:
        if self.hours:
            return at.replace(
                hour=at.hour - at.hour % self.hours, minute=0, second=0, microsecond=0
            )
        midnight = datetime.combine(at.date(), time.min)
        if self.days:
            # Counted from a Monday long ago, so that two plots of one week agree.
            return midnight - timedelta(days=(midnight.toordinal() - 1) % self.days)
        month = (at.year * 12 + at.month - 1) // self.months * self.months
        return datetime(month // 12, month % 12 + 1, 1)  # noqa: DTZ001 - wall clock, placed later

    def next(self, at: datetime) -> datetime:
        if self.months:
            month = at.year * 12 + at.month - 1 + self.months
            return datetime(month // 12, month % 12 + 1, 1)  # noqa: DTZ001 - as above
        return at + timedelta(hours=self.hours, days=self.days)


_HOUR, _DAY, _MONTH, _YEAR = "%H:%M", "day", "%b %Y", "%Y"
_UNITS = (
    *((_Unit(hours=hours), _HOUR) for hours in (1, 3, 6, 12)),
    *((_Unit(days=days), _DAY) for days in (1, 2, 7, 14)),
    *((_Unit(months=months), _MONTH) for months in (1, 3, 6)),
    *((_Unit(months=12 * years), _YEAR) for years in (1, 2, 5, 10, 20)),
)


def _form_for(span: timedelta) -> str:
    if span < timedelta(days=2):
        return _HOUR
    if span < timedelta(days=200):
        return _DAY
    return _MONTH if span < timedelta(days=3 * 365) else _YEAR


def _written(at: datetime, form: str) -> str:
    if form == _DAY:
        return f"{at.day} {at:%b}"
    return at.strftime(form)
