"""Writing the audit log: who did what, about what, to whose record."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import models

from portal import tenancy
from portal.models import AuditEntry, User


def record(
    action: str,
    *,
    organization_id: UUID,
    actor_id: UUID | None,
    subject: models.Model | None = None,
    patient_id: UUID | None = None,
    **detail: Any,
) -> None:
    """Add one entry, in the transaction of the act itself.

    `detail` holds identifiers, counts and words of our own; never a name or anything clinical.
    """
    if patient_id is None and subject is not None:
        patient_id = getattr(subject, "patient_id", None)
    AuditEntry.objects.create(
        organization_id=organization_id,
        actor_id=actor_id,
        action=action,
        subject_type=(subject._meta.model_name or "") if subject is not None else "",
        subject_id=subject.pk if subject is not None else None,
        patient_id=patient_id,
        detail=detail,
    )


def record_in_each(organizations: Iterable[UUID], action: str, user: User) -> None:
    """Add an entry about a user in each of some organizations, where nobody has proven to be them.

    They are the subject and not the actor.
    """
    for organization_id in organizations:
        with tenancy.acting_for(organization_id, system=True):
            record(action, organization_id=organization_id, actor_id=None, subject=user)
