"""What kinds of visits a clinic has, and by which rules each is booked."""

from datetime import timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from portal.identifiers import uuid7
from portal.rls import ADMIN, MEMBER, Policy, stays
from realtime.triggers import Publish

DAY = 24 * 60  # minutes


class SelfScheduling(models.TextChoices):
    """What patients may do with the calendar of one visit type."""

    ON = "on", "Patients book it themselves"
    VIEW_ONLY = "view", "Patients see free times and call the clinic"
    OFF = "off", "Only the clinic books it"


def in_person() -> list[str]:
    """The modes of a new visit type."""
    return ["in_person"]


def validate_questions(questions: Any) -> None:
    """Refuse what is not a list of {"key", "text"}, each with words and a key of its own."""
    keys = [
        question.get("key")
        for question in questions
        if isinstance(question, dict) and question.get("text")
    ]
    if not all(isinstance(key, str) and key for key in keys) or len(keys) != len(questions):
        raise ValidationError("Each question has a key and a text.")
    if len(set(keys)) != len(keys):
        raise ValidationError("Two questions have the same key.")


class VisitType(models.Model):
    """A wound check, a physiotherapy hour: how long, how it meets, how it is booked."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    name = models.CharField(max_length=80)
    self_scheduling = models.CharField(
        max_length=4, choices=SelfScheduling.choices, default=SelfScheduling.OFF
    )
    modes = ArrayField(
        models.CharField(max_length=10), default=in_person, help_text="in_person, phone, video"
    )
    minutes = models.PositiveSmallIntegerField(
        default=30, validators=[MinValueValidator(5), MaxValueValidator(8 * 60)]
    )
    # A start every so many minutes; 0: one visit after another.
    step_minutes = models.PositiveSmallIntegerField("a start every … minutes", default=0)
    buffer_before_minutes = models.PositiveSmallIntegerField(default=0)
    buffer_after_minutes = models.PositiveSmallIntegerField(default=0)
    lead_minutes = models.PositiveIntegerField(
        default=DAY, help_text="The latest a patient may book before it begins"
    )
    horizon_days = models.PositiveSmallIntegerField(
        default=60, help_text="How far ahead it can be booked"
    )
    notice_minutes = models.PositiveIntegerField(
        default=DAY, help_text="The latest a patient may move or cancel it before it begins"
    )
    questions = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_questions],
        help_text='Asked before the visit: [{"key": "fever", "text": "Do you have a fever?"}]',
    )
    how_to_prepare = models.TextField(blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        db_table = "visit_types"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="visit_type_name_once"),
            models.CheckConstraint(
                name="visit_type_lasts", condition=models.Q(minutes__range=(5, 8 * 60))
            ),
            Policy(
                name="visit_types",
                read=MEMBER,
                write=ADMIN,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization"),
            Publish(topics=["calendar:{organization_id}"], columns=["id"], actor=False),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def duration(self) -> timedelta:
        return timedelta(minutes=self.minutes)

    @property
    def notice(self) -> timedelta:
        """How long before it begins a patient may still move or cancel it."""
        return timedelta(minutes=self.notice_minutes)
