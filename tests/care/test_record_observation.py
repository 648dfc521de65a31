"""The door for every observation: in the analyte's unit, aside, once, or refused."""

import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from care.actions import Fate, Identifier, correct_vital_sign, record_observation
from care.actions.vital_signs import Taken
from care.errors import IdentifierTaken, IncompleteReading, ReadingOutOfTime, UnitRefused
from care.models import Correction, FhirIdentity, Result, Source, VitalSign
from care.reported import Part, Reported
from care.vital_signs import (
    BLOOD_PRESSURE,
    CONSCIOUSNESS,
    DIASTOLIC,
    OXYGEN,
    OXYGEN_FLOW,
    PULSE,
    SYSTOLIC,
)
from portal.models import AuditEntry, Patient

NOW = timezone.now() - timedelta(minutes=10)
POTASSIUM = Reported(code="2823-3", value=Decimal("6.4"), unit="mmol/L", measured_at=NOW)
ORDER = Identifier("urn:lab", "A-1")


@pytest.fixture
def record(system):
    """`record(ana, POTASSIUM, identifier=…)`, as the system records what a laboratory sends."""

    def record(person, reported, **fields):
        with system(person.organization):
            return record_observation(
                person.patient, reported, source=fields.pop("source", Source.HL7), **fields
            )

    return record


def test_a_laboratory_value_is_a_result_by_its_code_alone(record, ana):
    row = record(ana, POTASSIUM).row
    assert isinstance(row, Result)
    assert (row.category, row.display, row.source) == ("laboratory", "Potassium", "hl7")


def test_a_value_is_kept_in_the_analytes_unit_beside_what_was_written(record, ana, system):
    glucose = Reported(
        code="14749-6", value=Decimal("5.5"), unit="mmol/L", measured_at=NOW,
        range_low=Decimal(4), range_high=Decimal(6), method="Hexokinase",
    )  # fmt: skip
    pk = record(ana, glucose).row.pk
    with system():
        row = Result.objects.get(pk=pk)
    assert (row.value, row.unit) == (Decimal("99.0858"), "mg/dL")
    assert (row.reported_value, row.reported_unit) == ("5.5", "mmol/L")
    assert (row.range_low, row.range_high) == (Decimal("72.0624"), Decimal("108.0936"))
    assert row.method == "Hexokinase"


def test_a_pressure_is_converted_part_by_part(record, ana):
    parts = (
        Part(SYSTOLIC, Decimal(16), "kPa"),
        Part(DIASTOLIC, Decimal(80), "mm[Hg]"),
    )
    row = record(ana, Reported(code=BLOOD_PRESSURE, components=parts, measured_at=NOW)).row
    assert isinstance(row, VitalSign)
    assert (row.component(SYSTOLIC), row.component(DIASTOLIC)) == (Decimal("120.010201"), 80)
    assert row.components[0]["reported_unit"] == "kPa"


@pytest.mark.parametrize("unit", ["", "mg/dL", "units"])
def test_an_analyte_in_a_unit_of_something_else_is_refused_and_no_row_is_left(record, ana, unit):
    with pytest.raises(UnitRefused):
        record(ana, replace(POTASSIUM, unit=unit))
    assert not Result.objects.exists()


def test_what_is_no_analyte_is_kept_as_it_came(record, ana):
    row = record(ana, Reported(code="1742-6", value=Decimal(31), unit="IU/L", measured_at=NOW)).row
    assert (row.value, row.unit, row.reported_unit) == (31, "IU/L", "")


@pytest.mark.parametrize(
    ("code", "value", "unit", "is_aside"),
    [
        (PULSE, "19.9", "/min", True),
        (PULSE, "20", "/min", False),
        (PULSE, "300", "/min", False),
        (PULSE, "300.1", "/min", True),
        (OXYGEN, "29", "%", True),
        (OXYGEN, "0.30", "1", False),
        ("8310-5", "77", "[degF]", False),
        ("8310-5", "76.9", "[degF]", True),
        ("8310-5", "113.1", "[degF]", True),
        ("2823-3", "0.79", "mmol/L", True),
        ("2823-3", "15", "mmol/L", False),
        ("2823-3", "64", "mmol/L", True),
    ],
)
def test_the_third_ring_is_kept_aside_at_its_very_edge(record, ana, code, value, unit, is_aside):
    row = record(ana, Reported(code=code, value=Decimal(value), unit=unit, measured_at=NOW)).row
    assert row.is_implausible is is_aside


def test_one_impossible_half_puts_the_whole_pressure_aside(record, ana, system):
    parts = (Part(SYSTOLIC, Decimal(120), "mm[Hg]"), Part(DIASTOLIC, Decimal(8), "mm[Hg]"))
    row = record(ana, Reported(code=BLOOD_PRESSURE, components=parts, measured_at=NOW)).row
    assert row.is_implausible
    with system():
        assert list(VitalSign.objects.valid()) == [row]
        assert not VitalSign.objects.used().exists()


def test_beyond_the_scale_stays_words_that_rules_can_read(record, ana):
    high = replace(POTASSIUM, code="2345-7", value=Decimal("33.3"), comparator=">")
    row = record(ana, high).row
    assert (row.value, row.text_value) == (None, ">599.91948")
    assert row.known_value == Decimal("599.91948")
    low = record(ana, replace(POTASSIUM, value=Decimal("0.5"), comparator="<")).row
    assert (low.known_value, low.is_implausible) == (Decimal("0.5"), False)


@pytest.mark.parametrize("words", ["v", "Responds to voice", "responsive to VOICE", "Verbal"])
def test_consciousness_is_kept_in_the_words_of_the_score(record, ana, words):
    row = record(ana, Reported(code=CONSCIOUSNESS, text=words, measured_at=NOW)).row
    assert (row.text_value, row.value) == ("Responds to voice", None)


