"""Who may see whom: the one place in the application that says so.

Everything a view reads about a patient comes through `narrow`, with the conditions of this module;
row-level security (`portal/sql/portal_visible_patients.v1.sql`) says the same in SQL, and a test
compares the two over random worlds. What the reader may not see is unfetchable, not forbidden: the
answer is the same as for what does not exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.models import (
    AccessGrant,
    Caregiver,
    CareTeamMembership,
    Membership,
    Patient,
    Provider,
    Role,
)
from portal.models.patient import PatientQuerySet

Rows = TypeVar("Rows", bound=QuerySet[Any])

CARE_ROLES = (Role.NURSE, Role.CLINICIAN)


@dataclass(frozen=True)
class Reader:
    """Somebody acting in one organization now, with the role they hold there."""

    user_id: UUID
    organization_id: UUID
    role: Role

    @property
    def is_staff(self) -> bool:
        """Nurse, clinician or administrator."""
        return self.role.is_staff

    @property
    def is_clinical(self) -> bool:
        """Nurse or clinician: may be on a care team."""
        return self.role in CARE_ROLES

    @property
    def is_admin(self) -> bool:
        return self.role == Role.ADMIN

    @property
    def side(self) -> str:
        """On whose side of a conversation the reader writes: `team` or `patient`."""
        return "team" if self.is_clinical else "patient"


def reader_in(organization_id: UUID | str, user_id: UUID | str) -> Reader | None:
    """Return the reader that a user is in an organization now, or None without a membership."""
    membership = (
        Membership.objects.active()
        .filter(organization_id=organization_id, user_id=user_id)
        .only("user_id", "organization_id", "role")
        .first()
    )
    if membership is None:
        return None
    return Reader(membership.user_id, membership.organization_id, Role(membership.role))


def narrow(queryset: Rows, *conditions: Q, **filters: Any) -> Rows:
    """Keep the rows of `queryset` that the conditions of access allow.

    Every door passes through here, so that a test can take this wall down and see the other one,
    row-level security, hold alone.
    """
    return queryset.filter(*conditions, **filters)


# Patients ---------------------------------------------------------------------------------------


def visible_patients(reader: Reader) -> PatientQuerySet:
    """Patients whose record the reader may read: as patient, caregiver, care team, or called."""
    mine = Q(user_id=reader.user_id)
    cared_for = Q(pk__in=_mandates(reader).values("patient_id"))
    team = Q(pk__in=_places(reader).values("patient_id"))
    called = Q(pk__in=_calls(reader).values("patient_id"))
    return narrow(_patients(reader), mine | cared_for | team | called)


def writable_patients(reader: Reader) -> PatientQuerySet:
    """Patients for whom the reader may write; a mandate or a place may be for reading only."""
    mine = Q(user_id=reader.user_id)
    cared_for = Q(pk__in=_mandates(reader).filter(scope="write").values("patient_id"))
    team = Q(pk__in=_places(reader).filter(access="write").values("patient_id"))
    return narrow(_patients(reader), mine | cared_for | team)


def care_team_patients(reader: Reader) -> PatientQuerySet:
    """Patients whose care team the reader is on."""
    return narrow(_patients(reader), pk__in=_places(reader).values("patient_id"))


def watched_patients(reader: Reader) -> PatientQuerySet:
    """Patients whose alerts the reader answers: their care team, and whoever was called to them."""
    team = Q(pk__in=_places(reader).values("patient_id"))
    called = Q(pk__in=_calls(reader).values("patient_id"))
    return narrow(_patients(reader), team | called)


def known_patients(reader: Reader) -> PatientQuerySet:
    """Patients whose name and number the reader may know: administrators keep the register."""
    if reader.is_admin:
        return narrow(_patients(reader))
    return visible_patients(reader)


def entitled_users(patient: Patient) -> list[UUID]:
    """Users who may read the patient's record now, in a fixed order: to whom something is sent.

    Asked in SQL (portal/sql/portal_entitled_users.v1.sql), because a patient may not read who the
    members of the organization are. Nobody, for a reader who may not see the patient.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT portal_entitled_users(%s)", [patient.pk])
        return sorted(user_id for (user_id,) in cursor.fetchall())


def of_visible_patients(queryset: Rows, reader: Reader) -> Rows:
    """Rows about patients whom the reader may see; the rows' model has `patient`."""
    return narrow(
        queryset,
        organization_id=reader.organization_id,
        patient_id__in=visible_patients(reader).values("pk"),
    )


