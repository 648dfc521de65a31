"""Offering times that became free to those who wait for one.

The system's work: nobody sees who else waits.

A freed time is a row until it is settled: taken, past, or nobody is left who wants it. Each look
offers it to the next few together, once the offers before are answered or have run out. The first
who accepts has it, by the same constraints as everybody; the others are told.
"""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from appointments.audience import family_of
from appointments.calendar import day_bounds
from appointments.free_times import care_team_of, taken_between
from appointments.models import (
    STANDING,
    Appointment,
    FreedTime,
    Holiday,
    Offer,
    Rules,
    SelfScheduling,
    Status,
    WaitlistEntry,
)
from notifications.actions import cancel_sends, notify
from notifications.models import Kind
from portal.models import Organization
from portal.tenancy import acting_for

# Nobody should lose a time to others because they slept.
OFFERED_FROM, OFFERED_UNTIL = time(8), time(20)
# Who accepts must still get there.
SOONEST = timedelta(hours=1)
_NOON = time(12)


def offer_freed(organization_id: UUID | str, now: datetime | None = None) -> int:
    """Offer what is free to whoever waits; return how many offers were made.

    Harmless when it runs twice at once or again: a row is worked by one, and nobody is offered the
    same time twice.
    """
    now = now or timezone.now()
    with acting_for(organization_id, system=True):
        zone = Organization.objects.get(pk=organization_id).zone
        if not OFFERED_FROM <= now.astimezone(zone).time() < OFFERED_UNTIL:
            return 0
        waiting = FreedTime.objects.filter(organization_id=organization_id, worked_at=None)
        made = 0
        for freed in (
            waiting.select_related("visit_type")
            .order_by("freed_at")
            .select_for_update(skip_locked=True, of=["self"])
        ):
            offers = _of_time(freed)
            if offers.filter(answer="", expires_at__gt=now).exists():
                continue
            number = _offer(freed, now) if _is_worth_offering(freed, now) else 0
            if not number:
                freed.worked_at = now
                freed.save(update_fields=["worked_at"])
            made += number
        return made


def settle_offers(organization_id: UUID | str, now: datetime | None = None) -> int:
    """Close the offers that ran out or whose time somebody else has; return how many.

    Whoever was too late is told, once, and stays on the list.
    """
    now = now or timezone.now()
    settled = 0
    with acting_for(organization_id, system=True):
        unanswered = Offer.objects.filter(organization_id=organization_id, answer="")
        for offer in unanswered.select_related("visit_type", "patient").select_for_update(
            skip_locked=True, of=["self"]
        ):
            if not is_free(offer):
                answer = Offer.Answer.TAKEN
            elif offer.expires_at <= now:
                answer = Offer.Answer.EXPIRED
            else:
                continue
            offer.answer, offer.answered_at = answer, now
            offer.save(update_fields=["answer", "answered_at"])
            cancel_sends(offer.pk)
            if answer == Offer.Answer.TAKEN:
                notify(
                    family_of(offer.patient),
                    Kind.OFFER,
                    patient=offer.patient,
                    subject_id=offer.pk,
                    once=f"offer taken {offer.pk}",
                )
            settled += 1
    return settled


def is_free(wanted: Offer | FreedTime) -> bool:
    """Whether nothing takes the time of its provider and room, buffers included."""
    begins = wanted.starts_at - timedelta(minutes=wanted.visit_type.buffer_before_minutes)
    ends = wanted.ends_at + timedelta(minutes=wanted.visit_type.buffer_after_minutes)
    return not any(
        taken.provider == wanted.provider_id
        or (taken.room is not None and taken.room == wanted.room_id)
        for taken in taken_between(begins, ends)
    )


def _is_worth_offering(freed: FreedTime, now: datetime) -> bool:
    zone = freed.visit_type.organization.zone
    day = timezone.localdate(freed.starts_at, zone)
    closed = Holiday.objects.filter(organization_id=freed.organization_id, on=day).exists()
    return (
        freed.starts_at > now + SOONEST
        and freed.visit_type.is_active
        and freed.visit_type.self_scheduling == SelfScheduling.ON
        and not closed
        and is_free(freed)
    )


def _offer(freed: FreedTime, now: datetime) -> int:
    rules = Rules.of(freed.organization_id)
    expires_at = min(now + timedelta(minutes=rules.offer_minutes), freed.starts_at - SOONEST / 2)
    chosen = list(_fitting(freed))[: rules.offers_at_once]
    for entry in chosen:
        offer = Offer.objects.create(
            organization_id=freed.organization_id,
            patient=entry.patient,
            entry=entry,
            visit_type=freed.visit_type,
            provider_id=freed.provider_id,
            room_id=freed.room_id,
            mode=freed.mode,
            starts_at=freed.starts_at,
            ends_at=freed.ends_at,
            offered_at=now,
            expires_at=expires_at,
        )
        notify(
            family_of(entry.patient),
            Kind.OFFER,
            patient=entry.patient,
            subject_id=offer.pk,
            once=f"offer {offer.pk}",
        )
    return len(chosen)


def _fitting(freed: FreedTime) -> Iterable[WaitlistEntry]:
    """Those who wait for such a time, the longest waiting first."""
    zone = freed.visit_type.organization.zone
    local = freed.starts_at.astimezone(zone)
    begins, ends = day_bounds(local.date(), zone)
    part = (
        WaitlistEntry.DayPart.MORNING if local.time() < _NOON else WaitlistEntry.DayPart.AFTERNOON
    )
    has_that_day = Appointment.objects.filter(
        organization_id=freed.organization_id,
        status__in=STANDING,
        starts_at__gte=begins,
        starts_at__lt=ends,
    )
    open_offers = Offer.objects.open().filter(organization_id=freed.organization_id)
    entries = (
        WaitlistEntry.objects.filter(
            Q(provider=None) | Q(provider_id=freed.provider_id),
            Q(appointment=None)
            | Q(appointment__status=Status.BOOKED, appointment__starts_at__gt=freed.starts_at),
            organization_id=freed.organization_id,
            visit_type_id=freed.visit_type_id,
            ended_at=None,
            from_on__lte=local.date(),
            until_on__gte=local.date(),
            day_part__in=("", part),
            patient__deceased_at=None,
        )
        .exclude(patient_id=freed.given_up_by_id)
        .exclude(patient_id__in=has_that_day.values("patient_id"))
        .exclude(pk__in=_of_time(freed).values("entry_id"))
        # Who has an open offer is not asked a second question before they answer the first.
        .exclude(pk__in=open_offers.values("entry_id"))
        .select_related("patient")
        .order_by(F("made_at"))
    )
    return (entry for entry in entries if freed.provider_id in care_team_of(entry.patient))


def _of_time(freed: FreedTime) -> "QuerySet[Offer]":
    return Offer.objects.filter(
        organization_id=freed.organization_id,
        provider_id=freed.provider_id,
        starts_at=freed.starts_at,
        offered_at__gte=freed.freed_at,
    )
