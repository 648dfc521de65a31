"""How a visit is written, whoever asks for it: collisions named, history kept, people told.

The doors are in `appointments.actions`; what comes from other systems has its own. Everything here
runs in the caller's transaction, under the caller's rights.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from procrastinate.contrib.django import app

from appointments import reminding
from appointments.audience import concerned
from appointments.errors import EndsBeforeItStarts, PatientIsDeceased, SlotTaken
from appointments.models import Appointment, Change, Hold, Status
from notifications.actions import cancel_sends, notify
from notifications.models import Kind
from portal import audit
from portal.tenancy import acting_for

_PARTIES = {
    "taken_once_by_provider": "provider",
    "taken_once_by_room": "room",
    "taken_once_by_patient": "patient",
}
# What of a visit can be moved or changed.
CHANGEABLE = ("starts_at", "ends_at", "provider_id", "room_id", "kind", "mode", "place")


def lock(*parties: UUID | None) -> None:
    """Wait until nobody else is taking time of these providers, rooms and patients.

    Whoever takes time calls this once, before anything else is locked, with all of them: then no
    two transactions wait for one another.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT appointments_lock(%s::uuid[])", [list(filter(None, parties))])


def end_expired_holds() -> int:
    """End the holds of this clinic that have run out; return how many."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT appointments_end_expired_holds()")
        return int(cursor.fetchone()[0])


@contextmanager
def taking_time() -> Iterator[None]:
    """Turn a collision in the database into SlotTaken, and leave the transaction usable."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        diagnosis = getattr(error.__cause__, "diag", None)
        party = _PARTIES.get(getattr(diagnosis, "constraint_name", None) or "")
        if party is None:
            raise
        raise SlotTaken(party) from None


def book(visit: Appointment, *, by_id: UUID | None) -> Appointment:
    """Write a new visit, tell those concerned and plan its reminders.

    Raises EndsBeforeItStarts, PatientIsDeceased and SlotTaken (without next times).
    """
    if visit.ends_at <= visit.starts_at:
        raise EndsBeforeItStarts
    if visit.patient.is_deceased:
        raise PatientIsDeceased
    lock(visit.provider_id, visit.room_id, visit.patient_id)
    end_expired_holds()
    with taking_time():
        visit.save(force_insert=True)
    reminding.plan(visit)
    _finish(visit, Change.Kind.BOOKED, by_id=by_id, reason=visit.overbook_reason)
    return visit


def move(
    visit: Appointment, *, by_id: UUID | None, reason: str = "", **changes: object
) -> Appointment:
    """Change when, where, how or with whom a visit is: the old time is kept until the new is sure.

    `changes` are fields of CHANGEABLE; what stays as it is changes nothing and tells nobody. A
    moved visit is no longer confirmed. The caller has the locks. Raises EndsBeforeItStarts, and
    SlotTaken without next times.
    """
    given = {name: value for name, value in changes.items() if getattr(visit, name) != value}
    if not given.keys() <= set(CHANGEABLE):
        raise ValueError(f"Not to be changed here: {given.keys() - set(CHANGEABLE)}")
    if not given:
        return visit
    from_at = visit.starts_at
    for name, value in given.items():
        setattr(visit, name, value)
    if visit.ends_at <= visit.starts_at:
        raise EndsBeforeItStarts
    is_moved = visit.starts_at != from_at
    if is_moved:
        visit.confirmed_at = visit.checked_in_at = None
        visit.late_minutes = 0
    end_expired_holds()
    with taking_time():
        visit.save(
            update_fields=[
                *(name.removesuffix("_id") for name in given),
                *("confirmed_at", "checked_in_at", "late_minutes", "overbook_reason"),
            ]
        )
    visit.refresh_from_db(fields=["sequence", "changed_at"])
    if is_moved:
        reminding.plan(visit)
    kind = Change.Kind.MOVED if is_moved else Change.Kind.CHANGED
    _finish(visit, kind, by_id=by_id, reason=reason, from_at=from_at if is_moved else None)
    return visit


