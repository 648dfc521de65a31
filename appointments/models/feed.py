"""A private address from which somebody's own calendar fetches their visits."""

import hashlib
import secrets

from django.db import models
from django.db.models import Q
from django.utils import timezone

from portal.identifiers import uuid7
from portal.rls import OWN, SYSTEM, Policy, stays


class CalendarFeed(models.Model):
    """One address of one person. Only the digest of its token is kept; it ends when revoked."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, related_name="+")
    user = models.ForeignKey("portal.User", models.PROTECT, related_name="+")
    token_digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "calendar_feeds"
        ordering = ["-made_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "user"],
                condition=Q(revoked_at=None),
                name="calendar_feed_once_per_person",
            ),
            Policy(
                name="calendar_feeds",
                read=f"{SYSTEM} OR {OWN}",
                write=OWN,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [stays("organization", "user", "token_digest")]

    def __str__(self) -> str:
        return f"Feed of {self.user_id}"

    @staticmethod
    def digest_of(token: str) -> str:
        """What is kept of a token. It has 256 random bits: a plain hash cannot be searched."""
        return hashlib.sha256(token.encode()).hexdigest()

    @staticmethod
    def new_token() -> str:
        return secrets.token_urlsafe(32)
