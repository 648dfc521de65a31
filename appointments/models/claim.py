"""Who of the staff is on a visit, so that two do not call the same patient."""

from datetime import timedelta

from django.db import models
from django.utils import timezone

from appointments.models.appointment import Appointment
from portal.identifiers import uuid7
from portal.rls import OF_CARE_TEAM_PATIENT, Policy, stays
from realtime.triggers import Publish

# Longer than a phone call; whoever forgets to let go keeps it from nobody for long.
LASTS = timedelta(minutes=10)


class ClaimQuerySet(models.QuerySet["Claim"]):
    """Sets of claims."""

    def live(self) -> "ClaimQuerySet":
        """Those that hold now."""
        return self.filter(until_at__gt=timezone.now())


class Claim(models.Model):
    """One of the staff says: I am on this one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, related_name="+")
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+")
    appointment = models.OneToOneField(Appointment, models.PROTECT, related_name="claim")
    by = models.ForeignKey("portal.User", models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    until_at = models.DateTimeField()

    objects = ClaimQuerySet.as_manager()

    class Meta:
        db_table = "appointment_claims"
        constraints = [
            Policy(
                name="appointment_claims", read=OF_CARE_TEAM_PATIENT, write=OF_CARE_TEAM_PATIENT
            ),
        ]
        triggers = [
            stays("organization", "patient", "appointment"),
            Publish(topics=["team:{patient_id}"], columns=["id", "patient_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.by} until {self.until_at:%H:%M}"

    @property
    def is_live(self) -> bool:
        return self.until_at > timezone.now()
