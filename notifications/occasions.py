"""Telling of what happened in the portal itself: see the model Occasion."""

import logging
from uuid import UUID

from django.db import OperationalError, transaction
from django.utils import timezone

from notifications.actions.telling import notify
from notifications.models import Kind, Occasion
from portal import access
from portal.models import Caregiver, Patient
from portal.tenancy import acting_for

logger = logging.getLogger(__name__)

# One transaction tells of this many at most: a clinic that moves a whole team at once.
MOST_AT_ONCE = 100


def tell_all(organization_id: UUID | str) -> int:
    """Tell whom it concerns of each occasion once, also when two jobs do it; return how many.

    One of which nobody can be told waits for the next time, and keeps no other waiting.
    """
    told = 0
    stuck: set[UUID] = set()
    while True:
        with acting_for(organization_id, system=True):
            waiting = (
                Occasion.objects.filter(organization_id=organization_id, told_at=None)
                .exclude(pk__in=stuck)
                .select_related("patient")
                .order_by("happened_at")
                .select_for_update(skip_locked=True, of=["self"])[:MOST_AT_ONCE]
            )
            occasions = {occasion.pk: occasion for occasion in waiting}
            done = [key for key, occasion in occasions.items() if _could_tell(occasion)]
            Occasion.objects.filter(pk__in=done).update(told_at=timezone.now())
        told += len(done)
        stuck |= occasions.keys() - set(done)
        if len(occasions) < MOST_AT_ONCE:
            return told


def _could_tell(occasion: Occasion) -> bool:
    try:
        with transaction.atomic():
            _tell(occasion)
    except OperationalError:
        # A deadlock, or the database is away: not the fault of this one. The job tries again.
        raise
    except Exception as error:  # noqa: BLE001 - what comes after it must not wait
        # The name alone: what it says may quote a row.
        logger.error("An occasion waits: telling of it failed (%s).", type(error).__name__)
        return False
    return True


def _tell(occasion: Occasion) -> None:
    patient = occasion.patient
    entitled = set(access.entitled_users(patient))
    if occasion.kind == Kind.INVITATION:
        # The patient was there; it is news for whoever looks after them.
        concerned = entitled - _family_of(patient)
    else:
        # Of a change of the team, those whose team it is and the one who joined or left it.
        concerned = entitled & (_family_of(patient) | {occasion.user_id})
    notify(concerned, Kind(occasion.kind), patient=patient, once=f"occasion {occasion.pk}")


def _family_of(patient: Patient) -> set[UUID | None]:
    caregivers = Caregiver.objects.active().filter(patient=patient)
    return {patient.user_id, *caregivers.values_list("user_id", flat=True)}
