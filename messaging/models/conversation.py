"""A conversation about one patient, between the patient's side and the care team."""

import logging

from django.db import models
from django.utils import timezone

from portal.identifiers import uuid7
from portal.rls import OF_VISIBLE_PATIENT, OF_WRITABLE_PATIENT, Policy, stays
from portal.sealing import CannotOpen, Place, seal, unseal
from realtime.triggers import Publish

logger = logging.getLogger(__name__)


class Category(models.TextChoices):
    """What a conversation is about, in the patient's words."""

    WOUND = "wound", "My wound or dressing"
    PAIN = "pain", "Pain or how I feel"
    MEDICINE = "medicine", "My medicines"
    EXERCISE = "exercise", "My exercises"
    VISIT = "visit", "A visit"
    PAPERS = "papers", "Papers and work"
    OTHER = "other", "Something else"


class Conversation(models.Model):
    """A subject that patient and care team write about. Addressed to the team, not to a name."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, db_index=False)
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+", db_index=False)
    category = models.CharField(max_length=10, choices=Category.choices)
    subject_sealed = models.BinaryField()
    created_by = models.ForeignKey("portal.User", models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "client_portal_conversations"
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["patient", "-created_at"], name="conversations_of_patient")]
        constraints = [
            Policy(
                name="client_portal_conversations",
                read=OF_VISIBLE_PATIENT,
                write=OF_WRITABLE_PATIENT,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization", "patient"),
            Publish(topics=["patient:{patient_id}"], columns=["id", "patient_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.get_category_display()}, {self.created_at:%Y-%m-%d}"

    @property
    def subject(self) -> str:
        """The subject as it was written. Raises portal.sealing.CannotOpen."""
        return unseal(self.subject_sealed, self._place())

    @subject.setter
    def subject(self, text: str) -> None:
        self.subject_sealed = seal(text, self._place())

    @property
    def title(self) -> str:
        """What a list calls it: the subject, or what it is about when there is none."""
        try:
            return self.subject or str(self.get_category_display())
        except CannotOpen:
            logger.error("subject does not open", extra={"conversation_id": str(self.pk)})
            return str(self.get_category_display())

    def reseal(self) -> None:
        """Seal the subject with the key that seals now. Does not save."""
        self.subject = self.subject

    def _place(self) -> Place:
        return Place(self._meta.db_table, self.pk, self.organization_id, "subject_sealed")
