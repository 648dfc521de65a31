"""Who is calling, and for whom they may read and write.

A program comes with the key of its account, a person with the session of their browser; each has
its own rights, and both are asked the same questions.
"""

from typing import Any, Protocol, TypeVar
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBearer
from ninja.utils import check_csrf

from care.actions import Identifier, Recorded, record_observation
from care.api.outcomes import NotAllowed, TooMany, Wrong
from care.models import Source
from care.reported import Reported
from portal import audit
from portal.access import Reader, of_visible_patients, visible_patients, writable_patients
from portal.models import Organization, Patient, Scope
from portal.service_accounts import Service, of_service, patient_of

Rows = TypeVar("Rows", bound=QuerySet[Any])


class Unknown(Wrong):
    """A key that opens nothing."""

    def __init__(self) -> None:
        super().__init__(401)


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
        self._must(Scope.OBSERVATIONS_WRITE)

    def may_search(self) -> None:
        self._must(Scope.OBSERVATIONS_READ)

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

    def _must(self, scope: Scope) -> None:
        if not self.service.may(scope):
            audit.record(
                "service_account.not_allowed",
                organization_id=self.organization_id,
                actor_id=self.actor_id,
                scope=str(scope),
            )
            raise NotAllowed(f"This key has not the scope {scope}.")


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
        source = Source.CLINICIAN if self.reader.is_clinical else Source.PATIENT
        return record_observation(
            patient, reported, source=source, identifier=identifier, by=self.reader
        )


class ServiceKey(HttpBearer):
    """The key of a service account, found by `portal.middleware.service_keys`."""

    def __call__(self, request: HttpRequest) -> Any:
        if not request.showed_key:  # type: ignore[attr-defined]
            return None
        if request.service is None:  # type: ignore[attr-defined]
            raise Unknown
        if request.wait_seconds:  # type: ignore[attr-defined]
            raise TooMany(request.wait_seconds)  # type: ignore[attr-defined]
        return Program(request.service)  # type: ignore[attr-defined]

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """Not asked: the middleware has seen the key, before the transaction began."""


class PersonSession(APIKeyCookie):
    """The session of a browser. What changes something needs the page's proof (CSRF)."""

    param_name = settings.SESSION_COOKIE_NAME

    def __call__(self, request: HttpRequest) -> Any:
        reader: Reader | None = request.reader  # type: ignore[attr-defined]
        if reader is None:
            return None
        if check_csrf(request):
            raise NotAllowed("The page's proof is missing: send it in X-CSRFToken.")
        return Person(reader)

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        """Not asked: the middleware has read the session."""


def caller_of(request: HttpRequest) -> Caller:
    """Who came through one of the doors above."""
    caller: Caller = request.auth  # type: ignore[attr-defined]
    return caller


def organization_of(caller: Caller) -> Organization:
    """The caller's clinic, for its time zone."""
    return Organization.objects.get(pk=caller.organization_id)


def _columns(name: dict[str, Any]) -> dict[str, Any]:
    return {{"by_id": "pk", "by_mrn": "mrn"}[key]: value for key, value in name.items()}
