"""The clinic's day: who has come, who is late, who is on it, and time that is blocked."""

from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from appointments import writing
from appointments.actions.doors import leave_to_colleague, team_visit
from appointments.audience import family_of
from appointments.calendar import day_bounds
from appointments.errors import (
    AlreadyClaimed,
    DayDoesNotFit,
    EndsBeforeItStarts,
    NotForYou,
    ReasonMissing,
    SlotTaken,
    VisitIsOver,
)
from appointments.models import (
    Appointment,
    Change,
    Claim,
    Room,
    Status,
    TimeBlock,
)
from appointments.models.claim import LASTS
from notifications.actions import notify
from notifications.models import Kind
from notifications.quiet_hours import instant
from portal import access, audit
from portal.access import Reader
from portal.models import Organization, Provider
from portal.tenancy import acting_for

LATEST_MINUTES = 240


@transaction.atomic
def record_arrival(appointment_id: UUID, *, by: Reader) -> Appointment:
    """The patient is here; again changes nothing. Raises VisitIsOver for one called off or done."""
    visit = team_visit(appointment_id, by, taking_time=True)
    if visit.status in (Status.CANCELLED, Status.DONE):
        raise VisitIsOver
    return writing.mark(visit, Status.ARRIVED, by_id=by.user_id)


@transaction.atomic
def record_done(appointment_id: UUID, *, by: Reader) -> Appointment:
    """The visit took place; again changes nothing. Raises VisitIsOver for one called off."""
    visit = team_visit(appointment_id, by, taking_time=True)
    if visit.status == Status.CANCELLED:
        raise VisitIsOver
    return writing.mark(visit, Status.DONE, by_id=by.user_id)


@transaction.atomic
def record_no_show(appointment_id: UUID, *, by: Reader) -> Appointment:
    """The patient did not come: only once it should have begun, and not who has arrived.

    The rest of the time is free again. Raises VisitIsOver, and AlreadyClaimed while a colleague is
    on it.
    """
    visit = team_visit(appointment_id, by, taking_time=True)
    if visit.status == Status.NO_SHOW:
        return visit
    leave_to_colleague(visit, by)
    if visit.status != Status.BOOKED or visit.starts_at > timezone.now():
        raise VisitIsOver
    return writing.mark(visit, Status.NO_SHOW, by_id=by.user_id)


@transaction.atomic
def reopen_visit(appointment_id: UUID, *, by: Reader, reason: str = "") -> Appointment:
    """Take back what was said of a visit: it is booked again. Raises AlreadyClaimed, SlotTaken."""
    visit = team_visit(appointment_id, by, taking_time=True)
    leave_to_colleague(visit, by)
    return writing.mark(visit, Status.BOOKED, by_id=by.user_id, reason=reason)


@transaction.atomic
def say_late(appointment_id: UUID, *, minutes: int, by: Reader) -> Appointment:
    """Say how many minutes later than booked a visit will begin (0: on time), and tell the patient.

    Its time stays what it is. Raises VisitIsOver.
    """
    visit = team_visit(appointment_id, by)
    if visit.status not in (Status.BOOKED, Status.ARRIVED):
        raise VisitIsOver
    minutes = max(0, min(minutes, LATEST_MINUTES))
    if visit.late_minutes == minutes:
        return visit
    visit.late_minutes = minutes
    visit.save(update_fields=["late_minutes"])
    writing.note(visit, Change.Kind.LATE, by_id=by.user_id, reason=str(minutes))
    notify(family_of(visit.patient), Kind.VISIT, patient=visit.patient, subject_id=visit.pk)
    return visit


@transaction.atomic
def claim_visit(appointment_id: UUID, *, by: Reader) -> Claim:
    """Say "I am on this one" for ten minutes; again renews. Raises AlreadyClaimed with who is."""
    visit = team_visit(appointment_id, by)
    now = timezone.now()
    claim = Claim.objects.filter(appointment=visit).select_related("by").first()
    if claim is None:
        claim = Claim(
            organization_id=visit.organization_id,
            patient_id=visit.patient_id,
            appointment=visit,
        )
    elif claim.is_live and claim.by_id != by.user_id:
        raise AlreadyClaimed(claim.by_id, claim.by.name)
    if claim.by_id != by.user_id:
        claim.at = now
    claim.by_id, claim.until_at = by.user_id, now + LASTS
    claim.save()
    return claim


