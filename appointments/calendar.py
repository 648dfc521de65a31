"""Which times are free: pure reckoning on the clinic's clock. Knows no table and no request.

Hours of a week are times on a wall; visits are instants. An open stretch goes from the instant at
which the clock shows its beginning to the one at which it shows its end, and visits follow one
another in real minutes from there. So on the night when an hour comes twice there are visits in
both, on the night when one is missing there are none in it, and no visit is ever longer or shorter
than it says. Of a time that comes twice the first is meant, at both ends of a stretch, so that two
stretches that meet on the wall meet in truth; a time that never comes stands for the jump.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from notifications.quiet_hours import instant

_DAY = timedelta(days=1)

# Before and after noon, for offering times that differ.
_NOON = time(12)


@dataclass(frozen=True)
class Hours:
    """Hours of a week: from `starts` to `ends` without `breaks`, on each such weekday."""

    weekday: int
    starts: time
    ends: time
    provider: UUID
    breaks: tuple[tuple[time, time], ...] = ()
    from_on: date | None = None
    until_on: date | None = None
    room: UUID | None = None
    mode: str = ""

    def are_of(self, day: date) -> bool:
        """Whether they hold on a day."""
        return (
            day.weekday() == self.weekday
            and (self.from_on is None or self.from_on <= day)
            and (self.until_on is None or day <= self.until_on)
        )


@dataclass(frozen=True)
class DayHours:
    """What holds on one date instead of a provider's week: other hours, or none (no times)."""

    on: date
    provider: UUID
    starts: time | None = None
    ends: time | None = None
    room: UUID | None = None
    mode: str = ""


@dataclass(frozen=True)
class Shape:
    """How long a visit is and how it may be booked."""

    duration: timedelta
    step: timedelta
    buffer_before: timedelta = timedelta()
    buffer_after: timedelta = timedelta()
    lead: timedelta = timedelta()
    horizon_days: int = 365

    def __post_init__(self) -> None:
        if self.duration <= timedelta() or self.step <= timedelta():
            raise ValueError("A visit lasts, and the next one begins later.")


@dataclass(frozen=True)
class Taken:
    """Time that a provider or a room no longer has, buffers included."""

    starts_at: datetime
    ends_at: datetime
    provider: UUID | None = None
    room: UUID | None = None


@dataclass(frozen=True, order=True)
class Slot:
    """A time that can be booked. `mode` is "" where the patient may choose."""

    starts_at: datetime
    ends_at: datetime
    provider: UUID
    room: UUID | None = None
    mode: str = ""


def free_slots(
    *,
    week: Iterable[Hours],
    exceptions: Iterable[DayHours],
    holidays: Collection[date],
    taken: Iterable[Taken],
    busy: Iterable[tuple[datetime, datetime]],
    shape: Shape,
    zone: ZoneInfo,
    now: datetime,
    days: Iterable[date],
) -> list[Slot]:
    """Return the free times of some days, in order; instants in UTC.

    `taken` is of the providers and rooms, `busy` of the patient. Of two rooms that a provider has
    at one time, the first free one is given.
    """
    week, exceptions = list(week), list(exceptions)
    of_provider, of_room = _by_owner(taken)
    mine = sorted(busy)
    last_day = now.astimezone(zone).date() + timedelta(days=shape.horizon_days)
    earliest = now + shape.lead
    found: dict[tuple[datetime, UUID, str], Slot] = {}
    for day in days:
        if day > last_day or day in holidays:
            continue
        for opening in _openings(day, week, exceptions, zone):
            for start in _starts(opening, shape):
                key = (start, opening.provider, opening.mode)
                end = start + shape.duration
                if start < earliest or key in found or _overlaps(mine, start, end):
                    continue
                begin, finish = start - shape.buffer_before, end + shape.buffer_after
                if _overlaps(of_provider.get(opening.provider, ()), begin, finish):
                    continue
                if opening.room and _overlaps(of_room.get(opening.room, ()), begin, finish):
                    continue
                found[key] = Slot(start, end, opening.provider, opening.room, opening.mode)
    return sorted(found.values(), key=lambda slot: (slot.starts_at, slot.provider, slot.mode))


