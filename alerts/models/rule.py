"""What a site has decided to watch for."""

from datetime import datetime

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from alerts.models.severity import Severity
from alerts.models.who import OF_WATCHED_PATIENT
from portal.identifiers import uuid7
from portal.rls import (
    ADMIN,
    OF_CARE_TEAM_PATIENT,
    OF_WRITABLE_PATIENT,
    STAFF,
    SYSTEM,
    Policy,
    stays,
)
from realtime.triggers import Publish


class RuleKind(models.TextChoices):
    """What a rule looks at."""

    VALUE = "value", "A value outside its limits"
    NEWS2 = "news2", "The NEWS2 score"
    CHANGE = "change", "A value that changes too fast"
    SILENCE = "silence", "No reading for some hours"
    ANSWER = "answer", "An answer, or the score, of a questionnaire"


class Rule(models.Model):
    """A rule of one site: its name and whether it is on. What it says is in its versions."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    name = models.CharField(max_length=120)
    is_on = models.BooleanField("switched on", default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "alert_rules"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="alert_rule_name_once"),
            Policy(
                name="alert_rules",
                read=STAFF,
                write=ADMIN,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization"),
            Publish(topics=["staff:{organization_id}"], columns=["id", "is_on"]),
        ]

    def __str__(self) -> str:
        return self.name


class RuleVersion(models.Model):
    """What a rule says, until the next version. Never changed: alerts point to it.

    `low` and `high` are inclusive (a potassium of 6.0 meets a `high` of 6.0) and in `unit`. What
    the other numbers mean follows from `kind`:

    * value: any of `codes` at or below `low`, at or above `high`; of a result in words, one of
      `words` in it (“positive”)
    * news2: the total at or above `high`; or, with `single_three`, three points in one parameter
    * change: a rise (`high`) or a fall (`low`) by so much within `hours`
    * silence: none of `codes` for `hours`
    * answer: `questionnaire` and `item` (empty: its score) at or below `low`, at or above `high`
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    rule = models.ForeignKey(Rule, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=RuleKind.choices, default=RuleKind.VALUE)
    severity = models.CharField(max_length=8, choices=Severity.choices)
    policy = models.ForeignKey("alerts.EscalationPolicy", models.PROTECT, related_name="+")
    what = models.CharField(
        max_length=80, help_text="As the alert names it: Potassium, Systolic pressure, NEWS2 …"
    )
    codes = ArrayField(models.CharField(max_length=64), default=list, blank=True, help_text="LOINC")
    unit = models.CharField(max_length=40, blank=True, help_text="UCUM")
    low = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    high = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    words = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    hours = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)
    single_three = models.BooleanField("three points in one parameter", default=False)
    questionnaire = models.CharField(max_length=80, blank=True)
    item = models.CharField(max_length=80, blank=True)
    # For whom it holds.
    age_from = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Years, inclusive")
    age_until = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Years, exclusive"
    )
    programme = models.CharField(
        max_length=80, blank=True, help_text="Only patients of this ward or programme"
    )
    # What is told late is history: it is judged, and raises nothing.
    horizon_hours = models.PositiveSmallIntegerField(
        default=72, help_text="Readings older than this raise nothing"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey("portal.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        db_table = "alert_rule_versions"
        ordering = ["rule", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "number"], name="alert_rule_version_once"),
            Policy(
                name="alert_rule_versions",
                read=STAFF,
                insert=ADMIN,
                privileges=("SELECT", "INSERT"),
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="rule_version_is_fixed", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            Publish(topics=["staff:{organization_id}"], columns=["id", "rule_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.rule} (version {self.number})"


class RuleOverrideQuerySet(models.QuerySet["RuleOverride"]):
    """Sets of overrides."""

    def in_force(self, at: datetime | None = None) -> "RuleOverrideQuerySet":
        """Overrides that hold now, or held at an instant."""
        at = at or timezone.now()
        return self.filter(ends_at__gt=at, starts_at__lte=at)


class RuleOverride(models.Model):
    """Other limits of one rule for one patient, for a reason and for a time."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    rule = models.ForeignKey(Rule, models.PROTECT, related_name="overrides")
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+")
    is_muted = models.BooleanField("does not apply", default=False)
    low = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    high = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    reason = models.CharField(max_length=300)
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField()
    by = models.ForeignKey("portal.User", models.PROTECT, related_name="+")

    objects = RuleOverrideQuerySet.as_manager()

    class Meta:
        db_table = "alert_rule_overrides"
        ordering = ["-starts_at"]
        indexes = [models.Index(fields=["patient", "rule"], name="alert_overrides_of_patient")]
        constraints = [
            models.CheckConstraint(
                name="alert_override_ends",
                condition=models.Q(ends_at__gt=models.F("starts_at")),
            ),
            models.CheckConstraint(name="alert_override_reason", condition=~models.Q(reason="")),
            Policy(
                name="alert_rule_overrides",
                read=OF_WATCHED_PATIENT,
                # A decision about one patient: their care team's, in one's own name.
                write=f"{OF_CARE_TEAM_PATIENT} AND {OF_WRITABLE_PATIENT}",
                insert=(
                    f"{OF_CARE_TEAM_PATIENT} AND {OF_WRITABLE_PATIENT}"
                    f" AND ({SYSTEM} OR by_id = (SELECT portal_user()))"
                ),
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization", "rule", "patient", "by"),
            Publish(topics=["care:{patient_id}"], columns=["id", "patient_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.rule}: {self.reason}"
