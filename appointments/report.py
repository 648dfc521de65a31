"""How the clinic's time is used, and how often nobody comes: in numbers, by provider and week."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from appointments.calendar import day_bounds, days_from, open_time
from appointments.errors import NotForYou
from appointments.models import (
    STANDING,
    Appointment,
    Availability,
    AvailabilityException,
    Holiday,
    Status,
    TimeBlock,
)
from appointments.spans import Span, length, within, without
from portal.access import Reader
from portal.models import Organization, Provider
from portal.tenancy import acting_for

LONGEST_DAYS = 400
# A visit that is called off later than this can hardly be given to somebody else.
SHORT_NOTICE = timedelta(hours=24)
COLUMNS = (
    *("provider", "week", "open_minutes", "booked_minutes", "utilisation_percent", "visits"),
    *("came", "did_not_come", "no_show_percent", "called_off", "called_off_late", "overbooked"),
)


@dataclass(frozen=True)
class Use:
    """One provider's week. Minutes that two visits share are counted once."""

    provider: str
    provider_id: UUID
    week: date
    open_minutes: int
    booked_minutes: int
    # That stood: also those whose day is still to come.
    visits: int
    came: int
    did_not_come: int
    called_off: int
    called_off_late: int
    overbooked: int

    @property
    def utilisation(self) -> int | None:
        """Per cent of the open time that is booked; None where nothing was open."""
        return round(100 * self.booked_minutes / self.open_minutes) if self.open_minutes else None

    @property
    def no_shows(self) -> int | None:
        """Per cent of those expected who did not come; None while nobody was expected."""
        expected = self.came + self.did_not_come
        return round(100 * self.did_not_come / expected) if expected else None

    @property
    def row(self) -> tuple[object, ...]:
        """The values of COLUMNS, for CSV."""
        return (
            *(self.provider, self.week.isoformat(), self.open_minutes, self.booked_minutes),
            *("" if self.utilisation is None else self.utilisation, self.visits, self.came),
            *(self.did_not_come, "" if self.no_shows is None else self.no_shows),
            *(self.called_off, self.called_off_late, self.overbooked),
        )


def use_of_time(first: date, last: date, *, by: Reader) -> list[Use]:
    """Return the use of each provider's time in the weeks that hold these days, in order.

    For staff. It counts the visits of all patients of the clinic, also of those whom the reader
    does not see: numbers of at least a week, and no names but the providers'. Providers who had
    neither hours nor visits are left out. Raises NotForYou, and ValueError for more than 400 days.
    """
    if not by.is_staff:
        raise NotForYou
    monday = first - timedelta(days=first.weekday())
    sunday = last + timedelta(days=6 - last.weekday())
    if (sunday - monday).days > LONGEST_DAYS:
        raise ValueError(f"At most {LONGEST_DAYS} days.")
    with acting_for(by.organization_id, system=True):
        return list(_uses(by.organization_id, monday, sunday))


def summed(uses: Collection[Use]) -> Use | None:
    """All of them as one, from the first week on; None for none."""
    if not uses:
        return None
    return Use(
        provider="All",
        provider_id=next(iter(uses)).provider_id,
        week=min(use.week for use in uses),
        **{
            name: sum(getattr(use, name) for use in uses)
            for name in (
                *("open_minutes", "booked_minutes", "visits", "came", "did_not_come"),
                *("called_off", "called_off_late", "overbooked"),
            )
        },
    )


def _uses(organization_id: UUID, monday: date, sunday: date) -> Iterable[Use]:
    zone = Organization.objects.get(pk=organization_id).zone
    begins, ends = day_bounds(monday, zone)[0], day_bounds(sunday, zone)[1]
    opened = _open(organization_id, monday, sunday, zone)
    visits = list(
        Appointment.objects.filter(
            organization_id=organization_id,
            starts_at__gte=begins,
            starts_at__lt=ends,
            provider__isnull=False,
        )
    )
    for provider in Provider.objects.filter(organization_id=organization_id).order_by("name"):
        own = [visit for visit in visits if visit.provider_id == provider.pk]
        for start in days_from(monday, sunday):
            if start.weekday() == 0:
                week = (
                    day_bounds(start, zone)[0],
                    day_bounds(start + timedelta(days=6), zone)[1],
                )
                open_now = within(opened.get(provider.pk, []), [week])
                of_week = [visit for visit in own if week[0] <= visit.starts_at < week[1]]
                if open_now or of_week:
                    yield _use(provider, start, open_now, of_week)


def _use(provider: Provider, week: date, opened: list[Span], visits: list[Appointment]) -> Use:
    standing = [visit for visit in visits if visit.status in STANDING]
    missed = [visit for visit in visits if visit.status == Status.NO_SHOW]
    off = [visit for visit in visits if visit.status == Status.CANCELLED]
    # Who did not come has used the time all the same: nobody else had it.
    booked = within(((visit.starts_at, visit.ends_at) for visit in standing + missed), opened)
    return Use(
        provider=provider.name,
        provider_id=provider.pk,
        week=week,
        open_minutes=_minutes(opened),
        booked_minutes=_minutes(booked),
        visits=len(standing) + len(missed),
        came=sum(visit.status in (Status.ARRIVED, Status.DONE) for visit in visits),
        did_not_come=len(missed),
        called_off=len(off),
        called_off_late=sum(
            visit.cancelled_at is not None and visit.cancelled_at > visit.starts_at - SHORT_NOTICE
            for visit in off
        ),
        overbooked=sum(visit.is_overbooked for visit in standing),
    )


def _minutes(spans: list[Span]) -> int:
    return round(length(spans).total_seconds() / 60)


def _open(
    organization_id: UUID, monday: date, sunday: date, zone: ZoneInfo
) -> dict[UUID, list[Span]]:
    """When each provider could be booked for anything, without what was blocked."""
    of_clinic = {"organization_id": organization_id}
    days = list(days_from(monday, sunday))
    exceptions = AvailabilityException.objects.filter(**of_clinic, on__range=(monday, sunday))
    holidays = Holiday.objects.filter(**of_clinic, on__range=(monday, sunday))
    opened: dict[UUID, list[Span]] = {}
    for stretch in open_time(
        week=[row.hours for row in Availability.objects.filter(**of_clinic)],
        # Those of one visit type say nothing about the others.
        exceptions=[row.day_hours for row in exceptions.filter(visit_type=None)],
        holidays=set(holidays.values_list("on", flat=True)),
        zone=zone,
        days=days,
    ):
        assert stretch.provider is not None
        opened.setdefault(stretch.provider, []).append((stretch.starts_at, stretch.ends_at))
    blocks = TimeBlock.objects.filter(
        **of_clinic,
        withdrawn_at=None,
        starts_at__lt=day_bounds(sunday, zone)[1],
        ends_at__gt=day_bounds(monday, zone)[0],
    )
    gone: dict[UUID | None, list[Span]] = {}
    for block in blocks:
        gone.setdefault(block.provider_id, []).append((block.starts_at, block.ends_at))
    return {provider: without(spans, gone.get(provider, [])) for provider, spans in opened.items()}
