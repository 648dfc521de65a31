"""CareTeam: places of practitioners on a patient's care team."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from care.fhir.coding import words_of
from care.fhir.entry import Context
from care.fhir.errors import Unresolved
from care.fhir.references import shown
from portal import clock
from portal.models import CareTeamMembership

_ENDED = ("inactive", "suspended", "entered-in-error")


@dataclass(frozen=True)
class Place:
    """One practitioner's place on a patient's team, as one CareTeam describes it."""

    patient_id: UUID
    provider_id: UUID
    role: str
    starts_at: datetime
    ends_at: datetime | None


def read(resource: Any, context: Context, *, is_last_chance: bool) -> list[Place]:
    """The places that a CareTeam gives to practitioners; other members have none here.

    A practitioner who has not arrived yet raises Unresolved, until the last chance: then the team
    is taken without them.
    """
    patient_id = context.patient(resource.subject)
    places = []
    for participant in resource.participant or []:
        provider_id = context.provider(participant.member)
        if provider_id is None:
            if context.references.name(participant.member, "Practitioner") and not is_last_chance:
                raise Unresolved("member", shown(participant.member))
            continue
        period = participant.period or resource.period
        starts_at = context.dates.instant(period.start if period else None)
        ends_at = context.dates.instant(period.end if period else None)
        if resource.status in _ENDED and ends_at is None:
            ends_at = clock.now()
        starts_at = starts_at or min(ends_at or clock.now(), clock.now())
        ends_at = max(ends_at, starts_at) if ends_at else None
        places.append(
            Place(patient_id, provider_id, words_of(participant.role)[:80], starts_at, ends_at)
        )
    return places


def give(place: Place, *, organization_id: UUID, was_imported: bool) -> CareTeamMembership | None:
    """Give a place; returns it, or None when one given by the clinic itself stands untouched.

    A patient has one place for each provider, other systems one team for each illness: the team
    that began last decides. So the result does not depend on the order of the import.
    """
    standing = CareTeamMembership.objects.filter(
        organization_id=organization_id,
        patient_id=place.patient_id,
        provider_id=place.provider_id,
    ).first()
    if standing is None:
        return CareTeamMembership.objects.create(
            organization_id=organization_id,
            patient_id=place.patient_id,
            provider_id=place.provider_id,
            role=place.role,
            starts_at=place.starts_at,
            ends_at=place.ends_at,
        )
    if not was_imported:
        return None
    if place.starts_at >= standing.starts_at:
        standing.role, standing.starts_at, standing.ends_at = (
            place.role,
            place.starts_at,
            place.ends_at,
        )
        standing.save(update_fields=["role", "starts_at", "ends_at"])
    return standing
