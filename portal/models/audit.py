"""Who did what to whose record. Rows are added and never changed."""

import pgtrigger
from django.db import models
from django.utils import timezone

from portal.identifiers import uuid7
from portal.rls import ADMIN, MEMBER, SYSTEM, Policy, never_emptied
from realtime.triggers import Publish


class AuditEntry(models.Model):
    """One act: an actor, an action, a subject, and the patient it was about."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    at = models.DateTimeField(default=timezone.now)
    # Not foreign keys: an entry outlives what it is about, and no cascade may touch it.
    actor_id = models.UUIDField(null=True)
    action = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=40, blank=True)
    subject_id = models.UUIDField(null=True)
    patient_id = models.UUIDField(null=True)
    # Identifiers and counts only: nothing clinical, no names.
    detail = models.JSONField(default=dict)

    class Meta:
        db_table = "audit_logs"
        ordering = ["-at"]
        verbose_name = "audit entry"
        verbose_name_plural = "audit log"
        indexes = [
            models.Index(fields=["organization", "-at"]),
            models.Index(fields=["patient_id", "-at"]),
            # What the guard mended (portal.operations.healing) is looked for among all the rest.
            models.Index(
                fields=["organization", "-at"],
                condition=models.Q(action="operations.mended"),
                name="audit_logs_of_mending",
            ),
        ]
        constraints = [
            Policy(
                name="audit_logs",
                read=ADMIN,
                # In one's own name: nobody puts on record what another has not done.
                insert=(
                    f"{SYSTEM} OR ({MEMBER} AND actor_id = (SELECT portal_user()))"
                    " OR actor_id = (SELECT portal_service())"
                    " OR actor_id::text = nullif(current_setting('portal.signing_in', true), '')"
                ),
                privileges=("SELECT", "INSERT"),
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="audit_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            never_emptied(),
            Publish(
                topics=["admin:{organization_id}"],
                columns=["id", "action"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action}"
