"""NEWS2 as it was scored: the values it rests on, and what it came to."""

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from care.models.measurement import WITHDRAWN, Status
from care.news2 import RESPONSES as RESPONSES_OF_BANDS
from care.news2 import Band, Parameter, Response, Scale
from portal.identifiers import uuid7
from portal.rls import OF_VISIBLE_PATIENT, SYSTEM, Policy, stays
from realtime.triggers import Publish


class EarlyWarningScoreQuerySet(models.QuerySet["EarlyWarningScore"]):
    """Sets of scores."""

    def valid(self) -> Self:
        """Scores that still rest on a reading."""
        return self.exclude(status__in=WITHDRAWN)


class EarlyWarningScore(models.Model):
    """What NEWS2 says at `scored_at`, from the newest reading of each parameter in the 30 minutes
    before. `care.early_warning` writes it and nobody else.

    `inputs` maps a parameter to `value` (as text), `reading_id` and `at` (ISO); `parts` maps it to
    its points. `begins_at` is the first reading of this set: what an input is older than that was
    carried over from the set before.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # No index of their own: every query comes with the patient, which the indexes begin with.
    organization = models.ForeignKey("portal.Organization", models.PROTECT, db_index=False)
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+", db_index=False)
    begins_at = models.DateTimeField()
    scored_at = models.DateTimeField()
    scale = models.PositiveSmallIntegerField(
        choices=[(scale.value, f"Scale {scale.value}") for scale in Scale]
    )
    inputs = models.JSONField(default=dict)
    reading_ids = ArrayField(models.UUIDField(), default=list)
    parts = models.JSONField(default=dict)
    missing = ArrayField(models.CharField(max_length=13), default=list, blank=True)
    total = models.PositiveSmallIntegerField(null=True, help_text="None while a value is missing")
    at_least = models.PositiveSmallIntegerField()
    has_three = models.BooleanField()
    band = models.CharField(
        max_length=6, blank=True, choices=[(band.value, band.value) for band in Band]
    )
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.FINAL)
    updated_at = models.DateTimeField(auto_now=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = EarlyWarningScoreQuerySet.as_manager()

    class Meta:
        db_table = "early_warning_scores"
        ordering = ["-scored_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "scored_at"], name="early_warning_scored_once_at_a_time"
            ),
            models.CheckConstraint(
                name="early_warning_total_needs_everything",
                condition=models.Q(total=None, missing__len__gt=0)
                | models.Q(total=models.F("at_least"), missing__len=0),
            ),
            Policy(
                name="early_warning_scores",
                read=OF_VISIBLE_PATIENT,
                # A score follows from readings; nobody enters one.
                write=SYSTEM,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization", "patient"),
            Publish(topics=["patient:{patient_id}"], columns=["id", "patient_id"]),
        ]

    def __str__(self) -> str:
        return f"NEWS2 {self.words}, {self.scored_at:%Y-%m-%d %H:%M}"

    @property
    def words(self) -> str:
        """“6”, or “incomplete (4 of 7), at least 3”."""
        if self.total is not None:
            return str(self.total)
        return f"incomplete ({len(self.parts)} of {len(Parameter)}), at least {self.at_least}"

    @property
    def response(self) -> Response | None:
        """How the chart answers this score; None for an incomplete one that says too little."""
        return RESPONSES_OF_BANDS[Band(self.band)] if self.band else None
