"""Something that happened to rows of the portal, of which people are to be told."""

from django.db import models
from django.utils import timezone

from notifications.models.notification import Kind
from portal.identifiers import uuid7
from portal.rls import SYSTEM, Policy, stays


class Occasion(models.Model):
    """A change of a care team, an accepted invitation: queued by a trigger where it happens.

    The portal cannot import this app, so the two meet in the database. A job tells whom it concerns
    and notes `told_at`; a sweep finds what was left.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, related_name="+")
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    # Beside the patient's own side: the clinician concerned, or who invited.
    user = models.ForeignKey("portal.User", models.PROTECT, null=True, related_name="+")
    happened_at = models.DateTimeField(default=timezone.now)
    told_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "notification_occasions"
        indexes = [
            models.Index(
                fields=["organization", "happened_at"],
                condition=models.Q(told_at=None),
                name="occasions_untold",
            )
        ]
        constraints = [
            # Written by triggers, worked through by a job.
            Policy(
                name="notification_occasions",
                read=SYSTEM,
                write=SYSTEM,
                insert="false",
                delete="false",
                privileges=("SELECT", "UPDATE"),
            ),
        ]
        triggers = [stays("organization", "patient", "user")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} at {self.happened_at:%Y-%m-%d %H:%M}"
