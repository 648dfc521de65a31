"""The demo clinic: its people, their records, their conversations, made from a seed.

The accounts of `portal.demo` and the stories of `stories.py` become rows, under the same row-level
security as everything else; only the two organizations are the owner's to make. Run again, it finds
what is there and changes nothing.
"""

import random
import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.contrib.auth.hashers import make_password
from django.db.models import DateTimeField, ExpressionWrapper, F, OuterRef, Subquery
from django.utils import timezone

from appointments.actions import book_visit
from appointments.models import Appointment, Mode
from care.models import (
    CarePlan,
    CarePlanActivity,
    Condition,
    Goal,
    Medication,
    Procedure,
    Source,
    VitalSign,
)
from care.vital_signs import kind_of
from messaging.actions import mark_read, reply, start_conversation
from messaging.models import Category, Message, Receipt
from portal.access import Reader
from portal.demo import DEMO_PASSWORD
from portal.management.demo.calendar import DemoCalendar
from portal.management.demo.recovery_curve import Reading, readings
from portal.management.demo.stories import ANA, STORIES
from portal.management.demo.story import Story, Talk
from portal.management.demo.watch import begin_to_watch
from portal.management.opening import organization
from portal.models import (
    Caregiver,
    CareTeamMembership,
    Membership,
    Organization,
    Patient,
    Provider,
    Role,
    User,
)
from portal.tenancy import acting_for

SEED = 20_261_121
SNOMED = "http://snomed.info/sct"
SURGICAL_PROCEDURE = "387713003"

CODES = {
    "pulse": "8867-4",
    "saturation": "59408-5",
    "temperature": "8310-5",
    "respiration": "9279-1",
    "weight": "29463-7",
    "pain": "72514-3",
}
PRESSURE, SYSTOLIC, DIASTOLIC = "85354-9", "8480-6", "8462-4"


