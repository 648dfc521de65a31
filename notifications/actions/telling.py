"""Telling people, and no longer telling them."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from notifications.models import Kind, Notification
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
    words: Mapping[UUID, str] | None = None,
) -> list[UUID]:
    """Tell some users of one thing, in the caller's transaction; return who was told now.

    With `once`, whoever was told under the same words before is left out, also by another
    transaction at the same time. `is_important` is for what somebody must come for: it waits for
    no quiet hours. `words` is what a message may say to those who agreed to have it said (see
    `Notification.words`). What is about no patient names its organization. About a deceased
    patient, neither the patient nor a caregiver is told anything.
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
            words=(words or {}).get(user_id, ""),
            # What leaves the house is due from then on.
            created_at=Now(),
        )
        for user_id in sorted(set(user_ids) - _family_of_deceased(patient))
    ]
    Notification.objects.bulk_create(told, ignore_conflicts=bool(once))
    made = _made(told) if once else {notification.pk for notification in told}
    return [notification.user_id for notification in told if notification.pk in made]


def cancel_sends(subject_id: UUID) -> int:
    """Send nothing more about one thing: somebody has answered it. Return how many were waiting.

    In the caller's transaction. A message that is on its way at this moment may still arrive; it is
    not tried again. Only for staff and the system.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT notifications_cancel(%s)", [subject_id])
        return int(cursor.fetchone()[0])


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
