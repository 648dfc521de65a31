"""Waiting for an earlier time, and answering when one is offered."""

from datetime import date
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from appointments import writing
from appointments.actions.booking import active_type
from appointments.actions.doors import writable_visit
from appointments.actions.holding import check_movable
from appointments.errors import (
    NotSelfScheduled,
    OfferIsOver,
    PatientIsDeceased,
    SlotTaken,
    VisitIsOver,
)
from appointments.models import (
    Appointment,
    Mode,
    Offer,
    SelfScheduling,
    WaitlistEntry,
)
from appointments.waiting import is_free
from portal import access, audit
from portal.access import Reader
from portal.models import Provider


@transaction.atomic
def join_waitlist(
    visit_type_id: UUID,
    *,
    patient_id: UUID,
    by: Reader,
    from_on: date,
    until_on: date,
    day_part: str = "",
    provider_id: UUID | None = None,
    appointment_id: UUID | None = None,
) -> WaitlistEntry:
    """Let a patient wait for a time of one type; again changes what they wait for, not their place.

    `appointment_id` is the visit that would move; without it a new one is booked. Raises Patient,
    VisitType, Provider or Appointment.DoesNotExist, NotSelfScheduled, PatientIsDeceased,
    VisitIsOver (of the visit) and ValueError for days in the wrong order.
    """
    patient = access.writable_patients(by).get(pk=patient_id)
    visit_type = active_type(visit_type_id, by)
    if visit_type.self_scheduling != SelfScheduling.ON:
        raise NotSelfScheduled
    if patient.is_deceased:
        raise PatientIsDeceased
    if until_on < from_on:
        raise ValueError("The last day comes before the first.")
    if provider_id is not None:
        access.of_organization(Provider.objects.all(), by).get(pk=provider_id)
    if appointment_id is not None:
        visit = writable_visit(appointment_id, by)
        if visit.patient_id != patient.pk or visit.visit_type_id != visit_type.pk:
            raise Appointment.DoesNotExist
        if visit.status != "booked" or visit.is_over:
            raise VisitIsOver
    entry, made = WaitlistEntry.objects.update_or_create(
        organization_id=by.organization_id,
        patient=patient,
        visit_type=visit_type,
        ended_at=None,
        defaults={
            "provider_id": provider_id,
            "appointment_id": appointment_id,
            "from_on": from_on,
            "until_on": until_on,
            "day_part": day_part,
        },
        create_defaults={
            "provider_id": provider_id,
            "appointment_id": appointment_id,
            "from_on": from_on,
            "until_on": until_on,
            "day_part": day_part,
            "by_id": by.user_id,
        },
    )
    if made:
        _record("waitlist.joined", entry, by)
    return entry


@transaction.atomic
def leave_waitlist(entry_id: UUID, *, by: Reader) -> WaitlistEntry:
    """Wait no longer; again changes nothing. Raises WaitlistEntry.DoesNotExist."""
    entries = access.of_writable_patients(WaitlistEntry.objects.all(), by)
    entry = entries.select_for_update(of=["self"]).get(pk=entry_id)
    if entry.ended_at is None:
        entry.ended_at = timezone.now()
        entry.save(update_fields=["ended_at"])
        entry.offers.filter(answer="").update(
            answer=Offer.Answer.DECLINED, answered_at=timezone.now()
        )
        _record("waitlist.left", entry, by)
        writing.ring_for_waiting(by.organization_id)
    return entry


@transaction.atomic
def accept_offer(offer_id: UUID, *, by: Reader) -> Appointment:
    """Take an offered time: the first who does has it. The same again returns the same visit.

    Raises Offer.DoesNotExist, and OfferIsOver, which says whether somebody was quicker, it ran out,
    or it was answered.
    """
    known = access.of_writable_patients(Offer.objects.all(), by).get(pk=offer_id)
    writing.lock(known.provider_id, known.room_id, known.patient_id)
    offer = (
        access.of_writable_patients(Offer.objects.all(), by)
        .select_for_update(of=["self"])
        .select_related("entry", "visit_type", "patient", "room")
        .get(pk=offer_id)
    )
    if offer.answer == Offer.Answer.ACCEPTED:
        return Appointment.objects.get(pk=offer.entry.appointment_id or offer.pk)
    if not offer.is_open or offer.entry.ended_at is not None:
        raise OfferIsOver(offer.answer or Offer.Answer.EXPIRED)
    if not is_free(offer):
        raise OfferIsOver(Offer.Answer.TAKEN)
    try:
        visit = _moved_to(offer, by) if offer.entry.appointment_id else _booked_at(offer, by)
    except SlotTaken:
        raise OfferIsOver(Offer.Answer.TAKEN) from None
    now = timezone.now()
    offer.answer, offer.answered_at = Offer.Answer.ACCEPTED, now
    offer.save(update_fields=["answer", "answered_at"])
    offer.entry.offers.filter(answer="").update(answer=Offer.Answer.DECLINED, answered_at=now)
    offer.entry.ended_at = now
    offer.entry.save(update_fields=["ended_at"])
    _record("waitlist.accepted", offer.entry, by)
    # The others are told by the job that this rings for.
    writing.ring_for_waiting(by.organization_id)
    return visit


@transaction.atomic
def decline_offer(offer_id: UUID, *, by: Reader) -> Offer:
    """Say no, and stay on the list; again changes nothing. Raises Offer.DoesNotExist."""
    offers = access.of_writable_patients(Offer.objects.all(), by)
    offer = offers.select_for_update(of=["self"]).get(pk=offer_id)
    if offer.answer == "":
        offer.answer, offer.answered_at = Offer.Answer.DECLINED, timezone.now()
        offer.save(update_fields=["answer", "answered_at"])
        writing.ring_for_waiting(by.organization_id)
    return offer


def _booked_at(offer: Offer, by: Reader) -> Appointment:
    if offer.visit_type.self_scheduling != SelfScheduling.ON:
        raise OfferIsOver(Offer.Answer.TAKEN)
    visit_type = offer.visit_type
    return writing.book(
        Appointment(
            # By its id an answer that is sent twice finds the visit it made.
            id=offer.pk,
            organization_id=offer.organization_id,
            patient=offer.patient,
            provider_id=offer.provider_id,
            visit_type=visit_type,
            room=offer.room,
            kind=visit_type.name,
            mode=offer.mode,
            place=_place(offer),
            starts_at=offer.starts_at,
            ends_at=offer.ends_at,
            buffer_before_minutes=visit_type.buffer_before_minutes,
            buffer_after_minutes=visit_type.buffer_after_minutes,
        ),
        by_id=by.user_id,
    )


def _moved_to(offer: Offer, by: Reader) -> Appointment:
    assert offer.entry.appointment_id is not None
    visit = writable_visit(offer.entry.appointment_id, by)
    try:
        # The clinic itself offers the time, so no notice is needed.
        check_movable(visit, is_staff=True)
    except VisitIsOver:
        raise OfferIsOver(Offer.Answer.EXPIRED) from None
    return writing.move(
        visit,
        by_id=by.user_id,
        starts_at=offer.starts_at,
        ends_at=offer.ends_at,
        provider_id=offer.provider_id,
        room_id=offer.room_id,
        mode=offer.mode,
        place=_place(offer),
    )


def _place(offer: Offer) -> str:
    return offer.room.name if offer.room and offer.mode == Mode.IN_PERSON else ""


def _record(action: str, entry: WaitlistEntry, by: Reader) -> None:
    audit.record(action, organization_id=by.organization_id, actor_id=by.user_id, subject=entry)
