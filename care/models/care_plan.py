"""What a patient and their team mean to do, and what for."""

from typing import Self

from django.db import models

from care.models.record import RecordEntry
from care.models.writing import record_policy
from portal.rls import stays
from realtime.triggers import Publish


class CarePlanQuerySet(models.QuerySet["CarePlan"]):
    """Sets of care plans."""

    def valid(self) -> Self:
        """Plans that were ever in force."""
        return self.exclude(status__in=("entered-in-error", "revoked", "draft"))


class CarePlan(RecordEntry):
    """A plan of care: a title, a period and its activities."""

    class Status(models.TextChoices):
        """The FHIR value set `request-status`."""

        DRAFT = "draft", "Draft"
        ACTIVE = "active", "Active"
        ON_HOLD = "on-hold", "On hold"
        REVOKED = "revoked", "Revoked"
        COMPLETED = "completed", "Completed"
        ENTERED_IN_ERROR = "entered-in-error", "Entered in error"
        UNKNOWN = "unknown", "Unknown"

    status = models.CharField(max_length=16, choices=Status.choices, default=Status.UNKNOWN)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)

    objects = CarePlanQuerySet.as_manager()

    class Meta:
        db_table = "care_plans"
        ordering = ["-starts_on"]
        indexes = [models.Index(fields=["patient", "status"], name="care_plans_of_patient")]
        constraints = [record_policy("care_plans")]
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


class CarePlanActivityQuerySet(models.QuerySet["CarePlanActivity"]):
    """Sets of activities."""

    def valid(self) -> Self:
        """Activities that belong to their plan."""
        return self.exclude(status__in=("entered-in-error", "cancelled"))


class CarePlanActivity(RecordEntry):
    """One thing to do under a plan. Its place in the plan identifies it across imports."""

    class Status(models.TextChoices):
        """The FHIR value set `care-plan-activity-status`."""

        NOT_STARTED = "not-started", "Not started"
        SCHEDULED = "scheduled", "Scheduled"
        IN_PROGRESS = "in-progress", "In progress"
        ON_HOLD = "on-hold", "On hold"
        COMPLETED = "completed", "Completed"
        CANCELLED = "cancelled", "Cancelled"
        STOPPED = "stopped", "Stopped"
        ENTERED_IN_ERROR = "entered-in-error", "Entered in error"
        UNKNOWN = "unknown", "Unknown"

    plan = models.ForeignKey(CarePlan, models.PROTECT, related_name="activities", db_index=False)
    position = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.UNKNOWN)
    detail = models.TextField(blank=True)

    objects = CarePlanActivityQuerySet.as_manager()

    class Meta:
        db_table = "care_plan_activities"
        ordering = ["position"]
        verbose_name_plural = "care plan activities"
        indexes = [models.Index(fields=["patient"], name="activities_of_patient")]
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "position"], name="care_plan_activity_once_per_place"
            ),
            record_policy("care_plan_activities"),
        ]
        triggers = [
            stays("organization", "patient"),
            Publish(
                topics=["patient:{patient_id}"],
                columns=["id", "patient_id", "plan_id"],
            ),
        ]

    @property
    def is_done(self) -> bool:
        return self.status == self.Status.COMPLETED
