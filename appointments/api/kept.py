"""Keeping a time and booking it for a patient whose program asks: the rules are the patient's own.

The twin of `appointments.actions.holding`, whose doors want a person.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from appointments import writing
from appointments.calendar import Slot, nearest
from appointments.errors import HoldEnded, NotSelfScheduled, PatientIsDeceased, SlotTaken
from appointments.free_times import AROUND
from appointments.models import Appointment, Hold, Mode, Rules, SelfScheduling, VisitType
from portal.models import Patient

Free = Callable[..., list[Slot]]


@dataclass(frozen=True)
class Wanted:
    """A time that somebody chose; `mode` "" is the usual one."""

    visit_type: VisitType
    patient: Patient
    provider_id: UUID
    starts_at: datetime
    mode: str


def keep(wanted: Wanted, free: Free) -> Hold:
    """Keep a free time for a patient; the same again is the same hold, another one ends it.

    `free` finds the free times of a type, a patient and some days. In the caller's transaction.
    Raises NotSelfScheduled, PatientIsDeceased, and SlotTaken with the next free times.
    """
    visit_type, patient = wanted.visit_type, wanted.patient
    _check(visit_type, patient)
    if wanted.mode and wanted.mode not in visit_type.modes:
        raise NotSelfScheduled
    hours = visit_type.availability.filter(provider_id=wanted.provider_id)
    writing.lock(wanted.provider_id, patient.pk, *hours.values_list("room_id", flat=True))
    for hold in Hold.objects.filter(patient=patient, ended_at=None).select_for_update():
        if hold.is_live and _is(hold, wanted):
            return hold
        _end(hold, Hold.Fate.RELEASED if hold.is_live else Hold.Fate.EXPIRED)
    writing.end_expired_holds()
    slot = _free(wanted, free)
    lasts = timedelta(minutes=Rules.of(patient.organization_id).hold_minutes)
    hold = Hold(
        organization_id=patient.organization_id,
        patient=patient,
        provider_id=wanted.provider_id,
        visit_type=visit_type,
        room_id=slot.room,
        mode=wanted.mode or slot.mode or visit_type.modes[0],
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        buffer_before_minutes=visit_type.buffer_before_minutes,
        buffer_after_minutes=visit_type.buffer_after_minutes,
        until_at=timezone.now() + lasts,
    )
    try:
        with writing.taking_time():
            hold.save(force_insert=True)
    except SlotTaken as taken:
        raise SlotTaken(taken.party, _next(wanted, free)) from None
    return hold


def book(holds: QuerySet[Hold], hold_id: UUID) -> Appointment:
    """Book what is held; the same again is the same visit.

    Raises Hold.DoesNotExist, HoldEnded, NotSelfScheduled and PatientIsDeceased.
    """
    # Holds of nobody: what a person keeps in their browser is theirs to book.
    known = holds.get(pk=hold_id, by=None)
    writing.lock(known.provider_id, known.room_id, known.patient_id)
    hold = (
        holds.select_related("visit_type", "patient", "room", "provider")
        .select_for_update(of=["self"])
        .get(pk=hold_id)
    )
    if hold.appointment is not None:
        return hold.appointment
    if not hold.is_live:
        raise HoldEnded
    _check(hold.visit_type, hold.patient)
    _end(hold, Hold.Fate.BOOKED)
    in_room = hold.room is not None and hold.mode == Mode.IN_PERSON
    visit = Appointment(
        organization_id=hold.organization_id,
        patient=hold.patient,
        provider=hold.provider,
        visit_type=hold.visit_type,
        room=hold.room,
        kind=hold.visit_type.name,
        place=hold.room.name if hold.room and in_room else "",
        mode=hold.mode,
        starts_at=hold.starts_at,
        ends_at=hold.ends_at,
        buffer_before_minutes=hold.buffer_before_minutes,
        buffer_after_minutes=hold.buffer_after_minutes,
    )
    hold.appointment = writing.book(visit, by_id=None)
    hold.save(update_fields=["appointment"])
    return visit


def _check(visit_type: VisitType, patient: Patient) -> None:
    if visit_type.self_scheduling != SelfScheduling.ON:
        raise NotSelfScheduled
    if patient.is_deceased:
        raise PatientIsDeceased


def _free(wanted: Wanted, free: Free) -> Slot:
    """The free time that was chosen, or SlotTaken."""
    day = timezone.localdate(wanted.starts_at, wanted.visit_type.organization.zone)
    for slot in free(wanted.visit_type, wanted.patient, day, day, wanted.provider_id):
        if slot.starts_at == wanted.starts_at and slot.mode in ("", wanted.mode or slot.mode):
            return slot
    raise SlotTaken("", _next(wanted, free))


def _next(wanted: Wanted, free: Free) -> list[Slot]:
    day = timezone.localdate(wanted.starts_at, wanted.visit_type.organization.zone)
    found = free(wanted.visit_type, wanted.patient, day - AROUND[1], day + AROUND[1])
    return nearest(found, wanted.starts_at, 4)


def _is(hold: Hold, wanted: Wanted) -> bool:
    return (hold.visit_type_id, hold.provider_id, hold.starts_at, hold.moves_id) == (
        wanted.visit_type.pk,
        wanted.provider_id,
        wanted.starts_at,
        None,
    )


def _end(hold: Hold, fate: Hold.Fate) -> None:
    hold.ended_at, hold.fate = timezone.now(), fate
    hold.save(update_fields=["ended_at", "fate"])
