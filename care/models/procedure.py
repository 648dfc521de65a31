"""What was done to a patient."""

from typing import Self

from django.db import models

from care.models.record import RecordEntry
from care.models.writing import record_policy
from portal.rls import stays
from realtime.triggers import Publish


class ProcedureQuerySet(models.QuerySet["Procedure"]):
    """Sets of procedures."""

    def done(self) -> Self:
        """Procedures that took place."""
        return self.filter(status__in=("completed", "in-progress", "stopped", "unknown"))


class Procedure(RecordEntry):
    """An operation, examination or treatment. `care.recovery` knows which are operations."""

    class Status(models.TextChoices):
        """The FHIR value set `event-status`."""

        PREPARATION = "preparation", "Being prepared"
        IN_PROGRESS = "in-progress", "In progress"
        NOT_DONE = "not-done", "Not done"
        ON_HOLD = "on-hold", "On hold"
        STOPPED = "stopped", "Stopped"
        COMPLETED = "completed", "Completed"
        ENTERED_IN_ERROR = "entered-in-error", "Entered in error"
        UNKNOWN = "unknown", "Unknown"

    status = models.CharField(max_length=16, choices=Status.choices, default=Status.UNKNOWN)
    category = models.CharField(max_length=64, blank=True, help_text="SNOMED CT")
    performed_at = models.DateTimeField(null=True, blank=True)

    objects = ProcedureQuerySet.as_manager()

    class Meta:
        db_table = "procedures"
        ordering = ["-performed_at"]
        indexes = [models.Index(fields=["patient", "-performed_at"], name="procedures_of_patient")]
        constraints = [record_policy("procedures")]
        triggers = [
            stays("organization", "patient"),
            Publish(
                topics=["patient:{patient_id}"],
                columns=["id", "patient_id"],
            ),
        ]
