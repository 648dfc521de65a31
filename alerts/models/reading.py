"""What an alert rests on."""

from django.db import models
from django.utils import timezone

from alerts.models.rule import RuleVersion
from alerts.models.who import OF_WATCHED_PATIENT
from portal.identifiers import uuid7
from portal.rls import SYSTEM, Policy, stays
from realtime.triggers import Publish


class AlertReading(models.Model):
    """One value that an alert counts: which row it was, what it said then, and by which rule.

    A correction takes it back (`withdrawn_at`); an alert with none left rested on a mistake. One
    that is critical once more comes back.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, db_index=False)
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+", db_index=False)
    alert = models.ForeignKey("alerts.Alert", models.PROTECT, related_name="readings")
    # vital_signs, results, early_warning_scores, questionnaire_responses. No foreign key, because
    # sources differ.
    source_table = models.CharField(max_length=40)
    source_id = models.UUIDField()
    value = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    measured_at = models.DateTimeField()
    # Which version said so, and when: that one is asked again, whatever the rule says by then.
    # Often a milder rule than the alert's own. Empty: the alert's.
    rule_version = models.ForeignKey(
        "alerts.RuleVersion", models.PROTECT, null=True, related_name="+", db_index=False
    )
    counted_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "alert_readings"
        ordering = ["measured_at"]
        indexes = [models.Index(fields=["source_id"], name="alert_readings_of_source")]
        constraints = [
            models.UniqueConstraint(fields=["alert", "source_id"], name="alert_reading_once"),
            Policy(
                name="alert_readings",
                read=OF_WATCHED_PATIENT,
                write=SYSTEM,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization", "patient", "alert"),
            Publish(topics=["care:{patient_id}"], columns=["id", "patient_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.source_table} {self.measured_at:%Y-%m-%d %H:%M}"

    @property
    def counted_by(self) -> RuleVersion:
        """The version of a rule that counted it."""
        return self.rule_version or self.alert.rule_version
