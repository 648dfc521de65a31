"""What a person was told inside the portal. Other channels come beside this: see `delivery`."""

from django.db import models
from django.utils import timezone

from portal.identifiers import uuid7
from portal.rls import ADMIN, OF_VISIBLE_PATIENT, OF_WRITABLE_PATIENT, OWN, SYSTEM, Policy, stays
from realtime.triggers import Publish

REACHABLE = f"{SYSTEM} OR ({OWN} AND (patient_id IS NULL OR {OF_VISIBLE_PATIENT}))"


class Kind(models.TextChoices):
    """What a notification is about. The words a person reads follow from it: nothing clinical."""

    MESSAGE = "message", "New message"
    CARE_TEAM = "care_team", "The care team changed"
    VISIT = "visit", "A visit was booked or changed"
    REMINDER = "reminder", "A visit comes up"
    OFFER = "offer", "News from the waiting list"
    INVITATION = "invitation", "The invitation was accepted"
    ALERT = "alert", "An alert needs somebody"
    ALARM = "alarm", "Vigil itself needs somebody"


class NotificationQuerySet(models.QuerySet["Notification"]):
    """Sets of notifications."""

    def unread(self) -> "NotificationQuerySet":
        """Those whose person has not seen them yet."""
        return self.filter(read_at=None)


class Notification(models.Model):
    """One thing that one person was told, and where it leads."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, db_index=False)
    user = models.ForeignKey("portal.User", models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(
        "portal.Patient", models.PROTECT, null=True, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    # The row it leads to: a conversation, a visit. No foreign key, because kinds differ.
    subject_id = models.UUIDField(null=True)
    # The occasion: whoever was told of it is not told again, also when a step runs twice.
    once = models.CharField(max_length=200, blank=True)
    # What a message may say instead of the words that fit everybody: only what its person agreed to
    # have sent, such as time and place of a visit. Never anything clinical.
    words = models.CharField(max_length=160, blank=True)
    # Somebody must come: nothing holds it back, and it takes the channel the person chose for that.
    is_important = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        db_table = "portal_notifications"
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="notifications_of_user"),
            models.Index(
                fields=["user", "subject_id"],
                condition=models.Q(read_at=None),
                name="notifications_unread",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "user", "once"],
                condition=~models.Q(once=""),
                name="notifications_once",
            ),
            # Everybody reads their own, as long as they may see the patient it is about. Telling
            # others is part of writing about their patient, or of running the clinic.
            Policy(
                name="portal_notifications",
                read=REACHABLE,
                write=REACHABLE,
                # Nobody has read it before it is there.
                insert=(
                    f"({ADMIN} OR {OF_WRITABLE_PATIENT} OR ({OWN} AND patient_id IS NULL))"
                    f" AND ({SYSTEM} OR read_at IS NULL)"
                ),
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization", "user", "patient"),
            Publish(topics=["user:{user_id}"], columns=["id", "user_id", "kind"]),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()

    @property
    def is_read(self) -> bool:
        return self.read_at is not None
