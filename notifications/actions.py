"""Telling people, and their saying that they have seen it."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from notifications.models import Kind, Notification
from portal import access, audit
from portal.access import Reader
from portal.models import Caregiver, Patient


def notify(
    user_ids: Iterable[UUID], kind: Kind, *, patient: Patient, subject_id: UUID | None = None
) -> None:
    """Tell some users of one thing about a patient, in the caller's transaction.

    About a deceased patient, neither the patient nor a caregiver is told anything.
    """
    told = set(user_ids)
    if patient.is_deceased:
        told -= {patient.user_id}
        told -= set(
            Caregiver.objects.filter(patient=patient, user_id__in=told).values_list(
                "user_id", flat=True
            )
        )
    # In the order of the users, so that two writers about one patient never wait for each other.
    Notification.objects.bulk_create(
        Notification(
            organization_id=patient.organization_id,
            user_id=user_id,
            patient=patient,
            kind=kind,
            subject_id=subject_id,
        )
        for user_id in sorted(told)
    )


@transaction.atomic
def mark_read(notification_id: UUID, *, by: Reader) -> Notification:
    """Note that a reader has seen one notification of theirs. Raises Notification.DoesNotExist."""
    notification = access.of_reader(Notification.objects.all(), by).get(pk=notification_id)
    if not notification.is_read:
        notification.read_at = timezone.now()
        notification.save(update_fields=["read_at"])
    return notification


@transaction.atomic
def mark_all_read(*, by: Reader) -> int:
    """Note that a reader has seen all of theirs; return how many were new."""
    number = access.of_reader(Notification.objects.unread(), by).update(read_at=timezone.now())
    audit.record(
        "notifications.read_all",
        organization_id=by.organization_id,
        actor_id=by.user_id,
        number=number,
    )
    return number


def mark_read_about(subject_id: UUID, *, by: Reader) -> int:
    """Note that a reader has seen the thing itself: what told them of it is seen too."""
    return (
        access.of_reader(Notification.objects.unread(), by)
        .filter(subject_id=subject_id)
        .update(read_at=timezone.now())
    )


def unread(reader: Reader) -> int:
    """How many notifications the reader has not seen."""
    return access.of_reader(Notification.objects.unread(), reader).count()
