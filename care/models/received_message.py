"""Which HL7 v2 messages came, and how each was answered."""

from django.db import models
from django.utils import timezone

from portal.identifiers import uuid7
from portal.rls import ADMIN, SYSTEM, Policy, stays


class ReceivedMessage(models.Model):
    """One message by its sender's own name for it (MSH-10); nothing of what it said.

    A sender that lost the answer sends the message again, perhaps after its correction: what was
    accepted once is answered again and not applied again.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, db_index=False)
    sender = models.CharField(max_length=255)
    control_id = models.CharField(max_length=199)
    kind = models.CharField(max_length=20)
    # Senders that count from one every morning use a name twice: other content is another message.
    digest = models.CharField(max_length=64)
    answer = models.CharField(max_length=2)
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "hl7_messages"
        ordering = ["-received_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "sender", "control_id", "digest"],
                name="hl7_message_once",
            ),
            Policy(
                name="hl7_messages",
                read=ADMIN,
                write=SYSTEM,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [stays("organization")]

    def __str__(self) -> str:
        return f"{self.kind} {self.control_id}"
