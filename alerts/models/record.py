"""What happened to an alert: the closed loop, one row an event."""

import pgtrigger
from django.db import models
from django.utils import timezone

from alerts.models.who import OF_WATCHED_PATIENT
from portal.identifiers import uuid7
from portal.rls import SYSTEM, Policy
from realtime.triggers import Publish


class AlertRecord(models.Model):
    """One event in the life of an alert. Added, never changed."""

    class Kind(models.TextChoices):
        RAISED = "raised", "Raised"
        REPEATED = "repeated", "Another value"
        WORSENED = "worsened", "A worse value"
        TOLD = "told", "Told"
        UNREACHED = "unreached", "Nobody there to tell"
        SEEN = "seen", "Seen"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        ACTED = "acted", "Acted"
        HANDED_OVER = "handed_over", "Handed over"
        ESCALATED = "escalated", "Escalated by hand"
        SNOOZED = "snoozed", "Snoozed"
        WOKEN = "woken", "Woken"
        EXPIRED = "expired", "Acknowledgement expired"
        CORRECTED = "corrected", "A value was taken back"
        IN_RANGE = "in_range", "Back in range"
        CLOSED = "closed", "Closed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, db_index=False)
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+", db_index=False)
    alert = models.ForeignKey("alerts.Alert", models.PROTECT, related_name="records")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    at = models.DateTimeField(default=timezone.now)
    # Who did it, or who was told or saw it; nobody when the system itself did.
    user = models.ForeignKey("portal.User", models.PROTECT, null=True, related_name="+")
    to = models.ForeignKey("portal.User", models.PROTECT, null=True, related_name="+")
    note = models.CharField(max_length=300, blank=True)
    value = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    until = models.DateTimeField(null=True)
    # Which step of the policy told them: a step that runs twice tells once.
    step = models.ForeignKey("alerts.AlertStep", models.PROTECT, null=True, related_name="+")

    class Meta:
        db_table = "alert_records"
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["organization", "kind", "at"], name="alert_records_report")]
        constraints = [
            models.UniqueConstraint(
                fields=["step", "user"],
                condition=models.Q(kind="told"),
                name="alert_told_once_per_step",
            ),
            models.UniqueConstraint(
                fields=["alert", "user"],
                condition=models.Q(kind="seen"),
                name="alert_seen_once_per_person",
            ),
            Policy(
                name="alert_records",
                read=OF_WATCHED_PATIENT,
                # In one's own name: nobody acknowledges for another.
                insert=f"{OF_WATCHED_PATIENT} AND ({SYSTEM} OR user_id = (SELECT portal_user()))",
                privileges=("SELECT", "INSERT"),
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="alert_record_is_fixed", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            Publish(topics=["care:{patient_id}"], columns=["id", "patient_id", "alert_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d %H:%M}"
