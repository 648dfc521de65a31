"""The people who are cared for, and those who act for them."""

from datetime import date

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from portal.identifiers import uuid7
from portal.models.controls import EndsAccess
from portal.rls import ADMIN, SYSTEM, Policy, stays
from realtime.triggers import Publish


class Sex(models.TextChoices):
    """Administrative sex, the FHIR value set."""

    FEMALE = "female", "Female"
    MALE = "male", "Male"
    OTHER = "other", "Other"
    UNKNOWN = "unknown", "Unknown"


class PatientQuerySet(models.QuerySet["Patient"]):
    """Sets of patients."""

    def living(self) -> "PatientQuerySet":
        """Patients who may still be written to and reminded."""
        return self.filter(deceased_at=None)


class Patient(models.Model):
    """A person in care. They may have no login yet: then an invitation gives them one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    user = models.ForeignKey(
        "portal.User", models.PROTECT, null=True, blank=True, related_name="patients"
    )
    mrn = models.CharField("MRN", max_length=64, help_text="Medical record number")
    name = models.CharField(max_length=160)
    birth_on = models.DateField("birth date")
    sex = models.CharField(max_length=8, choices=Sex.choices, default=Sex.UNKNOWN)
    language = models.CharField(max_length=12, default="en")
    phone = models.CharField(max_length=40, blank=True)
    email = models.EmailField(blank=True)
    deceased_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = PatientQuerySet.as_manager()

    class Meta:
        db_table = "patients"
        ordering = ["name"]
        indexes = [models.Index(fields=["organization", "user"])]
        constraints = [
            models.UniqueConstraint(fields=["organization", "mrn"], name="patient_mrn_once"),
            models.UniqueConstraint(
                fields=["organization", "user"], name="patient_user_once_per_organization"
            ),
            Policy(
                name="patients",
                read=f"{ADMIN} OR id IN (SELECT portal_known_patients())",
                # The register is the administrators' (and the import's), not the patients' own.
                write=ADMIN,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization"),
            Publish(
                topics=["patient:{id}", "admin:{organization_id}"],
                columns=["id", "organization_id"],
            ),
            EndsAccess(
                name="patient_access",
                organization="{row}.organization_id",
                users="array_remove(ARRAY[{row}.user_id], NULL)",
                columns=["user_id"],
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_deceased(self) -> bool:
        return self.deceased_at is not None

    def age_on(self, day: date) -> int:
        """Whole years of age on `day`, counting a birthday as reached on its date."""
        before_birthday = (day.month, day.day) < (self.birth_on.month, self.birth_on.day)
        return day.year - self.birth_on.year - before_birthday

    @property
    def age(self) -> int:
        """Whole years of age today, or at death."""
        return self.age_on((self.deceased_at or timezone.now()).date())


class CaregiverQuerySet(models.QuerySet["Caregiver"]):
    """Sets of mandates."""

    def active(self) -> "CaregiverQuerySet":
        """Mandates in force now, by the database's clock: see `CareTeamQuerySet.active`."""
        return self.filter(models.Q(ends_at=None) | models.Q(ends_at__gt=Now()))


class Caregiver(models.Model):
    """A user's mandate to act for a patient: a parent, a spouse, a daughter."""

    class Scope(models.TextChoices):
        READ = "read", "May read"
        WRITE = "write", "May read and write"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="caregivers")
    user = models.ForeignKey("portal.User", models.PROTECT, related_name="mandates")
    relationship = models.CharField(max_length=60, blank=True, help_text="Daughter, spouse …")
    scope = models.CharField(max_length=5, choices=Scope.choices, default=Scope.READ)
    ends_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = CaregiverQuerySet.as_manager()

    class Meta:
        db_table = "caregivers"
        indexes = [
            # Looked for every second by portal_tell_turned_rights(); few mandates have an end.
            models.Index(
                fields=["ends_at"],
                name="caregivers_by_end",
                condition=models.Q(ends_at__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["patient", "user"], name="caregiver_once_per_patient"),
            Policy(
                name="caregivers",
                read=f"{ADMIN} OR patient_id IN (SELECT portal_visible_patients())",
                write=ADMIN,
                # A mandate opens the whole record: an administrator asks another one for it.
                insert=f"{ADMIN} AND ({SYSTEM} OR user_id <> (SELECT portal_user()))",
            ),
        ]
        triggers = [
            stays("organization", "patient", "user"),
            Publish(
                topics=["patient:{patient_id}", "user:{user_id}"],
                columns=["id", "patient_id", "user_id"],
            ),
            EndsAccess(
                name="caregiver_access",
                organization="{row}.organization_id",
                users="ARRAY[{row}.user_id]",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} for {self.patient}"