def call_off(visit: Appointment, *, by_id: UUID | None, reason: str = "") -> Appointment:
    """Call a visit off and give its time back; calling off twice changes nothing."""
    if visit.status == Status.CANCELLED:
        return visit
    visit.status = Status.CANCELLED
    visit.cancelled_at = timezone.now()
    visit.cancelled_by_id = by_id
    visit.cancel_reason = reason
    visit.save(update_fields=["status", "cancelled_at", "cancelled_by", "cancel_reason"])
    visit.refresh_from_db(fields=["sequence", "changed_at"])
    reminding.forget(visit)
    _finish(visit, Change.Kind.CANCELLED, by_id=by_id, reason=reason)
    return visit


def mark(
    visit: Appointment,
    status: Status,
    *,
    by_id: UUID | None,
    at: datetime | None = None,
    reason: str = "",
) -> Appointment:
    """Say where a visit stands: arrived, done, not come, or booked again. Nobody is told.

    The same again changes nothing. Booking again takes the time anew: SlotTaken where it is gone.
    """
    if visit.status == status:
        return visit
    at = at or timezone.now()
    visit.status = status
    kind = Change.Kind.REOPENED
    if status == Status.ARRIVED:
        visit.arrived_at, kind = at, Change.Kind.ARRIVED
    elif status == Status.DONE:
        visit.done_at, kind = at, Change.Kind.DONE
    elif status == Status.NO_SHOW:
        visit.arrived_at, kind = None, Change.Kind.NO_SHOW
    elif status == Status.BOOKED:
        visit.arrived_at = visit.done_at = visit.cancelled_at = visit.cancelled_by = None
        visit.cancel_reason = ""
    else:
        raise ValueError("A visit is called off by call_off.")
    lock(visit.provider_id, visit.room_id, visit.patient_id)
    end_expired_holds()
    with taking_time():
        visit.save(
            update_fields=[
                *("status", "arrived_at", "done_at"),
                *("cancelled_at", "cancelled_by", "cancel_reason"),
            ]
        )
    visit.refresh_from_db(fields=["sequence", "changed_at"])
    if status == Status.BOOKED:
        reminding.plan(visit)
    note(visit, kind, by_id=by_id, reason=reason)
    return visit


def note(
    visit: Appointment,
    kind: Change.Kind,
    *,
    by_id: UUID | None,
    reason: str = "",
    from_at: datetime | None = None,
) -> None:
    """Add a step to the visit's history and to the audit log."""
    Change.objects.create(
        organization_id=visit.organization_id,
        patient_id=visit.patient_id,
        appointment=visit,
        kind=kind,
        by_id=by_id,
        reason=reason,
        from_at=from_at,
    )
    audit.record(
        f"appointment.{kind.value}",
        organization_id=visit.organization_id,
        actor_id=by_id,
        subject=visit,
        overbooked=visit.is_overbooked,
    )


def ring_when_it_ends(hold: Hold) -> None:
    """Say that a hold will have run out, when it has."""
    app.configure_task("appointments.end_holds", schedule_at=hold.until_at).defer(
        organization_id=str(hold.organization_id)
    )


def ring_for_waiting(organization_id: UUID) -> None:
    """Say that a time was given back, so that it is offered to whoever waits for one."""
    app.configure_task("appointments.offer").defer(organization_id=str(organization_id))


def _finish(
    visit: Appointment,
    kind: Change.Kind,
    *,
    by_id: UUID | None,
    reason: str = "",
    from_at: datetime | None = None,
) -> None:
    note(visit, kind, by_id=by_id, reason=reason, from_at=from_at)
    if kind in (Change.Kind.MOVED, Change.Kind.CANCELLED):
        # Whatever still waits to be sent speaks of a time that is no longer true. The system's to
        # do, because a patient may not touch what others are told.
        with acting_for(visit.organization_id, system=True):
            cancel_sends(visit.pk)
        ring_for_waiting(visit.organization_id)
    if visit.ends_at > timezone.now():
        # Not whose own act it is: they saw it on their page.
        told = [user for user in concerned(visit.patient, visit.provider) if user != by_id]
        notify(told, Kind.VISIT, patient=visit.patient, subject_id=visit.pk)
