"""Who may see whom: the one place in the application that says so.

Everything a view reads about a patient comes through `narrow`, with the conditions of this module;
row-level security (`portal/sql/portal_visible_patients.v3.sql`) says the same in SQL, and a test
compares the two over random worlds. What the reader may not see is unfetchable, not forbidden: the
answer is the same as for what does not exist.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

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
    return next(iter(readers_in(organization_id, [user_id])), None)


def readers_in(organization_id: UUID | str, user_ids: Collection[UUID | str]) -> list[Reader]:
    """Those readers of several users who have a membership now."""
    return [
        Reader(membership.user_id, membership.organization_id, Role(membership.role))
        for membership in Membership.objects.active()
        .filter(organization_id=organization_id, user_id__in=user_ids)
        .only("user_id", "organization_id", "role")
    ]


def narrow(queryset: Rows, *conditions: Q, **filters: Any) -> Rows:
    """Keep the rows of `queryset` that the conditions of access allow.

    Every door passes through here, so that a test can take this wall down and see the other one,
    row-level security, hold alone.
    """
    return queryset.filter(*conditions, **filters)


# Patients ---------------------------------------------------------------------------------------


def visible_patients(reader: Reader) -> PatientQuerySet:
    """Patients whose record the reader may read: as patient, caregiver, care team, or called."""
    return _named_by(reader, _own(reader), _mandates(reader), _places(reader), _calls(reader))


def writable_patients(reader: Reader) -> PatientQuerySet:
    """Patients for whom the reader may write; a mandate or a place may be for reading only."""
    mandates = _mandates(reader).filter(scope="write")
    places = _places(reader).filter(access="write")
    return _named_by(reader, _own(reader), mandates, places)


def care_team_patients(reader: Reader) -> PatientQuerySet:
    """Patients whose care team the reader is on."""
    return _named_by(reader, _places(reader))


def watched_patients(reader: Reader) -> PatientQuerySet:
    """Patients whose alerts the reader answers: their care team, and whoever was called to them."""
    return _named_by(reader, _places(reader), _calls(reader))


def known_patients(reader: Reader) -> PatientQuerySet:
    """Patients whose name and number the reader may know: administrators keep the register."""
    if reader.is_admin:
        return narrow(_patients(reader))
    return visible_patients(reader)


def reachable_places(reader: Reader) -> QuerySet[CareTeamMembership]:
    """Places on care teams whose provider can sign in now, and so reads what is sent to the team.

    Whoever came with an imported record has no account; others have left the organization.
    """
    members = of_organization(Membership.objects.active(), reader).filter(role__in=CARE_ROLES)
    return of_organization(CareTeamMembership.objects.active(), reader).filter(
        provider__organization_id=reader.organization_id,
        provider__user_id__in=members.values("user_id"),
    )


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


def _own(reader: Reader) -> QuerySet[Patient]:
    return _patients(reader).filter(user_id=reader.user_id)


def _named_by(reader: Reader, *rights: QuerySet[Any]) -> PatientQuerySet:
    """Patients whom one of the rights names.

    A union, because its few patients are looked up by their keys; for an `OR` of the same
    conditions PostgreSQL reads every patient there is.
    """
    first, *others = (
        right.values("pk" if right.model is Patient else "patient_id") for right in rights
    )
    return narrow(_patients(reader), pk__in=first.union(*others))


# Of several readers only where they are of one organization, which is the first one's.


def _mandates(*readers: Reader) -> QuerySet[Caregiver]:
    return Caregiver.objects.active().filter(
        organization_id=readers[0].organization_id, user_id__in=[each.user_id for each in readers]
    )


def _places(*readers: Reader) -> QuerySet[CareTeamMembership]:
    clinical = [reader.user_id for reader in readers if reader.is_clinical]
    if not clinical:
        return CareTeamMembership.objects.none()
    return CareTeamMembership.objects.active().filter(
        organization_id=readers[0].organization_id,
        provider__organization_id=readers[0].organization_id,
        provider__user_id__in=clinical,
    )


def _calls(*readers: Reader) -> QuerySet[AccessGrant]:
    clinical = [reader.user_id for reader in readers if reader.is_clinical]
    if not clinical:
        return AccessGrant.objects.none()
    return AccessGrant.objects.active().filter(
        organization_id=readers[0].organization_id, user_id__in=clinical
    )


# Topics -----------------------------------------------------------------------------------------
#
# Of a patient there are three: `patient:` for all who see them, `care:` for those who watch over
# them, and `team:` for their care team alone. A table's topics let nobody hear of a row whom its
# policy does not let read it (tests/house/test_topics.py).


def topics(reader: Reader) -> Mapping[str, datetime | None]:
    """The topics that the reader may read now, each with the instant its right ends, or None.

    A topic that two rights give (a nurse who is also somebody's caregiver) lasts as long as the
    longer of them.
    """
    return topics_of([reader])[reader]


def topics_of(readers: Sequence[Reader]) -> dict[Reader, Mapping[str, datetime | None]]:
    """The topics of several readers of one organization: as many questions as for one.

    For more than one it is asked as the system, which sees what no single reader may.
    """
    if not readers:
        return {}
    organization = readers[0].organization_id
    if any(reader.organization_id != organization for reader in readers):
        raise ValueError("The readers are not of one organization.")
    of = {reader.user_id: _fixed_topics(reader) for reader in readers}
    clinical = [reader.user_id for reader in readers if reader.is_clinical]
    if clinical:
        for user_id, provider_id in Provider.objects.filter(
            organization_id=organization, user_id__in=clinical
        ).values_list("user_id", "pk"):
            of[user_id][f"provider:{provider_id}"] = None
    for rights, user, kinds in (
        (_places(*readers), "provider__user_id", ("team", "care", "patient")),
        (_calls(*readers), "user_id", ("care", "patient")),
    ):
        for user_id, patient_id, until in rights.values_list(user, "patient_id", "ends_at"):
            for kind in kinds:
                _grant(of[user_id], f"{kind}:{patient_id}", until)
    for user_id, patient_id, until in _mandates(*readers).values_list(
        "user_id", "patient_id", "ends_at"
    ):
        _grant(of[user_id], f"patient:{patient_id}", until)
    for user_id, patient_id in Patient.objects.filter(
        organization_id=organization, user_id__in=list(of)
    ).values_list("user_id", "pk"):
        _grant(of[user_id], f"patient:{patient_id}", None)
    return {reader: of[reader.user_id] for reader in readers}


def _fixed_topics(reader: Reader) -> dict[str, datetime | None]:
    """The topics that come with being a member, and with the role."""
    organization = reader.organization_id
    fixed: dict[str, datetime | None] = {
        f"user:{reader.user_id}": None,
        f"tenant:{organization}": None,
        f"calendar:{organization}": None,
    }
    if reader.is_staff:
        fixed[f"staff:{organization}"] = None
    if reader.is_admin:
        fixed[f"admin:{organization}"] = None
    return fixed


def _grant(granted: dict[str, datetime | None], topic: str, until: datetime | None) -> None:
    if topic in granted:
        other = granted[topic]
        until = None if until is None or other is None else max(until, other)
    granted[topic] = until
