"""What every entry of a patient's record has: a clinic, a patient, a code and its words."""

from django.db import models
from django.utils import timezone

from portal.identifiers import uuid7


class RecordEntry(models.Model):
    """One entry of the record: coded where it could be, always with words."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # No index of their own: every query comes with the patient, which the indexes begin with.
    organization = models.ForeignKey("portal.Organization", models.PROTECT, db_index=False)
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=64, blank=True)
    code_system = models.CharField(max_length=200, blank=True)
    display = models.TextField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.display
