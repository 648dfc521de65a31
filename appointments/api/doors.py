"""Who is calling, and what they may do with visits: a person as on the pages, a program by scope.

A caller's scopes are asked first (`may_read`, `may_write`), outside of `at_work`: what is refused
there goes on record. The rest happens inside.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from django.http import HttpRequest

from appointments.api.persons import Person
from appointments.api.programs import Program
from appointments.calendar import Slot
from appointments.models import Appointment, AppointmentQuerySet, Hold, Status, VisitType
from portal.api.doors import PersonSession, ServiceKey
from portal.models import Patient


class Caller(Protocol):
    """Whoever is calling. Raises what the actions raise: AppointmentError and DoesNotExist."""

    organization_id: UUID
    actor_id: UUID

    def may_read(self) -> None:
        """Raise NotAllowed when the caller sees no visits and no free times at all."""

    def may_write(self) -> None:
        """Raise NotAllowed when the caller books nothing at all."""

    def at_work(self) -> AbstractContextManager[None]:
        """The context in which the database answers the caller."""

    def patient(self, **name: Any) -> Patient:
        """The patient named by `pk` or `mrn`."""

    def visit_types(self) -> list[VisitType]:
        """Those whose free times the caller may see."""

    def free(
        self,
        visit_type: VisitType,
        patient: Patient,
        first: date,
        last: date,
        provider_id: UUID | None = None,
    ) -> list[Slot]:
        """The free times of some days for a patient."""

    def open_times(self, visit_type: VisitType, provider_id: UUID, on: date) -> list[Slot]:
        """The free times of a provider on a day, whoever they are for."""

    def visits(self) -> AppointmentQuerySet:
        """The visits that the caller may see."""

    def hold(
        self,
        visit_type: VisitType,
        patient: Patient,
        provider_id: UUID,
        starts_at: datetime,
        mode: str,
        moves_id: UUID | None,
    ) -> Hold:
        """Keep a free time; the same again is the same hold."""

    def book(self, hold_id: UUID) -> Appointment:
        """Book what is held; the same again is the same visit."""

    def set_status(self, visit_id: UUID, status: Status, reason: str) -> Appointment:
        """Call a visit off, or say who came; the same again changes nothing."""


DOORS: Sequence[Any] = [ServiceKey(Program), PersonSession(Person)]


def caller_of(request: HttpRequest) -> Caller:
    """Who came through one of the doors above."""
    caller: Caller = request.auth  # type: ignore[attr-defined]
    return caller
