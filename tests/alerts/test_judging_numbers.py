"""A number is judged in whatever form it is sent; what cannot be read is not silent."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from care.actions import record_observation
from care.fhir.intake import Intake, Item
from care.models import Result, Source
from care.reported import Part, Reported
from care.vital_signs import BLOOD_PRESSURE, DIASTOLIC, SYSTOLIC
from portal.management.hl7.intake import Hl7Intake
from tests.care.resources import observation, patient
from tests.hl7.samples import oru, result

POTASSIUM, GLUCOSE, SYSTOLIC_RULE = (
    {"low": "2.8", "high": "6.0"},
    {"what": "Glucose", "codes": ["2345-7"], "unit": "mg/dL", "low": "50", "high": "450"},
    {"what": "Systolic", "codes": [SYSTOLIC], "unit": "mm[Hg]", "high": "200"},
)


@pytest.fixture
def watching(rule):
    rule(**POTASSIUM)
    rule(**GLUCOSE)
    rule(**SYSTOLIC_RULE)


@pytest.fixture
def sent(clinic, judged, alerts_of, ana):
    """`sent("6.4", kind="ST")`: the answer to a potassium that HL7 v2 brings, and the alerts."""

    def sent(value, unit="mmol/L", *, minutes=60, **fields):
        at = datetime.now(UTC) - timedelta(minutes=minutes)
        named = {"kind": "ST", "range": "", "flag": "", "at": f"{at:%Y%m%d%H%M%S}+0000"} | fields
        answer = Hl7Intake(clinic).take(oru(result(value=value, unit=unit, **named))).answer
        judged()
        return answer.code, [(alert.condition, alert.last_value) for alert in alerts_of(ana)]

    return sent


@pytest.fixture
def imported(clinic, cast, judged, system):
    """`imported(valueString="6.4")`: the answer to a potassium of FHIR, and the alerts."""
    from alerts.models import Alert

    def imported(code="2823-3", **value):
        resource = observation(
            category=[{"coding": [{"code": "laboratory"}]}],
            code={"coding": [{"system": "http://loinc.org", "code": code}]},
            effectiveDateTime=(timezone.now() - timedelta(hours=1)).isoformat(),
            **({"valueQuantity": None} | value),
        )
        outcome = Intake(clinic).take([Item(0, patient()), Item(1, resource)])
        judged()
        with system():
            raised = [(each.condition, each.last_value) for each in Alert.objects.all()]
        return [each.reason for each in outcome.refusals], raised

    return imported


@pytest.mark.parametrize("kind", ["ST", "TX", "FT", "NM"])
def test_a_critical_number_is_judged_whatever_its_kind(watching, sent, kind):
    assert sent("6.4", kind=kind) == ("AA", [("potassium:high", Decimal("6.4"))])


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("6.4", "6.4"),
        (" 6.4 ", "6.4"),
        ("> 6.4", "6.4"),
        (">=6.4", "6.4"),
        ("≥ 6.4", "6.4"),
        ("Greater than 6.4", "6.4"),
        ("6,4", "6.4"),
        ("6.4 H", "6.4"),
        ("6.4 (HH)", "6.4"),
        ("6.4*", "6.4"),
        ("6.4H*", "6.4"),
        ("6.4 CRITICAL HIGH", "6.4"),
        ("6.4 mmol/L", "6.4"),
        ("6.4 mmol/L H", "6.4"),
        ("6.4 (hemolyzed)", "6.4"),
        ("6.4 - called to Dr Lee", "6.4"),
        ("6.4-6.6", "6.4"),
    ],
)
def test_a_number_in_a_text_is_a_number(watching, sent, text, number):
    assert sent(text) == ("AA", [("potassium:high", Decimal(number))])


def test_the_unit_is_the_one_that_is_given(watching, sent, system):
    """33.3 mmol/L of glucose are 600 mg/dL."""
    glucose = "2345-7^Glucose^LN"
    answer, ((condition, value),) = sent("> 33.3", "mmol/L", code=glucose)
    assert (answer, condition, round(value)) == ("AA", "glucose:high", 600)
    with system():
        assert Result.objects.get().text_value == ">599.91948"


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("6.4", ""),  # a number of what?
        ("6,400", "mmol/L"),  # six, or six thousand?
        ("1 200", "mmol/L"),
        ("6.4 mmol/L", "mg/dL"),
    ],
)
def test_what_would_have_to_be_guessed_is_refused_and_said(watching, sent, system, text, unit):
    assert sent(text, unit) == ("AE", [])
    with system():
        assert not Result.objects.exists()


@pytest.mark.parametrize(
    "text", ["4.1", "4.1 mmol/L", "Hemolyzed", "4.1 (hemolyzed)", "< 5.9", "24h", "2026 - see note"]
)
def test_what_is_in_range_or_no_number_raises_nothing(watching, sent, text):
    assert sent(text) == ("AA", [])


def test_words_stay_words(watching, sent, system):
    sent("6.4 (hemolyzed)")
    with system():
        row = Result.objects.get()
    assert (row.value, row.text_value) == (None, "6.4 (hemolyzed)")


@pytest.mark.parametrize("text", ["6.4 (hemolyzed)", "> 4.1", "HEMOLYZED", "3-4"])
def test_what_is_not_known_for_certain_is_no_recovery(rule, sent, text):
    rule(high="6.0", severity="urgent")
    sent("6.4", minutes=90)
    answer, alerts = sent(text.replace("6.4", "4.1"), minutes=30, sub="2")
    assert (answer, [condition for condition, _ in alerts]) == ("AA", ["potassium:high"])


def test_what_is_below_the_scale_is_in_range_for_a_high_limit(rule, sent, alerts_of, ana):
    rule(high="6.0", severity="urgent")
    sent("6.4", minutes=90)
    sent("< 4.1", minutes=30, sub="2")
    assert alerts_of(ana)[0].outcome == "recovered"


# FHIR ----------------------------------------------------------------------------------------


def quantity(**value):
    return {"valueQuantity": value}


@pytest.mark.parametrize(
    ("code", "value", "condition"),
    [
        ("2823-3", {"valueString": "6.4 mmol/L"}, "potassium:high"),
        ("2345-7", {"valueString": ">600 mg/dL"}, "glucose:high"),
        ("2345-7", {"valueString": "> 600 mg/dL"}, "glucose:high"),
        ("2345-7", {"valueCodeableConcept": {"text": "600 mg/dL"}}, "glucose:high"),
        (
            "2345-7",
            quantity(value=600, comparator=">", unit="mg/dL", code="mg/dL"),
            "glucose:high",
        ),
    ],
)
def test_a_text_of_fhir_is_judged_too(watching, imported, code, value, condition):
    refusals, alerts = imported(code, **value)
    assert (refusals, [each for each, _ in alerts]) == ([], [condition])


@pytest.mark.parametrize("text", ["6.4", ">600"])
def test_a_text_without_a_unit_is_refused_as_a_quantity_without_one_is(watching, imported, text):
    (refusal,), alerts = imported(valueString=text)
    assert "has no unit" in refusal
    assert alerts == []
    (same,), _ = imported(valueQuantity={"value": 6.4})
    assert same == refusal


def test_a_number_without_unit_needs_none(rule, imported):
    rule(what="INR", codes=["6301-6"], unit="{INR}", high="5")
    assert imported("6301-6", valueString="5.2") == ([], [("inr:high", Decimal("5.2"))])


# Components ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "systolic",
    [
        Part(SYSTOLIC, Decimal(250), "mm[Hg]", comparator=">"),
        Part(SYSTOLIC, unit="mm[Hg]", text="> 250"),
        Part(SYSTOLIC, unit="mm[Hg]", text="250"),
    ],
)
def test_a_component_beyond_the_scale_is_judged(watching, judged, alerts_of, ana, system, systolic):
    pressure = Reported(
        code=BLOOD_PRESSURE,
        measured_at=timezone.now() - timedelta(minutes=5),
        components=(systolic, Part(DIASTOLIC, Decimal(90), "mm[Hg]")),
    )
    with system():
        record_observation(ana.patient, pressure, source=Source.DEVICE)
    judged()
    (alert,) = alerts_of(ana)
    assert (alert.condition, alert.last_value) == ("systolic-pressure:high", 250)


# The laboratory's own flag -------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["HH", "LL", "AA", "hh", "H~HH"])
@pytest.mark.parametrize("text", ["Hemolyzed, see note", "See note"])
def test_what_a_laboratory_calls_critical_and_nobody_can_read_is_told(watching, sent, text, flag):
    assert sent(text, flag=flag) == ("AA", [("potassium:flagged", None)])


@pytest.mark.parametrize("text", ["HI", "LO", "Critical value, called to Dr Lee", "PANIC HIGH"])
def test_so_is_what_its_words_call_critical(watching, sent, text):
    assert sent(text) == ("AA", [("potassium:flagged", None)])


@pytest.mark.parametrize("flag", ["", "N", "H", "L", "A"])
def test_other_flags_tell_nobody(watching, sent, flag):
    assert sent("Hemolyzed", flag=flag) == ("AA", [])


def test_a_flag_does_not_stand_above_the_limits_of_the_site(watching, sent):
    """The number can be compared: the site has decided from where on it is critical."""
    assert sent("5.8", flag="HH") == ("AA", [])


def test_a_number_that_cannot_be_compared_is_told_by_its_flag(
    rule, arrives, judged, alerts_of, ana
):
    rule(what="ALT", codes=["1742-6"], unit="U/L", high="1000")
    arrives(ana, "31", code="1742-6", unit="ukat/L")
    judged()
    assert alerts_of(ana) == []
    arrives(ana, "31", code="1742-6", unit="ukat/L", interpretation="HH")
    judged()
    assert [alert.condition for alert in alerts_of(ana)] == ["1742-6:flagged"]


def test_a_number_that_no_column_holds_is_words(rule, arrives, judged, alerts_of, ana):
    rule(what="ALT", codes=["1742-6"], unit="U/L", high="1000")
    arrives(ana, None, code="1742-6", unit="U/L", text_value="1e99")
    assert judged() == 1
    assert alerts_of(ana) == []


def test_an_implausible_number_in_a_text_is_put_aside(watching, sent, system):
    assert sent("64") == ("AA", [])
    with system():
        assert Result.objects.get().is_implausible


def test_a_text_about_what_is_no_analyte_is_compared_in_its_unit(
    rule, arrives, judged, alerts_of, ana
):
    rule(what="ALT", codes=["1742-6"], unit="U/L", high="1000")
    arrives(ana, None, code="1742-6", unit="U/L", text_value="1200")
    judged()
    assert [alert.last_value for alert in alerts_of(ana)] == [1200]


def test_a_flag_of_fhir_is_found_among_several(watching, imported):
    flags = [
        {"coding": [{"code": "PANIC"}, {"code": "H"}]},
        {"coding": [{"code": "HH"}]},
    ]
    said = imported(valueString="See note", interpretation=flags)
    assert said == ([], [("potassium:flagged", None)])


def test_an_alert_about_a_flag_says_so(watching, sent, alerts_of, ana, system):
    from alerts.cards import finding

    sent("See note", flag="HH")
    (alert,) = alerts_of(ana)
    with system():
        assert finding(alert) == "Potassium, called critical by the laboratory"


def test_a_later_number_does_not_end_it(rule, sent, alerts_of, ana):
    rule(high="6.0", severity="urgent")
    sent("See note", flag="HH", minutes=90)
    sent("4.1", minutes=30, sub="2")
    assert [alert.phase for alert in alerts_of(ana)] == ["open"]
