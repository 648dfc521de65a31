"""Who a message about a patient is for: everybody entitled to read it, but not its author."""

from uuid import UUID

from portal.access import CARE_ROLES
from portal.models import Caregiver, CareTeamMembership, Membership, Patient


def recipients(patient: Patient, *, author_id: UUID) -> list[UUID]:
    """User ids of the patient, the caregivers and the care team of now, in a fixed order."""
    entitled = set(
        CareTeamMembership.objects.active()
        .filter(patient=patient, provider__user__isnull=False)
        .filter(
            provider__user__in=Membership.objects.active()
            .filter(organization_id=patient.organization_id, role__in=CARE_ROLES)
            .values("user_id")
        )
        .values_list("provider__user_id", flat=True)
    )
    own_side = set(
        Caregiver.objects.active().filter(patient=patient).values_list("user_id", flat=True)
    )
    if patient.user_id:
        own_side.add(patient.user_id)
    return sorted((entitled | own_side) - {author_id})
