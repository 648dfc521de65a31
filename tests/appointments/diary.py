"""A clinic's calendar for tests: open each day, so that any day of the year will do."""

from datetime import datetime, time, timedelta

from django.utils import timezone

from appointments import actions
from appointments.free_times import free_times
from appointments.models import Availability, Room, VisitType
from portal.tenancy import acting_for


class Diary:
    """Writes the calendar, and books as people of the cast do."""

    def __init__(self, cast) -> None:
        self.cast, self.zone = cast, cast.clinic.zone
        of_clinic = {"organization": cast.clinic}
        with acting_for(cast.clinic.pk, system=True):
            self.room = Room.objects.create(**of_clinic, name="Room 3")
            self.wound_check = VisitType.objects.create(
                **of_clinic,
                name="Wound check",
                self_scheduling="on",
                modes=["in_person", "video"],
                minutes=30,
                questions=[{"key": "fever", "text": "Do you have a fever?"}],
                how_to_prepare="Leave the dressing on.",
            )
            for who in (cast.ada, cast.noor, cast.boris):
                for weekday in range(7):
                    Availability.objects.create(
                        **of_clinic,
                        provider=who.provider,
                        visit_type=self.wound_check,
                        room=self.room if who is cast.ada else None,
                        weekday=weekday,
                        starts=time(9),
                        ends=time(17),
                    )

    def at(self, clock: str, days: int = 7) -> datetime:
        """The instant at which the clinic's clock shows this time, some days from today."""
        day = timezone.localdate(timezone=self.zone) + timedelta(days=days)
        return datetime.combine(day, time.fromisoformat(clock), self.zone)

    def change(self, row, **fields) -> None:
        """Let the clinic change a row."""
        for name, value in fields.items():
            setattr(row, name, value)
        with acting_for(self.cast.clinic.pk, system=True):
            row.save(update_fields=list(fields))

    def bring_forward(self, visit) -> None:
        """Let a visit be today, and not over: soon, or begun where the day is almost over."""
        soon = timezone.now() + timedelta(minutes=20)
        if timezone.localdate(soon, self.zone) != timezone.localdate(timezone=self.zone):
            soon -= timedelta(minutes=40)
        self.change(visit, starts_at=soon, ends_at=soon + timedelta(minutes=60))

    def free(self, who, patient=None, days=7, provider=None) -> list[str]:
        """The clinic's clock at each free time of a day."""
        patient = patient or self.cast.ana.patient
        day = timezone.localdate(timezone=self.zone) + timedelta(days=days)
        with self.as_(who):
            found = free_times(
                self.wound_check,
                patient,
                by=who.reader,
                first=day,
                last=day,
                provider_id=(provider or self.cast.ada.provider).pk,
            )
        return [f"{slot.starts_at.astimezone(self.zone):%H:%M}" for slot in found]

    def held(self, who, starts_at, patient=None, provider=None, **more):
        with self.as_(who):
            return actions.hold_time(
                self.wound_check.pk,
                patient_id=(patient or self.cast.ana.patient).pk,
                provider_id=(provider or self.cast.ada.provider).pk,
                starts_at=starts_at,
                by=who.reader,
                **more,
            )

    def booked(self, who, starts_at, patient=None, provider=None, **more):
        """As the patient's side does: held, then booked."""
        hold = self.held(who, starts_at, patient, provider, **more)
        return self.do(who, actions.book_held, hold.pk)

    def by_staff(self, who, starts_at, patient=None, provider=None, **more):
        with self.as_(who):
            return actions.book_visit(
                (patient or self.cast.ana.patient).pk,
                starts_at=starts_at,
                by=who.reader,
                provider_id=(provider or self.cast.ada.provider).pk,
                visit_type_id=self.wound_check.pk,
                **more,
            )

    def do(self, who, action, *arguments, **more):
        """Run an action as somebody."""
        with self.as_(who):
            return action(*arguments, by=who.reader, **more)

    @staticmethod
    def as_(who):
        return acting_for(who.organization.pk, who.user.pk)
