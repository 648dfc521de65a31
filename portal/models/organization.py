"""One clinic's legal world, and who belongs to it with which role."""

import zoneinfo

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from portal.identifiers import uuid7
from portal.models.controls import EndsAccess
from portal.rls import ADMIN, Policy, stays


def validate_time_zone(name: str) -> None:
    """Refuse a name that the tz database does not know."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError(f"“{name}” is not a time zone, such as Europe/Berlin.")


class Organization(models.Model):
    """A clinic: the tenant. Every time it prints is in its own zone."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=120)
    slug = models.SlugField(unique=True)
    time_zone = models.CharField(
        max_length=64, default="UTC", validators=[validate_time_zone], help_text="Europe/Berlin"
    )
    locale = models.CharField(max_length=12, default="en", help_text="en, en-US, de …")
    phone = models.CharField(
        max_length=40, blank=True, help_text="Printed on every patient page: “Call us now if…”."
    )
    emergency_phone = models.CharField(max_length=40, default="112")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "organizations"
        ordering = ["name"]
        constraints = [
            # The name of a clinic is on its front door, and the organization switcher and the
            # sign-in need it before a context exists: so reading is not the tenant's.
            Policy(
                name="organizations",
                tenant=False,
                read="true",
                write=f"id = (SELECT portal_organization()) AND {ADMIN}",
                insert="false",
                delete="false",
                privileges=("SELECT", "UPDATE"),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The zone in which this clinic's times are printed."""
        return zoneinfo.ZoneInfo(self.time_zone)


class Role(models.TextChoices):
    """What a member is in the organization."""

    PATIENT = "patient", "Patient"
    CAREGIVER = "caregiver", "Caregiver"
    NURSE = "nurse", "Nurse"
    CLINICIAN = "clinician", "Clinician"
    ADMIN = "admin", "Administrator"

    @property
    def is_staff(self) -> bool:
        """Whether the role belongs to the people who run the clinic."""
        return self in (Role.NURSE, Role.CLINICIAN, Role.ADMIN)


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Sets of memberships."""

    def active(self) -> "MembershipQuerySet":
        """Memberships that have not ended, of users who may sign in."""
        return self.filter(ended_at=None, user__is_active=True)


class Membership(models.Model):
    """A user's place in an organization, with one role; it ends, it is never deleted."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="memberships")
    user = models.ForeignKey("portal.User", models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role.choices)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        db_table = "memberships"
        # Who is of the staff is asked often, of organizations that are nearly all patients.
        indexes = [models.Index(fields=["organization", "role"], name="memberships_by_role")]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "user"], name="membership_once_per_organization"
            ),
            # A user reads their own places in every organization (the switcher needs them), staff
            # read the places of their organization, and everybody there knows who its staff are.
            Policy(
                name="memberships",
                tenant=False,
                read=(
                    "user_id = (SELECT portal_user()) OR user_id::text ="
                    " nullif(current_setting('portal.signing_in', true), '')"
                    " OR organization_id = (SELECT portal_organization()) AND ((SELECT"
                    " portal_is_staff()) OR (SELECT portal_is_member()) AND role IN ('nurse',"
                    " 'clinician', 'admin'))"
                ),
                write=f"organization_id = (SELECT portal_organization()) AND {ADMIN}",
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization", "user"),
            EndsAccess(
                name="membership_access",
                organization="{row}.organization_id",
                users="ARRAY[{row}.user_id]",
                columns=["role", "ended_at", "user_id", "organization_id"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"
