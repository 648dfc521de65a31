"""What happened to a visit, from its booking on."""

from django.db import models
from django.utils import timezone

from appointments.models.appointment import Appointment
from portal.identifiers import uuid7
from portal.rls import OF_VISIBLE_PATIENT, OF_WRITABLE_PATIENT, Policy


class Change(models.Model):
    """One step of a visit: who, when and why. Rows are added, never changed."""

    class Kind(models.TextChoices):
        BOOKED = "booked", "Booked"
        MOVED = "moved", "Moved"
        CHANGED = "changed", "Changed"
        CONFIRMED = "confirmed", "Confirmed"
        CHECKED_IN = "checked_in", "Checked in"
        ARRIVED = "arrived", "Arrived"
        LATE = "late", "Running late"
        DONE = "done", "Done"
        NO_SHOW = "no_show", "Did not come"
        CANCELLED = "cancelled", "Cancelled"
        REOPENED = "reopened", "Booked again"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, related_name="+")
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+")
    appointment = models.ForeignKey(Appointment, models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    # None: a message from another system.
    by = models.ForeignKey("portal.User", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=200, blank=True)
    # Where it lay before it was moved.
    from_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "appointment_changes"
        ordering = ["at", "id"]
        constraints = [
            Policy(
                name="appointment_changes",
                read=OF_VISIBLE_PATIENT,
                insert=OF_WRITABLE_PATIENT,
                privileges=("SELECT", "INSERT"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.at:%Y-%m-%d %H:%M}"
