"""Telling people, and their saying that they have seen it."""

from collections.abc import Iterable
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from notifications.models import Kind, Notification, NotificationQuerySet
from portal import access, audit
from portal.access import Reader
from portal.models import Caregiver, Patient


def notify(
    user_ids: Iterable[UUID],
    kind: Kind,
    *,
    patient: Patient | None,
    subject_id: UUID | None = None,
    once: str = "",
    is_important: bool = False,
    organization_id: UUID | None = None,
) -> list[UUID]:
    """Tell some users of one thing, in the caller's transaction; return who was told now.

    With `once`, whoever was told under the same words before is left out, also by another
    transaction at the same time. `is_important` is for what somebody must come for: it waits for
    no quiet hours. What is about no patient names its organization. About a deceased patient,
    neither the patient nor a caregiver is told anything.
    """
    organization = organization_id if patient is None else patient.organization_id
    if organization is None:
        raise ValueError("What is about no patient must name its organization.")
    # In the order of the users, so that two writers about one patient never wait for each other.
    told = [
        Notification(
            organization_id=organization,
            user_id=user_id,
            patient=patient,
            kind=kind,
            subject_id=subject_id,
            once=once,
            is_important=is_important,
        )
        for user_id in sorted(set(user_ids) - _family_of_deceased(patient))
    ]
    Notification.objects.bulk_create(told, ignore_conflicts=bool(once))
    made = _made(told) if once else {notification.pk for notification in told}
    return [notification.user_id for notification in told if notification.pk in made]


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


def _family_of_deceased(patient: Patient | None) -> set[UUID]:
    if patient is None or not patient.is_deceased:
        return set()
    caregivers = Caregiver.objects.filter(patient=patient).values_list("user_id", flat=True)
    return {*caregivers, *([patient.user_id] if patient.user_id else [])}


def _made(notifications: list[Notification]) -> set[UUID]:
    # Whoever tells may not read what others were told; of the ids just drawn here they may know
    # which became rows.
    with connection.cursor() as cursor:
        cursor.execute("SELECT notifications_made(%s)", [[told.pk for told in notifications]])
        return {made for (made,) in cursor.fetchall()}


def _read(notifications: NotificationQuerySet, by: Reader) -> int:
    # Locked in one order: two windows of one person may read the same ones at the same time.
    unread = own(notifications.unread(), by).order_by("pk").select_for_update(of=["self"])
    found = list(unread.values_list("pk", flat=True))
    return Notification.objects.filter(pk__in=found).update(read_at=timezone.now())
