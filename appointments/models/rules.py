"""What a clinic sets once for all its visits."""

from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from portal.identifiers import uuid7
from portal.rls import ADMIN, MEMBER, Policy, stays

DAY = 24 * 60  # minutes


def usual_reminders() -> list[int]:
    """Seven days, two days and two hours before, in minutes."""
    return [7 * DAY, 2 * DAY, 2 * 60]


class Rules(models.Model):
    """How visits of a clinic are held, offered and reminded of; without a row, the defaults."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.OneToOneField(
        "portal.Organization", models.PROTECT, related_name="appointment_rules"
    )
    reminder_minutes = ArrayField(
        models.PositiveIntegerField(validators=[MaxValueValidator(60 * DAY)]),
        default=usual_reminders,
        size=6,
        blank=True,
        help_text="Minutes before a visit, such as 10080, 2880, 120; empty: none",
    )
    hold_minutes = models.PositiveSmallIntegerField(
        default=5, validators=[MinValueValidator(1), MaxValueValidator(30)]
    )
    offers_at_once = models.PositiveSmallIntegerField(
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text="How many patients on the waiting list are offered one free time together",
    )
    offer_minutes = models.PositiveSmallIntegerField(
        default=120, validators=[MinValueValidator(10), MaxValueValidator(3 * DAY)]
    )

    class Meta:
        db_table = "appointment_rules"
        verbose_name_plural = "rules"
        constraints = [
            Policy(
                name="appointment_rules",
                read=MEMBER,
                write=ADMIN,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [stays("organization")]

    def __str__(self) -> str:
        return f"Rules of {self.organization}"

    @classmethod
    def of(cls, organization_id: UUID) -> "Rules":
        """The clinic's rules; the defaults, not saved, where it set none."""
        found = cls.objects.filter(organization_id=organization_id).first()
        return found or cls(organization_id=organization_id)
