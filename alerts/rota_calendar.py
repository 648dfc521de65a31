"""A rota as a page shows it: days, who has which hours, and where nobody is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID

from alerts.models import ShiftSwap
from alerts.on_call import Roster
from alerts.rota import DAY, Duty, Gap, Pattern, instant
from alerts.turns import NoSuchTurn, Turn, hours
from portal.models import User

GONE = "Somebody who has left"


@dataclass
class Entry:
    """One person's hours, or nobody's."""

    start: datetime
    end: datetime
    name: str
    is_mine: bool = False
    is_now: bool = False
    is_over: bool = False
    # Nobody answers in these hours; `why` says how that came to be.
    is_empty: bool = False
    why: str = ""
    shift: str = ""
    position: int = 1
    # Names the turn; without, the time belongs to no shift.
    series: UUID | None = None
    begins_on: date | None = None


@dataclass
class Day:
    """One date of the rota's clock."""

    on: date
    is_today: bool
    entries: list[Entry] = field(default_factory=list)

    @property
    def is_short(self) -> bool:
        """Whether somebody is missing."""
        return any(entry.is_empty and not entry.is_over for entry in self.entries)


def days(roster: Roster, first: date, number: int, *, now: datetime, reader_id: UUID) -> list[Day]:
    """`number` days from `first`: each with the duties that begin on it, and its gaps."""
    zone = roster.zone
    start = instant(first, time.min, zone)
    end = instant(first + DAY * number, time.min, zone)
    today = now.astimezone(zone).date()
    found = roster.duties(start, end)
    names = names_of(duty.user for duty in found)
    calendar = {first + DAY * each: Day(first + DAY * each, False) for each in range(number)}
    if today in calendar:
        calendar[today].is_today = True
    entries = [entry(duty, roster, names, now=now, reader_id=reader_id) for duty in found]
    empty = [each for each in entries if each.is_empty]
    for gap in roster.gaps(start, end):
        entries += [
            Entry(*piece, name="Nobody", is_empty=True, is_over=piece[1] <= now, why="no shift")
            for piece in _beside(gap, empty)
        ]
    for each in sorted(entries, key=lambda each: (each.start, each.position)):
        on = max(each.start.astimezone(zone).date(), first)
        calendar[on].entries.append(each)
    return list(calendar.values())


def entry(
    duty: Duty,
    roster: Roster,
    names: Mapping[UUID, str],
    *,
    now: datetime,
    reader_id: UUID,
) -> Entry:
    """A duty in words."""
    is_able = duty.user in roster.able
    pattern = duty.pattern
    return Entry(
        start=duty.start,
        end=duty.end,
        name=names.get(duty.user, GONE) if duty.user else "Nobody",
        is_mine=duty.user == reader_id,
        is_now=duty.start <= now < duty.end,
        is_over=duty.end <= now,
        is_empty=not is_able,
        why=_why(duty, is_able),
        shift=pattern.name if pattern else "",
        position=pattern.position if pattern else 0,
        series=pattern.series if pattern else None,
        begins_on=duty.begins_on,
    )


@dataclass(frozen=True)
class Question:
    """A swap that was asked for and not answered, as one of the two reads it."""

    swap: ShiftSwap
    is_mine_to_answer: bool
    gives: tuple[Pattern, datetime, datetime]
    takes: tuple[Pattern, datetime, datetime]


def question_of(swap: ShiftSwap, roster: Roster, *, reader_id: UUID) -> Question | None:
    """What is asked; nothing when one of the turns is no more."""
    try:
        return Question(
            swap,
            swap.asked_of_id == reader_id,
            hours(roster, Turn(swap.gives_series, swap.gives_on)),
            hours(roster, Turn(swap.takes_series, swap.takes_on)),
        )
    except NoSuchTurn:
        return None


def names_of(users: Iterable[UUID | None]) -> dict[UUID, str]:
    """What people are called; whoever the reader may not know is missing."""
    known = [user for user in users if user is not None]
    return dict(User.objects.filter(pk__in=known).values_list("pk", "name"))


def upcoming(roster: Roster, user_id: UUID, now: datetime, *, within: timedelta) -> list[Duty]:
    """The turns of somebody that are still to begin."""
    return [
        duty
        for duty in roster.duties(now, now + within)
        if duty.user == user_id and duty.start > now and duty.pattern is not None
    ]


def _why(duty: Duty, is_able: bool) -> str:
    if duty.user is not None and not is_able:
        return "cannot be called"
    if duty.user is None:
        return "cannot do it" if duty.override else "not filled"
    if duty.pattern is None:
        return "besides"
    return "stands in" if duty.override else ""


def _beside(gap: Gap, empty: Iterable[Entry]) -> list[tuple[datetime, datetime]]:
    """What of a gap is not shown already as a shift that nobody has."""
    at = gap.start
    pieces: list[tuple[datetime, datetime]] = []
    for each in sorted(empty, key=lambda each: each.start):
        if at < each.start < gap.end:
            pieces.append((at, each.start))
        if each.start < gap.end and each.end > at:
            at = each.end
    if at < gap.end:
        pieces.append((at, gap.end))
    return pieces
