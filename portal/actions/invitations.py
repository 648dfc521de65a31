"""Inviting a patient to the portal, and accepting an invitation.

An invitation is sent again by making a new one: what was sent, when and to which address stays on
record, and only the newest link works. The link is made when it is sent (`portal.jobs`), so that
its token is never stored, not even as the argument of a job.
"""

from datetime import date
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal import access, audit, clock, tenancy
from portal.access import Reader
from portal.actions.errors import (
    AddressTaken,
    AlreadyHasAccount,
    InvitationClosed,
    PatientDeceased,
)
from portal.models import Invitation, Membership, Patient, Role, User


def invitable_patients(reader: Reader) -> QuerySet[Patient]:
    """Patients whom the reader may invite: an administrator all, others those of their teams."""
    if reader.is_admin:
        return access.known_patients(reader)
    return access.care_team_patients(reader).filter(
        pk__in=access.writable_patients(reader).values("pk")
    )


@transaction.atomic
def invite_patient(patient_id: UUID, email: str, *, by: Reader, site: str) -> Invitation:
    """Invite a patient to choose a password; earlier invitations of theirs are withdrawn.

    `site` is the address of the portal that the link begins with. Raises Patient.DoesNotExist,
    PatientDeceased or AlreadyHasAccount.
    """
    from portal import jobs  # jobs call actions

    invitable_patients(by).get(pk=patient_id)
    # To lock a row is to be allowed to write it, and a care team does not write the register.
    with tenancy.acting_for(by.organization_id, by.user_id, system=True):
        patient = Patient.objects.select_for_update(of=["self"]).get(pk=patient_id)
    if patient.is_deceased:
        raise PatientDeceased
    if patient.user_id is not None:
        raise AlreadyHasAccount

    now = clock.now()
    Invitation.objects.filter(patient_id=patient.pk).open().update(revoked_at=now)
    invitation = Invitation(
        organization_id=by.organization_id,
        patient=patient,
        email=email.strip().lower(),
        created_by_id=by.user_id,
        expires_at=now + settings.INVITATION_LIFETIME,
    )
    invitation.make_token()
    invitation.save(force_insert=True)
    jobs.send_invitation.defer(
        organization_id=str(by.organization_id), invitation_id=str(invitation.pk), site=site
    )
    audit.record(
        "invitation.created",
        organization_id=by.organization_id,
        actor_id=by.user_id,
        subject=invitation,
    )
    return invitation


@transaction.atomic
def revoke_invitations(patient_id: UUID, *, by: Reader) -> int:
    """Make every link that the patient holds useless; returns how many there were.

    Raises Patient.DoesNotExist.
    """
    patient = invitable_patients(by).get(pk=patient_id)
    revoked = 0
    for invitation in Invitation.objects.filter(patient_id=patient.pk).open():
        revoked += Invitation.objects.filter(pk=invitation.pk, revoked_at=None).update(
            revoked_at=timezone.now()
        )
        audit.record(
            "invitation.revoked",
            organization_id=by.organization_id,
            actor_id=by.user_id,
            subject=invitation,
        )
    return revoked


def prove_birth_date(invitation_id: UUID, organization_id: UUID, birth_on: date) -> bool:
    """Whether the holder of a link knows the patient's birth date. A wrong one is counted.

    Raises InvitationClosed when the link works no more, after too many wrong ones too.
    """
    with tenancy.acting_for(organization_id, system=True):
        invitation = _locked(invitation_id)
        if invitation.patient.birth_on == birth_on:
            return True
        invitation.attempts += 1
        invitation.save(update_fields=["attempts"])
        audit.record(
            "invitation.wrong_birth_date",
            organization_id=organization_id,
            actor_id=None,
            subject=invitation,
            attempts=invitation.attempts,
        )
        return False


def accept_invitation(
    invitation_id: UUID, organization_id: UUID, *, password: str, user: User | None = None
) -> Membership:
    """Give the patient their way in; returns their membership.

    The birth date is proven. `user` is the account that the address had already, whose password
    is proven too; without one an account is made. Raises InvitationClosed, or AddressTaken when
    the account belongs to another patient of this clinic, or to whoever sent the invitation.
    """
    with tenancy.acting_for(organization_id, system=True):
        invitation = _locked(invitation_id)
        patient = Patient.objects.select_for_update(of=["self"]).get(pk=invitation.patient_id)
        if patient.is_deceased or patient.user_id is not None:
            raise InvitationClosed
        if user is None:
            user = User.objects.create_user(invitation.email, password, name=patient.name)
        elif user.pk == invitation.created_by_id or Patient.objects.filter(user=user).exists():
            # Nobody opens a record to themselves, either.
            raise AddressTaken
        membership = _member(organization_id, user)
        patient.user = user
        patient.save(update_fields=["user"])
        invitation.accepted_at = timezone.now()
        invitation.save(update_fields=["accepted_at"])
        audit.record(
            "invitation.accepted",
            organization_id=organization_id,
            actor_id=user.pk,
            subject=invitation,
        )
        return membership


def _member(organization_id: UUID, user: User) -> Membership:
    """The user's place in the organization: a nurse who becomes a patient there stays a nurse."""
    membership = Membership.objects.filter(organization_id=organization_id, user_id=user.pk).first()
    if membership is None:
        return Membership.objects.create(
            organization_id=organization_id, user=user, role=Role.PATIENT
        )
    if membership.ended_at is not None:
        membership.ended_at, membership.role = None, Role.PATIENT
        membership.save(update_fields=["ended_at", "role"])
    return membership


def _locked(invitation_id: UUID) -> Invitation:
    # Two guesses at the same moment count as two.
    locked = Invitation.objects.open().select_for_update(of=["self"]).select_related("patient")
    invitation = locked.filter(pk=invitation_id).first()
    if invitation is None:
        raise InvitationClosed
    return invitation
