"""Reminding of visits: rows say what is due, a job only says when to look.

A reminder is for one time of one visit. When it is due, the visit is looked at again: moved, called
off or over, and it is not sent. Quiet hours and channels are the person's own (`notifications`),
and so is whether a message names time and place.
"""

from datetime import timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.formats import date_format

from appointments.audience import family_of
from appointments.models import Appointment, Mode, Reminder, ReminderConsent, Rules, Status
from appointments.templatetags.visits import zone
from notifications.actions import cancel_sends, notify
from notifications.models import Kind
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


def plan_missing(organization_id: UUID | str) -> int:
    """Plan the reminders of visits to come that have none; return of how many visits."""
    with acting_for(organization_id, system=True):
        planned = Reminder.objects.filter(
            appointment=OuterRef("pk"), of_starts_at=OuterRef("starts_at")
        )
        without = Appointment.objects.to_come().filter(
            ~Exists(planned), organization_id=organization_id, starts_at__gt=timezone.now()
        )
        visits = list(without)
        for visit in visits:
            plan(visit)
        return len(visits)


def remind_due(organization_id: UUID | str) -> int:
    """Send what is due in a clinic, each once, also when two do it; return how many were sent."""
    sent = 0
    while True:
        with acting_for(organization_id, system=True):
            due = list(
                Reminder.objects.filter(
                    organization_id=organization_id, ended_at=None, due_at__lte=timezone.now()
                )
                .select_related("appointment__patient", "appointment__organization")
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


def let_pass(organization_id: UUID | str) -> int:
    """Send nothing more of visits that have begun: a quiet night may have held it back."""
    passed = 0
    with acting_for(organization_id, system=True):
        begun = Reminder.objects.filter(
            organization_id=organization_id,
            fate=Reminder.Fate.SENT,
            of_starts_at__lte=timezone.now(),
        )
        for reminder in begun.select_for_update(skip_locked=True)[:MOST_AT_ONCE]:
            cancel_sends(reminder.appointment_id)
            reminder.fate = Reminder.Fate.PASSED
            reminder.save(update_fields=["fate"])
            passed += 1
    return passed


def _remind(reminder: Reminder) -> Reminder.Fate:
    visit, now = reminder.appointment, timezone.now()
    if visit.status != Status.BOOKED or visit.starts_at != reminder.of_starts_at:
        return Reminder.Fate.MOVED
    if visit.starts_at <= now or now - reminder.due_at > STALE_AFTER:
        return Reminder.Fate.LATE
    family = family_of(visit.patient)
    consenting = ReminderConsent.objects.filter(
        organization_id=visit.organization_id, user_id__in=family, withdrawn_at=None
    )
    said = words(visit)
    told = notify(
        family,
        Kind.REMINDER,
        patient=visit.patient,
        subject_id=visit.pk,
        once=f"reminder {reminder.pk}",
        words=dict.fromkeys(consenting.values_list("user_id", flat=True), said),
    )
    return Reminder.Fate.SENT if told else Reminder.Fate.NOBODY


def words(visit: Appointment) -> str:
    """Time and place, for whoever agreed to have them sent: not whose visit, nor what for."""
    with timezone.override(visit.organization.zone):
        when = date_format(timezone.localtime(visit.starts_at), "D j M, P")
        place = visit.place if visit.mode == Mode.IN_PERSON else visit.get_mode_display()
        where = ", ".join(filter(None, [place, visit.organization.name]))
        return f"Vigil: you have a visit on {when} {zone(visit.starts_at)}. {where}."[:160]
