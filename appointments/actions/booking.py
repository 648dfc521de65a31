"""Setting time aside at once, as the clinic does. Patients hold a time first: see `holding`."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from appointments import writing
from appointments.actions.doors import team_patients
from appointments.errors import NotForYou, SlotTaken
from appointments.free_times import next_times
from appointments.models import Appointment, Mode, Room, VisitType
from portal import access
from portal.access import Reader
from portal.identifiers import uuid7
from portal.models import Patient, Provider, Role


@transaction.atomic
def book_visit(
    patient_id: UUID,
    *,
    starts_at: datetime,
    ends_at: datetime | None = None,
    by: Reader,
    kind: str = "",
    mode: Mode = Mode.IN_PERSON,
    place: str = "",
    provider_id: UUID | None = None,
    visit_type_id: UUID | None = None,
    room_id: UUID | None = None,
    overbook_reason: str = "",
    key: UUID | None = None,
) -> Appointment:
    """Book a visit for a patient of the reader's care teams and tell the patient's side.

    Staff may book any time that is not taken, also outside the hours of the calendar. A visit type
    gives what is left out: kind, end and buffers. With a reason, a clinician may book what is taken
    (NotForYou for others). The same `key` again returns the visit that was booked with it.

    Raises Patient.DoesNotExist when the reader may not write for the patient, Provider, Room or
    VisitType.DoesNotExist for one of another clinic, EndsBeforeItStarts, PatientIsDeceased, and
    SlotTaken with the next free times.
    """
    patient = team_patients(by).get(pk=patient_id)
    if key is not None:
        booked = Appointment.objects.filter(pk=key, patient=patient).first()
        if booked is not None:
            return booked
    if overbook_reason and by.role != Role.CLINICIAN:
        raise NotForYou
    visit_type = active_type(visit_type_id, by) if visit_type_id else None
    if provider_id is not None:
        access.of_organization(Provider.objects.all(), by).get(pk=provider_id)
    room = access.of_organization(Room.objects.all(), by).get(pk=room_id) if room_id else None
    if ends_at is None:
        if visit_type is None:
            raise ValueError("A visit without a type says when it ends.")
        ends_at = starts_at + visit_type.duration
    visit = Appointment(
        id=key or uuid7(),
        organization_id=by.organization_id,
        patient=patient,
        provider_id=provider_id,
        visit_type=visit_type,
        room=room,
        kind=kind or (visit_type.name if visit_type else ""),
        mode=mode,
        place=place or (room.name if room else ""),
        starts_at=starts_at,
        ends_at=ends_at,
        buffer_before_minutes=visit_type.buffer_before_minutes if visit_type else 0,
        buffer_after_minutes=visit_type.buffer_after_minutes if visit_type else 0,
        overbook_reason=overbook_reason,
    )
    try:
        return writing.book(visit, by_id=by.user_id)
    except SlotTaken as taken:
        raise with_next_times(taken, visit_type, patient, starts_at, by) from None


def active_type(visit_type_id: UUID, by: Reader) -> VisitType:
    """A visit type of the reader's clinic that can be booked. Raises VisitType.DoesNotExist."""
    return access.of_organization(VisitType.objects.filter(is_active=True), by).get(
        pk=visit_type_id
    )


def with_next_times(
    taken: SlotTaken,
    visit_type: VisitType | None,
    patient: Patient,
    wanted: datetime,
    by: Reader,
) -> SlotTaken:
    """The same error, with the free times closest to the one that is gone."""
    times = next_times(visit_type, patient, wanted, by=by) if visit_type else []
    return SlotTaken(taken.party, times)
