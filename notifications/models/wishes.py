"""How a person wishes to be told."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from notifications.models.delivery import Channel
from notifications.models.notification import Kind
from portal.identifiers import uuid7
from portal.models.organization import validate_time_zone
from portal.rls import OWN, SYSTEM, Policy, stays

CAP_WINDOW = timedelta(hours=1)


class Wishes(models.Model):
    """What one person set for all kinds together; without a row, the defaults hold.

    Nothing here holds back what is important, except that `important_channel` says where it goes
    first.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, related_name="+")
    user = models.ForeignKey("portal.User", models.PROTECT, related_name="+")
    important_channel = models.CharField(
        max_length=10,
        choices=[(channel.value, channel.label) for channel in Channel if channel != "in_app"],
        blank=True,
    )
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    # Empty: the clinic's.
    time_zone = models.CharField(max_length=64, blank=True, validators=[validate_time_zone])
    hourly_cap = models.PositiveSmallIntegerField(
        default=6, validators=[MinValueValidator(1), MaxValueValidator(60)]
    )
    # Once a day, all of it in one e-mail.
    digest_at = models.TimeField(null=True, blank=True)

    class Meta:
        db_table = "notification_wishes"
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="wishes_once_per_person"),
            models.CheckConstraint(
                name="wishes_quiet_from_and_until",
                condition=models.Q(quiet_from=None, quiet_until=None)
                | models.Q(quiet_from__isnull=False, quiet_until__isnull=False)
                & ~models.Q(quiet_from=models.F("quiet_until")),
            ),
            Policy(
                name="notification_wishes",
                read=f"{SYSTEM} OR {OWN}",
                write=f"{SYSTEM} OR {OWN}",
            ),
        ]
        triggers = [stays("organization", "user")]

    def __str__(self) -> str:
        return f"Wishes of {self.user_id}"

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the hours above are meant."""
        return ZoneInfo(self.time_zone) if self.time_zone else self.organization.zone


class Choice(models.Model):
    """One kind by one channel: wanted or not. Without a row, the default of the role holds."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, related_name="+")
    user = models.ForeignKey("portal.User", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    is_wanted = models.BooleanField()

    class Meta:
        db_table = "notification_preferences"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "user", "kind", "channel"], name="choice_once"
            ),
            Policy(
                name="notification_preferences",
                read=f"{SYSTEM} OR {OWN}",
                write=f"{SYSTEM} OR {OWN}",
            ),
        ]
        triggers = [stays("organization", "user")]

    def __str__(self) -> str:
        wanted = "wanted" if self.is_wanted else "not wanted"
        return f"{self.get_kind_display()} by {self.get_channel_display()}: {wanted}"
