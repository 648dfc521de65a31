"""Reminding of visits: rows say what is due, a job only says when to look.

A reminder is for one time of one visit. When it is due, the visit is looked at again: moved, called
off or over, and it is not sent. What is told is what every other news of a visit tells; quiet hours
and channels are the person's own (`notifications`).
"""

from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from appointments.models import Appointment, Reminder, Rules, Status
from notifications.actions import notify
from notifications.models import Kind
from portal import access
from portal.models import Caregiver
from portal.tenancy import acting_for

# One transaction reminds of this many at most.
MOST_AT_ONCE = 100
# A reminder that comes much later than meant (nothing ran for a day) says something else than it
# was to say; the next one is still to come.
STALE_AFTER = timedelta(hours=6)


def plan(visit: Appointment) -> None:
    """Write the reminders of a visit as it lies now; those of an earlier time are forgotten.

    One whose time has passed is not written: whoever books for tomorrow is not reminded of it as if
    of next week.
    """
    forget(visit)
    now = timezone.now()
    for minutes in set(Rules.of(visit.organization_id).reminder_minutes):
        due_at = visit.starts_at - timedelta(minutes=minutes)
        if due_at > now:
            Reminder.objects.update_or_create(
                organization_id=visit.organization_id,
                patient_id=visit.patient_id,
                appointment=visit,
                minutes_before=minutes,
                of_starts_at=visit.starts_at,
                defaults={"due_at": due_at, "ended_at": None, "fate": ""},
            )


def forget(visit: Appointment) -> None:
    """End the reminders of a visit that are still to come."""
    Reminder.objects.filter(appointment=visit, ended_at=None).update(
        ended_at=timezone.now(), fate=Reminder.Fate.MOVED
    )


def remind_due(organization_id: UUID | str) -> int:
    """Send what is due in a clinic, each once, also when two do it; return how many were sent."""
    sent = 0
    while True:
        with acting_for(organization_id, system=True):
            due = list(
                Reminder.objects.filter(
                    organization_id=organization_id, ended_at=None, due_at__lte=timezone.now()
                )
                .select_related("appointment__patient")
                .order_by("due_at")
                .select_for_update(skip_locked=True, of=["self"])[:MOST_AT_ONCE]
            )
            for reminder in due:
                reminder.fate = _remind(reminder)
                reminder.ended_at = timezone.now()
                reminder.save(update_fields=["fate", "ended_at"])
                sent += reminder.fate == Reminder.Fate.SENT
        if len(due) < MOST_AT_ONCE:
            return sent


def _remind(reminder: Reminder) -> Reminder.Fate:
    visit, now = reminder.appointment, timezone.now()
    if visit.status != Status.BOOKED or visit.starts_at != reminder.of_starts_at:
        return Reminder.Fate.MOVED
    if visit.starts_at <= now or now - reminder.due_at > STALE_AFTER:
        return Reminder.Fate.LATE
    patient = visit.patient
    mandates = Caregiver.objects.active().filter(patient=patient)
    side = {patient.user_id, *mandates.values_list("user_id", flat=True)}
    told = notify(
        [user_id for user_id in access.entitled_users(patient) if user_id in side],
        Kind.VISIT,
        patient=patient,
        subject_id=visit.pk,
        once=f"reminder {reminder.pk}",
    )
    return Reminder.Fate.SENT if told else Reminder.Fate.NOBODY
