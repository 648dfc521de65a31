"""Pulse, blood pressure, temperature: what is measured on a person."""

from django.db import models

from care.models.measurement import Measurement, MeasurementQuerySet
from care.models.writing import BY_CARE_TEAM, measurement_policy
from portal.rls import OF_WRITABLE_PATIENT, SYSTEM, stays
from realtime.triggers import Publish


class VitalSign(Measurement):
    """One vital sign of one patient at one time. `care.vital_signs` knows what the codes mean."""

    recorded_by = models.ForeignKey(
        "portal.User", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    objects = MeasurementQuerySet.as_manager()

    class Meta:
        db_table = "vital_signs"
        ordering = ["-measured_at"]
        indexes = [
            # The trend of one code; the latest value of each code.
            models.Index(fields=["patient", "code", "-measured_at"], name="vital_signs_trend"),
            # The last reading of a patient, for the dashboard.
            models.Index(fields=["patient", "-measured_at"], name="vital_signs_latest"),
        ]
        constraints = [
            measurement_policy(
                "vital_signs",
                # Patients add readings and withdraw their own; the team corrects any.
                insert=(
                    f"{OF_WRITABLE_PATIENT} AND"
                    f" ({SYSTEM} OR recorded_by_id = (SELECT portal_user()))"
                ),
                write=(
                    f"{BY_CARE_TEAM} OR"
                    f" ({OF_WRITABLE_PATIENT} AND recorded_by_id = (SELECT portal_user()))"
                ),
            ),
        ]
        triggers = [
            stays("organization", "patient", "sent_by"),
            Publish(
                topics=["patient:{patient_id}"],
                # Which kind of reading, so that a plot listens to its own. The codes of diagnoses,
                # medicines and tests say too much, and do not travel.
                columns=["id", "patient_id", "code"],
            ),
        ]