def open_time(
    *,
    week: Iterable[Hours],
    exceptions: Iterable[DayHours],
    holidays: Collection[date],
    zone: ZoneInfo,
    days: Iterable[date],
) -> list[Taken]:
    """Return the stretches in which providers can be booked, taken or not: for utilisation."""
    week, exceptions = list(week), list(exceptions)
    return [
        Taken(opening.starts_at, opening.ends_at, opening.provider, opening.room)
        for day in days
        if day not in holidays
        for opening in _openings(day, week, exceptions, zone)
    ]


def good_times(slots: Sequence[Slot], zone: ZoneInfo, number: int = 4) -> list[Slot]:
    """Return a few times that differ: the earliest of each half of a day, the soonest first."""
    chosen: dict[tuple[date, bool], Slot] = {}
    for slot in sorted(slots):
        local = slot.starts_at.astimezone(zone)
        chosen.setdefault((local.date(), local.time() < _NOON), slot)
    return list(chosen.values())[:number]


def nearest(slots: Iterable[Slot], wanted: datetime, number: int = 4) -> list[Slot]:
    """Return the times closest to one that somebody wanted, each once, in order of time."""
    by_start = {slot.starts_at: slot for slot in sorted(slots, reverse=True)}
    close = sorted(by_start, key=lambda start: (abs(start - wanted), start))[:number]
    return [by_start[start] for start in sorted(close)]


def days_from(first: date, last: date) -> Iterator[date]:
    """Each day from the first to the last."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the instants, in UTC, at which a day begins and ends: 23, 24 or 25 hours apart."""
    return instant(day, time.min, zone), instant(day + _DAY, time.min, zone)


@dataclass(frozen=True)
class _Opening:
    starts_at: datetime
    ends_at: datetime
    provider: UUID
    room: UUID | None
    mode: str


def _openings(
    day: date, week: list[Hours], exceptions: list[DayHours], zone: ZoneInfo
) -> Iterator[_Opening]:
    of_day = [exception for exception in exceptions if exception.on == day]
    excepted = {exception.provider for exception in of_day}
    for exception in of_day:
        if exception.starts and exception.ends:
            yield from _stretch(day, exception.starts, exception.ends, exception, zone)
    for hours in week:
        if hours.provider not in excepted and hours.are_of(day):
            begins = hours.starts
            for pause_starts, pause_ends in sorted(hours.breaks):
                yield from _stretch(day, begins, pause_starts, hours, zone)
                begins = pause_ends
            yield from _stretch(day, begins, hours.ends, hours, zone)


def _stretch(
    day: date, starts: time, ends: time, of: Hours | DayHours, zone: ZoneInfo
) -> Iterator[_Opening]:
    begin, end = instant(day, starts, zone), instant(day, ends, zone)
    if begin < end:
        yield _Opening(begin, end, of.provider, of.room, of.mode)


def _starts(opening: _Opening, shape: Shape) -> Iterator[datetime]:
    start = opening.starts_at.astimezone(UTC)
    while start + shape.duration <= opening.ends_at:
        yield start
        start += shape.step


def _by_owner(
    taken: Iterable[Taken],
) -> tuple[
    dict[UUID, list[tuple[datetime, datetime]]], dict[UUID, list[tuple[datetime, datetime]]]
]:
    of_provider: dict[UUID, list[tuple[datetime, datetime]]] = {}
    of_room: dict[UUID, list[tuple[datetime, datetime]]] = {}
    for time_taken in taken:
        span = (time_taken.starts_at, time_taken.ends_at)
        if time_taken.provider:
            of_provider.setdefault(time_taken.provider, []).append(span)
        if time_taken.room:
            of_room.setdefault(time_taken.room, []).append(span)
    return of_provider, of_room


def _overlaps(
    spans: Iterable[tuple[datetime, datetime]], starts_at: datetime, ends_at: datetime
) -> bool:
    return any(begin < ends_at and starts_at < end for begin, end in spans)
