"""Who is on call: a rota and its weekly shifts.

What follows from these rows is worked out in `alerts.rota`, and read through `alerts.on_call`.
"""

import zoneinfo

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from alerts.rota import LONGEST_DAYS, Pattern
from portal.identifiers import uuid7
from portal.models.organization import validate_time_zone
from portal.rls import ADMIN, STAFF, Policy, stays
from realtime.triggers import Publish


class Rota(models.Model):
    """Who can be called, around the clock or in the hours of its shifts."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    name = models.CharField(max_length=120)
    time_zone = models.CharField(
        max_length=64,
        validators=[validate_time_zone],
        help_text="The clock by which its shifts change, such as Europe/Berlin",
    )
    is_round_the_clock = models.BooleanField(
        "somebody at every hour",
        default=True,
        help_text="Otherwise only the hours of its shifts must be filled",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "rotas"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="rota_name_once"),
            Policy(
                name="rotas",
                read=STAFF,
                write=ADMIN,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization"),
            Publish(topics=["staff:{organization_id}"], columns=["id"]),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The clock by which its shifts change."""
        return zoneinfo.ZoneInfo(self.time_zone)


class Weekday(models.IntegerChoices):
    """The day on which a shift begins, as Python counts."""

    MONDAY = 0
    TUESDAY = 1
    WEDNESDAY = 2
    THURSDAY = 3
    FRIDAY = 4
    SATURDAY = 5
    SUNDAY = 6


class Shift(models.Model):
    """A shift that comes back each week, or every few weeks, and who has it.

    An edit that changes what has already begun ends this row and begins another of the same
    `series` (`alerts.rota_actions.change_shift`): yesterday stays as it was, and what was agreed
    about one date follows the series.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    rota = models.ForeignKey(Rota, models.PROTECT, related_name="shifts")
    series = models.UUIDField(default=uuid7, editable=False)
    name = models.CharField(max_length=40, blank=True, help_text="Night, weekend …")
    user = models.ForeignKey(
        "portal.User",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Nobody yet: an empty shift, which somebody may take",
    )
    weekday = models.PositiveSmallIntegerField("begins on", choices=Weekday.choices)
    starts = models.TimeField("at")
    days = models.PositiveSmallIntegerField(
        "days later", default=1, help_text="0: it ends on the day it begins; 1: the next morning"
    )
    ends = models.TimeField("ends at")
    every = models.PositiveSmallIntegerField("every … weeks", default=1)
    position = models.PositiveSmallIntegerField(
        "called as", default=1, help_text="1 is called first, 2 second"
    )
    from_on = models.DateField("from", help_text="The first date on which it may begin")
    until_on = models.DateField("until", null=True, blank=True, help_text="The last such date")

    class Meta:
        db_table = "rota_shifts"
        ordering = ["weekday", "starts", "position"]
        indexes = [models.Index(fields=["series"], name="rota_shifts_of_series")]
        constraints = [
            models.CheckConstraint(
                name="rota_shift_lasts",
                condition=Q(days=0, ends__gt=F("starts"))
                | Q(days__range=(1, LONGEST_DAYS - 1))
                | Q(days=LONGEST_DAYS, ends__lte=F("starts")),
                violation_error_message="It must end after it begins, within a week.",
            ),
            models.CheckConstraint(
                name="rota_shift_week",
                condition=Q(weekday__lte=6, every__range=(1, 26), position__range=(1, 9)),
                violation_error_message="Every 1 to 26 weeks, and called as number 1 to 9.",
            ),
            Policy(
                name="rota_shifts",
                read=STAFF,
                write=ADMIN,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization", "rota", "series"),
            Publish(topics=["staff:{organization_id}"], columns=["id", "rota_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.name or 'Shift'}, {self.get_weekday_display()} {self.starts:%H:%M}"

    @property
    def pattern(self) -> Pattern:
        """The row as `alerts.rota` reckons with it."""
        return Pattern(
            series=self.series,
            user=self.user_id,
            weekday=self.weekday,
            starts=self.starts,
            ends=self.ends,
            days=self.days,
            from_on=self.from_on,
            until_on=self.until_on,
            every=self.every,
            position=self.position,
            name=self.name,
        )
