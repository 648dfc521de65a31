"""What a patient has or had."""

from typing import Self

from django.db import models

from care.models.record import RecordEntry
from care.models.writing import record_policy
from portal.rls import stays
from realtime.triggers import Publish


class ConditionQuerySet(models.QuerySet["Condition"]):
    """Sets of conditions."""

    def valid(self) -> Self:
        """Conditions that were neither refuted nor entered in error."""
        return self.exclude(verification__in=("entered-in-error", "refuted"))


class Condition(RecordEntry):
    """A diagnosis or problem; `status` says whether it is still there."""

    class Status(models.TextChoices):
        """The FHIR value set `condition-clinical`."""

        ACTIVE = "active", "Active"
        RECURRENCE = "recurrence", "Came back"
        RELAPSE = "relapse", "Relapse"
        INACTIVE = "inactive", "Inactive"
        REMISSION = "remission", "In remission"
        RESOLVED = "resolved", "Resolved"
        UNKNOWN = "unknown", "Unknown"

    ACTIVE = (Status.ACTIVE, Status.RECURRENCE, Status.RELAPSE)

    category = models.CharField(max_length=40, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.UNKNOWN)
    verification = models.CharField(max_length=20, blank=True)
    onset_on = models.DateField(null=True, blank=True)
    abated_on = models.DateField(null=True, blank=True)

    objects = ConditionQuerySet.as_manager()

    class Meta:
        db_table = "conditions"
        ordering = ["-onset_on"]
        indexes = [models.Index(fields=["patient", "status"], name="conditions_of_patient")]
        constraints = [record_policy("conditions")]
        triggers = [
            stays("organization", "patient"),
            Publish(
                topics=["patient:{patient_id}"],
                columns=["id", "patient_id"],
            ),
        ]

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE
