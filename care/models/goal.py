"""What a patient and their team want to reach."""

from typing import Self

from django.db import models

from care.models.record import RecordEntry
from care.models.writing import record_policy
from portal.rls import stays
from realtime.triggers import Publish


class GoalQuerySet(models.QuerySet["Goal"]):
    """Sets of goals."""

    def valid(self) -> Self:
        """Goals that somebody means to reach, or has reached."""
        return self.exclude(status__in=("entered-in-error", "rejected", "cancelled", "proposed"))


class Goal(RecordEntry):
    """A goal in words, with how it is going and until when."""

    class Status(models.TextChoices):
        """The FHIR value set `goal-status`."""

        PROPOSED = "proposed", "Proposed"
        PLANNED = "planned", "Planned"
        ACCEPTED = "accepted", "Accepted"
        ACTIVE = "active", "Active"
        ON_HOLD = "on-hold", "On hold"
        COMPLETED = "completed", "Completed"
        CANCELLED = "cancelled", "Cancelled"
        ENTERED_IN_ERROR = "entered-in-error", "Entered in error"
        REJECTED = "rejected", "Rejected"

    class Achievement(models.TextChoices):
        """The FHIR value set `goal-achievement`."""

        IN_PROGRESS = "in-progress", "In progress"
        IMPROVING = "improving", "Getting better"
        WORSENING = "worsening", "Getting worse"
        NO_CHANGE = "no-change", "No change"
        ACHIEVED = "achieved", "Reached"
        SUSTAINING = "sustaining", "Reached, and kept"
        NOT_ACHIEVED = "not-achieved", "Not reached"
        NO_PROGRESS = "no-progress", "No progress"
        NOT_ATTAINABLE = "not-attainable", "Cannot be reached"

    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE)
    achievement = models.CharField(max_length=16, choices=Achievement.choices, blank=True)
    due_on = models.DateField(null=True, blank=True)

    objects = GoalQuerySet.as_manager()

    class Meta:
        db_table = "goals"
        ordering = ["due_on", "created_at"]
        indexes = [models.Index(fields=["patient", "status"], name="goals_of_patient")]
        constraints = [record_policy("goals")]
        triggers = [
            stays("organization", "patient"),
            Publish(
                topics=["patient:{patient_id}"],
                columns=["id", "patient_id"],
            ),
        ]
