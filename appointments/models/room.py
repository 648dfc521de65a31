"""Where visits take place."""

from django.core.validators import URLValidator
from django.db import models

from portal.identifiers import uuid7
from portal.rls import ADMIN, MEMBER, Policy, stays
from realtime.triggers import Publish


class Room(models.Model):
    """A room in which one visit at a time takes place: of the house, or of a video service."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    name = models.CharField(max_length=80, help_text="Outpatients, room 3")
    how_to_find = models.CharField(max_length=240, blank=True)
    video_link = models.URLField(
        "link to the video call",
        max_length=500,
        blank=True,
        validators=[URLValidator(schemes=["https"])],
        help_text="Video visits in this room join here. Choose a link with a waiting room.",
    )
    is_active = models.BooleanField(default=True)

    class Meta:
        db_table = "rooms"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="room_name_once"),
            Policy(
                name="rooms",
                read=MEMBER,
                write=ADMIN,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization"),
            Publish(topics=["calendar:{organization_id}"], columns=["id"], actor=False),
        ]

    def __str__(self) -> str:
        return self.name
