"""What was judged, and what still waits for it."""

from django.db import models
from django.utils import timezone

from portal.identifiers import uuid7
from portal.rls import SYSTEM, Policy, stays


class Judgement(models.Model):
    """Whether an observation has been held against the rules.

    A trigger writes it with the observation, in its transaction (`alerts/sql`), and takes
    `judged_at` away when the observation is corrected. `Judge` fills it in; whatever is without is
    found by a sweep, and by the auditor when nobody sweeps. `queued_at` says since when it waits,
    `available_at` whose turn it is: a patient's many take turns with others' (`alerts_queue`), and
    what could not be judged is put back a little (`Judge`).
    """

    # Made by a trigger, so that the database gives it.
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, db_index=False)
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+", db_index=False)
    source_table = models.CharField(max_length=40)
    source_id = models.UUIDField()
    queued_at = models.DateTimeField(default=timezone.now)
    available_at = models.DateTimeField(default=timezone.now)
    judged_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        db_table = "alert_judgements"
        ordering = ["queued_at"]
        indexes = [
            models.Index(
                fields=["organization", "available_at"],
                condition=models.Q(judged_at=None),
                name="alert_judgements_turn",
            ),
            models.Index(
                fields=["organization", "patient", "source_table", "available_at"],
                condition=models.Q(judged_at=None),
                name="alert_judgements_patient",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["source_table", "source_id"], name="alert_judged_once_per_source"
            ),
            Policy(
                name="alert_judgements",
                read=SYSTEM,
                write=SYSTEM,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [stays("organization", "patient", "source_table", "source_id")]

    def __str__(self) -> str:
        return f"{self.source_table} {self.source_id}"
