"""The free times of a visit type as somebody chooses among them: a few good ones, then by week."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from appointments.calendar import Slot, good_times
from appointments.free_times import free_times
from appointments.models import Appointment, VisitType
from portal.access import Reader
from portal.models import Organization, Patient, Provider

WEEK = timedelta(days=7)
_SUNDAY = timedelta(days=6)
# The first free times are looked for in so many weeks at once.
_WEEKS_AT_ONCE = 4


@dataclass(frozen=True)
class FreeTime:
    """One time to press: with somebody, named."""

    starts_at: datetime
    provider_id: UUID
    provider: str


@dataclass(frozen=True)
class Day:
    """A day on the clinic's clock and its free times."""

    on: date
    times: list[FreeTime]


@dataclass(frozen=True)
class ChoiceOfTimes:
    """One week of free times, a few good ones from the first that there are, and where to look on.

    `earlier` and `later` are Mondays of weeks that can be looked at; `first_week` is the Monday of
    the first week with a free time, None where there is none at all.
    """

    good: list[FreeTime]
    monday: date
    days: list[Day]
    earlier: date | None
    later: date | None
    first_week: date | None

    @property
    def sunday(self) -> date:
        return self.monday + _SUNDAY

    @property
    def is_empty_week(self) -> bool:
        return not any(day.times for day in self.days)


def choice_of_times(
    visit_type: VisitType,
    patient: Patient,
    *,
    by: Reader,
    mode: str = "",
    provider_id: UUID | None = None,
    week: date | None = None,
    moving: Appointment | None = None,
) -> ChoiceOfTimes:
    """Find what to choose from, in the week of a day or else in the first one with a free time."""
    zone = Organization.objects.get(pk=patient.organization_id).zone
    today = timezone.localdate(timezone=zone)
    last = today + timedelta(days=visit_type.horizon_days)

    def free(first: date, until: date) -> list[Slot]:
        slots = free_times(
            visit_type,
            patient,
            by=by,
            first=first,
            last=min(until, last),
            provider_id=provider_id,
            moving=moving,
        )
        return [slot for slot in slots if slot.mode in ("", mode or slot.mode)]

    soonest, known_until = [], today
    for first, known_until in _stretches(today, last):
        if soonest := free(first, known_until):
            break
    first_week = monday_of(soonest[0].starts_at.astimezone(zone).date()) if soonest else None
    asked = week if week and monday_of(today) <= monday_of(week) <= last else first_week or today
    monday = monday_of(asked)
    # The week that is shown first lies among those already looked at.
    of_week = (
        [
            slot
            for slot in soonest
            if monday <= slot.starts_at.astimezone(zone).date() < monday + WEEK
        ]
        if monday + _SUNDAY <= known_until
        else free(max(monday, today), monday + _SUNDAY)
    )
    good = good_times(soonest, zone)
    named = _names(slot.provider for slot in (*of_week, *good))
    return ChoiceOfTimes(
        good=one_each(good, named),
        monday=monday,
        days=_days(of_week, named, zone, max(monday, today), min(monday + _SUNDAY, last)),
        earlier=monday - WEEK if monday > monday_of(today) else None,
        later=monday + WEEK if monday + WEEK <= last else None,
        first_week=first_week,
    )


def named_times(slots: Sequence[Slot]) -> list[FreeTime]:
    """Free times with the names of those they are with, each time once."""
    return one_each(slots, _names(slot.provider for slot in slots))


def one_each(slots: Iterable[Slot], names: dict[UUID, str]) -> list[FreeTime]:
    """Each time once, in order: where several have it, with the first of them by name."""
    by_name = sorted(slots, key=lambda slot: (slot.starts_at, names[slot.provider]))
    times = {
        slot.starts_at: FreeTime(slot.starts_at, slot.provider, names[slot.provider])
        for slot in reversed(by_name)
    }
    return [times[start] for start in sorted(times)]


def monday_of(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def _stretches(first: date, last: date) -> Iterator[tuple[date, date]]:
    while first <= last:
        until = first + _WEEKS_AT_ONCE * WEEK
        yield first, until
        first = until + timedelta(days=1)


def _days(
    slots: list[Slot], names: dict[UUID, str], zone: ZoneInfo, first: date, last: date
) -> list[Day]:
    by_day: dict[date, list[Slot]] = {}
    for slot in slots:
        by_day.setdefault(slot.starts_at.astimezone(zone).date(), []).append(slot)
    return [
        Day(on, one_each(by_day.get(on, []), names))
        for on in (first + timedelta(days=number) for number in range((last - first).days + 1))
    ]


def _names(providers: Iterable[UUID]) -> dict[UUID, str]:
    rows = Provider.objects.filter(pk__in=set(providers))
    return dict(rows.values_list("pk", "name"))
