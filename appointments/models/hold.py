"""A time kept for somebody while they make up their mind."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from appointments.models.appointment import Appointment, Mode
from appointments.models.room import Room
from appointments.models.visit_type import VisitType
from portal.identifiers import uuid7
from portal.rls import OF_VISIBLE_PATIENT, OF_WRITABLE_PATIENT, Policy, stays
from realtime.triggers import Publish


class HoldQuerySet(models.QuerySet["Hold"]):
    """Sets of holds."""

    def live(self) -> "HoldQuerySet":
        """Those that keep their time now."""
        return self.filter(ended_at=None, until_at__gt=timezone.now())


class Hold(models.Model):
    """A free time that nobody else can take until `until_at`: it survives a reload of the page.

    Like a visit, a hold takes its time in `taken_times` by trigger. One that has run out takes
    none: whoever wants the time ends it in their own transaction, and a sweep ends the rest.
    """

    class Fate(models.TextChoices):
        BOOKED = "booked", "Booked"
        RELEASED = "released", "Given back"
        EXPIRED = "expired", "Ran out"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+")
    provider = models.ForeignKey("portal.Provider", models.PROTECT, related_name="+")
    visit_type = models.ForeignKey(VisitType, models.PROTECT, related_name="+")
    room = models.ForeignKey(Room, models.PROTECT, null=True, related_name="+")
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.IN_PERSON)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    buffer_before_minutes = models.PositiveSmallIntegerField(default=0)
    buffer_after_minutes = models.PositiveSmallIntegerField(default=0)
    # The visit that would move here. Until then it keeps its own time.
    moves = models.ForeignKey(Appointment, models.PROTECT, null=True, related_name="+")
    by = models.ForeignKey("portal.User", models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    until_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    fate = models.CharField(max_length=8, choices=Fate.choices, blank=True)
    appointment = models.ForeignKey(Appointment, models.PROTECT, null=True, related_name="+")

    objects = HoldQuerySet.as_manager()

    class Meta:
        db_table = "appointment_holds"
        ordering = ["-made_at"]
        indexes = [
            models.Index(
                fields=["organization", "until_at"],
                condition=Q(ended_at=None),
                name="holds_live",
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="hold_ends_after_it_starts", condition=Q(ends_at__gt=F("starts_at"))
            ),
            Policy(
                name="appointment_holds",
                read=OF_VISIBLE_PATIENT,
                write=OF_WRITABLE_PATIENT,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization", "patient"),
            Publish(topics=["patient:{patient_id}"], columns=["id", "patient_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.visit_type}, {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def is_live(self) -> bool:
        return self.ended_at is None and self.until_at > timezone.now()

    @property
    def seconds_left(self) -> int:
        """Whole seconds until it runs out; 0 when it has, or has ended."""
        left = (self.until_at - timezone.now()).total_seconds() if self.ended_at is None else 0
        return max(0, int(left))
