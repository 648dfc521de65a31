"""One message of a conversation."""

import logging

from django.db import models
from django.utils import timezone

from messaging.models.conversation import Conversation
from portal.identifiers import uuid7
from portal.rls import (
    OF_CARE_TEAM_PATIENT,
    OF_VISIBLE_PATIENT,
    OF_WRITABLE_PATIENT,
    SYSTEM,
    Policy,
    stays,
)
from portal.sealing import CannotOpen, Place, seal, unseal
from realtime.triggers import Publish

logger = logging.getLogger(__name__)


OWN_WORDS = (
    "author_id = (SELECT portal_user()) AND EXISTS (SELECT FROM client_portal_conversations AS"
    " said_in WHERE said_in.id = conversation_id"
    " AND said_in.patient_id = client_portal_messages.patient_id)"
)


class Side(models.TextChoices):
    """Who speaks: the care team, or the patient and those who act for them."""

    TEAM = "team", "Care team"
    PATIENT = "patient", "Patient"


class Message(models.Model):
    """What somebody wrote. It is never changed; the key makes a second sending the same message."""

    MAX_LENGTH = 5000

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, db_index=False)
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+", db_index=False)
    conversation = models.ForeignKey(
        Conversation, models.PROTECT, related_name="messages", db_index=False
    )
    author = models.ForeignKey("portal.User", models.PROTECT, related_name="+", db_index=False)
    side = models.CharField(max_length=7, choices=Side.choices)
    body_sealed = models.BinaryField()
    idempotency_key = models.UUIDField()
    sent_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "client_portal_messages"
        # `sent_at` may be equal for two; identifiers are version 7 and grow with time.
        ordering = ["sent_at", "id"]
        indexes = [
            models.Index(fields=["conversation", "sent_at", "id"], name="messages_in_order"),
            models.Index(fields=["patient", "-sent_at"], name="messages_of_patient"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "author", "idempotency_key"], name="message_sent_once"
            ),
            Policy(
                name="client_portal_messages",
                read=OF_VISIBLE_PATIENT,
                # What was said stays said; only the rotation of keys writes a message again.
                write=SYSTEM,
                # In one's own name, for the side that one is on, where the patient's words are.
                insert=(
                    f"{OF_WRITABLE_PATIENT} AND ({SYSTEM} OR ({OWN_WORDS}"
                    f" AND (side = 'patient' OR {OF_CARE_TEAM_PATIENT})))"
                ),
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization", "patient", "conversation", "author"),
            Publish(
                topics=["patient:{patient_id}"], columns=["id", "patient_id", "conversation_id"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_side_display()}, {self.sent_at:%Y-%m-%d %H:%M}"

    @property
    def body(self) -> str:
        """The text as it was written. Raises portal.sealing.CannotOpen."""
        return unseal(self.body_sealed, self._place())

    @body.setter
    def body(self, text: str) -> None:
        self.body_sealed = seal(text, self._place())

    def body_or_none(self) -> str | None:
        """The text, or None when it does not open: one broken text must not hide a conversation."""
        try:
            return self.body
        except CannotOpen:
            logger.error("message does not open", extra={"message_id": str(self.pk)})
            return None

    def reseal(self) -> None:
        """Seal the text with the key that seals now. Does not save."""
        self.body = self.body

    def _place(self) -> Place:
        return Place(self._meta.db_table, self.pk, self.organization_id, "body_sealed")
