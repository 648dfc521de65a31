"""What a patient takes."""

from typing import Self

from django.db import models

from care.models.record import RecordEntry
from care.models.writing import record_policy
from portal.rls import stays
from realtime.triggers import Publish


class MedicationQuerySet(models.QuerySet["Medication"]):
    """Sets of medications."""

    def valid(self) -> Self:
        """Medications that were really ordered."""
        return self.exclude(status__in=("entered-in-error", "cancelled", "draft"))


class Medication(RecordEntry):
    """An order for a medicine (FHIR MedicationRequest), with its dose in words."""

    class Status(models.TextChoices):
        """The FHIR value set `medicationrequest-status`."""

        ACTIVE = "active", "Active"
        ON_HOLD = "on-hold", "On hold"
        CANCELLED = "cancelled", "Cancelled"
        COMPLETED = "completed", "Completed"
        ENTERED_IN_ERROR = "entered-in-error", "Entered in error"
        STOPPED = "stopped", "Stopped"
        DRAFT = "draft", "Draft"
        UNKNOWN = "unknown", "Unknown"

    status = models.CharField(max_length=16, choices=Status.choices, default=Status.UNKNOWN)
    dosage = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    is_as_needed = models.BooleanField(default=False)
    authored_on = models.DateField(null=True, blank=True)
    prescriber = models.ForeignKey(
        "portal.Provider", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    objects = MedicationQuerySet.as_manager()

    class Meta:
        db_table = "medications"
        ordering = ["-authored_on"]
        indexes = [models.Index(fields=["patient", "status"], name="medications_of_patient")]
        constraints = [record_policy("medications")]
        triggers = [
            stays("organization", "patient"),
            Publish(
                topics=["patient:{patient_id}"],
                columns=["id", "patient_id"],
            ),
        ]

    @property
    def is_active(self) -> bool:
        return self.status in (self.Status.ACTIVE, self.Status.ON_HOLD)
