"""What a page says about a measurement, and which operation somebody recovers from. Pure."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from care.models import Procedure, Result, VitalSign
from care.readings import reading_of, traces_of
from care.recovery import is_operation, plain_name, recovery_of
from care.units import figure, written
from care.vital_signs import BLOOD_PRESSURE, KINDS, codes_like, is_always_one, kind_of
from care.wording import in_plain_words, name_of_test

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ADULT, CHILD = 40, 8


def vital(code, value=None, **fields):
    fields.setdefault("measured_at", NOW)
    if value is not None:
        fields["value"] = Decimal(str(value))
    return VitalSign(code=code, display=code, category="vital-signs", **fields)


def pressure(systolic, diastolic, code=BLOOD_PRESSURE):
    numbers = {"8480-6": systolic, "8462-4": diastolic}
    parts = [{"code": each, "value": str(number)} for each, number in numbers.items()]
    return vital(code, components=parts)


@pytest.mark.parametrize(
    ("code", "value", "flag"),
    [
        ("8867-4", 59, "low"),
        ("8867-4", 60, ""),
        ("8867-4", 100, ""),
        ("8867-4", 101, "high"),
        ("59408-5", 94, "low"),
        ("59408-5", 95, ""),
        ("2708-6", 94, "low"),
        ("9279-1", 11, "low"),
        ("9279-1", 20, ""),
        ("9279-1", 21, "high"),
        ("8310-5", "36.0", "low"),
        ("8310-5", "36.1", ""),
        ("8310-5", "38.0", ""),
        ("8310-5", "38.1", "high"),
        ("72514-3", 3, ""),
        ("72514-3", 4, "high"),
        ("29463-7", 500, ""),
    ],
)
def test_the_edges_of_the_normal_ranges(code, value, flag):
    assert reading_of(vital(code, value), age=ADULT).flag == flag


@pytest.mark.parametrize(
    ("systolic", "diastolic", "flag"),
    [(120, 80, ""), (141, 80, "high"), (120, 91, "high"), (89, 70, "low"), (150, 55, "high")],
)
def test_a_pressure_carries_the_graver_flag_of_its_two_numbers(systolic, diastolic, flag):
    assert reading_of(pressure(systolic, diastolic), age=ADULT).flag == flag


def test_what_is_printed_is_what_is_judged():
    reading = reading_of(vital("72514-3", "3.2"), age=ADULT)
    assert (reading.figure, reading.flag) == ("3", "")


def test_a_childs_pulse_is_not_judged_by_an_adults_range():
    reading = reading_of(vital("8867-4", 118), age=CHILD)
    assert (reading.flag, reading.said) == ("", "")
    assert reading_of(vital("8310-5", "39.0"), age=CHILD).flag == "high"


def test_the_senders_own_judgement_comes_first():
    assert reading_of(vital("8867-4", 72, interpretation="HH"), age=ADULT).said == "critically high"
    own = vital("8867-4", 72, range_low=Decimal(80), range_high=Decimal(90))
    assert reading_of(own, age=ADULT).flag == "low"


def test_a_result_without_a_range_is_not_called_in_range():
    potassium = Result(code="2823-3", category="laboratory", value=Decimal(4), measured_at=NOW)
    assert reading_of(potassium, age=ADULT).said == ""


def test_what_was_put_aside_is_said_not_to_be_used():
    reading = reading_of(vital("8867-4", 900, is_implausible=True), age=ADULT)
    assert reading.said == "not used, unlikely"
    assert in_plain_words(reading) == "We do not use this one. Please measure again."


def test_the_latest_reading_is_the_latest_that_counts():
    rows = [vital("8867-4", 900, is_implausible=True), vital("8867-4", 80), vital("8867-4", 70)]
    (trace,) = traces_of(rows, age_on=lambda day: ADULT)
    assert (trace.latest.figure, trace.aside.figure) == ("80", "900")
    (alone,) = traces_of(rows[:1], age_on=lambda day: ADULT)
    assert (alone.latest.figure, alone.aside) == ("900", None)


def test_codes_of_one_kind_are_one_trace_and_texts_do_not_matter():
    rows = [
        pressure(120, 80),
        pressure(130, 85, code="55284-4"),
        vital("8331-1", 37, unit="Cel"),
        vital("8310-5", 37, unit="Cel"),
    ]
    rows[2].display = "Oral\u200b temperature"
    traces = traces_of(rows, age_on=lambda day: ADULT)
    assert [(trace.name, len(trace.readings)) for trace in traces] == [
        ("Blood pressure", 2),
        ("Temperature", 2),
    ]


def test_a_pressure_with_one_number_missing_is_not_shown_as_a_pressure():
    half = vital(BLOOD_PRESSURE, components=[{"code": "8480-6", "value": "120"}])
    assert traces_of([half], age_on=lambda day: ADULT) == []


def test_no_code_belongs_to_two_kinds():
    codes = [code for kind in KINDS for code in kind.codes]
    assert len(codes) == len(set(codes))


def test_every_normal_range_lies_within_what_is_plausible():
    for kind in KINDS:
        for part in kind.parts:
            for end in (part.normal.low, part.normal.high) if part.normal else ():
                assert end is None or end in part.plausible


def test_an_arterial_saturation_stays_the_laboratorys():
    assert is_always_one("8480-6")
    assert not is_always_one("2708-6")
    assert codes_like("2708-6") == ("59408-5", "2708-6")
    assert kind_of("718-7") is None


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("mm[Hg]", "mmHg"),
        ("Cel", "°C"),
        ("{score}", ""),
        ("10*3/uL", "×10³/µL"),
        ("mL/min/{1.73_m2}", "mL/min/1.73 m²"),
        ("g/dL", "g/dL"),
    ],
)
def test_units_are_written_as_people_write_them(unit, text):
    assert written(unit) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.5628042", "0.5628"),
        ("167.773", "167.8"),
        ("1200", "1200"),
        ("4.0000", "4"),
        ("0", "0"),
    ],
)
def test_a_figure_keeps_four_digits_that_count(value, text):
    assert figure(Decimal(value)) == text


def test_half_is_rounded_up_as_people_do():
    assert figure(Decimal("36.65"), 1) == "36.7"


def test_a_laboratory_test_is_called_what_people_call_it():
    assert name_of_test("Potassium [Moles/volume] in Serum or Plasma") == "Potassium"
    assert name_of_test("Glucose [Mass/volume] in Urine by Test strip") == "Glucose in Urine"
    assert name_of_test("Hematocrit [Volume Fraction] of Blood by Automated count") == "Hematocrit"
    assert name_of_test("Total score [AUDIT-C]") == "Total score [AUDIT-C]"


# Recovery --------------------------------------------------------------------------------------

NEW_YORK = ZoneInfo("America/New_York")


def procedure(display, *, days=6, code="", category="", hour=12):
    at = datetime(2026, 11, 21, hour, tzinfo=NEW_YORK) - timedelta(days=days)
    return Procedure(display=display, code=code, category=category, performed_at=at)


def recovery(*procedures):
    return recovery_of(procedures, today=date(2026, 11, 21), zone=NEW_YORK)


def test_day_six_after_a_knee_operation():
    found = recovery(
        procedure("Total replacement of left knee joint"), procedure("Dressing change", days=2)
    )
    assert found.sentence() == "Day 6 after your knee operation."
    assert found.sentence("Ana’s") == "Day 6 after Ana’s knee operation."


def test_the_latest_operation_counts():
    found = recovery(procedure("Appendectomy", days=30), procedure("Repair of hernia", days=3))
    assert (found.day, found.name) == (3, "hernia operation")


def test_days_change_at_midnight_in_the_clinic():
    """At 21:00 in New York it is the next day in UTC already."""
    late = procedure("Appendectomy", days=1, hour=21)
    assert recovery(late).day == 1


@pytest.mark.parametrize("days", [-1, 91, 4000])
def test_nobody_counts_days_before_or_long_after(days):
    assert recovery(procedure("Appendectomy", days=days)) is None


def test_the_day_itself_is_said_in_words():
    assert recovery(procedure("Appendectomy", days=0)).sentence() == (
        "Today is the day of your appendix operation."
    )


@pytest.mark.parametrize(
    ("display", "is_one"),
    [
        ("Appendectomy", True),
        ("Partial resection of colon", True),
        ("Cesarean section", True),
        ("Caesarean section", True),
        ("Transplant of lung (procedure)", True),
        ("Laparoscopic Removal of Gall Bladder", True),
        ("Coronary artery bypass graft", True),
        ("Excision of fallopian tube and surgical removal of ectopic pregnancy", True),
        ("Colonoscopy", False),
        ("Rectal polypectomy", False),
        ("Removal of supragingival plaque using dental instrument", False),
        ("Gingivectomy or gingivoplasty, per tooth", False),
        ("Removal of subcutaneous contraceptive", False),
        ("Medication reconciliation (procedure)", False),
        ("Admission to trauma surgery department", False),
        ("Alcohol rehabilitation", False),
    ],
)
def test_which_procedures_are_operations(display, is_one):
    assert is_operation(procedure(display)) is is_one


def test_the_senders_category_decides():
    assert is_operation(procedure("Something new", category="387713003"))


def test_a_name_nobody_knows_is_an_operation():
    assert plain_name("Excision of something") == "operation"
