"""People saying that they have seen what they were told."""

from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from notifications.models import Notification, NotificationQuerySet
from portal import access, audit
from portal.access import Reader


@transaction.atomic
def mark_read(notification_id: UUID, *, by: Reader) -> Notification:
    """Note that a reader has seen one notification, and all others about the same thing.

    Lists show several about one thing as one line, so they are read together. Raises
    Notification.DoesNotExist.
    """
    notification = own(Notification.objects.all(), by).get(pk=notification_id)
    same = Q(pk=notification.pk)
    if notification.subject_id:
        same |= Q(kind=notification.kind, subject_id=notification.subject_id)
    _read(Notification.objects.filter(same), by)
    return notification


@transaction.atomic
def mark_all_read(*, by: Reader) -> int:
    """Note that a reader has seen all of theirs; return how many were new."""
    number = _read(Notification.objects.all(), by)
    audit.record(
        "notifications.read_all",
        organization_id=by.organization_id,
        actor_id=by.user_id,
        number=number,
    )
    return number


def mark_read_about(subject_id: UUID, *, by: Reader) -> int:
    """Note that a reader has seen the thing itself: what told them of it is seen too."""
    return _read(Notification.objects.filter(subject_id=subject_id), by)


def unread(reader: Reader) -> int:
    """How many notifications the reader has not seen: the number on the bell."""
    return own(Notification.objects.unread(), reader).count()


def own(notifications: NotificationQuerySet, reader: Reader) -> NotificationQuerySet:
    """Those that are the reader's and about nobody, or about a patient whom they may still see."""
    reachable = Q(patient=None) | Q(patient__in=access.visible_patients(reader).values("pk"))
    return access.narrow(access.of_reader(notifications, reader), reachable)


def _read(notifications: NotificationQuerySet, by: Reader) -> int:
    # Locked in one order: two windows of one person may read the same ones at the same time.
    unread = own(notifications.unread(), by).order_by("pk").select_for_update(of=["self"])
    found = list(unread.values_list("pk", flat=True))
    return Notification.objects.filter(pk__in=found).update(read_at=timezone.now())
