"""When a patient was seen."""

from typing import Self

from django.db import models

from care.models.record import RecordEntry
from care.models.writing import record_policy
from portal.rls import stays
from realtime.triggers import Publish


class EncounterQuerySet(models.QuerySet["Encounter"]):
    """Sets of encounters."""

    def valid(self) -> Self:
        """Encounters that took place or are planned."""
        return self.exclude(status__in=("entered-in-error", "cancelled"))


class Encounter(RecordEntry):
    """A visit, stay or call: `setting` is the v3 ActCode (AMB, EMER, IMP …)."""

    class Status(models.TextChoices):
        """The FHIR R4 value set `encounter-status`."""

        PLANNED = "planned", "Planned"
        ARRIVED = "arrived", "Arrived"
        TRIAGED = "triaged", "Triaged"
        IN_PROGRESS = "in-progress", "In progress"
        ON_LEAVE = "onleave", "On leave"
        FINISHED = "finished", "Finished"
        CANCELLED = "cancelled", "Cancelled"
        ENTERED_IN_ERROR = "entered-in-error", "Entered in error"
        UNKNOWN = "unknown", "Unknown"

    SETTINGS = {
        "AMB": "Clinic",
        "EMER": "Emergency",
        "IMP": "Hospital stay",
        "ACUTE": "Hospital stay",
        "NONAC": "Hospital stay",
        "OBSENC": "Observation",
        "PRENC": "Before admission",
        "SS": "Short stay",
        "HH": "At home",
        "VR": "Video or phone",
        "FLD": "In the field",
    }

    status = models.CharField(max_length=16, choices=Status.choices, default=Status.UNKNOWN)
    setting = models.CharField(max_length=16, blank=True)
    reason = models.TextField(blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)

    objects = EncounterQuerySet.as_manager()

    class Meta:
        db_table = "encounters"
        ordering = ["-starts_at"]
        indexes = [models.Index(fields=["patient", "-starts_at"], name="encounters_of_patient")]
        constraints = [record_policy("encounters")]
        triggers = [
            stays("organization", "patient"),
            Publish(
                topics=["patient:{patient_id}"],
                columns=["id", "patient_id"],
            ),
        ]

    @property
    def place(self) -> str:
        """The setting in words."""
        return self.SETTINGS.get(self.setting, "")
