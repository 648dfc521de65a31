"""Who is on call, from weekly patterns and their exceptions. Pure: no database, no clock.

A *pattern* repeats by the wall clock of its rota's zone. One occurrence of it is a *turn*, named by
the pattern's series and the date on which it begins; an edited pattern keeps its series, so that
what was agreed about a turn holds for the turn as it is now. An *override* puts somebody else, or
nobody, into a turn or into a span of time. What follows from all of it are *duties*: who has which
span. Where there is no duty is a *gap*.

Clock changes. The wall clock is mapped to instants without ever going back: a time that the clock
skips is the instant at which it jumps, a time that it shows twice is the first of the two. Patterns
that meet on the wall clock therefore meet in time: a night shift is an hour shorter or longer, and
nobody is missing and nobody doubled.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
# The longest that one turn may last.
LONGEST_DAYS = 7


@dataclass(frozen=True)
class Pattern:
    """A shift that comes back every `every` weeks; `days` later it ends (0: on the same day)."""

    series: UUID
    user: UUID | None
    weekday: int
    starts: time
    ends: time
    days: int
    from_on: date
    until_on: date | None = None
    every: int = 1
    # Whoever stands first is called first.
    position: int = 1
    name: str = ""

    def begins_on(self, day: date) -> bool:
        """Whether a turn of the pattern begins on that date."""
        if day.weekday() != self.weekday or day < self.from_on:
            return False
        if self.until_on is not None and day > self.until_on:
            return False
        return (_monday(day) - _monday(self.from_on)).days // 7 % self.every == 0


@dataclass(frozen=True)
class Override:
    """`user` (None: nobody) instead of `replaces`, in one turn or from `start` to `end`.

    In a span, an override that replaces nobody is one person more, who is called first. It holds as
    long as the one whom it replaces would be there. The two halves of a swap hold together or not
    at all.
    """

    id: UUID
    user: UUID | None
    replaces: UUID | None
    series: UUID | None = None
    begins_on: date | None = None
    start: datetime | None = None
    end: datetime | None = None
    swap: UUID | None = None


@dataclass(frozen=True)
class Duty:
    """One person, or nobody, has the time from `start` to `end`."""

    user: UUID | None
    start: datetime
    end: datetime
    # The turn that it is part of, and whose it would be; neither for a person more.
    pattern: Pattern | None = None
    begins_on: date | None = None
    override: UUID | None = None


@dataclass(frozen=True)
class Gap:
    """Nobody is on call from `start` to `end`."""

    start: datetime
    end: datetime


def instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which the clock of `zone` shows or skips `at`."""
    shown = datetime.combine(day, at.replace(fold=0), tzinfo=zone)
    found = shown.astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == shown.replace(tzinfo=None):
        return found
    # Skipped. The jump is between the two readings of a time that never was.
    before = shown.replace(fold=1, microsecond=0).astimezone(UTC)
    offset = before.astimezone(zone).utcoffset()
    low, high = 0, int((found - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return before + timedelta(seconds=high)


def duties(
    patterns: Collection[Pattern],
    overrides: Collection[Override],
    start: datetime,
    end: datetime,
    zone: ZoneInfo,
) -> list[Duty]:
    """Every duty that meets the time from `start` to `end`, whole, in the order of calling.

    Overrides are applied in the order given: the earliest first, so that the last word wins. The
    halves of a swap have to be among them both, wherever their turns lie.
    """
    standing = list(overrides)
    while True:
        found, held = _apply(patterns, standing, start, end, zone)
        halves = [each for each in standing if each.swap is not None]
        whole = {
            swap
            for swap in {each.swap for each in halves}
            if sum(each.swap == swap and each.id in held for each in halves) == 2
        }
        broken = [each for each in halves if each.swap not in whole]
        if not broken:
            break
        standing = [each for each in standing if each not in broken]
    meeting = [duty for duty in found if duty.start < end and duty.end > start]
    return sorted(meeting, key=_order)


def on_call(
    patterns: Collection[Pattern],
    overrides: Collection[Override],
    at: datetime,
    zone: ZoneInfo,
    *,
    able: Collection[UUID] | None = None,
) -> list[UUID]:
    """Who is on call at an instant, the first to be called first.

    Whoever is not `able` (has left, may not sign in) counts as nobody; None: everybody is.
    """
    moment = timedelta(microseconds=1)
    people = [duty.user for duty in duties(patterns, overrides, at, at + moment, zone)]
    return list(
        dict.fromkeys(user for user in people if user and (able is None or user in able)),
    )


def gaps(
    patterns: Collection[Pattern],
    overrides: Collection[Override],
    start: datetime,
    end: datetime,
    zone: ZoneInfo,
    *,
    able: Collection[UUID] | None = None,
    round_the_clock: bool = True,
) -> list[Gap]:
    """The spans between `start` and `end` in which nobody is on call.

    Of a rota that is not for all hours, only the time of its turns counts.
    """
    found = duties(patterns, overrides, start, end, zone)
    filled = [each for each in found if each.user and (able is None or each.user in able)]
    due = [Gap(start, end)] if round_the_clock else _merged(found, start, end)
    return [
        Gap(*piece)
        for span in due
        for piece in _without((span.start, span.end), _merged(filled, span.start, span.end))
    ]


def turn(pattern: Pattern, begins_on: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From when to when a turn of the pattern lasts."""
    last = begins_on + DAY * pattern.days
    return instant(begins_on, pattern.starts, zone), instant(last, pattern.ends, zone)


def _apply(
    patterns: Collection[Pattern],
    overrides: Collection[Override],
    start: datetime,
    end: datetime,
    zone: ZoneInfo,
) -> tuple[list[Duty], set[UUID]]:
    """Duties, and which overrides found the one whom they replace."""
    wanted = {(each.series, each.begins_on) for each in overrides if each.swap is not None}
    found: list[Duty] = []
    for pattern in patterns:
        for day in _days(pattern, start, end, zone, wanted):
            began, ended = turn(pattern, day, zone)
            # A turn that lies in the hour that the clock skips does not happen.
            if began < ended:
                found.append(Duty(pattern.user, began, ended, pattern, day))
    held: set[UUID] = set()
    for override in overrides:
        if override.series is None and override.replaces is None:
            assert override.start is not None
            assert override.end is not None
            found.append(
                Duty(override.user, override.start, override.end, override=override.id),
            )
            continue
        after = [piece for duty in found for piece in _replaced(duty, override)]
        if any(piece.override == override.id for piece in after):
            held.add(override.id)
        found = after
    return found, held


def _days(
    pattern: Pattern,
    start: datetime,
    end: datetime,
    zone: ZoneInfo,
    wanted: Iterable[tuple[UUID | None, date | None]],
) -> Iterator[date]:
    """The dates on which turns begin that may meet the time, and those wanted besides."""
    # A day more on each side: zones that skip or repeat a whole date exist.
    first = start.astimezone(zone).date() - DAY * (pattern.days + 1)
    last = end.astimezone(zone).date() + DAY
    days = {first + DAY * number for number in range((last - first).days + 1)}
    days |= {day for series, day in wanted if series == pattern.series and day is not None}
    return (day for day in sorted(days) if pattern.begins_on(day))


def _replaced(duty: Duty, override: Override) -> list[Duty]:
    """The duty as the override leaves it: itself, or pieces."""
    if duty.user != override.replaces or duty.pattern is None:
        return [duty]
    if override.series is not None:
        if (duty.pattern.series, duty.begins_on) != (override.series, override.begins_on):
            return [duty]
        return [replace(duty, user=override.user, override=override.id)]
    assert override.start is not None
    assert override.end is not None
    began, ended = max(duty.start, override.start), min(duty.end, override.end)
    if began >= ended:
        return [duty]
    pieces = [replace(duty, end=began)] if duty.start < began else []
    pieces.append(
        replace(duty, user=override.user, start=began, end=ended, override=override.id),
    )
    return [*pieces, replace(duty, start=ended)] if ended < duty.end else pieces


def _merged(found: Iterable[Duty], start: datetime, end: datetime) -> list[Gap]:
    """The time that duties cover between two instants, as few spans as possible."""
    spans: list[Gap] = []
    for duty in sorted(found, key=lambda each: each.start):
        began, ended = max(duty.start, start), min(duty.end, end)
        if began >= ended:
            continue
        if spans and began <= spans[-1].end:
            spans[-1] = Gap(spans[-1].start, max(spans[-1].end, ended))
        else:
            spans.append(Gap(began, ended))
    return spans


def _without(
    span: tuple[datetime, datetime], covered: Iterable[Gap]
) -> Iterator[tuple[datetime, datetime]]:
    """What is left of a span beside what is covered."""
    at, end = span
    for each in covered:
        if at < each.start:
            yield at, each.start
        at = max(at, each.end)
    if at < end:
        yield at, end


def _order(duty: Duty) -> tuple[int, datetime, str]:
    position = duty.pattern.position if duty.pattern else 0
    return position, duty.start, str(duty.pattern.series if duty.pattern else duty.override)


def _monday(day: date) -> date:
    return day - DAY * day.weekday()
