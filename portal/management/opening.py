"""A clinic's first day: the organization, and the administrator who lets everybody else in."""

from django.db import transaction

from portal import audit
from portal.actions.memberships import give_place
from portal.models import Membership, Organization, Role, User
from portal.tenancy import acting_for


class AlreadyOpen(Exception):
    """The clinic has an administrator, who adds everybody else."""


class AlreadyMember(Exception):
    """The person has another place in the clinic, which they would lose."""


def open_clinic(clinic: Organization, administrator: User) -> tuple[Organization, User]:
    """Make the clinic and its first administrator; what is there already stays as it is.

    Stopped anywhere, it goes on from there when it is run again. Raises ValidationError,
    AlreadyOpen or AlreadyMember.
    """
    clinic.clean_fields()
    administrator.clean_fields(exclude=["password"])
    clinic, _ = organization(
        clinic.slug,
        **{
            name: getattr(clinic, name)
            for name in ("name", "time_zone", "locale", "phone", "emergency_phone")
        },
    )
    with acting_for(clinic.pk, system=True):
        members = Membership.objects.active().filter(organization=clinic)
        if members.filter(role=Role.ADMIN).exists():
            raise AlreadyOpen
        if members.filter(user__email=administrator.email.strip().lower()).exists():
            raise AlreadyMember
        place = give_place(
            administrator.email, administrator.name, Role.ADMIN, organization_id=clinic.pk
        )
        audit.record(
            "membership.added",
            organization_id=clinic.pk,
            actor_id=None,
            subject=place,
            member=str(place.user_id),
            role=Role.ADMIN,
        )
    return clinic, place.user


@transaction.atomic(using="owner")
def organization(slug: str, **fields: str) -> tuple[Organization, bool]:
    """The clinic with this slug, and whether it was made now. Only the owner makes clinics."""
    found, made = Organization.objects.using("owner").get_or_create(slug=slug, defaults=fields)
    return Organization(**{f.attname: getattr(found, f.attname) for f in found._meta.fields}), made
