"""Who is calling, and for whom they may read and write.

A program comes with the key of its account, a person with the session of their browser; each has
its own rights, and both are asked the same questions.
"""

from typing import Any, Protocol, TypeVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest

from care.actions import Identifier, Recorded, record_observation
from care.models import Source
from care.reported import Reported, measured_at_home
from portal.access import (
    Reader,
    care_team_patients,
    of_visible_patients,
    visible_patients,
    writable_patients,
)
from portal.api.doors import PersonSession, ServiceKey, must
from portal.models import Organization, Patient, Scope
from portal.service_accounts import Service, of_service, patient_of

Rows = TypeVar("Rows", bound=QuerySet[Any])


class Caller(Protocol):
    """Whoever is calling."""

    organization_id: UUID
    actor_id: UUID

    def may_write(self) -> None:
        """Raise NotAllowed when the caller sends nothing to anybody."""

    def may_search(self) -> None:
        """Raise NotAllowed when the caller reads nothing but what it sent."""

    def patient_to_write(self, **name: Any) -> Patient:
        """The patient named `by_id` or `by_mrn`; raises Patient.DoesNotExist."""

    def patient_to_read(self, **name: Any) -> Patient:
        """The same, for reading."""

    def rows(self, rows: Rows) -> Rows:
        """Those of some measurements that the caller may read."""

    def record(self, patient: Patient, reported: Reported, identifier: Identifier) -> Recorded:
        """Record an observation in the caller's name; raises ReadingError."""


class Program:
    """A service account."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.organization_id, self.actor_id = service.organization_id, service.account_id

    def may_write(self) -> None:
        must(self.service, Scope.OBSERVATIONS_WRITE)

    def may_search(self) -> None:
        must(self.service, Scope.OBSERVATIONS_READ)

    def patient_to_write(self, **name: Any) -> Patient:
        return patient_of(**name)

    def patient_to_read(self, **name: Any) -> Patient:
        return patient_of(**name)

    def rows(self, rows: Rows) -> Rows:
        return of_service(rows, self.service, Scope.OBSERVATIONS_READ)

    def record(self, patient: Patient, reported: Reported, identifier: Identifier) -> Recorded:
        return record_observation(
            patient,
            reported,
            source=Source.API,
            identifier=identifier,
            sent_by=self.service.account_id,
        )


class Person:
    """Somebody who is signed in: their rights are those of the pages."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.organization_id, self.actor_id = reader.organization_id, reader.user_id

    def may_write(self) -> None:
        """Asked of each patient."""

    def may_search(self) -> None:
        """Asked of each patient."""

    def patient_to_write(self, **name: Any) -> Patient:
        return writable_patients(self.reader).get(**_columns(name))

    def patient_to_read(self, **name: Any) -> Patient:
        return visible_patients(self.reader).get(**_columns(name))

    def rows(self, rows: Rows) -> Rows:
        return of_visible_patients(rows, self.reader)

    def record(self, patient: Patient, reported: Reported, identifier: Identifier) -> Recorded:
        # A nurse who sends for her own mother is a relative there.
        is_of_team = care_team_patients(self.reader).filter(pk=patient.pk).exists()
        return record_observation(
            patient,
            reported if is_of_team else measured_at_home(reported),
            source=Source.CLINICIAN if is_of_team else Source.PATIENT,
            # Their own numbers, which must not keep a laboratory from its.
            identifier=identifier.of_person(self.reader.user_id),
            by=self.reader,
        )


DOORS = [ServiceKey(Program), PersonSession(Person)]


def caller_of(request: HttpRequest) -> Caller:
    """Who came through one of the doors above."""
    caller: Caller = request.auth  # type: ignore[attr-defined]
    return caller


def organization_of(caller: Caller) -> Organization:
    """The caller's clinic, for its time zone."""
    return Organization.objects.get(pk=caller.organization_id)


def _columns(name: dict[str, Any]) -> dict[str, Any]:
    return {{"by_id": "pk", "by_mrn": "mrn"}[key]: value for key, value in name.items()}
