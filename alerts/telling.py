"""Whom a step tells: targets of a policy become people, and never nobody.

Acts for the system: who is on call is not the reader's to read, and whoever is called is given
sight of the patient until the alert closes (design section 5). Only nurses and clinicians are
called. Where a clinic has none left, its administrators are told that an alert has nobody: they may
read no record, but they can call somebody in.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from alerts.escalation import Plan, Target, Told
from alerts.models import Alert, AlertRecord, AlertStep, Severity
from alerts.on_call import on_call_now
from notifications.actions import notify
from notifications.models import Kind
from portal import access, audit
from portal.access import Reader
from portal.models import AccessGrant, CareTeamMembership, Membership, Patient, Role
from portal.models.patient import PatientQuerySet


def tell(
    alert: Alert, targets: Iterable[Target], plan: Plan, step: AlertStep, now: datetime
) -> list[UUID]:
    """Tell everybody whom `targets` name, once for this step; return the users told now.

    A target that names nobody (an empty shift, an ended membership) falls to the fallback role at
    once, and is put on the alert's record. In the place of an owner who may no longer answer, the
    policy's first are told.
    """
    users: list[UUID] = []
    for target in targets:
        found = _people(alert, target, now)
        if not found:
            AlertRecord.objects.create(
                organization_id=alert.organization_id,
                patient_id=alert.patient_id,
                alert=alert,
                kind=AlertRecord.Kind.UNREACHED,
                at=now,
                note=_name(target),
                step=step,
            )
            if target.kind is Told.OWNER:
                found = _people(alert, plan.target(0), now)
            found = found or _people(alert, plan.fallback, now) or _anybody(alert)
        users += found
    users = list(dict.fromkeys(users))
    if not users:
        return _tell_administrators(alert, step)
    _let_see(alert, users, now)
    AlertRecord.objects.bulk_create(
        (
            AlertRecord(
                organization_id=alert.organization_id,
                patient_id=alert.patient_id,
                alert=alert,
                kind=AlertRecord.Kind.TOLD,
                at=now,
                user_id=user,
                step=step,
            )
            for user in sorted(users)
        ),
        ignore_conflicts=True,
    )
    return notify(
        users,
        Kind.ALERT,
        patient=alert.patient,
        subject_id=alert.pk,
        once=f"alert step {step.pk}",
        is_important=alert.severity == Severity.CRITICAL,
    )


def _tell_administrators(alert: Alert, step: AlertStep) -> list[UUID]:
    """Say, without a word about whom, that an alert has nobody."""
    return notify(
        _members(alert, (Role.ADMIN,)),
        Kind.ALARM,
        patient=None,
        organization_id=alert.organization_id,
        subject_id=alert.pk,
        once=f"alert step {step.pk}",
        is_important=alert.severity == Severity.CRITICAL,
    )


def may_answer(alert: Alert, user_id: UUID) -> bool:
    """Whether a user can be asked to answer for the alert: a nurse or clinician of the clinic."""
    return _active(alert, access.CARE_ROLES).filter(user_id=user_id).exists()


def answerable_patients(organization_id: UUID, user_id: UUID) -> PatientQuerySet:
    """Patients for whose alerts a user can answer now: as a nurse or clinician who sees them by a
    place on the care team or by a call."""
    members = Membership.objects.active().filter(
        organization_id=organization_id,
        user_id=user_id,
        role__in=access.CARE_ROLES,
        user__is_active=True,
    )
    role = members.values_list("role", flat=True).first()
    if role is None:
        return Patient.objects.none()
    return access.watched_patients(Reader(user_id, organization_id, Role(role)))


def _people(alert: Alert, target: Target, now: datetime) -> list[UUID]:
    match target.kind:
        case Told.CARE_TEAM:
            return _care_team(alert)
        case Told.ROLE:
            return _members(alert, (Role(target.who),)) if target.who in access.CARE_ROLES else []
        case Told.ON_CALL:
            return on_call_now(UUID(target.who), now)
        case Told.PERSON:
            return list(
                _active(alert, access.CARE_ROLES)
                .filter(user_id=target.who)
                .values_list("user_id", flat=True)
            )
        case Told.OWNER:
            owner = UUID(target.who)
            patients = answerable_patients(alert.organization_id, owner)
            return [owner] if patients.filter(pk=alert.patient_id).exists() else []


def _anybody(alert: Alert) -> list[UUID]:
    return _care_team(alert) or _members(alert, access.CARE_ROLES)


def _care_team(alert: Alert) -> list[UUID]:
    places = CareTeamMembership.objects.active().filter(patient_id=alert.patient_id)
    users = places.exclude(provider__user=None).values("provider__user_id")
    members = _active(alert, access.CARE_ROLES).filter(user_id__in=users)
    return list(members.values_list("user_id", flat=True))


def _members(alert: Alert, roles: tuple[Role, ...]) -> list[UUID]:
    return list(_active(alert, roles).values_list("user_id", flat=True))


def _active(alert: Alert, roles: tuple[Role, ...]) -> QuerySet[Membership]:
    return Membership.objects.active().filter(
        organization_id=alert.organization_id, role__in=roles, user__is_active=True
    )


def _let_see(alert: Alert, users: list[UUID], now: datetime) -> None:
    """Give sight of the patient to whoever is called from outside the care team."""
    called = set(
        _active(alert, access.CARE_ROLES)
        .filter(user_id__in=users)
        .values_list("user_id", flat=True)
    )
    outside = sorted(called - set(_care_team(alert)))
    had = set(
        AccessGrant.objects.active()
        .filter(subject_id=alert.pk, user_id__in=outside)
        .values_list("user_id", flat=True)
    )
    for user_id in outside:
        if user_id in had:
            continue
        # One that ended with a membership begins again, when they are called again.
        grant, _ = AccessGrant.objects.update_or_create(
            {"starts_at": now, "ends_at": None},
            {
                "organization_id": alert.organization_id,
                "patient_id": alert.patient_id,
                "starts_at": now,
            },
            user_id=user_id,
            subject_id=alert.pk,
        )
        audit.record(
            "access.granted",
            organization_id=alert.organization_id,
            actor_id=None,
            subject=grant,
            user=str(user_id),
            alert=str(alert.pk),
        )


def _name(target: Target) -> str:
    return {
        Told.CARE_TEAM: "the care team",
        Told.ROLE: f"every {target.who}",
        Told.ON_CALL: "whoever is on call",
        Told.PERSON: "one person",
        Told.OWNER: "whoever had it",
    }[target.kind]
