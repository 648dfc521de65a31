"""Recording a reading: who may, what it leaves behind, what it asks about."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from care.actions import record_vital_sign, withdraw_vital_sign
from care.errors import ImplausibleReading, IncompleteReading, ReadingOutOfTime
from care.models import VitalSign
from care.vital_signs import BLOOD_PRESSURE, DIASTOLIC, SYSTOLIC
from portal.models import AuditEntry, Caregiver, CareTeamMembership, Patient

PULSE = "8867-4"


@pytest.fixture
def record(acting):
    """`record(ana, by=sam, code=…, value=…)`, as that person."""

    def record(whose, *, by, code=PULSE, value=Decimal(72), at=None, **fields):
        with acting(by):
            return record_vital_sign(
                whose.patient.pk,
                code=code,
                value=None if "components" in fields else value,
                measured_at=at or timezone.now(),
                by=by.reader,
                source="patient",
                **fields,
            )

    return record


@pytest.mark.parametrize("name", ["ana", "sam", "ada", "noor"])
def test_patient_caregiver_and_team_may_record(record, cast, name):
    who = getattr(cast, name)
    reading = record(cast.ana, by=who)
    assert (reading.value, reading.unit, reading.recorded_by_id) == (72, "/min", who.user.pk)


@pytest.mark.parametrize("name", ["ben", "boris", "carla", "olga", "admin"])
def test_for_everybody_else_the_patient_does_not_exist(record, cast, name):
    with pytest.raises(Patient.DoesNotExist):
        record(cast.ana, by=getattr(cast, name))


@pytest.mark.parametrize("walls", [Caregiver, CareTeamMembership])
def test_who_may_only_read_may_not_record(record, ana, sam, ada, system, walls):
    with system():
        Caregiver.objects.update(scope="read")
        CareTeamMembership.objects.update(access="read")
    with pytest.raises(Patient.DoesNotExist):
        record(ana, by=sam if walls is Caregiver else ada)


def test_a_pressure_has_two_numbers(record, ana):
    numbers = {SYSTOLIC: Decimal(132), DIASTOLIC: Decimal(84)}
    reading = record(ana, by=ana, code=BLOOD_PRESSURE, components=numbers)
    assert reading.component(SYSTOLIC) == 132
    assert reading.value is None


@pytest.mark.parametrize(
    ("code", "fields"),
    [
        (BLOOD_PRESSURE, {"components": {SYSTOLIC: Decimal(132)}}),
        (BLOOD_PRESSURE, {"value": Decimal(132)}),
        (PULSE, {"value": None}),
        (PULSE, {"value": Decimal("NaN")}),
        ("718-7", {"value": Decimal(12)}),
    ],
)
def test_half_a_reading_is_none(record, ana, code, fields):
    with pytest.raises(IncompleteReading):
        record(ana, by=ana, code=code, **fields)


@pytest.mark.parametrize("value", ["19", "301", "-1"])
def test_what_nobody_can_have_is_asked_about_and_stored_on_yes(record, ana, value):
    with pytest.raises(ImplausibleReading, match="is this right") as raised:
        record(ana, by=ana, value=Decimal(value))
    assert raised.value.part.code == PULSE
    assert record(ana, by=ana, value=Decimal(value), is_right=True).value == Decimal(value)


@pytest.mark.parametrize("value", ["20", "300"])
def test_the_edges_of_the_plausible_are_plausible(record, ana, value):
    assert record(ana, by=ana, value=Decimal(value)).value == Decimal(value)


def test_nothing_is_measured_in_the_future_or_after_death(record, ana, ada, system):
    with pytest.raises(ReadingOutOfTime):
        record(ana, by=ana, at=timezone.now() + timedelta(minutes=6))
    record(ana, by=ana, at=timezone.now() + timedelta(minutes=4))
    with system():
        Patient.objects.filter(pk=ana.patient.pk).update(deceased_at=timezone.now())
    with pytest.raises(ReadingOutOfTime):
        record(ana, by=ada, at=timezone.now() + timedelta(minutes=1))


def test_it_is_on_record_who_recorded_and_not_what(record, ana, sam, system):
    reading = record(ana, by=sam)
    with system():
        entry = AuditEntry.objects.get(action="vital_sign.recorded")
    assert (entry.actor_id, entry.subject_id) == (sam.user.pk, reading.pk)
    assert entry.detail == {"source": "patient"}


def test_a_patient_withdraws_their_own_reading_and_not_the_teams(record, ana, ada, acting):
    own, teams = record(ana, by=ana), record(ana, by=ada)
    with acting(ana):
        withdraw_vital_sign(own.pk, by=ana.reader)
        with pytest.raises(VitalSign.DoesNotExist):
            withdraw_vital_sign(teams.pk, by=ana.reader)
        assert list(VitalSign.objects.valid()) == [teams]


def test_the_team_withdraws_any_reading(record, ana, ada, acting):
    own = record(ana, by=ana)
    with acting(ada):
        assert withdraw_vital_sign(own.pk, by=ada.reader).status == "entered-in-error"
