"""When a provider can be booked: by the week, on single days, and on which days nobody can.

What follows from these rows is worked out in `appointments.calendar`.
"""

from django.db import models
from django.db.models import F, Q

from appointments.calendar import DayHours, Hours
from appointments.models.room import Room
from appointments.models.visit_type import VisitType
from portal.identifiers import uuid7
from portal.rls import ADMIN, MEMBER, STAFF, Policy, stays
from realtime.triggers import Publish


class Weekday(models.IntegerChoices):
    """As Python counts."""

    MONDAY = 0
    TUESDAY = 1
    WEDNESDAY = 2
    THURSDAY = 3
    FRIDAY = 4
    SATURDAY = 5
    SUNDAY = 6


class Availability(models.Model):
    """Hours of a week in which a provider takes visits of one type, on the clinic's clock."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    provider = models.ForeignKey("portal.Provider", models.PROTECT, related_name="+")
    visit_type = models.ForeignKey(VisitType, models.PROTECT, related_name="availability")
    room = models.ForeignKey(
        Room, models.PROTECT, null=True, blank=True, help_text="For visits in person"
    )
    mode = models.CharField(
        max_length=10, blank=True, help_text="Only this way; empty: any way of the visit type"
    )
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    starts = models.TimeField()
    ends = models.TimeField()
    break_starts = models.TimeField(null=True, blank=True)
    break_ends = models.TimeField(null=True, blank=True)
    from_on = models.DateField("from", null=True, blank=True)
    until_on = models.DateField("until", null=True, blank=True, help_text="The last day")

    class Meta:
        db_table = "availability"
        verbose_name_plural = "availability"
        ordering = ["weekday", "starts"]
        constraints = [
            models.CheckConstraint(
                name="availability_lasts", condition=Q(ends__gt=F("starts"), weekday__lte=6)
            ),
            models.CheckConstraint(
                name="availability_break_within",
                condition=Q(break_starts=None, break_ends=None)
                | Q(
                    break_starts__gte=F("starts"),
                    break_ends__lte=F("ends"),
                    break_ends__gt=F("break_starts"),
                ),
            ),
            Policy(name="availability", read=MEMBER, write=ADMIN),
        ]
        triggers = [
            stays("organization"),
            Publish(topics=["calendar:{organization_id}"], columns=["id"], actor=False),
        ]

    def __str__(self) -> str:
        return f"{self.provider}, {self.get_weekday_display()} {self.starts:%H:%M}"

    @property
    def hours(self) -> Hours:
        """The row as `appointments.calendar` reckons with it."""
        pause = (self.break_starts, self.break_ends)
        return Hours(
            weekday=self.weekday,
            starts=self.starts,
            ends=self.ends,
            breaks=((pause[0], pause[1]),) if pause[0] and pause[1] else (),
            from_on=self.from_on,
            until_on=self.until_on,
            provider=self.provider_id,
            room=self.room_id,
            mode=self.mode,
        )


class AvailabilityException(models.Model):
    """On one date a provider's week does not hold: away (no times), or these hours instead."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    provider = models.ForeignKey("portal.Provider", models.PROTECT, related_name="+")
    visit_type = models.ForeignKey(
        VisitType, models.PROTECT, null=True, blank=True, help_text="Empty: all of them"
    )
    room = models.ForeignKey(Room, models.PROTECT, null=True, blank=True)
    on = models.DateField()
    starts = models.TimeField(null=True, blank=True)
    ends = models.TimeField(null=True, blank=True)

    class Meta:
        db_table = "availability_exceptions"
        ordering = ["on", "starts"]
        indexes = [models.Index(fields=["organization", "on"], name="exceptions_of_day")]
        constraints = [
            models.CheckConstraint(
                name="availability_exception_lasts",
                condition=Q(starts=None, ends=None) | Q(ends__gt=F("starts")),
            ),
            Policy(name="availability_exceptions", read=MEMBER, write=STAFF),
        ]
        triggers = [
            stays("organization"),
            Publish(topics=["calendar:{organization_id}"], columns=["id"], actor=False),
        ]

    def __str__(self) -> str:
        hours = f"{self.starts:%H:%M}–{self.ends:%H:%M}" if self.starts and self.ends else "away"
        return f"{self.provider}, {self.on}: {hours}"

    @property
    def day_hours(self) -> DayHours:
        """The row as `appointments.calendar` reckons with it."""
        return DayHours(
            on=self.on,
            starts=self.starts,
            ends=self.ends,
            provider=self.provider_id,
            room=self.room_id,
        )


class Holiday(models.Model):
    """A day on which the clinic is closed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    on = models.DateField()
    name = models.CharField(max_length=80)

    class Meta:
        db_table = "holidays"
        ordering = ["on"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "on"], name="holiday_once"),
            Policy(name="holidays", read=MEMBER, write=ADMIN),
        ]
        triggers = [
            stays("organization"),
            Publish(topics=["calendar:{organization_id}"], columns=["id"], actor=False),
        ]

    def __str__(self) -> str:
        return f"{self.on}: {self.name}"
