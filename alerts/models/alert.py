"""A finding that a person must acknowledge."""

from django.db import models
from django.utils import timezone

from alerts.models.severity import Severity
from alerts.models.who import OF_WATCHED_PATIENT
from portal.identifiers import uuid7
from portal.rls import SYSTEM, Policy, stays
from realtime.triggers import Publish


class Phase(models.TextChoices):
    """Where an alert stands. `alerts.lifecycle` says what leads from one to the next."""

    OPEN = "open", "Open"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    SNOOZED = "snoozed", "Snoozed"
    CLOSED = "closed", "Closed"


class Outcome(models.TextChoices):
    """How an alert ended."""

    DONE = "done", "Done"
    NOT_NEEDED = "not_needed", "Not needed"
    RECOVERED = "recovered", "Back in range"
    WRONG_VALUE = "wrong_value", "The value was wrong"
    SUPERSEDED = "superseded", "Superseded by a more severe alert"


class AlertQuerySet(models.QuerySet["Alert"]):
    """Sets of alerts."""

    def ongoing(self) -> "AlertQuerySet":
        """Those not closed."""
        return self.exclude(phase=Phase.CLOSED)

    def waiting(self) -> "AlertQuerySet":
        """Those that nobody has taken: they escalate."""
        return self.filter(phase=Phase.OPEN)


class Alert(models.Model):
    """One condition of one patient, from the first value that met a rule until its end.

    `condition` names it (`potassium:high`): while an alert of a condition is not closed, further
    values are counted on it. What it shows of the value is kept as it was, because a rule, a name
    or a reading may change later; `AlertReading` says which readings it rests on.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, db_index=False)
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+", db_index=False)
    rule_version = models.ForeignKey("alerts.RuleVersion", models.PROTECT, related_name="alerts")
    policy_version = models.ForeignKey(
        "alerts.PolicyVersion", models.PROTECT, related_name="alerts"
    )
    severity = models.CharField(max_length=8, choices=Severity.choices)
    condition = models.CharField(max_length=120)
    # low, high, or empty where a condition has no direction.
    direction = models.CharField(max_length=4, blank=True)

    what = models.CharField(max_length=80)
    unit = models.CharField(max_length=40, blank=True)
    limit = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    first_value = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    worst_value = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    last_value = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    count = models.PositiveIntegerField(default=1)
    measured_at = models.DateTimeField(help_text="When the last of its values was measured")
    # The clock of the closed loop: when the first value reached us.
    available_at = models.DateTimeField()
    raised_at = models.DateTimeField(default=timezone.now)

    phase = models.CharField(max_length=12, choices=Phase.choices, default=Phase.OPEN)
    # Times raised: an acknowledgement that expires begins the next round of telling.
    round = models.PositiveIntegerField(default=0)
    owner = models.ForeignKey("portal.User", models.PROTECT, null=True, related_name="+")
    phase_until = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)
    superseded_by = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")

    objects = AlertQuerySet.as_manager()

    class Meta:
        db_table = "assessment_critical_alerts"
        ordering = ["raised_at"]
        indexes = [
            models.Index(fields=["patient", "-raised_at"], name="alerts_of_patient"),
            # The clinic's report is of a time.
            models.Index(fields=["organization", "-available_at"], name="alerts_by_time"),
            models.Index(
                fields=["organization", "raised_at"],
                condition=~models.Q(phase="closed"),
                name="alerts_ongoing",
            ),
        ]
        constraints = [
            # One alert of one condition, however many values and however many judges.
            models.UniqueConstraint(
                fields=["patient", "condition"],
                condition=~models.Q(phase="closed"),
                name="alert_once_per_condition",
            ),
            models.CheckConstraint(
                name="alert_closed_with_outcome",
                condition=(
                    models.Q(phase="closed", closed_at__isnull=False) & ~models.Q(outcome="")
                )
                | (~models.Q(phase="closed") & models.Q(closed_at=None, outcome="")),
            ),
            models.CheckConstraint(
                name="alert_critical_never_recovers",
                condition=~models.Q(severity="critical", outcome="recovered"),
            ),
            Policy(
                name="assessment_critical_alerts",
                read=OF_WATCHED_PATIENT,
                # Raised by judging, changed by what the life cycle says: by nobody's own hand.
                write=SYSTEM,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays(
                "organization", "patient", "rule_version", "policy_version", "severity", "condition"
            ),
            Publish(topics=["care:{patient_id}"], columns=["id", "patient_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.get_severity_display()} · {self.what}"

    @property
    def is_ongoing(self) -> bool:
        return self.phase != Phase.CLOSED
