"""Somebody who is signed in: their rights are those of the pages."""

from contextlib import AbstractContextManager, nullcontext
from datetime import date, datetime
from typing import Any
from uuid import UUID

from appointments import actions
from appointments.calendar import Slot
from appointments.errors import NotForYou
from appointments.free_times import free_times, shape_of, slots_of, visit_types_for
from appointments.models import Appointment, AppointmentQuerySet, Hold, Status, VisitType
from portal import access
from portal.access import Reader
from portal.models import Patient


class Person:
    """A reader with the session of their browser."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.organization_id, self.actor_id = reader.organization_id, reader.user_id

    def may_read(self) -> None:
        """Asked of each patient."""

    def may_write(self) -> None:
        """Asked of each patient."""

    def at_work(self) -> AbstractContextManager[None]:
        return nullcontext()

    def patient(self, **name: Any) -> Patient:
        return access.visible_patients(self.reader).get(**name)

    def visit_types(self) -> list[VisitType]:
        return visit_types_for(self.reader)

    def free(
        self,
        visit_type: VisitType,
        patient: Patient,
        first: date,
        last: date,
        provider_id: UUID | None = None,
    ) -> list[Slot]:
        return free_times(
            visit_type, patient, by=self.reader, first=first, last=last, provider_id=provider_id
        )

    def open_times(self, visit_type: VisitType, provider_id: UUID, on: date) -> list[Slot]:
        return slots_of(
            visit_type,
            {provider_id},
            on,
            on,
            shape=shape_of(visit_type, is_staff=self.reader.is_clinical),
        )

    def visits(self) -> AppointmentQuerySet:
        return access.of_visible_patients(Appointment.objects.all(), self.reader)

    def hold(
        self,
        visit_type: VisitType,
        patient: Patient,
        provider_id: UUID,
        starts_at: datetime,
        mode: str,
        moves_id: UUID | None,
    ) -> Hold:
        return actions.hold_time(
            visit_type.pk,
            patient_id=patient.pk,
            provider_id=provider_id,
            starts_at=starts_at,
            by=self.reader,
            mode=mode,
            moves_id=moves_id,
        )

    def book(self, hold_id: UUID) -> Appointment:
        return actions.book_held(hold_id, by=self.reader)

    def set_status(self, visit_id: UUID, status: Status, reason: str) -> Appointment:
        if status == Status.CANCELLED:
            return actions.cancel_visit(visit_id, by=self.reader, reason=reason)
        if not self.reader.is_clinical:
            raise NotForYou
        if status == Status.ARRIVED:
            return actions.record_arrival(visit_id, by=self.reader)
        if status == Status.DONE:
            return actions.record_done(visit_id, by=self.reader)
        if status == Status.NO_SHOW:
            return actions.record_no_show(visit_id, by=self.reader)
        return actions.reopen_visit(visit_id, by=self.reader, reason=reason)
