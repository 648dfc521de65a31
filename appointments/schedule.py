"""The clinic's days as its staff reads them: what each provider has, hour by hour.

Names are those of patients of the reader's care teams. What else is taken is "taken", without a
person and without a reason, and so is time that a patient of somebody else's team holds.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from appointments.calendar import day_bounds, days_from
from appointments.free_times import taken_between
from appointments.models import (
    STANDING,
    Appointment,
    Claim,
    Hold,
    Holiday,
    Room,
    Status,
    TimeBlock,
)
from appointments.opening_hours import opening_hours
from appointments.spans import Span, without
from portal import access
from portal.access import Reader
from portal.models import Provider

# What is shorter is not offered as free.
SHORTEST_FREE = timedelta(minutes=10)
# Visits with buffers that reach into a day may lie this far outside it.
_MARGIN = timedelta(hours=4)


@dataclass(frozen=True)
class Entry:
    """One line of a day: a visit, a hold, a block, or time that is only taken, or free."""

    kind: str
    starts_at: datetime
    ends_at: datetime
    provider_id: UUID | None = None
    visit: Appointment | None = None
    claim: Claim | None = None
    hold: Hold | None = None
    block: TimeBlock | None = None
    room: Room | None = None
    # A visit that should have begun, and nobody has come.
    is_awaited: bool = False
    # A visit of today or before: one can say whether somebody came.
    is_due: bool = False


@dataclass
class Column:
    """A provider's day; without a provider, visits that name none."""

    provider: Provider | None
    on: date
    is_own: bool = False
    closed: str = ""  # the name of the holiday
    entries: list[Entry] = field(default_factory=list)
    called_off: list[Appointment] = field(default_factory=list)
    # What comes next today: now lies before it.
    coming: Entry | None = None

    @property
    def visits(self) -> list[Appointment]:
        """Those that stand or stood, in order."""
        return [entry.visit for entry in self.entries if entry.visit is not None]

    @property
    def number_here(self) -> int:
        """Patients who have arrived and wait or are seen now."""
        return sum(visit.status == Status.ARRIVED for visit in self.visits)


@dataclass
class Schedule:
    """Some days of some providers; `changes_at` is when a line changes by the clock alone."""

    columns: list[Column]
    rooms: list[Entry]
    holidays: dict[date, str]
    changes_at: datetime | None

    @property
    def patients(self) -> set[UUID]:
        """Whose names it shows."""
        shown = (visit for column in self.columns for visit in column.visits + column.called_off)
        held = (e.hold.patient_id for c in self.columns for e in c.entries if e.hold)
        return {visit.patient_id for visit in shown} | set(held)


def schedule_of(
    reader: Reader,
    first: date,
    last: date,
    *,
    zone: ZoneInfo,
    now: datetime,
    provider_id: UUID | None = None,
) -> Schedule:
    """Return the days from the first to the last, one column for each provider and day.

    A column exists where somebody has anything or can be booked; with `provider_id`, for that
    provider always. The reader's own come first. A fixed number of queries, whatever the days hold.
    """
    begins, ends = day_bounds(first, zone)[0], day_bounds(last, zone)[1]
    days = list(days_from(first, last))
    providers = _providers(reader, provider_id)
    holidays = dict(
        access.of_organization(Holiday.objects.all(), reader)
        .filter(on__range=(first, last))
        .values_list("on", "name")
    )
    entries = _known(reader, begins, ends, now, zone)
    entries += _taken(begins, ends, entries)
    blocked = [entry for entry in entries if entry.room is not None]
    entries += _free(reader, days, set(holidays), zone, now, entries)

    columns: dict[tuple[date, UUID | None], Column] = {}
    for on in days:
        # Whoever is asked for is shown, also on a day without anything.
        for pk in [provider_id] if provider_id in providers else []:
            columns[on, pk] = _column(pk, on, providers, reader)
            columns[on, pk].closed = holidays.get(on, "")
    for entry in sorted(entries, key=lambda entry: (entry.starts_at, entry.ends_at, entry.kind)):
        owner = entry.provider_id
        if entry.room is not None or (owner is not None and owner not in providers):
            continue
        if owner is None and provider_id is not None:
            continue
        for on in days:
            day_begins, day_ends = day_bounds(on, zone)
            if entry.starts_at < day_ends and day_begins < entry.ends_at:
                column = columns.setdefault((on, owner), _column(owner, on, providers, reader))
                _put(column, entry, now)
    return Schedule(
        columns=sorted(columns.values(), key=_order),
        rooms=blocked,
        holidays=holidays,
        changes_at=_next_change(entries, now, ends),
    )


def _providers(reader: Reader, provider_id: UUID | None) -> dict[UUID, Provider]:
    found = access.of_organization(Provider.objects.all(), reader)
    if provider_id is not None:
        found = found.filter(pk=provider_id)
    return {provider.pk: provider for provider in found}


