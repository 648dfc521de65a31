"""Telling of what happened in the portal itself: see the model Occasion."""

from uuid import UUID

from django.utils import timezone

from notifications.actions.telling import notify
from notifications.models import Kind, Occasion
from portal import access
from portal.models import Caregiver, Patient
from portal.tenancy import acting_for

# One transaction tells of this many at most: a clinic that moves a whole team at once.
MOST_AT_ONCE = 100


def tell_all(organization_id: UUID | str) -> int:
    """Tell whom it concerns of each occasion once, also when two jobs do it; return how many."""
    told = 0
    while True:
        with acting_for(organization_id, system=True):
            waiting = (
                Occasion.objects.filter(organization_id=organization_id, told_at=None)
                .select_related("patient")
                .order_by("happened_at")
                .select_for_update(skip_locked=True, of=["self"])[:MOST_AT_ONCE]
            )
            occasions = list(waiting)
            for occasion in occasions:
                _tell(occasion)
            Occasion.objects.filter(pk__in=[occasion.pk for occasion in occasions]).update(
                told_at=timezone.now()
            )
        told += len(occasions)
        if len(occasions) < MOST_AT_ONCE:
            return told


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