class DemoClinic:
    """Makes one organization with its people and their records."""

    # What it can be booked for, once there are providers.
    calendar: DemoCalendar

    def __init__(self, organization: Organization, seed: int = SEED) -> None:
        self.organization = organization
        self.now = timezone.now().replace(second=0, microsecond=0)
        self.zone = ZoneInfo(organization.time_zone)
        self.seed = seed
        self._password = make_password(DEMO_PASSWORD)

    def user(self, email: str, name: str, role: Role) -> User:
        """A person who can sign in with the demo's password, with a place in this clinic."""
        user = User(email=email, name=name, password=self._password)
        user.save(force_insert=True)
        Membership.objects.create(organization=self.organization, user=user, role=role)
        return user

    def provider(self, user: User, role: str, specialty: str = "") -> Provider:
        """A clinician who may be on care teams."""
        return Provider.objects.create(
            organization=self.organization,
            user=user,
            name=user.name,
            role=role,
            specialty=specialty,
        )

    def patient(self, story: Story, user: User, team: list[Provider]) -> Patient:
        """A patient with a care team and a record that ends today."""
        patient = Patient.objects.create(
            organization=self.organization,
            user=user,
            mrn=story.mrn,
            name=story.name,
            birth_on=date.fromisoformat(story.born),
            sex=story.sex,
            phone="555 01" + story.mrn[-2:],
            email=user.email,
        )
        for provider in team:
            CareTeamMembership.objects.create(
                organization=self.organization,
                patient=patient,
                provider=provider,
                role=provider.role,
                starts_at=self.now - timedelta(days=story.day + 3),
            )
        self._record(patient, story)
        VitalSign.objects.bulk_create(self._vital_signs(patient, story), batch_size=500)
        return patient

    def _record(self, patient: Patient, story: Story) -> None:
        entry = {"organization": self.organization, "patient": patient}
        operated_at = self.now - timedelta(days=story.day)
        Condition.objects.create(
            **entry,
            code=story.condition_code,
            code_system=SNOMED,
            display=story.condition,
            category="problem-list-item",
            status=Condition.Status.ACTIVE,
            verification="confirmed",
            onset_on=operated_at.date() - timedelta(days=200),
        )
        Procedure.objects.create(
            **entry,
            code=story.operation_code,
            code_system=SNOMED,
            display=story.operation,
            status=Procedure.Status.COMPLETED,
            category=SURGICAL_PROCEDURE,
            performed_at=operated_at,
        )
        for name, dosage in story.medicines:
            Medication.objects.create(
                **entry,
                display=name,
                status=Medication.Status.ACTIVE,
                dosage=dosage,
                authored_on=operated_at.date(),
            )
        plan = CarePlan.objects.create(
            **entry,
            display="Recovery after your operation",
            status=CarePlan.Status.ACTIVE,
            starts_on=operated_at.date(),
            ends_on=operated_at.date() + timedelta(days=42),
        )
        for position, (name, detail) in enumerate(story.exercises):
            CarePlanActivity.objects.create(
                **entry,
                plan=plan,
                position=position,
                display=name,
                detail=detail,
                status=CarePlanActivity.Status.IN_PROGRESS,
            )
        Goal.objects.create(
            **entry,
            display="Walk for 20 minutes without a break",
            status=Goal.Status.ACTIVE,
            achievement=Goal.Achievement.IMPROVING,
            due_on=operated_at.date() + timedelta(days=28),
        )

    def _vital_signs(self, patient: Patient, story: Story) -> Iterator[VitalSign]:
        offset = self.now.astimezone(self.zone).utcoffset() or timedelta()
        hours = round(offset.total_seconds() / 3600)
        for reading in readings(story, self.now, hours, self.seed):
            yield from vital_signs(patient, reading)

    def talk(self, patient: Patient, talk: Talk, own_side: Reader, team: Reader) -> None:
        """A conversation that happened; every line but the last was read."""
        chance = random.Random(f"{self.seed}:{patient.mrn}:{talk.subject}")
        first, *rest = talk.lines
        with self._as(own_side):
            opening = start_conversation(
                patient.pk,
                category=Category(talk.category),
                subject=talk.subject,
                body=first.text,
                key=uuid.UUID(int=chance.getrandbits(128), version=4),
                by=own_side,
                at=self.now - timedelta(hours=first.hours),
            )
        for line in rest:
            writer = team if line.by_team else own_side
            with self._as(writer):
                reply(
                    opening.conversation_id,
                    body=line.text,
                    key=uuid.UUID(int=chance.getrandbits(128), version=4),
                    by=writer,
                    at=self.now - timedelta(hours=line.hours),
                )
        if not talk.lines[-1].by_team and rest:
            with self._as(team):
                mark_read(opening.conversation_id, by=team)
        # What was read, was read soon after it was written, and not while this was made.
        Receipt.objects.filter(conversation=opening.conversation_id, read_at__isnull=False).update(
            delivered_at=_after_sending(minutes=1), read_at=_after_sending(minutes=9)
        )

    def visit(
        self, patient: Patient, provider: Provider, days: int, hour: int, kind: str, mode: Mode
    ) -> Appointment:
        """A visit on the clinic's own clock, `days` from today."""
        day = self.now.astimezone(self.zone).date() + timedelta(days=days)
        starts_at = datetime(day.year, day.month, day.day, hour, 30, tzinfo=self.zone)
        assert provider.user_id is not None
        role = Role.CLINICIAN if provider.role == "Surgeon" else Role.NURSE
        by = self.reader(provider.user_id, role)
        with self._as(by):
            return book_visit(
                patient.pk,
                kind=kind,
                starts_at=starts_at,
                by=by,
                mode=mode,
                **self.calendar.of(kind, mode),
            )

    def reader(self, user_id: uuid.UUID, role: Role) -> Reader:
        """Somebody of this clinic, acting."""
        return Reader(user_id, self.organization.pk, role)

    def _as(self, reader: Reader):  # type: ignore[no-untyped-def]
        return acting_for(reader.organization_id, reader.user_id)


def _after_sending(minutes: int) -> Subquery:
    """For a receipt: so many minutes after its message was sent."""
    message = Message.objects.filter(pk=OuterRef("message_id"))
    later = F("sent_at") + timedelta(minutes=minutes)
    return Subquery(message.values(at=ExpressionWrapper(later, DateTimeField()))[:1])


def vital_signs(patient: Patient, reading: Reading) -> Iterator[VitalSign]:
    """The rows of one set of values, as the patient would have sent them."""
    common = {
        "organization_id": patient.organization_id,
        "patient": patient,
        "recorded_by_id": patient.user_id,
        "category": "vital-signs",
        "measured_at": reading.at,
        "source": Source.PATIENT,
    }
    for name, code in CODES.items():
        kind = kind_of(code)
        assert kind is not None
        yield VitalSign(
            **common,
            code=kind.code,
            display=kind.name,
            unit=kind.unit,
            value=Decimal(str(getattr(reading, name))),
        )
    kind = kind_of(PRESSURE)
    assert kind is not None
    parts = {part.code: part for part in kind.parts}
    yield VitalSign(
        **common,
        code=kind.code,
        display=kind.name,
        components=[
            {
                "code": code,
                "display": parts[code].name,
                "value": str(value),
                "text": "",
                "unit": kind.unit,
            }
            for code, value in ((SYSTOLIC, reading.systolic), (DIASTOLIC, reading.diastolic))
        ],
    )


