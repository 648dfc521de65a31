"""Recording a reading: who may, what it leaves behind, what it asks about."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from care.actions import (
    Taken,
    correct_vital_sign,
    record_vital_sign,
    record_vital_signs,
    withdraw_vital_sign,
)
from care.errors import (
    AlreadyWithdrawn,
    ImplausibleReading,
    IncompleteReading,
    ReadingOutOfTime,
    UnitRefused,
)
from care.models import Correction, VitalSign
from care.vital_signs import (
    BLOOD_PRESSURE,
    CONSCIOUSNESS,
    DIASTOLIC,
    OXYGEN_FLOW,
    SYSTOLIC,
    TEMPERATURE,
)
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
    assert raised.value.analyte.code == PULSE
    reading = record(ana, by=ana, value=Decimal(value), is_right=True)
    assert (reading.value, reading.is_implausible) == (Decimal(value), True)


@pytest.mark.parametrize("value", ["20", "300"])
def test_the_edges_of_the_plausible_are_plausible(record, ana, value):
    assert not record(ana, by=ana, value=Decimal(value)).is_implausible


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
        assert (
            withdraw_vital_sign(own.pk, reason="Wrong patient", by=ada.reader).status
            == "entered-in-error"
        )


def test_the_team_says_why(record, ana, ada, acting, system):
    reading = record(ana, by=ana)
    with acting(ada):
        with pytest.raises(IncompleteReading):
            withdraw_vital_sign(reading.pk, reason=" ", by=ada.reader)
        withdraw_vital_sign(reading.pk, reason="Not her cuff", by=ada.reader)
    with system():
        correction = Correction.objects.get(row_id=reading.pk)
    assert (correction.reason, correction.by_id) == ("Not her cuff", ada.user.pk)
    assert correction.was == {"status": "final"}


@pytest.fixture
def correct(acting):
    """`correct(reading, by=ada, value=…)`, as that person."""

    def correct(reading, *, by, value, reason="Typed wrong", **fields):
        with acting(by):
            taken = Taken(reading.code, Decimal(value), **fields)
            return correct_vital_sign(
                reading.pk, taken, measured_at=reading.measured_at, reason=reason, by=by.reader
            )

    return correct


def test_a_correction_changes_the_row_and_keeps_what_it_was(record, correct, ana, ada, system):
    reading = record(ana, by=ana, value=Decimal(210))
    corrected = correct(reading, by=ada, value=120)
    assert (corrected.pk, corrected.value, corrected.status) == (reading.pk, 120, "corrected")
    assert corrected.recorded_by_id == ana.user.pk
    with system():
        assert Correction.objects.get().was == {"value": "210", "status": "final"}
        assert AuditEntry.objects.get(action="vital_sign.corrected").actor_id == ada.user.pk


def test_a_correction_that_says_the_same_is_none(record, correct, ana, system):
    reading = record(ana, by=ana)
    assert correct(reading, by=ana, value=72).status == "final"
    with system():
        assert not Correction.objects.exists()


def test_a_correction_is_asked_about_like_a_reading(record, correct, ana):
    reading = record(ana, by=ana)
    with pytest.raises(ImplausibleReading):
        correct(reading, by=ana, value=720)
    assert correct(reading, by=ana, value=720, is_right=True).is_implausible
    assert not correct(reading, by=ana, value=72).is_implausible


@pytest.mark.parametrize("name", ["ana", "sam", "ben", "boris", "olga", "admin"])
def test_nobody_else_corrects_what_the_team_entered(record, correct, cast, name):
    reading = record(cast.ana, by=cast.ada)
    with pytest.raises(VitalSign.DoesNotExist):
        correct(reading, by=getattr(cast, name), value=80)


def test_what_was_taken_back_is_not_corrected(record, correct, ana, acting):
    reading = record(ana, by=ana)
    with acting(ana):
        withdraw_vital_sign(reading.pk, by=ana.reader)
    with pytest.raises(AlreadyWithdrawn):
        correct(reading, by=ana, value=80)


def test_a_reading_comes_in_the_unit_of_the_device(record, ana):
    reading = record(ana, by=ana, code=TEMPERATURE, value=Decimal("98.6"), unit="[degF]")
    assert (reading.value, reading.unit, reading.reported_value) == (37, "Cel", "98.6")
    with pytest.raises(UnitRefused):
        record(ana, by=ana, code=TEMPERATURE, value=Decimal("98.6"), unit="kg")


def test_consciousness_is_one_of_the_words(record, ana, ada):
    reading = record(ana, by=ada, code=CONSCIOUSNESS, value=None, text="Alert")
    assert (reading.text_value, reading.value) == ("Alert", None)
    with pytest.raises(IncompleteReading):
        record(ana, by=ada, code=CONSCIOUSNESS, value=None, text="Sleepy")


def test_a_round_is_recorded_at_one_time_or_not_at_all(ana, ada, acting):
    at = timezone.now()
    taken = [
        Taken(PULSE, Decimal(90)),
        Taken(OXYGEN_FLOW, Decimal(2)),
        Taken(BLOOD_PRESSURE, components={SYSTOLIC: Decimal(120), DIASTOLIC: Decimal(80)}),
        Taken(CONSCIOUSNESS, text="Alert"),
    ]
    with acting(ada):
        fields = {"measured_at": at, "by": ada.reader, "source": "clinician"}
        rows = record_vital_signs(ana.patient.pk, taken, **fields)
        assert {row.measured_at for row in rows} == {at}
        with pytest.raises(ImplausibleReading):
            record_vital_signs(ana.patient.pk, [*taken, Taken(PULSE, Decimal(900))], **fields)
        assert VitalSign.objects.count() == len(taken)
