"""Which row a resource of another system became, so that importing it again changes that row."""

from django.db import models
from django.utils import timezone

from care.models.writing import IS_OF_OWN_MEASUREMENT, IS_OF_VISIBLE_MEASUREMENT
from portal.identifiers import uuid7
from portal.rls import ADMIN, SYSTEM, Policy


class FhirIdentity(models.Model):
    """One name of one resource: its id (`system` empty) or a business identifier.

    `digest` is of the resource as it was last imported, on the row of its id: equal means
    unchanged. `table` and `row_id` are no foreign key, because resources become rows of many
    tables.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, db_index=False)
    resource_type = models.CharField(max_length=40)
    system = models.CharField(max_length=255, blank=True)
    value = models.CharField(max_length=255)
    table = models.CharField(max_length=63)
    row_id = models.UUIDField()
    digest = models.CharField(max_length=64, blank=True)
    imported_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "fhir_identities"
        verbose_name = "imported resource"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "resource_type", "system", "value"],
                name="fhir_identity_once",
            ),
            # Identifiers and table names: an administrator may see what came from where. Whoever
            # may see or write a measurement may see or write the name that its sender gave it.
            Policy(
                name="fhir_identities",
                read=f"{ADMIN} OR {IS_OF_VISIBLE_MEASUREMENT}",
                write=f"{SYSTEM} OR {IS_OF_OWN_MEASUREMENT}",
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.resource_type}/{self.value}"
