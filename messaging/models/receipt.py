"""What became of a message for one person: it was sent to them, reached a screen, was read."""

from django.db import models

from messaging.models.message import Message
from portal.identifiers import uuid7
from portal.rls import OF_VISIBLE_PATIENT, OF_WRITABLE_PATIENT, OWN, SYSTEM, Policy, stays
from realtime.triggers import Publish


class ReceiptQuerySet(models.QuerySet["Receipt"]):
    """Sets of receipts."""

    def unread(self) -> "ReceiptQuerySet":
        """Receipts of messages that their person has not read."""
        return self.filter(read_at=None)


class Receipt(models.Model):
    """One person's copy of one message. Made for everybody entitled when the message is sent."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, db_index=False)
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+", db_index=False)
    conversation = models.ForeignKey(
        "messaging.Conversation", models.PROTECT, related_name="+", db_index=False
    )
    message = models.ForeignKey(Message, models.PROTECT, related_name="receipts", db_index=False)
    user = models.ForeignKey("portal.User", models.PROTECT, related_name="+", db_index=False)
    delivered_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)

    objects = ReceiptQuerySet.as_manager()

    class Meta:
        db_table = "client_portal_message_receipts"
        indexes = [
            models.Index(
                fields=["user", "conversation"],
                condition=models.Q(read_at=None),
                name="receipts_unread",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["message", "user"], name="receipt_once_per_person"),
            Policy(
                name="client_portal_message_receipts",
                read=OF_VISIBLE_PATIENT,
                # Nobody says for another that they have read. Who may only read, reads too.
                write=f"{SYSTEM} OR ({OWN} AND {OF_VISIBLE_PATIENT})",
                insert=(
                    f"{OF_WRITABLE_PATIENT} AND ({SYSTEM}"
                    " OR delivered_at IS NULL AND read_at IS NULL"
                    " AND EXISTS (SELECT FROM client_portal_messages AS sent"
                    " WHERE sent.id = message_id AND sent.author_id = (SELECT portal_user())"
                    " AND sent.patient_id = client_portal_message_receipts.patient_id))"
                ),
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization", "patient", "conversation", "message", "user"),
            Publish(
                topics=["patient:{patient_id}"],
                columns=["id", "patient_id", "conversation_id", "user_id"],
            ),
        ]

    def __str__(self) -> str:
        return "read" if self.read_at else "delivered" if self.delivered_at else "sent"
