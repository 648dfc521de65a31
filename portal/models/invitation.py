"""A one-time link that lets a patient choose a password and enter."""

import hashlib
import secrets

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from portal.identifiers import uuid7
from portal.rls import ADMIN, OF_CARE_TEAM_PATIENT, Policy, stays
from realtime.triggers import Publish


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Sets of invitations."""

    def open(self) -> "InvitationQuerySet":
        """Invitations that can still be accepted."""
        return self.filter(
            accepted_at=None,
            revoked_at=None,
            expires_at__gt=Now(),
            attempts__lt=Invitation.MAX_ATTEMPTS,
        )


class Invitation(models.Model):
    """An invitation sent to a patient. Only the digest of its token is kept."""

    # Guessing a birth date has some 30,000 answers; five wrong ones end the link.
    MAX_ATTEMPTS = 5

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="invitations")
    email = models.EmailField()
    token_digest = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey("portal.User", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    # When the link was last handed to the mail server; none until then, or while that fails.
    sent_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        db_table = "invitations"
        ordering = ["-created_at"]
        constraints = [
            Policy(
                name="invitations",
                read=f"{ADMIN} OR {OF_CARE_TEAM_PATIENT}",
                write=f"{ADMIN} OR {OF_CARE_TEAM_PATIENT}",
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization", "patient"),
            Publish(
                topics=["team:{patient_id}", "admin:{organization_id}"],
                columns=["id", "patient_id"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} until {self.expires_at:%Y-%m-%d}"

    @staticmethod
    def digest_of(token: str) -> str:
        """What is kept of a token. It has 256 random bits: a plain hash cannot be searched."""
        return hashlib.sha256(token.encode()).hexdigest()

    def make_token(self) -> str:
        """Give the invitation a new token, which ends the one before, and return it. Not saved."""
        token = secrets.token_urlsafe(32)
        self.token_digest = self.digest_of(token)
        return token

    @property
    def state(self) -> str:
        """One word: accepted, revoked, blocked (guessed at too often), expired or open."""
        if self.accepted_at:
            return "accepted"
        if self.revoked_at:
            return "revoked"
        if self.attempts >= self.MAX_ATTEMPTS:
            return "blocked"
        return "open" if self.expires_at > timezone.now() else "expired"

    @property
    def is_open(self) -> bool:
        """Whether the link still works."""
        return self.state == "open"