@transaction.atomic
def let_go(appointment_id: UUID, *, by: Reader) -> None:
    """End the reader's own claim on a visit; without one, nothing happens."""
    visit = team_visit(appointment_id, by)
    Claim.objects.filter(appointment=visit, by_id=by.user_id).update(until_at=timezone.now())


@transaction.atomic
def block_time(
    *,
    by: Reader,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    provider_id: UUID | None = None,
    room_id: UUID | None = None,
) -> TimeBlock:
    """Keep time of a provider or a room free of visits. What is booked there stays: move it.

    For nurses and clinicians. Raises NotForYou, Provider or Room.DoesNotExist, ReasonMissing and
    EndsBeforeItStarts.
    """
    if not by.is_clinical:
        raise NotForYou
    if provider_id is not None:
        access.of_organization(Provider.objects.all(), by).get(pk=provider_id)
    if room_id is not None:
        access.of_organization(Room.objects.all(), by).get(pk=room_id)
    if not reason.strip() or (provider_id is None and room_id is None):
        raise ReasonMissing
    if ends_at <= starts_at:
        raise EndsBeforeItStarts
    # Whoever books takes the same lock and then looks: nobody books into a block unseen.
    writing.lock(provider_id, room_id)
    block = TimeBlock.objects.create(
        organization_id=by.organization_id,
        provider_id=provider_id,
        room_id=room_id,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason.strip()[:120],
        by_id=by.user_id,
    )
    audit.record(
        "calendar.blocked",
        organization_id=by.organization_id,
        actor_id=by.user_id,
        subject=block,
    )
    return block


@transaction.atomic
def unblock_time(block_id: UUID, *, by: Reader) -> TimeBlock:
    """Give blocked time back; again changes nothing. Raises NotForYou, TimeBlock.DoesNotExist."""
    if not by.is_clinical:
        raise NotForYou
    blocks = access.of_organization(TimeBlock.objects.all(), by).select_for_update(of=["self"])
    block = blocks.get(pk=block_id)
    if block.withdrawn_at is None:
        block.withdrawn_at = timezone.now()
        block.save(update_fields=["withdrawn_at"])
        audit.record(
            "calendar.unblocked",
            organization_id=by.organization_id,
            actor_id=by.user_id,
            subject=block,
        )
    return block


@transaction.atomic
def move_day(
    provider_id: UUID,
    *,
    on: date,
    to: date,
    by: Reader,
    reason: str,
    minutes_later: int = 0,
) -> int:
    """Move every booked visit of a provider's day to another day, or all later by some minutes.

    Each keeps its time on the clock, plus `minutes_later`. All move or none (DayDoesNotFit with the
    visits in the way); everybody concerned is told. Returns how many moved. For nurses and
    clinicians: a day is the clinic's, so visits of patients of other teams move with the rest, and
    the reader learns no more of them than their number. Raises NotForYou, ReasonMissing and
    Provider.DoesNotExist.
    """
    if not by.is_clinical:
        raise NotForYou
    if not reason.strip():
        raise ReasonMissing
    access.of_organization(Provider.objects.all(), by).get(pk=provider_id)
    with acting_for(by.organization_id, system=True):
        return _move_all(provider_id, on, to, by, reason.strip()[:200], minutes_later)


def _move_all(
    provider_id: UUID, on: date, to: date, by: Reader, reason: str, minutes_later: int
) -> int:
    zone = Organization.objects.get(pk=by.organization_id).zone
    begins, ends = day_bounds(on, zone)
    of_day = Appointment.objects.filter(
        organization_id=by.organization_id,
        provider_id=provider_id,
        status=Status.BOOKED,
        starts_at__gte=begins,
        starts_at__lt=ends,
    )
    parties = of_day.values_list("room_id", "patient_id")
    writing.lock(provider_id, *(party for pair in parties for party in pair))
    visits = list(
        of_day.select_for_update(of=["self"])
        .select_related("patient", "provider")
        .order_by("starts_at")
    )
    # A visit may move to where the one before it lay: so the way is cleared first.
    later = to > on or (to == on and minutes_later > 0)
    in_the_way = []
    for visit in reversed(visits) if later else visits:
        local = visit.starts_at.astimezone(zone)
        starts_at = instant(to, local.time(), zone) + timedelta(minutes=minutes_later)
        try:
            writing.move(
                visit,
                by_id=by.user_id,
                reason=reason,
                starts_at=starts_at,
                ends_at=starts_at + (visit.ends_at - visit.starts_at),
            )
        except SlotTaken:
            in_the_way.append(visit.pk)
    if in_the_way:
        raise DayDoesNotFit(in_the_way)
    return len(visits)
