"""Two steps to a visit of one's own: keep a time, then book it, or move a visit there."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from appointments import keeping, writing
from appointments.actions.booking import active_type, with_next_times
from appointments.actions.doors import writable_visit
from appointments.errors import (
    HoldEnded,
    NotSelfScheduled,
    PatientIsDeceased,
    SlotTaken,
    TooLate,
    VisitIsOver,
)
from appointments.free_times import acts_for_clinic, find_time
from appointments.keeping import Wanted
from appointments.models import (
    Appointment,
    Hold,
    SelfScheduling,
    Status,
    VisitType,
)
from appointments.models.hold import HoldQuerySet
from portal import access
from portal.access import Reader
from portal.models import Patient


@transaction.atomic
def hold_time(
    visit_type_id: UUID,
    *,
    patient_id: UUID,
    provider_id: UUID,
    starts_at: datetime,
    by: Reader,
    mode: str = "",
    moves_id: UUID | None = None,
) -> Hold:
    """Keep a free time for a patient while they make up their mind; return the hold.

    The patient's earlier hold ends: one at a time. The same again (a click twice, a reload) returns
    the same hold, with the time that is left of it. `moves_id` is the visit that would move here.

    Raises Patient, VisitType or Appointment.DoesNotExist, PatientIsDeceased, NotSelfScheduled,
    TooLate and VisitIsOver (of the visit that would move), and SlotTaken with the next free times.
    """
    patient = access.writable_patients(by).get(pk=patient_id)
    visit_type = active_type(visit_type_id, by)
    staff = acts_for_clinic(patient, by)
    if not staff and visit_type.self_scheduling != SelfScheduling.ON:
        raise NotSelfScheduled
    if mode and mode not in visit_type.modes:
        raise NotSelfScheduled
    if patient.is_deceased:
        raise PatientIsDeceased
    mine = Hold.objects.filter(patient=patient, ended_at=None)
    if not moves_id and not mine.exists():
        # Most who come too late learn so without waiting for those before them.
        find_time(visit_type, patient, starts_at, provider_id=provider_id, mode=mode, by=by)
    wanted = Wanted(visit_type, patient, provider_id, starts_at, mode)
    keeping.lock(wanted)
    moving = writable_visit(moves_id, by) if moves_id else None
    if moving is not None:
        check_movable(moving, is_staff=staff)
        if moving.patient_id != patient.pk:
            raise Appointment.DoesNotExist
        wanted = replace(wanted, moves=moving)
    if hold := keeping.kept_already(wanted):
        return hold
    slot = find_time(
        visit_type,
        patient,
        starts_at,
        provider_id=provider_id,
        mode=mode,
        by=by,
        moving=moving,
    )
    try:
        return keeping.keep(wanted, slot, by_id=by.user_id)
    except SlotTaken as taken:
        raise with_next_times(taken, visit_type, patient, starts_at, by) from None


@transaction.atomic
def release_hold(hold_id: UUID, *, by: Reader) -> Hold:
    """Give a held time back; again, or when it has run out, changes nothing."""
    hold = _own_holds(by).select_for_update(of=["self"]).get(pk=hold_id)
    if hold.ended_at is None:
        keeping.end(hold, Hold.Fate.RELEASED)
    return hold


def live_hold(patient: Patient, *, by: Reader) -> Hold | None:
    """The time that is kept for a patient now: what a reloaded page shows with its timer."""
    return (
        _own_holds(by)
        .filter(patient=patient, ended_at=None, until_at__gt=timezone.now())
        .select_related("visit_type", "provider", "room", "moves")
        .first()
    )


@transaction.atomic
def book_held(hold_id: UUID, *, by: Reader, answers: dict[str, str] | None = None) -> Appointment:
    """Book what is held, or move the visit that the hold is for; return the visit.

    The same again returns the same visit. A hold that has run out is booked all the same while its
    time is free. `answers` are those to the questions of the visit type; others are left out.

    Raises Hold.DoesNotExist, HoldEnded (given back, or another time chosen since),
    PatientIsDeceased, NotSelfScheduled, TooLate and VisitIsOver (of the visit to be moved), and
    SlotTaken with the next free times.
    """
    hold = _own_holds(by).get(pk=hold_id)
    writing.lock(hold.provider_id, hold.room_id, hold.patient_id)
    hold = (
        _own_holds(by)
        .select_related("visit_type", "patient", "room")
        .select_for_update(of=["self"])
        .get(pk=hold_id)
    )
    if hold.fate == Hold.Fate.BOOKED and hold.appointment is not None:
        return hold.appointment
    if hold.fate == Hold.Fate.RELEASED:
        raise HoldEnded
    staff = acts_for_clinic(hold.patient, by)
    if not staff and hold.visit_type.self_scheduling != SelfScheduling.ON:
        raise NotSelfScheduled
    if not hold.is_live:
        _check_still_free(hold, by)
    keeping.end(hold, Hold.Fate.BOOKED)
    try:
        if hold.moves_id:
            visit = _move_there(hold, staff, by)
        else:
            visit = keeping.book(hold, by_id=by.user_id)
    except SlotTaken as taken:
        raise with_next_times(taken, hold.visit_type, hold.patient, hold.starts_at, by) from None
    if answers:
        visit.answers = known_answers(hold.visit_type, answers)
        visit.save(update_fields=["answers"])
    hold.appointment = visit
    hold.save(update_fields=["appointment"])
    return visit


def known_answers(visit_type: VisitType, answers: dict[str, str]) -> dict[str, str]:
    """The answers to questions that the visit type asks, each at most a page long."""
    asked = {question["key"] for question in visit_type.questions}
    return {key: str(answers[key])[:2000] for key in sorted(asked & answers.keys())}


def check_movable(visit: Appointment, *, is_staff: bool) -> None:
    """Raise VisitIsOver, or for the patient's side TooLate and NotSelfScheduled."""
    if visit.status != Status.BOOKED or (visit.is_over and not is_staff):
        raise VisitIsOver
    if is_staff:
        return
    if visit.visit_type is None or visit.visit_type.self_scheduling != SelfScheduling.ON:
        raise NotSelfScheduled
    if timezone.now() > visit.starts_at - visit.visit_type.notice:
        raise TooLate


def _move_there(hold: Hold, staff: bool, by: Reader) -> Appointment:
    assert hold.moves_id is not None
    visit = writable_visit(hold.moves_id, by)
    check_movable(visit, is_staff=staff)
    times = keeping.time_of(hold)
    visit.buffer_before_minutes = times.pop("buffer_before_minutes")
    visit.buffer_after_minutes = times.pop("buffer_after_minutes")
    return writing.move(
        visit,
        by_id=by.user_id,
        provider_id=hold.provider_id,
        room_id=hold.room_id,
        place=keeping.place_of(hold),
        **times,
    )


def _check_still_free(hold: Hold, by: Reader) -> None:
    """A hold has run out: go on only where its time is free and may still be booked."""
    if hold.ended_at is None:
        keeping.end(hold, Hold.Fate.EXPIRED)
    find_time(
        hold.visit_type,
        hold.patient,
        hold.starts_at,
        provider_id=hold.provider_id,
        mode=hold.mode,
        by=by,
        moving=hold.moves,
    )


def _own_holds(by: Reader) -> HoldQuerySet:
    return access.of_writable_patients(Hold.objects.all(), by)
