"""Whom a visit concerns."""

from uuid import UUID

from portal import access
from portal.models import Caregiver, Patient, Provider


def family_of(patient: Patient) -> list[UUID]:
    """The patient and those who act for them, as far as they may see the record now."""
    return _entitled(patient, _family(patient))


def concerned(patient: Patient, provider: Provider | None) -> list[UUID]:
    """The family and whoever sees the patient at the visit."""
    side = _family(patient)
    if provider is not None:
        side.add(provider.user_id)
    return _entitled(patient, side)


def _family(patient: Patient) -> set[UUID | None]:
    mandates = Caregiver.objects.active().filter(patient=patient)
    return {patient.user_id, *mandates.values_list("user_id", flat=True)}


def _entitled(patient: Patient, users: set[UUID | None]) -> list[UUID]:
    return [user_id for user_id in access.entitled_users(patient) if user_id in users]