def of_watched_patients(queryset: Rows, reader: Reader) -> Rows:
    """Rows about patients over whom the reader watches."""
    return narrow(
        queryset,
        organization_id=reader.organization_id,
        patient_id__in=watched_patients(reader).values("pk"),
    )


def of_writable_patients(queryset: Rows, reader: Reader) -> Rows:
    """Rows about patients for whom the reader may write."""
    return narrow(
        queryset,
        organization_id=reader.organization_id,
        patient_id__in=writable_patients(reader).values("pk"),
    )


def of_reader(queryset: Rows, reader: Reader) -> Rows:
    """Rows that belong to the reader themselves; the rows' model has `user`."""
    return narrow(queryset, organization_id=reader.organization_id, user_id=reader.user_id)


def of_organization(queryset: Rows, reader: Reader) -> Rows:
    """Rows of the reader's organization that every member may see."""
    return narrow(queryset, organization_id=reader.organization_id)


def _patients(reader: Reader) -> PatientQuerySet:
    return narrow(Patient.objects.all(), organization_id=reader.organization_id)


def _mandates(reader: Reader) -> QuerySet[Caregiver]:
    return Caregiver.objects.active().filter(
        organization_id=reader.organization_id, user_id=reader.user_id
    )


def _places(reader: Reader) -> QuerySet[CareTeamMembership]:
    if not reader.is_clinical:
        return CareTeamMembership.objects.none()
    return CareTeamMembership.objects.active().filter(
        organization_id=reader.organization_id,
        provider__organization_id=reader.organization_id,
        provider__user_id=reader.user_id,
    )


def _calls(reader: Reader) -> QuerySet[AccessGrant]:
    if not reader.is_clinical:
        return AccessGrant.objects.none()
    return AccessGrant.objects.active().filter(
        organization_id=reader.organization_id, user_id=reader.user_id
    )


# Topics -----------------------------------------------------------------------------------------


def topics(reader: Reader) -> Mapping[str, datetime | None]:
    """The topics that the reader may read now, each with the instant its right ends, or None.

    A topic that two rights give (a nurse who is also somebody's caregiver) lasts as long as the
    longer of them.
    """
    now = timezone.now()
    organization = reader.organization_id
    granted: dict[str, datetime | None] = {
        f"user:{reader.user_id}": None,
        f"tenant:{organization}": None,
        f"calendar:{organization}": None,
    }
    if reader.is_staff:
        granted[f"staff:{organization}"] = None
    if reader.is_admin:
        granted[f"admin:{organization}"] = None
    if reader.is_clinical:
        for provider_id in Provider.objects.filter(
            organization_id=organization, user_id=reader.user_id
        ).values_list("pk", flat=True):
            granted[f"provider:{provider_id}"] = None
    for patient_id, until in _places(reader).values_list("patient_id", "ends_at"):
        _grant(granted, f"care:{patient_id}", until)
        _grant(granted, f"patient:{patient_id}", until)
    for patient_id, until in _calls(reader).values_list("patient_id", "ends_at"):
        _grant(granted, f"care:{patient_id}", until)
        _grant(granted, f"patient:{patient_id}", until)
    for patient_id, until in _mandates(reader).values_list("patient_id", "ends_at"):
        _grant(granted, f"patient:{patient_id}", until)
    for patient_id in Patient.objects.filter(
        organization_id=organization, user_id=reader.user_id
    ).values_list("pk", flat=True):
        _grant(granted, f"patient:{patient_id}", None)
    return {topic: until for topic, until in granted.items() if until is None or until > now}


def next_right(reader: Reader) -> datetime | None:
    """The next instant at which a place on a care team begins: grants must be looked at again."""
    if not reader.is_clinical:
        return None
    return (
        CareTeamMembership.objects.filter(
            organization_id=reader.organization_id,
            provider__user_id=reader.user_id,
            starts_at__gt=timezone.now(),
        )
        .order_by("starts_at")
        .values_list("starts_at", flat=True)
        .first()
    )


def _grant(granted: dict[str, datetime | None], topic: str, until: datetime | None) -> None:
    if topic in granted:
        other = granted[topic]
        until = None if until is None or other is None else max(until, other)
    granted[topic] = until
