"""Reading what `appointments.calendar` reckons with, and which times it finds free."""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.db import connection
from django.utils import timezone

from appointments.calendar import Shape, Slot, Taken, days_from, free_slots, nearest
from appointments.errors import SlotTaken
from appointments.models import (
    STANDING,
    Appointment,
    Availability,
    AvailabilityException,
    Holiday,
    SelfScheduling,
    VisitType,
)
from portal import access
from portal.access import Reader
from portal.models import CareTeamMembership, Patient

# How far from a time that is gone others are looked for: most often the next day has some.
AROUND = (timedelta(days=1), timedelta(days=14))
# So many others are named.
NEXT = 4
# Staff may look this far ahead.
STAFF_HORIZON_DAYS = 400


def visit_types_for(by: Reader) -> list[VisitType]:
    """The visit types whose free times the reader may see, by name."""
    active = access.of_organization(VisitType.objects.filter(is_active=True), by)
    if not by.is_clinical:
        active = active.exclude(self_scheduling=SelfScheduling.OFF)
    return list(active)


def free_times(
    visit_type: VisitType,
    patient: Patient,
    *,
    by: Reader,
    first: date,
    last: date,
    provider_id: UUID | None = None,
    moving: Appointment | None = None,
) -> list[Slot]:
    """Return the times of some days at which the patient can have such a visit, in order.

    With the providers of the patient's care team, or with the one named. The patient's side is
    bound by the type's lead and horizon, staff by neither. The visit that is `moving` does not
    stand in its own way as far as the patient is concerned.
    """
    staff = acts_for_clinic(patient, by)
    providers = {provider_id} if provider_id and staff else care_team_of(patient)
    if provider_id:
        providers &= {provider_id}
    return _for_patient(visit_type, patient, providers, first, last, staff=staff, moving=moving)


def find_time(
    visit_type: VisitType,
    patient: Patient,
    wanted: datetime,
    *,
    provider_id: UUID,
    by: Reader,
    mode: str = "",
    moving: Appointment | None = None,
) -> Slot:
    """Return the free time that begins at an instant; raises SlotTaken with the next ones."""
    staff = acts_for_clinic(patient, by)
    providers = care_team_of(patient) | ({provider_id} if staff else set())
    first, last = _days_around(visit_type, wanted, AROUND[0])
    found = _for_patient(visit_type, patient, providers, first, last, staff=staff, moving=moving)
    for slot in found:
        at_that_time = slot.starts_at == wanted and slot.provider == provider_id
        if at_that_time and (not mode or slot.mode in ("", mode)):
            return slot
    if len(found) < NEXT:
        raise SlotTaken(next_times=next_times(visit_type, patient, wanted, by=by))
    raise SlotTaken(next_times=nearest(found, wanted, NEXT))


def slots_of(
    visit_type: VisitType,
    providers: Collection[UUID],
    first: date,
    last: date,
    *,
    shape: Shape,
    busy: Collection[tuple[datetime, datetime]] = (),
) -> list[Slot]:
    """Return the free times of some providers for a type, whoever it is for."""
    begins, ends = _around(first, last)
    week = Availability.objects.filter(visit_type=visit_type, provider_id__in=providers)
    exceptions = AvailabilityException.objects.filter(
        organization_id=visit_type.organization_id,
        provider_id__in=providers,
        on__range=(first, last),
    ).exclude(visit_type__isnull=False, starts=None)
    holidays = Holiday.objects.filter(
        organization_id=visit_type.organization_id, on__range=(first, last)
    )
    return free_slots(
        week=[row.hours for row in week],
        exceptions=[
            row.day_hours for row in exceptions if row.visit_type_id in (None, visit_type.pk)
        ],
        holidays=set(holidays.values_list("on", flat=True)),
        taken=taken_between(begins, ends),
        busy=busy,
        shape=shape,
        zone=visit_type.organization.zone,
        now=timezone.now(),
        days=days_from(first, last),
    )


def next_times(
    visit_type: VisitType, patient: Patient, wanted: datetime, *, by: Reader
) -> list[Slot]:
    """Return the free times closest to one that is gone."""
    found: list[Slot] = []
    for around in AROUND:
        first, last = _days_around(visit_type, wanted, around)
        found = free_times(visit_type, patient, by=by, first=first, last=last)
        if len(found) >= NEXT:
            break
    return nearest(found, wanted, NEXT)


def shape_of(visit_type: VisitType, *, is_staff: bool) -> Shape:
    """How visits of a type are booked by staff, or by patients."""
    return Shape(
        duration=visit_type.duration,
        step=timedelta(minutes=visit_type.step_minutes or visit_type.minutes),
        buffer_before=timedelta(minutes=visit_type.buffer_before_minutes),
        buffer_after=timedelta(minutes=visit_type.buffer_after_minutes),
        lead=timedelta() if is_staff else timedelta(minutes=visit_type.lead_minutes),
        horizon_days=STAFF_HORIZON_DAYS if is_staff else visit_type.horizon_days,
    )


def taken_between(begins: datetime, ends: datetime) -> list[Taken]:
    """What providers and rooms of the reader's clinic have no longer, by whatever it is taken."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM appointments_taken(%s, %s)", [begins, ends])
        return [
            Taken(starts_at, ends_at, provider, room)
            for provider, room, starts_at, ends_at in cursor.fetchall()
        ]


def busy_times(
    patient: Patient, first: date, last: date, *, besides: UUID | None = None
) -> list[tuple[datetime, datetime]]:
    """When the patient has other visits."""
    begins, ends = _around(first, last)
    visits = Appointment.objects.filter(
        patient=patient, status__in=STANDING, starts_at__lt=ends, ends_at__gt=begins
    )
    if besides is not None:
        visits = visits.exclude(pk=besides)
    return list(visits.values_list("starts_at", "ends_at"))


def care_team_of(patient: Patient) -> set[UUID]:
    """The providers with whom a patient may have visits."""
    team = CareTeamMembership.objects.active().filter(patient=patient)
    return set(team.values_list("provider_id", flat=True))


def acts_for_clinic(patient: Patient, by: Reader) -> bool:
    """Whether the reader writes for the patient as one of the care team, and not as family."""
    return by.is_clinical and access.care_team_patients(by).filter(pk=patient.pk).exists()


def _for_patient(
    visit_type: VisitType,
    patient: Patient,
    providers: Collection[UUID],
    first: date,
    last: date,
    *,
    staff: bool,
    moving: Appointment | None,
) -> list[Slot]:
    return slots_of(
        visit_type,
        providers,
        first,
        last,
        shape=shape_of(visit_type, is_staff=staff),
        busy=busy_times(patient, first, last, besides=moving.pk if moving else None),
    )


def _days_around(visit_type: VisitType, wanted: datetime, around: timedelta) -> tuple[date, date]:
    """The days before and after a time, from today on, on the clinic's calendar."""
    zone = visit_type.organization.zone
    day, today = timezone.localdate(wanted, zone), timezone.localdate(timezone=zone)
    return max(day - around, today), max(day, today) + around


def _around(first: date, last: date) -> tuple[datetime, datetime]:
    """Instants that enclose some days, in whatever zone."""
    begins = datetime.combine(first - timedelta(days=1), time.min, tzinfo=UTC)
    return begins, datetime.combine(last + timedelta(days=2), time.min, tzinfo=UTC)
