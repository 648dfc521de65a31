"""Reminding of a visit, and what a reminder may say outside the portal."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from appointments.models.appointment import Appointment
from portal.identifiers import uuid7
from portal.rls import OF_VISIBLE_PATIENT, OF_WRITABLE_PATIENT, OWN, SYSTEM, Policy, stays


class Reminder(models.Model):
    """To be sent at `due_at` if the visit still stands at `of_starts_at`. The row is the truth."""

    class Fate(models.TextChoices):
        SENT = "sent", "Sent"
        MOVED = "moved", "The visit was moved or called off"
        LATE = "late", "It was too late to remind"
        NOBODY = "nobody", "Nobody to remind"
        PASSED = "passed", "Sent, and the visit has begun"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, related_name="+")
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+")
    appointment = models.ForeignKey(Appointment, models.PROTECT, related_name="reminders")
    minutes_before = models.PositiveIntegerField()
    of_starts_at = models.DateTimeField()
    due_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    fate = models.CharField(max_length=6, choices=Fate.choices, blank=True)

    class Meta:
        db_table = "appointment_reminders"
        ordering = ["due_at"]
        indexes = [
            models.Index(
                fields=["organization", "due_at"],
                condition=Q(ended_at=None),
                name="reminders_waiting",
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["appointment", "minutes_before", "of_starts_at"], name="reminder_once"
            ),
            Policy(
                name="appointment_reminders",
                read=OF_VISIBLE_PATIENT,
                write=OF_WRITABLE_PATIENT,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [stays("organization", "patient", "appointment", "of_starts_at")]

    def __str__(self) -> str:
        return f"{self.minutes_before} minutes before {self.of_starts_at:%Y-%m-%d %H:%M}"


class ReminderConsent(models.Model):
    """Somebody agreed that messages to them name time and place of a visit, until they withdraw."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, related_name="+")
    user = models.ForeignKey("portal.User", models.PROTECT, related_name="+")
    given_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "reminder_consents"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "user"],
                condition=Q(withdrawn_at=None),
                name="reminder_consent_once",
            ),
            Policy(
                name="reminder_consents",
                read=f"{SYSTEM} OR {OWN}",
                write=OWN,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [stays("organization", "user", "given_at")]

    def __str__(self) -> str:
        return f"{self.user_id} since {self.given_at:%Y-%m-%d}"
