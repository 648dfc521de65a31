"""What a measurement was before somebody changed it, and why they did."""

import pgtrigger
from django.db import models
from django.utils import timezone

from care.models.writing import IS_OF_SENDER, MAY_WRITE
from portal.identifiers import uuid7
from portal.rls import OF_VISIBLE_PATIENT, OF_WRITABLE_PATIENT, SYSTEM, Policy
from realtime.triggers import Publish


class Correction(models.Model):
    """One change of one measurement. Never changed itself.

    The row of the measurement has what holds now; `was` is what held before, as a mapping of its
    columns. `row_id` is no foreign key, because vital signs and results are two tables.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, db_index=False)
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+", db_index=False)
    table = models.CharField(max_length=63)
    row_id = models.UUIDField()
    was = models.JSONField()
    reason = models.CharField(max_length=200)
    by = models.ForeignKey(
        "portal.User", models.PROTECT, null=True, related_name="+", db_index=False
    )
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "measurement_corrections"
        ordering = ["-at"]
        indexes = [models.Index(fields=["patient", "row_id"], name="corrections_of_row")]
        constraints = [
            models.CheckConstraint(name="correction_has_reason", condition=~models.Q(reason="")),
            Policy(
                name="measurement_corrections",
                read=OF_VISIBLE_PATIENT,
                insert=(
                    f"{OF_WRITABLE_PATIENT} AND ({SYSTEM} OR by_id = (SELECT portal_user()))"
                    f" OR {MAY_WRITE} AND by_id IS NULL AND {IS_OF_SENDER}"
                ),
                privileges=("SELECT", "INSERT"),
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="correction_is_fixed", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            Publish(topics=["patient:{patient_id}"], columns=["id", "patient_id"]),
        ]

    def __str__(self) -> str:
        return self.reason