def test_air_is_a_flow_of_nothing(record, ana):
    flow = Reported(code=OXYGEN_FLOW, value=Decimal(0), unit="L/min", measured_at=NOW)
    assert not record(ana, flow).row.is_implausible


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"measured_at": NOW + timedelta(hours=1)}, ReadingOutOfTime),
        ({"measured_at": None}, IncompleteReading),
        ({"value": Decimal("Infinity")}, IncompleteReading),
        ({"value": Decimal("1e14")}, IncompleteReading),
        ({"comparator": "~"}, IncompleteReading),
        ({"code": "", "display": ""}, IncompleteReading),
    ],
)
def test_what_no_record_can_hold_is_refused(record, ana, changes, refusal):
    with pytest.raises(refusal):
        record(ana, replace(POTASSIUM, **changes))


def test_the_same_sent_twice_is_one_row(record, ana):
    first = record(ana, POTASSIUM, identifier=ORDER)
    again = record(ana, POTASSIUM, identifier=ORDER)
    assert (first.fate, again.fate) == (Fate.NEW, Fate.UNCHANGED)
    assert again.row == first.row
    assert record(ana, POTASSIUM, identifier=Identifier("urn:lab", "A-2")).row != first.row


def test_a_changed_value_corrects_its_row_and_what_it_was_stays(record, ana, system):
    first = record(ana, replace(POTASSIUM, status="preliminary"), identifier=ORDER)
    later = record(ana, replace(POTASSIUM, value=Decimal("4.6")), identifier=ORDER)
    assert (later.fate, later.row.pk, later.row.value) == (
        Fate.CHANGED,
        first.row.pk,
        Decimal("4.6"),
    )
    with system():
        was = Correction.objects.get(row_id=first.row.pk)
        assert was.was == {"value": "6.4", "status": "preliminary"}
        assert Result.objects.get().status == "final"
        assert AuditEntry.objects.filter(action="result.corrected").count() == 1


def test_what_is_withdrawn_by_its_sender_leaves_every_list(record, ana, system):
    record(ana, POTASSIUM, identifier=ORDER)
    withdrawn = Reported(code="2823-3", measured_at=NOW, status="entered-in-error")
    assert record(ana, withdrawn, identifier=ORDER).fate is Fate.CHANGED
    with system():
        assert not Result.objects.valid().exists()


def test_a_repeated_message_does_not_undo_a_persons_correction(record, ana, ada, acting):
    pulse = Reported(code=PULSE, value=Decimal(210), unit="/min", measured_at=NOW)
    row = record(ana, pulse, identifier=ORDER, source=Source.DEVICE).row
    with acting(ada):
        correct_vital_sign(
            row.pk, Taken(PULSE, Decimal(120)), measured_at=NOW, reason="Loose probe",
            by=ada.reader,
        )  # fmt: skip
    assert record(ana, pulse, identifier=ORDER).fate is Fate.UNCHANGED
    with acting(ada):
        assert VitalSign.objects.get(pk=row.pk).value == 120


def test_an_identifier_of_another_patient_is_taken_and_says_no_more(record, ana, ben, system):
    record(ana, POTASSIUM, identifier=ORDER)
    with pytest.raises(IdentifierTaken) as raised:
        record(ben, POTASSIUM, identifier=ORDER)
    assert "Ana" not in str(raised.value)
    with system():
        assert Result.objects.count() == 1


def test_two_clinics_may_use_the_same_identifier(record, ana, carla):
    one = record(ana, POTASSIUM, identifier=ORDER)
    other = record(carla, POTASSIUM, identifier=ORDER)
    assert (one.fate, other.fate) == (Fate.NEW, Fate.NEW)


def test_a_result_that_turns_out_to_be_a_vital_sign_moves(record, ana, system):
    unclear = Reported(code="X-1", display="Rate", value=Decimal(80), measured_at=NOW)
    first = record(ana, unclear, identifier=ORDER)
    second = record(ana, replace(unclear, category="vital-signs"), identifier=ORDER)
    assert isinstance(second.row, VitalSign)
    with system():
        assert Result.objects.get(pk=first.row.pk).status == "entered-in-error"
        assert FhirIdentity.objects.get(value="A-1").row_id == second.row.pk


def test_after_death_nothing_is_measured(record, ana, system):
    with system():
        Patient.objects.filter(pk=ana.patient.pk).update(deceased_at=NOW - timedelta(hours=1))
        dead = Patient.objects.get(pk=ana.patient.pk)
        with pytest.raises(ReadingOutOfTime):
            record_observation(dead, POTASSIUM, source=Source.DEVICE)
        early = replace(POTASSIUM, measured_at=NOW - timedelta(hours=2))
        assert record_observation(dead, early, source=Source.HL7).fate is Fate.NEW


@pytest.mark.parametrize("empty", [Identifier("urn:lab", ""), Identifier("s", "x" * 256)])
def test_an_identifier_must_name_something(record, ana, empty):
    with pytest.raises(IncompleteReading):
        record(ana, POTASSIUM, identifier=empty)


def test_sent_twice_at_once_it_is_one_row(committed, cast, system):
    fates = []
    ready = threading.Barrier(4)

    def send():
        try:
            ready.wait(60)
            with system():
                fates.append(
                    record_observation(
                        cast.ana.patient, POTASSIUM, source=Source.API, identifier=ORDER
                    ).fate
                )
        finally:
            connection.close()

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(60)
    assert sorted(fates) == [Fate.NEW, *[Fate.UNCHANGED] * 3]
    with system():
        assert Result.objects.count() == 1
