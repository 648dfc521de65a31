"""What the auditor found wrong with the alerting itself."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from portal.identifiers import uuid7
from portal.rls import STAFF, Policy, stays
from realtime.triggers import Publish


class AuditorAlarm(models.Model):
    """One thing that is wrong in one organization, from when it was found until it is not."""

    class Kind(models.TextChoices):
        STEP_LATE = "step_late", "A next step is more than a minute late"
        NO_NEXT_STEP = "no_next_step", "A critical alert has no next step"
        UNJUDGED = "unjudged", "Readings wait to be judged"
        WORKER_SILENT = "worker_silent", "The job worker gives no sign of life"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    number = models.PositiveIntegerField(default=1, help_text="How many alerts or readings")
    # Every open page of staff hears of each change: a growing number is written once a minute.
    counted_at = models.DateTimeField(db_default=Now())
    found_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    # When its administrators were last told by e-mail, straight from the auditor, and of how many.
    told_at = models.DateTimeField(null=True)
    told_number = models.PositiveIntegerField(null=True)

    class Meta:
        db_table = "auditor_alarms"
        ordering = ["-found_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "kind"],
                condition=models.Q(ended_at=None),
                name="auditor_alarm_once",
            ),
            Policy(name="auditor_alarms", read=STAFF, privileges=("SELECT",)),
        ]
        triggers = [
            stays("organization", "kind"),
            # To all staff, not only to administrators: who relies on alerts has to look instead.
            Publish(topics=["staff:{organization_id}"], columns=["id", "kind"]),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
