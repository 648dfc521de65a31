"""How one notification went out by one channel, or why it did not."""

from datetime import datetime

from django.db import models
from django.utils import timezone

from notifications.models.notification import Notification
from portal.identifiers import uuid7
from portal.rls import ADMIN, OWN, SYSTEM, Policy, stays


class Channel(models.TextChoices):
    """A way to reach a person. The first is the bell: a row is there, so it has arrived."""

    IN_APP = "in_app", "In Vigil"
    EMAIL = "email", "E-mail"
    WEB_PUSH = "web_push", "Push"
    SMS = "sms", "Text message"


# Those that leave the house.
OUTWARD = (Channel.WEB_PUSH, Channel.SMS, Channel.EMAIL)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Sets of deliveries."""

    def due(self, now: datetime) -> "DeliveryQuerySet":
        """Those to be sent now."""
        return self.filter(status=Delivery.Status.PENDING, next_at__lte=now)


class Delivery(models.Model):
    """One notification by one channel: a trigger writes the row with the notification itself.

    Nothing here tells what it was about, nor an address: `error` is a code, and `provider_id` is
    what the provider calls the message.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        # Claimed by a job and on its way. A job that dies leaves it here: see `sending`.
        SENDING = "sending", "Being sent"
        SENT = "sent", "Sent"
        DELIVERED = "delivered", "Read"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"
        SUPPRESSED = "suppressed", "Not sent"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, db_index=False)
    user = models.ForeignKey("portal.User", models.PROTECT, related_name="+", db_index=False)
    notification = models.ForeignKey(
        Notification, models.PROTECT, related_name="deliveries", db_index=False
    )
    channel = models.CharField(max_length=10, choices=Channel.choices)
    is_important = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    # Why it waits, was not sent or was cancelled: a word of notifications.routing.
    reason = models.CharField(max_length=20, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    claimed_at = models.DateTimeField(null=True)
    # Nobody wants it any more: what is on its way or failed is not sent another time.
    cancelled_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    # What went out: several things told in one message share it, and so do all tries of one.
    message_id = models.UUIDField(null=True)
    provider_id = models.CharField(max_length=200, blank=True)
    error = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        db_table = "notification_logs"
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(
                fields=["next_at"],
                condition=models.Q(status="pending"),
                name="deliveries_due",
            ),
            models.Index(
                fields=["claimed_at"],
                condition=models.Q(status="sending"),
                name="deliveries_on_their_way",
            ),
            models.Index(
                fields=["organization", "-created_at"],
                condition=models.Q(status="failed"),
                name="deliveries_failed",
            ),
            models.Index(fields=["organization", "-created_at"], name="deliveries_newest"),
            models.Index(fields=["user", "channel", "-sent_at"], name="deliveries_of_user"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["notification", "channel"], name="delivery_once_per_channel"
            ),
            Policy(
                name="notification_logs",
                read=f"{SYSTEM} OR {ADMIN} OR {OWN}",
                write=f"{SYSTEM} OR {ADMIN}",
                insert="false",
                delete="false",
                privileges=("SELECT", "UPDATE"),
            ),
        ]
        triggers = [stays("organization", "user", "notification", "channel")]

    def __str__(self) -> str:
        return f"{self.get_channel_display()}, {self.get_status_display().lower()}"
