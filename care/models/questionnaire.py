"""What patients are asked: questionnaires, in versions that never change."""

from django.db import models
from django.utils import timezone

from portal.identifiers import uuid7
from portal.rls import ADMIN, MEMBER, Policy, stays
from realtime.triggers import Publish


class QuestionnaireQuerySet(models.QuerySet["Questionnaire"]):
    """Sets of questionnaires."""

    def open(self) -> "QuestionnaireQuerySet":
        """Versions that may be answered."""
        return self.filter(retired_at=None)


class Questionnaire(models.Model):
    """One version of a questionnaire. `definition` is a FHIR R4 Questionnaire, as JSON.

    A response says little without the words that were asked: so a version is fixed, and a change
    of words is a new version.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    key = models.SlugField(max_length=40, help_text="phq-9, recovery-check-in …")
    version = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=120)
    # About what only the patient can say, and what only they and the care team read.
    is_private = models.BooleanField(default=False)
    definition = models.JSONField()
    retired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = QuestionnaireQuerySet.as_manager()

    class Meta:
        db_table = "questionnaires"
        ordering = ["title", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "key", "version"], name="questionnaire_version_once"
            ),
            Policy(
                name="questionnaires",
                read=MEMBER,
                write=ADMIN,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization", "key", "version", "title", "is_private", "definition"),
            Publish(topics=["tenant:{organization_id}"], columns=["id"]),
        ]

    def __str__(self) -> str:
        return f"{self.title} (version {self.version})"
