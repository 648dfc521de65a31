"""A browser that asked to be told by push."""

from django.db import models
from django.utils import timezone

from portal.identifiers import uuid7
from portal.rls import OWN, SYSTEM, Policy, stays


class Device(models.Model):
    """One push subscription of one person: an address, and the keys that its text is sealed for."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, related_name="+")
    user = models.ForeignKey("portal.User", models.PROTECT, related_name="+")
    endpoint = models.URLField(max_length=1000)
    # Base64url as the browser gives it: its public key (P-256, 65 bytes) and a secret (16 bytes).
    public_key = models.CharField(max_length=100)
    secret = models.CharField(max_length=40)
    browser = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "notification_devices"
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "user", "endpoint"], name="device_once_per_person"
            ),
            Policy(
                name="notification_devices",
                read=f"{SYSTEM} OR {OWN}",
                write=f"{SYSTEM} OR {OWN}",
            ),
        ]
        triggers = [stays("organization", "user")]

    def __str__(self) -> str:
        return self.browser or "A browser"