def make_demo_clinic() -> bool:
    """Make Demo Clinic with twelve patients; False when it was there."""
    clinic, _made = organization(
        "demo",
        name="Demo Clinic",
        time_zone="America/New_York",
        locale="en-US",
        phone="555 0100",
        emergency_phone="911",
    )
    with acting_for(clinic.pk, system=True):
        if Membership.objects.filter(organization=clinic).exists():
            return False
        make = DemoClinic(clinic)
        surgeon = make.user("clinician@demo.example", "Dr Jonas Lee", Role.CLINICIAN)
        nurse = make.user("nurse@demo.example", "Priya Nair", Role.NURSE)
        daughter = make.user("caregiver@demo.example", "Maya Ruiz", Role.CAREGIVER)
        make.user("admin@demo.example", "Helen Moss", Role.ADMIN)
        team = [make.provider(surgeon, "Surgeon", "Orthopaedics"), make.provider(nurse, "Nurse")]
        make.calendar = DemoCalendar(clinic, *team)
        answering = make.reader(nurse.pk, Role.NURSE)
        begin_to_watch(clinic, by_day=surgeon, by_night=nurse)
        for index, story in enumerate(STORIES):
            address = "patient" if story is ANA else story.name.split()[0].lower()
            user = make.user(f"{address}@demo.example", story.name, Role.PATIENT)
            patient = make.patient(story, user, team)
            if story is ANA:
                Caregiver.objects.create(
                    organization=clinic,
                    patient=patient,
                    user=daughter,
                    relationship="Daughter",
                    scope=Caregiver.Scope.WRITE,
                )
            own_side = make.reader(user.pk, Role.PATIENT)
            for talk in story.talks:
                make.talk(patient, talk, own_side, answering)
            _visits(make, patient, index)
    return True


def _visits(make: DemoClinic, patient: Patient, index: int) -> None:
    make.calendar.past(patient, index, make.now)
    days, kind, mode = [
        (3, "Check after the operation", Mode.IN_PERSON),
        (0, "Wound check", Mode.IN_PERSON),
        (0, "How are you doing?", Mode.PHONE),
        (2, "Stitches out", Mode.IN_PERSON),
        (1, "Check after the operation", Mode.VIDEO),
        (0, "Dressing change", Mode.IN_PERSON),
    ][index % 6]
    make.visit(patient, make.calendar.provider_of(kind), days, 9 + (index * 2) % 8, kind, mode)


def make_other_clinic() -> bool:
    """Make Other Clinic, which must never see anything of the first; False when it was there."""
    clinic, _made = organization(
        "other",
        name="Other Clinic",
        time_zone="Europe/Berlin",
        locale="en-GB",
        phone="555 0200",
        emergency_phone="112",
    )
    with acting_for(clinic.pk, system=True):
        members = Membership.objects.filter(organization=clinic)
        if members.filter(role=Role.ADMIN).exists():
            return False
        make = DemoClinic(clinic, seed=SEED + 1)
        make.user("admin@other.example", "Otto Brandt", Role.ADMIN)
        # An earlier version made it without: nobody there could be told of an alarm.
        if members.exclude(role=Role.ADMIN).exists():
            return False
        clinician = make.user("clinician@other.example", "Dr Lena Vogt", Role.CLINICIAN)
        user = make.user("patient@other.example", "Carl Weber", Role.PATIENT)
        provider = make.provider(clinician, "Surgeon", "General surgery")
        make.calendar = DemoCalendar(clinic, provider, provider)
        patient = make.patient(_carl(), user, [provider])
        make.visit(patient, provider, 2, 10, "Wound check", Mode.IN_PERSON)
    return True


def _carl() -> Story:
    return Story(
        "Carl Weber",
        "2207",
        "1972-08-09",
        "male",
        "Repair of inguinal hernia",
        "44558001",
        "Inguinal hernia",
        "396232000",
        4,
        (("Paracetamol 500 mg tablet", "1 to 2 tablets up to 4 times a day"),),
        (("Short walk", "10 minutes, 3 times a day"),),
    )
