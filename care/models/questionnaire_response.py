"""What a patient answered."""

from decimal import Decimal
from typing import Self

import pgtrigger
from django.db import models
from django.utils import timezone

from portal.identifiers import uuid7
from portal.rls import OF_VISIBLE_PATIENT, OF_WRITABLE_PATIENT, SYSTEM, Policy, stays
from realtime.triggers import Publish

_OWN_RECORD = "patient_id IN (SELECT id FROM patients WHERE user_id = (SELECT portal_user()))"
_WATCHED = "patient_id IN (SELECT portal_watched_patients())"
_OWN_WORDS = (
    f"{OF_WRITABLE_PATIENT} AND ({SYSTEM} OR authored_by_id = (SELECT portal_user()))"
    f" AND ({SYSTEM} OR NOT is_private OR {_OWN_RECORD})"
)


class ResponseStatus(models.TextChoices):
    """How far a response is: of the FHIR value set `questionnaire-answers-status`."""

    IN_PROGRESS = "in-progress", "In progress"
    COMPLETED = "completed", "Completed"
    AMENDED = "amended", "Amended"
    STOPPED = "stopped", "Not finished"


GIVEN = (ResponseStatus.COMPLETED, ResponseStatus.AMENDED)


class QuestionnaireResponseQuerySet(models.QuerySet["QuestionnaireResponse"]):
    """Sets of responses."""

    def given(self) -> Self:
        """Responses that were finished."""
        return self.filter(status__in=GIVEN)

    def in_progress(self) -> Self:
        """Responses that somebody is in the middle of."""
        return self.filter(status=ResponseStatus.IN_PROGRESS)


class QuestionnaireResponse(models.Model):
    """One person's answers to one version of a questionnaire, about one patient.

    `items` are mappings with `link_id`, `code` and `value` (the number that the answer stands for,
    as text, or None), in the order of the questions. `earlier` holds what an amended response said
    before, oldest first. `score` is None where the questionnaire has none, and until it is given.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # No index of their own: every query comes with the patient, which the index begins with.
    organization = models.ForeignKey("portal.Organization", models.PROTECT, db_index=False)
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+", db_index=False)
    questionnaire = models.ForeignKey(
        "care.Questionnaire", models.PROTECT, related_name="responses", db_index=False
    )
    authored_by = models.ForeignKey("portal.User", models.PROTECT, related_name="+", db_index=False)
    is_private = models.BooleanField(default=False)
    status = models.CharField(
        max_length=11, choices=ResponseStatus.choices, default=ResponseStatus.IN_PROGRESS
    )
    items = models.JSONField(default=list)
    score = models.PositiveSmallIntegerField(null=True, blank=True)
    earlier = models.JSONField(default=list)
    started_at = models.DateTimeField(default=timezone.now)
    completed_at = models.DateTimeField(null=True, blank=True)
    amended_at = models.DateTimeField(null=True, blank=True)

    objects = QuestionnaireResponseQuerySet.as_manager()

    class Meta:
        db_table = "questionnaire_responses"
        ordering = ["-started_at"]
        indexes = [
            models.Index(fields=["patient", "-started_at"], name="responses_of_patient"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "questionnaire", "authored_by"],
                condition=models.Q(status="in-progress"),
                name="response_in_progress_once",
            ),
            models.CheckConstraint(
                name="response_completed_at",
                condition=models.Q(status__in=GIVEN, completed_at__isnull=False)
                | models.Q(~models.Q(status__in=GIVEN), completed_at=None, score=None),
            ),
            Policy(
                name="questionnaire_responses",
                # What is private is the patient's and the care team's: no caregiver reads it.
                read=(
                    f"{OF_VISIBLE_PATIENT} AND"
                    f" ({SYSTEM} OR NOT is_private OR {_OWN_RECORD} OR {_WATCHED})"
                ),
                write=_OWN_WORDS,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization", "patient", "questionnaire", "authored_by", "is_private"),
            pgtrigger.Trigger(
                name="given_is_fixed",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.status <> 'in-progress' AND OLD.* IS DISTINCT FROM NEW.*"
                ),
                func="""
                    IF OLD.status <> 'stopped' AND NEW.status = 'amended'
                        AND NEW.completed_at = OLD.completed_at
                        AND NEW.earlier -> -1 -> 'items' = OLD.items
                        AND NEW.earlier - (-1) = OLD.earlier
                    THEN
                        RETURN NEW;
                    END IF;
                    RAISE EXCEPTION 'A response that was given is only amended.';
                """,
            ),
            # That there is something private is itself private: only its author and those who
            # watch over the patient hear of it.
            Publish(
                topics=[
                    "patient:{patient_id} unless {is_private}",
                    "care:{patient_id} if {is_private}",
                    "user:{authored_by_id} if {is_private}",
                ],
                columns=["id", "patient_id"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.questionnaire} {self.started_at:%Y-%m-%d}"

    @property
    def is_given(self) -> bool:
        """Whether it was finished."""
        return self.status in GIVEN

    def code_of(self, link_id: str) -> str | None:
        """The answer to one question, or None."""
        return next((item["code"] for item in self.items if item["link_id"] == link_id), None)

    def answers(self) -> dict[str, Decimal]:
        """The number that each answer stands for, by link id: also of answers that somebody gave
        and did not send yet. An answer without a number is left out."""
        return {
            item["link_id"]: Decimal(item["value"])
            for item in self.items
            if item["value"] is not None
        }
