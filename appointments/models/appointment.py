"""Time that a patient and the clinic have set aside for each other."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from appointments.models.room import Room
from appointments.models.visit_type import VisitType
from portal.identifiers import uuid7
from portal.rls import OF_CARE_TEAM_PATIENT, OF_VISIBLE_PATIENT, OF_WRITABLE_PATIENT, Policy, stays
from realtime.triggers import Publish


class Mode(models.TextChoices):
    """How patient and provider meet, said plainly."""

    IN_PERSON = "in_person", "In person"
    PHONE = "phone", "Phone call"
    VIDEO = "video", "Video call"


class Status(models.TextChoices):
    """Where a visit stands."""

    BOOKED = "booked", "Booked"
    ARRIVED = "arrived", "Arrived"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"
    NO_SHOW = "no_show", "Did not come"


# Those that take the time of a provider, a room and a patient; appointments_stands() in SQL.
STANDING = (Status.BOOKED, Status.ARRIVED, Status.DONE)


# What patients book themselves.
SELF_BOOKABLE = (
    "visit_type_id IN (SELECT id FROM visit_types WHERE self_scheduling = 'on' AND is_active)"
)


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    """Sets of visits."""

    def standing(self) -> "AppointmentQuerySet":
        """Visits that were not called off."""
        return self.exclude(status=Status.CANCELLED)

    def to_come(self) -> "AppointmentQuerySet":
        """Booked visits that are not over yet, the next first."""
        return self.filter(
            ends_at__gt=timezone.now(), status__in=(Status.BOOKED, Status.ARRIVED)
        ).order_by("starts_at")


class Appointment(models.Model):
    """A visit. Its times are instants; they are printed in the clinic's zone, which is named.

    While it stands, triggers keep its time in `taken_times`, where no two visits, holds or rooms
    can overlap: see appointments/sql/appointments_time.v1.sql. `sequence` counts the changes that
    a calendar must hear of (RFC 5545), also by trigger.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, db_index=False)
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+", db_index=False)
    provider = models.ForeignKey(
        "portal.Provider", models.PROTECT, null=True, blank=True, related_name="+"
    )
    visit_type = models.ForeignKey(
        VisitType, models.PROTECT, null=True, blank=True, related_name="+"
    )
    room = models.ForeignKey(Room, models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=80, help_text="Wound check, physiotherapy …")
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.IN_PERSON)
    place = models.CharField(max_length=120, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    # As they were when it was booked: a change of the visit type moves no visit.
    buffer_before_minutes = models.PositiveSmallIntegerField(default=0)
    buffer_after_minutes = models.PositiveSmallIntegerField(default=0)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.BOOKED)
    # Why two may lie on one another here: somebody who may decide that has decided it.
    overbook_reason = models.CharField(max_length=200, blank=True)
    answers = models.JSONField(default=dict, blank=True, help_text="To the questions of its type")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    checked_in_at = models.DateTimeField(null=True, blank=True)
    arrived_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    late_minutes = models.PositiveSmallIntegerField(default=0, help_text="How late it will begin")
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.ForeignKey(
        "portal.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    cancel_reason = models.CharField(max_length=200, blank=True)
    # What the two sides of an HL7 scheduling message call it.
    placer_id = models.CharField(max_length=120, blank=True)
    filler_id = models.CharField(max_length=120, blank=True)
    sequence = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        db_table = "appointments"
        ordering = ["starts_at"]
        indexes = [
            models.Index(fields=["patient", "starts_at"], name="appointments_of_patient"),
            models.Index(fields=["organization", "starts_at"], name="appointments_of_day"),
        ]
        constraints = [
            models.CheckConstraint(
                name="appointment_ends_after_it_starts", condition=Q(ends_at__gt=F("starts_at"))
            ),
            models.UniqueConstraint(
                fields=["organization", "placer_id"],
                condition=~Q(placer_id=""),
                name="appointment_placer_once",
            ),
            models.UniqueConstraint(
                fields=["organization", "filler_id"],
                condition=~Q(filler_id=""),
                name="appointment_filler_once",
            ),
            # What of a visit its patient's own side may change is in appointments_guard().
            Policy(
                name="appointments",
                read=OF_VISIBLE_PATIENT,
                write=OF_WRITABLE_PATIENT,
                insert=f"({OF_WRITABLE_PATIENT} AND ({OF_CARE_TEAM_PATIENT} OR {SELF_BOOKABLE}))",
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization", "patient"),
            Publish(topics=["patient:{patient_id}"], columns=["id", "patient_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind}, {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def is_over(self) -> bool:
        return self.ends_at <= timezone.now()

    @property
    def is_confirmed(self) -> bool:
        return self.confirmed_at is not None

    @property
    def is_checked_in(self) -> bool:
        return self.checked_in_at is not None

    @property
    def video_link(self) -> str:
        """Where one joins the call; "" where there is none, or none is meant."""
        return self.room.video_link if self.room and self.mode == Mode.VIDEO else ""

    @property
    def is_kept_elsewhere(self) -> bool:
        """Whether another system plans it, which hears of no change made here."""
        return bool(self.filler_id)

    @property
    def is_overbooked(self) -> bool:
        return bool(self.overbook_reason)
