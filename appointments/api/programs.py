"""A service account: it books what patients may book themselves, with their care team.

No policy of the calendar knows programs. They work as the system does, inside their organization,
after their scope has been asked; the wall between organizations stays the database's. What they do
is in the visit's history without a person, and in the audit log under the account.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from appointments import writing
from appointments.api import kept
from appointments.calendar import Slot
from appointments.errors import NotSelfScheduled, VisitIsOver
from appointments.free_times import busy_times, care_team_of, shape_of, slots_of
from appointments.keeping import Wanted
from appointments.models import (
    Appointment,
    AppointmentQuerySet,
    Hold,
    SelfScheduling,
    Status,
    VisitType,
)
from portal import access, audit
from portal.api.doors import must
from portal.api.outcomes import Issue, Unusable
from portal.models import Organization, Patient, Scope
from portal.service_accounts import Service
from portal.tenancy import acting_for

# How long before a visit begins a program may say that its patient has come.
EARLIEST_ARRIVAL = timedelta(hours=12)


class Program:
    """A program with a key."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.organization_id, self.actor_id = service.organization_id, service.account_id

    def may_read(self) -> None:
        must(self.service, Scope.APPOINTMENTS_READ)

    def may_write(self) -> None:
        must(self.service, Scope.APPOINTMENTS_WRITE)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        with acting_for(self.organization_id, system=True):
            # What is said of times is said on the clinic's clock, as to people.
            clinic = Organization.objects.get(pk=self.organization_id)
            with timezone.override(clinic.zone):
                yield

    def patient(self, **name: Any) -> Patient:
        return self._own(Patient.objects.all()).get(**name)

    def visit_types(self) -> list[VisitType]:
        types = VisitType.objects.filter(is_active=True)
        return list(self._own(types.exclude(self_scheduling=SelfScheduling.OFF)))

    def free(
        self,
        visit_type: VisitType,
        patient: Patient,
        first: date,
        last: date,
        provider_id: UUID | None = None,
    ) -> list[Slot]:
        team = care_team_of(patient)
        return slots_of(
            visit_type,
            team & {provider_id} if provider_id else team,
            first,
            last,
            shape=shape_of(visit_type, is_staff=False),
            busy=busy_times(patient, first, last),
        )

    def open_times(self, visit_type: VisitType, provider_id: UUID, on: date) -> list[Slot]:
        shape = shape_of(visit_type, is_staff=False)
        return slots_of(visit_type, {provider_id}, on, on, shape=shape)

    def visits(self) -> AppointmentQuerySet:
        return self._own(Appointment.objects.all())

    def hold(
        self,
        visit_type: VisitType,
        patient: Patient,
        provider_id: UUID,
        starts_at: datetime,
        mode: str,
        moves_id: UUID | None,
    ) -> Hold:
        if moves_id is not None:
            # The old time would stand in the way of the new one; a person sees that and chooses.
            raise NotSelfScheduled
        return kept.keep(Wanted(visit_type, patient, provider_id, starts_at, mode), self.free)

    def book(self, hold_id: UUID) -> Appointment:
        visit = kept.book(self._own(Hold.objects.all()), hold_id)
        return self._noted(visit)

    def set_status(self, visit_id: UUID, status: Status, reason: str) -> Appointment:
        visit = self._locked(visit_id)
        if visit.status == status:
            return visit
        if status == Status.CANCELLED:
            if visit.status != Status.BOOKED or visit.is_over:
                raise VisitIsOver
            visit = writing.call_off(visit, by_id=None, reason=reason)
        elif status == Status.BOOKED or visit.status in (Status.CANCELLED, Status.DONE):
            # Who calls off or closes a visit has decided; a person may take it back.
            raise VisitIsOver
        elif visit.starts_at - timezone.now() > EARLIEST_ARRIVAL:
            issue = Issue("business-rule", "This visit is not today.", "Appointment.status")
            raise Unusable(422, issue)
        else:
            visit = writing.mark(visit, status, by_id=None, reason=reason)
        return self._noted(visit)

    def _locked(self, visit_id: UUID) -> Appointment:
        known = self.visits().get(pk=visit_id)
        writing.lock(known.provider_id, known.room_id, known.patient_id)
        return (
            self.visits()
            .select_for_update(of=["self"])
            .select_related("patient", "provider", "visit_type")
            .get(pk=visit_id)
        )

    def _noted(self, visit: Appointment) -> Appointment:
        audit.record(
            "appointment.by_program",
            organization_id=self.organization_id,
            actor_id=self.actor_id,
            subject=visit,
            status=visit.status,
        )
        return visit

    def _own(self, rows: Any) -> Any:
        return access.narrow(rows, organization_id=self.organization_id)
