"""An oxygen saturation of 88-92 % as the prescribed target: scale 2 of NEWS2."""

from datetime import datetime
from typing import Self

from django.db import models
from django.utils import timezone

from care.models.writing import BY_CARE_TEAM
from portal.identifiers import uuid7
from portal.rls import OF_VISIBLE_PATIENT, SYSTEM, Policy, stays
from realtime.triggers import Publish

# Scale 2 makes a low saturation look good. Nurses measure by it; a clinician decides it.
_BY_CLINICIAN = f"({BY_CARE_TEAM} AND ({SYSTEM} OR (SELECT portal_role()) = 'clinician'))"


class OxygenTargetQuerySet(models.QuerySet["OxygenTarget"]):
    """Sets of targets."""

    def in_force(self, at: datetime) -> Self:
        """Targets that held at an instant."""
        return self.filter(models.Q(ends_at=None) | models.Q(ends_at__gt=at), starts_at__lte=at)


class OxygenTarget(models.Model):
    """A clinician's decision, for a reason, that this patient's saturation is to be 88-92 %.

    It ends, it is never changed or deleted: which scale held when is part of every score.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, db_index=False)
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)
    prescribed_by = models.ForeignKey(
        "portal.User", models.PROTECT, related_name="+", db_index=False
    )
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        "portal.User", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    objects = OxygenTargetQuerySet.as_manager()

    class Meta:
        db_table = "oxygen_targets"
        ordering = ["-starts_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient"],
                condition=models.Q(ends_at=None),
                name="oxygen_target_one_in_force",
            ),
            models.CheckConstraint(name="oxygen_target_reason", condition=~models.Q(reason="")),
            models.CheckConstraint(
                name="oxygen_target_ends_after_it_starts",
                condition=models.Q(ends_at=None) | models.Q(ends_at__gte=models.F("starts_at")),
            ),
            Policy(
                name="oxygen_targets",
                read=OF_VISIBLE_PATIENT,
                write=_BY_CLINICIAN,
                insert=(
                    f"{_BY_CLINICIAN} AND ({SYSTEM} OR prescribed_by_id = (SELECT portal_user()))"
                ),
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization", "patient", "reason", "prescribed_by", "starts_at"),
            Publish(topics=["patient:{patient_id}"], columns=["id", "patient_id"]),
        ]

    def __str__(self) -> str:
        return f"88–92 % since {self.starts_at:%Y-%m-%d}"
