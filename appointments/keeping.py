"""A time that is kept for a patient, whoever asked: written, ended, made into a visit.

Who may, and which times are free, is asked before: by `appointments.actions` for persons, by
`appointments.api` for programs. Everything here runs in the caller's transaction.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from appointments import writing
from appointments.calendar import Slot
from appointments.models import Appointment, Hold, Mode, Rules, VisitType
from portal.models import Patient


@dataclass(frozen=True)
class Wanted:
    """A time that somebody chose; `mode` "" is the usual one, `moves` a visit to go there."""

    visit_type: VisitType
    patient: Patient
    provider_id: UUID
    starts_at: datetime
    mode: str = ""
    moves: Appointment | None = None


def lock(wanted: Wanted) -> None:
    """Wait until nobody else is taking time of those that this one needs."""
    hours = wanted.visit_type.availability.filter(provider_id=wanted.provider_id)
    rooms = hours.values_list("room_id", flat=True)
    writing.lock(wanted.provider_id, wanted.patient.pk, *rooms)


def kept_already(wanted: Wanted) -> Hold | None:
    """The same hold, where there is one; every other hold of the patient ends: one at a time."""
    for hold in Hold.objects.filter(patient=wanted.patient, ended_at=None).select_for_update():
        if hold.is_live and _is_of(hold, wanted):
            return hold
        end(hold, Hold.Fate.RELEASED if hold.is_live else Hold.Fate.EXPIRED)
    writing.end_expired_holds()
    return None


def keep(wanted: Wanted, slot: Slot, *, by_id: UUID | None) -> Hold:
    """Keep a slot that was free just now. Raises SlotTaken, without other times."""
    visit_type = wanted.visit_type
    lasts = timedelta(minutes=Rules.of(wanted.patient.organization_id).hold_minutes)
    hold = Hold(
        organization_id=wanted.patient.organization_id,
        patient=wanted.patient,
        provider_id=wanted.provider_id,
        visit_type=visit_type,
        room_id=slot.room,
        mode=wanted.mode or slot.mode or visit_type.modes[0],
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        buffer_before_minutes=visit_type.buffer_before_minutes,
        buffer_after_minutes=visit_type.buffer_after_minutes,
        moves=wanted.moves,
        by_id=by_id,
        until_at=timezone.now() + lasts,
    )
    with writing.taking_time():
        hold.save(force_insert=True)
    # So that its time is on the others' pages again the moment it runs out.
    writing.ring_when_it_ends(hold)
    return hold


def end(hold: Hold, fate: Hold.Fate) -> None:
    """Give the time back, or to the visit that takes it."""
    hold.ended_at, hold.fate = timezone.now(), fate
    hold.save(update_fields=["ended_at", "fate"])


def book(hold: Hold, *, by_id: UUID | None) -> Appointment:
    """Make a new visit of a hold that was ended for it. Raises SlotTaken, without other times."""
    visit = Appointment(
        organization_id=hold.organization_id,
        patient=hold.patient,
        provider_id=hold.provider_id,
        visit_type=hold.visit_type,
        room=hold.room,
        kind=hold.visit_type.name,
        place=place_of(hold),
        **time_of(hold),
    )
    return writing.book(visit, by_id=by_id)


def place_of(hold: Hold) -> str:
    """Where one meets."""
    return hold.room.name if hold.room and hold.mode == Mode.IN_PERSON else ""


def time_of(hold: Hold) -> dict[str, Any]:
    """When and how one meets, as a visit has it."""
    return {
        "mode": hold.mode,
        "starts_at": hold.starts_at,
        "ends_at": hold.ends_at,
        "buffer_before_minutes": hold.buffer_before_minutes,
        "buffer_after_minutes": hold.buffer_after_minutes,
    }


def _is_of(hold: Hold, wanted: Wanted) -> bool:
    return (hold.visit_type_id, hold.provider_id, hold.starts_at, hold.moves_id) == (
        wanted.visit_type.pk,
        wanted.provider_id,
        wanted.starts_at,
        wanted.moves.pk if wanted.moves else None,
    )
