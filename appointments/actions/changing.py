"""What becomes of a booked visit: moved, called off, confirmed, prepared for."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from appointments import writing
from appointments.actions.doors import leave_to_colleague, team_visit, writable_visit
from appointments.actions.holding import known_answers
from appointments.errors import KeptElsewhere, NotForYou, SlotTaken, TooLate, VisitIsOver
from appointments.free_times import acts_for_clinic, next_times
from appointments.models import Appointment, Change, Mode, Room, Status
from appointments.models.visit_type import DAY
from portal import access
from portal.access import Reader
from portal.models import Organization, Provider, Role

# How long before it begins a patient may call off a visit without a type.
USUAL_NOTICE_MINUTES = DAY


@transaction.atomic
def move_visit(
    appointment_id: UUID,
    *,
    by: Reader,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    provider_id: UUID | None = None,
    room_id: UUID | Literal["same"] | None = "same",
    kind: str | None = None,
    mode: str | None = None,
    place: str | None = None,
    reason: str = "",
    overbook_reason: str = "",
) -> Appointment:
    """Change a visit for the clinic; what is left out stays. Without an end it lasts as long.

    Patients move theirs by hold and book. The old time is kept until the new one is sure. Another
    room is another place, unless the place is said too; None is no room. Raises Appointment,
    Provider or Room.DoesNotExist, VisitIsOver (called off, or not come), AlreadyClaimed by a
    colleague, EndsBeforeItStarts, NotForYou (overbooking is a clinician's), SlotTaken with next
    free times.
    """
    if overbook_reason and by.role != Role.CLINICIAN:
        raise NotForYou
    if provider_id is not None:
        access.of_organization(Provider.objects.all(), by).get(pk=provider_id)
    known = access.of_visible_patients(Appointment.objects.all(), by).get(pk=appointment_id)
    goes_to = known.room_id if room_id == "same" else room_id
    room = access.of_organization(Room.objects.all(), by).get(pk=goes_to) if goes_to else None
    writing.lock(provider_id or known.provider_id, goes_to, known.patient_id)
    visit = team_visit(appointment_id, by)
    if visit.status in (Status.CANCELLED, Status.NO_SHOW):
        raise VisitIsOver
    leave_to_colleague(visit, by)
    if starts_at is not None and ends_at is None:
        ends_at = starts_at + (visit.ends_at - visit.starts_at)
    asked = {
        "starts_at": starts_at,
        "ends_at": ends_at,
        "provider_id": provider_id,
        "kind": kind,
        "mode": mode,
        "place": place,
    }
    visit.overbook_reason = overbook_reason or visit.overbook_reason
    changes: dict[str, object] = {k: value for k, value in asked.items() if value is not None}
    if goes_to != visit.room_id:
        in_person = (mode or visit.mode) == Mode.IN_PERSON
        changes |= {"room_id": goes_to}
        changes.setdefault("place", room.name if room and in_person else "")
    try:
        return writing.move(visit, by_id=by.user_id, reason=reason or overbook_reason, **changes)
    except SlotTaken as taken:
        times = (
            next_times(visit.visit_type, visit.patient, visit.starts_at, by=by)
            if visit.visit_type
            else []
        )
        raise SlotTaken(taken.party, times) from None


@transaction.atomic
def cancel_visit(appointment_id: UUID, *, by: Reader, reason: str = "") -> Appointment:
    """Call a visit off; calling off twice changes nothing.

    The patient's side may until the notice period begins (TooLate), and not where another system
    would go on expecting them (KeptElsewhere). Staff leave it to the colleague who is on it
    (AlreadyClaimed). Raises Appointment.DoesNotExist, and VisitIsOver for one that took place.
    """
    visit = writable_visit(appointment_id, by)
    if visit.status == Status.CANCELLED:
        return visit
    if not acts_for_clinic(visit.patient, by):
        if visit.status != Status.BOOKED or visit.is_over:
            raise VisitIsOver
        if visit.is_kept_elsewhere:
            raise KeptElsewhere
        if not may_still_cancel(visit):
            raise TooLate
    elif visit.status == Status.DONE:
        raise VisitIsOver
    else:
        leave_to_colleague(visit, by)
    return writing.call_off(visit, by_id=by.user_id, reason=reason.strip()[:200])


def may_still_cancel(visit: Appointment) -> bool:
    """Whether the patient may still call it off: the notice period has not begun."""
    minutes = visit.visit_type.notice_minutes if visit.visit_type else USUAL_NOTICE_MINUTES
    return (visit.starts_at - timezone.now()).total_seconds() >= minutes * 60


@transaction.atomic
def confirm_visit(appointment_id: UUID, *, by: Reader) -> Appointment:
    """Say that the patient will come; again changes nothing. Raises VisitIsOver."""
    visit = writable_visit(appointment_id, by)
    if visit.is_confirmed:
        return visit
    _check_to_come(visit)
    visit.confirmed_at = timezone.now()
    visit.save(update_fields=["confirmed_at"])
    writing.note(visit, Change.Kind.CONFIRMED, by_id=by.user_id)
    return visit


@transaction.atomic
def check_in(
    appointment_id: UUID, *, by: Reader, answers: dict[str, str] | None = None
) -> Appointment:
    """Say from the phone that the patient is ready, on the day of the visit; again adds answers.

    It is not the arrival: that is for the clinic to see. Raises VisitIsOver, and TooLate before the
    day of the visit begins (`can_check_in` says so beforehand).
    """
    visit = writable_visit(appointment_id, by)
    _check_to_come(visit)
    if not can_check_in(visit):
        raise TooLate
    if answers and visit.visit_type:
        visit.answers = visit.answers | known_answers(visit.visit_type, answers)
    first = visit.checked_in_at is None
    visit.checked_in_at = visit.checked_in_at or timezone.now()
    visit.confirmed_at = visit.confirmed_at or visit.checked_in_at
    visit.save(update_fields=["answers", "checked_in_at", "confirmed_at"])
    if first:
        writing.note(visit, Change.Kind.CHECKED_IN, by_id=by.user_id)
    return visit


def can_check_in(visit: Appointment) -> bool:
    """Whether it is the day of the visit, on the clinic's clock, and it is not over."""
    zone = Organization.objects.get(pk=visit.organization_id).zone
    today = timezone.localdate(timezone=zone)
    return (
        visit.status == Status.BOOKED
        and not visit.is_over
        and timezone.localdate(visit.starts_at, zone) <= today
    )


@transaction.atomic
def answer_questions(appointment_id: UUID, *, by: Reader, answers: dict[str, str]) -> Appointment:
    """Keep answers to the questions before a visit; later ones replace earlier ones."""
    visit = writable_visit(appointment_id, by)
    _check_to_come(visit)
    if visit.visit_type:
        visit.answers = visit.answers | known_answers(visit.visit_type, answers)
        visit.save(update_fields=["answers"])
    return visit


def _check_to_come(visit: Appointment) -> None:
    if visit.status != Status.BOOKED or visit.is_over:
        raise VisitIsOver
