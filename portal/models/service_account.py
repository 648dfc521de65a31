"""Programs that talk to one clinic: a laboratory's gateway, a device hub, an integration engine."""

import hashlib
import secrets

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from portal.identifiers import uuid7
from portal.rls import ADMIN, Policy, stays


class Scope(models.TextChoices):
    """What a service account may do. It may do nothing else, and sees no register of patients."""

    OBSERVATIONS_WRITE = "observations:write", "Send observations, and correct what it sent"
    OBSERVATIONS_READ = "observations:read", "Read observations of any patient it can name"
    APPOINTMENTS_READ = "appointments:read", "See free times, and visits of any patient it can name"
    APPOINTMENTS_WRITE = "appointments:write", "Book as patients may, call off, and say who came"


class ServiceAccount(models.Model):
    """A program's account in one organization. Of its key only prefix and digest are kept.

    It is no user: it signs in nowhere, has no role and is on no care team. What it may see follows
    from its scopes (`portal/sql/portal_service_account.v1.sql`), and ends in the moment in which it
    is revoked or expires.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    name = models.CharField(max_length=80, help_text="What it is: Ward monitor gateway …")
    scopes = ArrayField(models.CharField(max_length=40, choices=Scope.choices))
    key_prefix = models.CharField(max_length=12, unique=True, editable=False)
    key_digest = models.CharField(max_length=64, editable=False)
    created_by = models.ForeignKey(
        "portal.User", models.PROTECT, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, editable=False)
    # Six hundred a minute is a reading each second of ten patients; a batch counts as one.
    requests_per_minute = models.PositiveIntegerField(
        default=600, validators=[MinValueValidator(1), MaxValueValidator(60_000)]
    )
    last_used_at = models.DateTimeField(null=True, editable=False)
    # The minute that is being counted, and how many requests it has had.
    minute_began_at = models.DateTimeField(null=True, editable=False)
    minute_requests = models.PositiveIntegerField(default=0, editable=False)
    # When a key that no longer works was last put on record.
    refused_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        db_table = "service_accounts"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"],
                name="service_account_name_once",
                violation_error_message="There is a service account of this name already.",
            ),
            Policy(
                name="service_accounts",
                read=ADMIN,
                write=ADMIN,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [stays("organization")]

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def digest_of(key: str) -> str:
        """What is kept of a key. It has 256 random bits: a plain hash cannot be searched."""
        return hashlib.sha256(key.encode()).hexdigest()

    def make_key(self) -> str:
        """Give the account a new key, which ends the one before, and return it. Not saved."""
        self.key_prefix = secrets.token_hex(6)
        key = f"vigil_{self.key_prefix}_{secrets.token_urlsafe(32)}"
        self.key_digest = self.digest_of(key)
        return key

    @property
    def state(self) -> str:
        """One word: active, revoked or expired."""
        if self.revoked_at:
            return "revoked"
        return "active" if self.expires_at > timezone.now() else "expired"
