"""The demo clinic's calendar: what it can be booked for, when, where, and what has been."""

from datetime import date, datetime, time, timedelta
from typing import TypedDict
from uuid import UUID

from appointments.models import (
    Appointment,
    Availability,
    Holiday,
    Mode,
    Room,
    Rules,
    SelfScheduling,
    Status,
    VisitType,
)
from portal.models import Organization, Patient, Provider

WORKING_DAYS = range(5)
# So that the report of the last weeks has something to say.
WEEKS_BACK = 6
PREPARE = "Please wear loose clothes. Bring the list of your medicines."
QUESTIONS = [
    {"key": "fever", "text": "Have you had a fever since your last visit?"},
    {"key": "wound", "text": "Is the wound red, warm or wet?"},
    {"key": "ask", "text": "What would you like to ask us?"},
]


class Given(TypedDict):
    """What a visit has from its kind."""

    visit_type_id: UUID
    provider_id: UUID
    room_id: UUID | None
    place: str


class DemoCalendar:
    """Makes visit types, rooms and weekly hours of a surgeon and a nurse."""

    def __init__(self, organization: Organization, surgeon: Provider, nurse: Provider) -> None:
        self.organization = organization
        self._by_kind: dict[str, tuple[VisitType, Provider, Room]] = {}
        Rules.objects.create(organization=organization)
        outpatients = self._room("Outpatients, room 3", "First floor, to the left of the lift.")
        treatment = self._room("Treatment room 1", "Ground floor, follow the green line.")
        on = SelfScheduling.ON
        self._type("Wound check", 20, surgeon, outpatients, on, [Mode.IN_PERSON, Mode.VIDEO])
        self._type("Check after the operation", 20, surgeon, outpatients, on,
                   [Mode.IN_PERSON, Mode.VIDEO])  # fmt: skip
        self._type("Stitches out", 20, surgeon, outpatients, SelfScheduling.VIEW_ONLY)
        self._type("Dressing change", 30, nurse, treatment, on)
        self._type("How are you doing?", 15, nurse, treatment, on, [Mode.PHONE])
        for day in (date(2026, 12, 25), date(2027, 1, 1)):
            name = "Christmas Day" if day.month == 12 else "New Year’s Day"
            Holiday.objects.create(organization=organization, on=day, name=name)

    def provider_of(self, kind: str) -> Provider:
        """Who sees patients at such a visit."""
        return self._by_kind[kind][1]

    def of(self, kind: str, mode: Mode) -> Given:
        """The identifiers and the place that a visit of this kind has."""
        visit_type, provider, room = self._by_kind[kind]
        in_person = mode == Mode.IN_PERSON
        return {
            "visit_type_id": visit_type.pk,
            "provider_id": provider.pk,
            "room_id": room.pk if in_person else None,
            "place": room.name if in_person else "",
        }

    def past(self, patient: Patient, index: int, now: datetime) -> None:
        """Visits of the last weeks: most took place, one in nine was missed."""
        local = now.astimezone(self.organization.zone)
        for week in range(1, WEEKS_BACK + 1):
            kind = list(self._by_kind)[(index + week) % len(self._by_kind)]
            visit_type, *_ = self._by_kind[kind]
            mode = Mode(visit_type.modes[0])
            day = local.date() - timedelta(days=local.weekday() + 7 * week - index % 5)
            starts_at = datetime.combine(day, time(9 + index % 7, 30), self.organization.zone)
            status = Status.DONE
            if (index + week) % 9 == 0:
                status = Status.NO_SHOW
            elif (index + week) % 7 == 0:
                status = Status.CANCELLED
            Appointment.objects.create(
                organization=self.organization,
                patient=patient,
                kind=kind,
                mode=mode,
                starts_at=starts_at,
                ends_at=starts_at + visit_type.duration,
                status=status,
                created_at=starts_at - timedelta(days=9),
                cancelled_at=starts_at - timedelta(days=1) if status == Status.CANCELLED else None,
                **self.of(kind, mode),
            )

    def _room(self, name: str, how_to_find: str) -> Room:
        return Room.objects.create(
            organization=self.organization, name=name, how_to_find=how_to_find
        )

    def _type(
        self,
        name: str,
        minutes: int,
        provider: Provider,
        room: Room,
        self_scheduling: SelfScheduling,
        modes: list[Mode] | None = None,
    ) -> None:
        visit_type = VisitType.objects.create(
            organization=self.organization,
            name=name,
            minutes=minutes,
            step_minutes=30,
            buffer_after_minutes=5,
            lead_minutes=4 * 60,
            self_scheduling=self_scheduling,
            modes=modes or [Mode.IN_PERSON],
            questions=QUESTIONS,
            how_to_prepare=PREPARE if modes != [Mode.PHONE] else "",
        )
        self._by_kind[name] = (visit_type, provider, room)
        Availability.objects.bulk_create(
            Availability(
                organization=self.organization,
                provider=provider,
                visit_type=visit_type,
                room=room,
                weekday=weekday,
                starts=time(9),
                ends=time(17),
                break_starts=time(12),
                break_ends=time(13),
            )
            for weekday in WORKING_DAYS
        )