def _column(
    provider_id: UUID | None, on: date, providers: dict[UUID, Provider], reader: Reader
) -> Column:
    provider = providers[provider_id] if provider_id is not None else None
    is_own = provider is not None and provider.user_id == reader.user_id
    return Column(provider, on, is_own)


def _order(column: Column) -> tuple[date, bool, bool, str]:
    name = column.provider.name if column.provider else ""
    return (column.on, column.provider is None, not column.is_own, name)


def _put(column: Column, entry: Entry, now: datetime) -> None:
    if entry.visit is not None and entry.visit.status == Status.CANCELLED:
        column.called_off.append(entry.visit)
        return
    if column.entries and column.coming is None and column.entries[-1].starts_at <= now:
        column.coming = entry if entry.starts_at > now else None
    column.entries.append(entry)


def _known(
    reader: Reader, begins: datetime, ends: datetime, now: datetime, zone: ZoneInfo
) -> list[Entry]:
    """Visits and holds of the reader's patients, and blocks, around the days."""
    around = {"starts_at__lt": ends + _MARGIN, "ends_at__gt": begins - _MARGIN}
    visits = list(
        access.of_visible_patients(Appointment.objects.filter(**around), reader).select_related(
            "patient", "room", "visit_type"
        )
    )
    claims = {
        claim.appointment_id: claim
        for claim in Claim.objects.live()
        .filter(appointment__in=[visit.pk for visit in visits])
        .select_related("by")
    }
    holds = access.of_visible_patients(Hold.objects.live().filter(**around), reader)
    blocks = access.of_organization(
        TimeBlock.objects.filter(withdrawn_at=None, **around), reader
    ).select_related("room")
    return [
        *(
            Entry(
                *("visit", visit.starts_at, visit.ends_at, visit.provider_id),
                visit=visit,
                claim=claims.get(visit.pk),
                is_awaited=visit.status == Status.BOOKED and visit.starts_at <= now,
                is_due=visit.starts_at.astimezone(zone).date() <= now.astimezone(zone).date(),
            )
            for visit in visits
        ),
        *(
            Entry("hold", hold.starts_at, hold.ends_at, hold.provider_id, hold=hold)
            for hold in holds.select_related("patient", "visit_type")
        ),
        *(
            Entry(
                *("block", block.starts_at, block.ends_at, block.provider_id),
                block=block,
                room=block.room if block.provider_id is None else None,
            )
            for block in blocks
        ),
    ]


def _taken(begins: datetime, ends: datetime, known: Iterable[Entry]) -> list[Entry]:
    """What is taken of providers and is nothing that the reader knows."""
    ours = Counter(_shadow(entry) for entry in known)
    found: list[Entry] = []
    for taken in taken_between(begins, ends):
        shadow = (taken.provider, taken.room, taken.starts_at, taken.ends_at)
        if ours[shadow]:
            ours[shadow] -= 1
        elif taken.provider is not None:
            found.append(Entry("taken", taken.starts_at, taken.ends_at, taken.provider))
    return found


def _shadow(entry: Entry) -> tuple[UUID | None, UUID | None, datetime, datetime] | None:
    """What an entry leaves in the table of taken times, buffers included."""
    if entry.block is not None:
        return (entry.block.provider_id, entry.block.room_id, entry.starts_at, entry.ends_at)
    of = entry.visit or entry.hold
    if of is None or (entry.visit is not None and entry.visit.status not in STANDING):
        return None
    return (
        of.provider_id,
        of.room_id,
        of.starts_at - timedelta(minutes=of.buffer_before_minutes),
        of.ends_at + timedelta(minutes=of.buffer_after_minutes),
    )


def _free(
    reader: Reader,
    days: Sequence[date],
    holidays: Collection[date],
    zone: ZoneInfo,
    now: datetime,
    entries: Iterable[Entry],
) -> list[Entry]:
    """What providers still have open and nobody has taken, from now on."""
    taken: dict[UUID | None, list[Span]] = defaultdict(list)
    for entry in entries:
        if shadow := _shadow(entry):
            taken[shadow[0]].append(shadow[2:])
        elif entry.kind == "taken":
            taken[entry.provider_id].append((entry.starts_at, entry.ends_at))
    return [
        Entry("free", begin, end, provider)
        for provider, spans in opening_hours(reader, days, holidays, zone).items()
        for begin, end in without(
            [(max(start, now), stop) for start, stop in spans if stop > now], taken[provider]
        )
        if end - begin >= SHORTEST_FREE
    ]


def _next_change(entries: Iterable[Entry], now: datetime, ends: datetime) -> datetime | None:
    """When the page says something else though nobody did anything."""
    instants: set[datetime | None] = {ends}
    for entry in entries:
        instants |= {entry.starts_at, entry.ends_at}
        instants |= {each.until_at for each in (entry.claim, entry.hold) if each is not None}
    return min((each for each in instants if each is not None and each > now), default=None)
