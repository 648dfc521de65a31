"""Time that a patient and the clinic have set aside for each other."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

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
    """A visit. Its times are instants; they are printed in the clinic's zone, which is named."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, db_index=False)
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+", db_index=False)
    provider = models.ForeignKey(
        "portal.Provider", models.PROTECT, null=True, blank=True, related_name="+"
    )
    kind = models.CharField(max_length=80, help_text="Wound check, physiotherapy …")
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.IN_PERSON)
    place = models.CharField(max_length=120, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.BOOKED)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

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
            Policy(
                name="appointments",
                read=OF_VISIBLE_PATIENT,
                write=f"({OF_WRITABLE_PATIENT} AND {OF_CARE_TEAM_PATIENT})",
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
