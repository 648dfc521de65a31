"""A right to see one patient for one reason, until that reason ends."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from portal.identifiers import uuid7
from portal.models.controls import EndsAccess
from portal.rls import ADMIN, OF_CARE_TEAM_PATIENT, OWN, SYSTEM, Policy, stays
from realtime.triggers import Publish


class AccessGrantQuerySet(models.QuerySet["AccessGrant"]):
    """Sets of grants."""

    def active(self) -> "AccessGrantQuerySet":
        """Grants that hold now, by the database's clock: see `CareTeamQuerySet.active`."""
        return self.filter(models.Q(ends_at=None) | models.Q(ends_at__gt=Now()))


class AccessGrant(models.Model):
    """Somebody from outside the care team may see a patient: who is called sees whom for.

    Written by the system and never by a person; it gives a nurse or clinician the same sight as a
    place on the care team, for reading only. `subject_id` is what they were called for, and the
    grant ends with it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="access_grants")
    user = models.ForeignKey("portal.User", models.PROTECT, related_name="access_grants")
    subject_id = models.UUIDField()
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(null=True, blank=True)

    objects = AccessGrantQuerySet.as_manager()

    class Meta:
        db_table = "access_grants"
        ordering = ["-starts_at"]
        indexes = [
            models.Index(fields=["subject_id"], name="access_grants_of_subject"),
            # Looked for every second by portal_tell_turned_rights().
            models.Index(fields=["ends_at"], name="access_grants_by_end"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "subject_id"], name="access_grant_once_per_subject"
            ),
            Policy(
                name="access_grants",
                read=f"{OWN} OR {ADMIN} OR {OF_CARE_TEAM_PATIENT}",
                write=SYSTEM,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization", "patient", "user", "subject_id"),
            Publish(
                topics=["team:{patient_id}", "user:{user_id}"],
                columns=["id", "patient_id", "user_id"],
            ),
            EndsAccess(
                name="access_grant",
                organization="{row}.organization_id",
                users="ARRAY[{row}.user_id]",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} for {self.patient}"
