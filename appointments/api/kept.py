"""Keeping a time and booking it where a program asks: the rules are the patient's own."""

from collections.abc import Callable
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from appointments import keeping, writing
from appointments.calendar import Slot, nearest
from appointments.errors import HoldEnded, NotSelfScheduled, PatientIsDeceased, SlotTaken
from appointments.free_times import AROUND
from appointments.keeping import Wanted
from appointments.models import Appointment, Hold, SelfScheduling, VisitType
from portal.models import Patient

Free = Callable[..., list[Slot]]


def keep(wanted: Wanted, free: Free) -> Hold:
    """Keep a free time for a patient; the same again is the same hold, another one ends it.

    `free` finds the free times of a type, a patient and some days. In the caller's transaction.
    Raises NotSelfScheduled, PatientIsDeceased, and SlotTaken with the next free times.
    """
    visit_type, patient = wanted.visit_type, wanted.patient
    _check(visit_type, patient)
    if wanted.mode and wanted.mode not in visit_type.modes:
        raise NotSelfScheduled
    keeping.lock(wanted)
    if hold := keeping.kept_already(wanted):
        return hold
    slot = _free(wanted, free)
    try:
        return keeping.keep(wanted, slot, by_id=None)
    except SlotTaken as taken:
        raise SlotTaken(taken.party, _next(wanted, free)) from None


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
    keeping.end(hold, Hold.Fate.BOOKED)
    hold.appointment = keeping.book(hold, by_id=None)
    hold.save(update_fields=["appointment"])
    return hold.appointment


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
