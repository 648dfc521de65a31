"""Clinics: there is one, and in each somebody who can let the others in."""

from collections.abc import Iterator

from portal.management.doctor.finding import Finding, ok, problem, warning
from portal.models import Membership, Organization, Role
from portal.tenancy import acting_for

_OPEN = "As the owner: manage.py open_clinic (docs/deployment/README.md)"


def look() -> Iterator[Finding]:
    """Whether anybody can begin to work here; names of clinics, none of people."""
    clinics = list(Organization.objects.order_by("slug"))
    if not clinics:
        yield warning("There is no clinic yet", _OPEN)
        return
    left = [clinic.slug for clinic in clinics if not _has_administrator(clinic)]
    if left:
        yield problem(
            f"Nobody can sign in as administrator of {len(left)} of {len(clinics)} clinics:"
            f" {', '.join(left[:4])}",
            f"{_OPEN}: it gives a clinic that has none another one",
        )
    else:
        yield ok(f"Each of {len(clinics)} clinics has an administrator")


def _has_administrator(clinic: Organization) -> bool:
    with acting_for(clinic.pk, system=True):
        members = Membership.objects.active().filter(organization=clinic, role=Role.ADMIN)
        return members.exists()
