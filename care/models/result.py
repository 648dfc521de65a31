"""What a laboratory, a questionnaire or an examination reported."""

from django.db import models

from care.models.measurement import Measurement, MeasurementQuerySet
from care.models.writing import BY_CARE_TEAM, measurement_policy
from portal.rls import stays
from realtime.triggers import Publish


class Result(Measurement):
    """One reported value that is not a vital sign; `category` says of which kind it is."""

    objects = MeasurementQuerySet.as_manager()

    class Meta:
        db_table = "results"
        ordering = ["-measured_at"]
        indexes = [
            models.Index(fields=["patient", "category", "-measured_at"], name="results_latest"),
            models.Index(fields=["patient", "code", "-measured_at"], name="results_trend"),
        ]
        constraints = [measurement_policy("results", insert=BY_CARE_TEAM, write=BY_CARE_TEAM)]
        triggers = [
            stays("organization", "patient", "sent_by"),
            Publish(
                topics=["patient:{patient_id}"],
                columns=["id", "patient_id"],
            ),
        ]
