"""Who belongs to an organization, and as what: an administrator's acts.

An administrator adds people, changes their role, ends their place, and may keep a user of their own
organization from signing in. Never do they set another person's password, address or factors.
"""

from typing import Any
from uuid import UUID

from django.db import transaction

from portal import access, audit, clock, tenancy
from portal.access import Reader
from portal.actions.errors import BelongsElsewhere, LastAdministrator, OwnMembership
from portal.actions.sessions import end_all_sessions
from portal.models import (
    AccessGrant,
    Caregiver,
    CareTeamMembership,
    Membership,
    Provider,
    Role,
    User,
)


@transaction.atomic
def add_member(email: str, name: str, role: Role, *, by: Reader, site: str) -> Membership:
    """Give somebody a place in the organization and send them the way in (see `give_place`)."""
    from portal import jobs  # jobs call actions

    with tenancy.acting_for(by.organization_id, system=True):
        membership = give_place(email, name, role, organization_id=by.organization_id)
    jobs.send_welcome.defer(
        organization_id=str(by.organization_id), user_id=str(membership.user_id), site=site
    )
    _record("membership.added", membership, by=by, role=role)
    return membership


def give_place(email: str, name: str, role: Role, *, organization_id: UUID) -> Membership:
    """Make somebody a member; to be called as the system of the organization.

    Somebody who has an account keeps it, with the name they have. A nurse or clinician becomes a
    provider too, so that they can be put on care teams.
    """
    email = email.strip().lower()
    user = User.objects.filter(email=email).first()
    if user is None:
        user = User.objects.create_user(email, name=name)
    membership = Membership.objects.filter(
        organization_id=organization_id, user=user
    ).first() or Membership(organization_id=organization_id, user=user)
    membership.role, membership.ended_at = role, None
    membership.save()
    if role in access.CARE_ROLES:
        Provider.objects.get_or_create(
            organization_id=organization_id,
            user=user,
            defaults={"name": user.name, "role": Role(role).label},
        )
    return membership


def organizations_of(user_id: UUID | str) -> list[UUID]:
    """Where a user has a place now; to be called as that user."""
    places = Membership.objects.active().filter(user_id=user_id)
    return list(places.values_list("organization_id", flat=True))


@transaction.atomic
def change_role(membership_id: UUID, role: Role, *, reason: str, by: Reader) -> Membership:
    """Give a member another role; they sign in again, under its limits.

    Raises Membership.DoesNotExist, OwnMembership or LastAdministrator.
    """
    membership = refuse_change(membership_id, by=by, stays_admin=role == Role.ADMIN)
    before, membership.role = membership.role, role
    membership.save(update_fields=["role"])
    end_all_sessions(membership.user_id, organization_id=by.organization_id)
    _record("membership.role_changed", membership, by=by, reason=reason, before=before, role=role)
    return membership


@transaction.atomic
def end_membership(membership_id: UUID, *, reason: str, by: Reader) -> Membership:
    """End somebody's place, and with it their sessions, care teams, mandates and calls here.

    Raises Membership.DoesNotExist, OwnMembership or LastAdministrator.
    """
    membership = refuse_change(membership_id, by=by, stays_admin=False)
    now = clock.now()
    membership.ended_at = now
    membership.save(update_fields=["ended_at"])
    # So that whoever is taken back later does not find their old patients again by themselves.
    places = access.of_organization(CareTeamMembership.objects.active(), by)
    ended_places = places.filter(provider__user_id=membership.user_id).update(ends_at=now)
    mandates = access.of_organization(Caregiver.objects.active(), by)
    ended_mandates = mandates.filter(user_id=membership.user_id).update(ends_at=now)
    with tenancy.acting_for(by.organization_id, system=True):
        calls = access.of_organization(AccessGrant.objects.active(), by)
        ended_calls = calls.filter(user_id=membership.user_id).update(ends_at=now)
    end_all_sessions(membership.user_id, organization_id=by.organization_id)
    _record(
        "membership.ended",
        membership,
        by=by,
        reason=reason,
        care_teams=ended_places,
        mandates=ended_mandates,
        calls=ended_calls,
    )
    return membership


@transaction.atomic
def allow_sign_in(user_id: UUID, *, allowed: bool, by: Reader) -> None:
    """Let a member of this organization sign in or not; not ends every session at once.

    Raises Membership.DoesNotExist, OwnMembership, LastAdministrator, or BelongsElsewhere: nobody
    locks a person out of a clinic that is not theirs to run.
    """
    membership = Membership.objects.get(organization_id=by.organization_id, user_id=user_id)
    refuse_change(membership.pk, by=by, stays_admin=allowed)
    if belongs_elsewhere(user_id, by=by):
        raise BelongsElsewhere
    with tenancy.acting_for(by.organization_id, system=True):
        tenancy.prove(str(user_id))
        User.objects.filter(pk=user_id).update(is_active=allowed)
        tenancy.prove("")
    if not allowed:
        end_all_sessions(user_id)
    audit.record(
        "user.sign_in_allowed" if allowed else "user.sign_in_stopped",
        organization_id=by.organization_id,
        actor_id=by.user_id,
        subject=membership.user,
    )


def belongs_elsewhere(user_id: UUID, *, by: Reader) -> bool:
    """Whether a person has a place in another organization too, whose account it is as much."""
    with tenancy.acting_for(by.organization_id, system=True):
        tenancy.prove(str(user_id))
        places = Membership.objects.active().filter(user_id=user_id)
        found = places.exclude(organization_id=by.organization_id).exists()
        tenancy.prove("")
    return found


@transaction.atomic
def sign_out_member(user_id: UUID, *, by: Reader) -> int:
    """End every session that a member has in this organization (ASVS 7.4.5); returns how many.

    Raises Membership.DoesNotExist.
    """
    membership = access.of_organization(Membership.objects.all(), by).get(user_id=user_id)
    ended = end_all_sessions(membership.user_id, organization_id=by.organization_id)
    audit.record(
        "session.ended_by_administrator",
        organization_id=by.organization_id,
        actor_id=by.user_id,
        subject=membership.user,
        sessions=ended,
    )
    return ended


def refuse_change(membership_id: UUID, *, by: Reader, stays_admin: bool) -> Membership:
    """Lock and return a membership that the administrator `by` may change.

    For forms that answer in place. Raises Membership.DoesNotExist, OwnMembership, or
    LastAdministrator when the organization would be left without one.
    """
    members = access.of_organization(Membership.objects.all(), by)
    # All administrators' rows, so that two who end each other at the same moment do not both win.
    admins = list(
        members.select_for_update(of=["self"]).filter(role=Role.ADMIN, ended_at=None).order_by("pk")
    )
    membership: Membership = members.select_related("user").get(pk=membership_id)
    if membership.user_id == by.user_id:
        raise OwnMembership
    if not stays_admin and [admin.pk for admin in admins] == [membership.pk]:
        raise LastAdministrator
    return membership


def _record(action: str, membership: Membership, *, by: Reader, **detail: Any) -> None:
    audit.record(
        action,
        organization_id=by.organization_id,
        actor_id=by.user_id,
        subject=membership,
        member=str(membership.user_id),
        **detail,
    )
