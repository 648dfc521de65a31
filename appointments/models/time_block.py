"""Time in which a provider or a room takes no visits."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from appointments.models.room import Room
from portal.identifiers import uuid7
from portal.rls import STAFF, Policy, stays
from realtime.triggers import Publish


class TimeBlock(models.Model):
    """A meeting, an emergency, a room out of order. It takes no visit's place: that is moved."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    provider = models.ForeignKey("portal.Provider", models.PROTECT, null=True, related_name="+")
    room = models.ForeignKey(Room, models.PROTECT, null=True, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=120)
    by = models.ForeignKey("portal.User", models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "time_blocks"
        ordering = ["starts_at"]
        indexes = [
            models.Index(
                fields=["organization", "starts_at"],
                condition=Q(withdrawn_at=None),
                name="time_blocks_of_day",
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="time_block_ends_after_it_starts", condition=Q(ends_at__gt=F("starts_at"))
            ),
            models.CheckConstraint(
                name="time_block_of_provider_or_room",
                condition=Q(provider__isnull=False) | Q(room__isnull=False),
            ),
            Policy(
                name="time_blocks",
                read=STAFF,
                write=STAFF,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization", "provider", "room"),
            Publish(topics=["staff:{organization_id}"], columns=["id", "provider_id", "room_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.provider or self.room}, {self.starts_at:%Y-%m-%d %H:%M}"
