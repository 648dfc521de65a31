"""What comes next for an alert, and when."""

from django.db import models
from django.utils import timezone

from alerts.models.who import OF_WATCHED_PATIENT
from portal.identifiers import uuid7
from portal.rls import SYSTEM, Policy, stays
from realtime.triggers import Publish


class StepKind(models.TextChoices):
    """What happens when a step is due."""

    TELL = "tell", "Tell the next"
    EXPIRE = "expire", "The acknowledgement expires"
    WAKE = "wake", "The snooze ends"


class AlertStep(models.Model):
    """The one next thing of an alert: done, or cancelled because something else came first.

    `position` counts the tellings of a round of the policy; a job runs the step when it is due, a
    sweep finds those whose job was lost, and the auditor those that nobody ran.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, db_index=False)
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+", db_index=False)
    alert = models.ForeignKey("alerts.Alert", models.PROTECT, related_name="steps")
    kind = models.CharField(max_length=6, choices=StepKind.choices)
    position = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "alert_steps"
        ordering = ["created_at"]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(done_at=None, cancelled_at=None),
                name="alert_steps_due",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["alert"],
                condition=models.Q(done_at=None, cancelled_at=None),
                name="alert_one_next_step",
            ),
            models.CheckConstraint(
                name="alert_step_ends_once",
                condition=models.Q(done_at=None) | models.Q(cancelled_at=None),
            ),
            Policy(
                name="alert_steps",
                read=OF_WATCHED_PATIENT,
                write=SYSTEM,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization", "patient", "alert"),
            Publish(topics=["care:{patient_id}"], columns=["id", "patient_id", "alert_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.due_at:%Y-%m-%d %H:%M}"
