"""The clinicians, and the care teams that tie them to patients."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from portal import clock
from portal.identifiers import uuid7
from portal.models.controls import EndsAccess
from portal.rls import ADMIN, MEMBER, Policy, stays
from realtime.triggers import Publish


class Provider(models.Model):
    """A clinician. Those who came with an imported record have no login."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    user = models.ForeignKey(
        "portal.User", models.PROTECT, null=True, blank=True, related_name="providers"
    )
    name = models.CharField(max_length=160)
    role = models.CharField(max_length=80, blank=True, help_text="Surgeon, ward nurse …")
    specialty = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "providers"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "user"], name="provider_user_once_per_organization"
            ),
            Policy(name="providers", read=MEMBER, write=ADMIN),
        ]
        triggers = [
            stays("organization"),
            Publish(
                topics=["staff:{organization_id}", "provider:{id}"],
                columns=["id", "organization_id"],
            ),
            EndsAccess(
                name="provider_access",
                organization="{row}.organization_id",
                users="array_remove(ARRAY[{row}.user_id], NULL)",
                columns=["user_id", "organization_id"],
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CareTeamQuerySet(models.QuerySet["CareTeamMembership"]):
    """Sets of care-team places."""

    def active(self) -> "CareTeamQuerySet":
        """Places that hold now, by the database's clock.

        Row-level security asks it, and it says when a right has turned: a process whose own clock
        is a moment behind would read the old rights once more, and nobody would have it read again.
        """
        now = Now()
        return self.filter(models.Q(ends_at=None) | models.Q(ends_at__gt=now), starts_at__lte=now)


class CareTeamMembership(models.Model):
    """A provider's place on a patient's care team: the unit of access for clinicians."""

    class Access(models.TextChoices):
        READ = "read", "May read"
        WRITE = "write", "May read and write"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="care_team")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="care_teams")
    role = models.CharField(max_length=80, blank=True, help_text="On this team: lead, wound care …")
    access = models.CharField(max_length=5, choices=Access.choices, default=Access.WRITE)
    starts_at = models.DateTimeField(default=clock.now)
    ends_at = models.DateTimeField(null=True, blank=True)

    objects = CareTeamQuerySet.as_manager()

    class Meta:
        db_table = "care_team_memberships"
        indexes = [
            models.Index(fields=["provider", "patient"]),
            # Looked for every second by portal_tell_turned_rights().
            models.Index(fields=["starts_at"], name="care_team_by_start"),
            models.Index(
                fields=["ends_at"],
                name="care_team_by_end",
                condition=models.Q(ends_at__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "provider"], name="care_team_place_once_per_patient"
            ),
            models.CheckConstraint(
                name="care_team_ends_after_it_starts",
                condition=models.Q(ends_at=None) | models.Q(ends_at__gte=models.F("starts_at")),
            ),
            Policy(
                name="care_team_memberships",
                read=f"{ADMIN} OR patient_id IN (SELECT portal_visible_patients())",
                write=ADMIN,
            ),
        ]
        triggers = [
            stays("organization", "patient", "provider"),
            Publish(
                topics=["patient:{patient_id}", "care:{patient_id}", "provider:{provider_id}"],
                columns=["id", "patient_id", "provider_id"],
            ),
            EndsAccess(
                name="care_team_access",
                organization="{row}.organization_id",
                users="portal_users_of_provider({row}.provider_id)",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} for {self.patient}"
