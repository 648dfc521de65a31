"""Two steps to a visit of one's own: keep a time, then book it, or move a visit there."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from appointments import writing
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
from appointments.models import (
    Appointment,
    Hold,
    Mode,
    Rules,
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
    hours = visit_type.availability.filter(provider_id=provider_id)
    writing.lock(provider_id, patient.pk, *hours.values_list("room_id", flat=True))
    moving = writable_visit(moves_id, by) if moves_id else None
    if moving is not None:
        check_movable(moving, is_staff=staff)
        if moving.patient_id != patient.pk:
            raise Appointment.DoesNotExist
    for hold in mine.select_for_update():
        if hold.is_live and _is_same(hold, visit_type, provider_id, starts_at, moves_id):
            return hold
        _end(hold, Hold.Fate.RELEASED if hold.is_live else Hold.Fate.EXPIRED)
    writing.end_expired_holds()
    slot = find_time(
        visit_type,
        patient,
        starts_at,
        provider_id=provider_id,
        mode=mode,
        by=by,
        moving=moving,
    )
    lasts = timedelta(minutes=Rules.of(by.organization_id).hold_minutes)
    hold = Hold(
        organization_id=by.organization_id,
        patient=patient,
        provider_id=provider_id,
        visit_type=visit_type,
        room_id=slot.room,
        mode=mode or slot.mode or visit_type.modes[0],
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        buffer_before_minutes=visit_type.buffer_before_minutes,
        buffer_after_minutes=visit_type.buffer_after_minutes,
        moves=moving,
        by_id=by.user_id,
        until_at=timezone.now() + lasts,
    )
    try:
        with writing.taking_time():
            hold.save(force_insert=True)
    except SlotTaken as taken:
        raise with_next_times(taken, visit_type, patient, starts_at, by) from None
    # So that its time is on the others' pages again the moment it runs out.
    writing.ring_when_it_ends(hold)
    return hold


@transaction.atomic
def release_hold(hold_id: UUID, *, by: Reader) -> Hold:
    """Give a held time back; again, or when it has run out, changes nothing."""
    hold = _own_holds(by).select_for_update(of=["self"]).get(pk=hold_id)
    if hold.ended_at is None:
        _end(hold, Hold.Fate.RELEASED)
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
    _end(hold, Hold.Fate.BOOKED)
    try:
        visit = _move_there(hold, staff, by) if hold.moves_id else _book_there(hold, by)
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


def _book_there(hold: Hold, by: Reader) -> Appointment:
    visit = Appointment(
        organization_id=hold.organization_id,
        patient=hold.patient,
        provider_id=hold.provider_id,
        visit_type=hold.visit_type,
        room=hold.room,
        kind=hold.visit_type.name,
        place=_place(hold),
        **_time_of(hold),
    )
    return writing.book(visit, by_id=by.user_id)


def _move_there(hold: Hold, staff: bool, by: Reader) -> Appointment:
    assert hold.moves_id is not None
    visit = writable_visit(hold.moves_id, by)
    check_movable(visit, is_staff=staff)
    times = _time_of(hold)
    visit.buffer_before_minutes = times.pop("buffer_before_minutes")
    visit.buffer_after_minutes = times.pop("buffer_after_minutes")
    return writing.move(
        visit,
        by_id=by.user_id,
        provider_id=hold.provider_id,
        room_id=hold.room_id,
        place=_place(hold),
        **times,
    )


def _place(hold: Hold) -> str:
    return hold.room.name if hold.room and hold.mode == Mode.IN_PERSON else ""


def _time_of(hold: Hold) -> dict[str, Any]:
    return {
        "mode": hold.mode,
        "starts_at": hold.starts_at,
        "ends_at": hold.ends_at,
        "buffer_before_minutes": hold.buffer_before_minutes,
        "buffer_after_minutes": hold.buffer_after_minutes,
    }


def _check_still_free(hold: Hold, by: Reader) -> None:
    """A hold has run out: go on only where its time is free and may still be booked."""
    if hold.ended_at is None:
        _end(hold, Hold.Fate.EXPIRED)
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


def _is_same(
    hold: Hold,
    visit_type: VisitType,
    provider_id: UUID,
    starts_at: datetime,
    moves_id: UUID | None,
) -> bool:
    return (hold.visit_type_id, hold.provider_id, hold.starts_at, hold.moves_id) == (
        visit_type.pk,
        provider_id,
        starts_at,
        moves_id,
    )


def _end(hold: Hold, fate: Hold.Fate) -> None:
    hold.ended_at, hold.fate = timezone.now(), fate
    hold.save(update_fields=["ended_at", "fate"])
