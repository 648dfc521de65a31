"""Results of the shared laboratory data, imported as they are, raise the alerts that they should.

What they should raise is worked out here a second time: from the raw files and from the published
limits, with nothing of the portal's own.
"""

import json
import os
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command

from alerts.defaults import install_defaults
from alerts.judge import judge_waiting
from alerts.models import Alert, Judgement, Rule
from care.models import Result
from portal.management.hl7.intake import Hl7Intake
from portal.models import Patient

_DATA = Path(os.environ.get("SAMPLE_DATA", Path(__file__).resolve().parents[3] / "shared/data"))
BUNDLES = _DATA / "synthea-r4"

# Compiled from five hospitals' published lists: codes, unit, low at or below, high at or above.
LIMITS = {
    "potassium": ("2823-3 6298-4", "mmol/L", "2.8", "6.0"),
    "sodium": ("2951-2 2947-0", "mmol/L", "125", "155"),
    "glucose": ("2345-7 2339-0", "mg/dL", "50", "450"),
    "calcium": ("17861-6 49765-1", "mg/dL", "6.5", "13.0"),
    "bicarbonate": ("2028-9 20565-8", "mmol/L", "10", "40"),
    "urea-nitrogen": ("3094-0 6299-2", "mg/dL", None, "100"),
    "creatinine": ("2160-0 38483-4", "mg/dL", None, "6.0"),
    "haemoglobin": ("718-7", "g/dL", "7.0", "20.0"),
    "haematocrit": ("4544-3 20570-8", "%", "20", "60"),
    "leukocytes": ("6690-2 26464-8", "10*3/uL", "1.0", "50"),
    "platelets": ("777-3 26515-7", "10*3/uL", "20", "1000"),
}
SAME_UNIT = {"K/uL": "10*3/uL"}
HORIZON = timedelta(hours=72)

# File, day of the sample, and what it should raise.
CRITICAL = [
    ("Ali_Herman", "2020-06-08", ["leukocytes:low"]),
    ("Thanh_Mosciski", "2018-05-28", ["leukocytes:low"]),
    ("Thanh_Mosciski", "2018-06-28", ["haemoglobin:low"]),
    ("Thanh_Mosciski", "2018-09-26", ["haemoglobin:low"]),
    ("Thanh_Mosciski", "2018-10-30", ["haemoglobin:low"]),
]
HARMLESS = [("Luis_Miguel_Delarosa", "2021-03-18"), ("Thanh_Mosciski", "2018-07-31")]


def bundle_of(name):
    if not BUNDLES.is_dir():
        pytest.skip("the sample data is not on this machine (SAMPLE_DATA names its folder)")
    (path,) = BUNDLES.glob(f"{name}_*.json")
    return json.loads(path.read_text(), parse_float=Decimal)


def laboratory(bundle):
    """The laboratory results in a bundle: code, value, unit, time."""
    for entry in bundle["entry"]:
        resource = entry["resource"]
        if not is_laboratory(resource) or "valueQuantity" not in resource:
            continue
        quantity = resource["valueQuantity"]
        yield (
            resource["code"]["coding"][0]["code"],
            Decimal(quantity["value"]),
            quantity["unit"],
            datetime.fromisoformat(resource["effectiveDateTime"]),
        )


def is_laboratory(resource):
    categories = resource.get("category", []) if resource["resourceType"] == "Observation" else []
    return "laboratory" in [each["coding"][0]["code"] for each in categories]


def condition_of(code, value, unit):
    """The condition that a value should raise, or None."""
    for name, (codes, own_unit, low, high) in LIMITS.items():
        if code in codes.split():
            assert SAME_UNIT.get(unit, unit) == own_unit
            if low and value <= Decimal(low):
                return f"{name}:low"
            if high and value >= Decimal(high):
                return f"{name}:high"
    return None


def should_raise(bundle, until):
    """The conditions and their first value, of what was measured in the 72 hours up to `until`."""
    found = {}
    for code, value, unit, at in sorted(laboratory(bundle), key=lambda result: result[3]):
        condition = condition_of(code, value, unit)
        if condition and until - HORIZON < at <= until:
            found.setdefault(condition, value)
    return found


def as_known_on(bundle, day, folder):
    """A file with the patient and the results of the six weeks up to a day; and the last time."""
    begin, end = f"{date.fromisoformat(day) - timedelta(weeks=6)}", f"{day}T99"
    kept = [
        entry
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "Patient"
        or (
            is_laboratory(entry["resource"])
            and begin <= entry["resource"]["effectiveDateTime"] <= end
        )
    ]
    path = folder / "results.json"
    path.write_text(json.dumps({**bundle, "entry": kept}, default=float))
    return path, max(at for _, _, _, at in laboratory({"entry": kept}))


def test_the_critical_results_of_the_data_are_these():
    """So that none is forgotten below."""
    found = Counter()
    bundle_of("Ali_Herman")
    for path in BUNDLES.glob("*.json"):
        for code, value, unit, at in laboratory(json.loads(path.read_text(), parse_float=Decimal)):
            if condition := condition_of(code, value, unit):
                found[path.name.rpartition("_")[0], f"{at:%Y-%m-%d}", condition] += 1
    assert found == {(name, day, condition): 1 for name, day, (condition,) in CRITICAL}


@pytest.fixture
def watching(cast, clinic, system):
    """Harbour Clinic with the rules that a clinic begins with, all of them confirmed."""
    with system():
        install_defaults(clinic.pk, switched_on=True)
        assert not Rule.objects.filter(is_on=False).exists()


@pytest.fixture
def raised(clinic, system):
    """`raised()`: judge what waits, and return every alert of the clinic."""

    def raised():
        judge_waiting(clinic.pk)
        with system():
            assert not Judgement.objects.filter(judged_at=None).exists()
            return list(Alert.objects.order_by("condition"))

    return raised


@pytest.mark.parametrize(("name", "day"), [each[:2] for each in CRITICAL] + HARMLESS)
def test_results_of_a_day_raise_what_they_should(watching, raised, system, tmp_path, name, day):
    bundle = bundle_of(name)
    path, last = as_known_on(bundle, day, tmp_path)
    expected = should_raise(bundle, last)
    named = [conditions for *which, conditions in CRITICAL if which == [name, day]]
    assert [sorted(expected)] == (named or [[]])

    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    call_command(
        "import_fhir", str(path), "--organization=harbour", f"--shift-dates-to={yesterday}"
    )
    alerts = raised()
    with system():
        assert Result.objects.count() > 10
    assert {alert.condition: alert.first_value for alert in alerts} == {
        condition: pytest.approx(value, abs=Decimal("0.000001"))
        for condition, value in expected.items()
    }
    assert {(alert.severity, alert.count, alert.phase) for alert in alerts} <= {
        ("critical", 1, "open")
    }


def test_the_same_values_by_hl7_raise_the_same(watching, raised, clinic, ana, system):
    """As a laboratory sends them: haemoglobin in g/L, leukocytes in its own spelling of 10^9/L."""
    low = {condition_of(*result[:3]): result for result in laboratory(bundle_of("Thanh_Mosciski"))}
    haemoglobin, leukocytes = low["haemoglobin:low"][1], low["leukocytes:low"][1]
    at = f"{datetime.now(UTC) - timedelta(hours=2):%Y%m%d%H%M%S}+0000"
    message = "\r".join(
        [
            rf"MSH|^~\&|LAB|HILL|VIGIL|HARBOUR|{at}||ORU^R01|1|P|2.5.1",
            f"PID|1||{ana.patient.mrn}^^^HARBOUR^MR||||{ana.patient.birth_on:%Y%m%d}",
            f"OBR|1|P1|1|58410-2^CBC^LN|||{at}",
            f"OBX|1|NM|718-7^Hemoglobin^LN||{haemoglobin * 10:.1f}|g/L|130-170|LL|||F|||{at}",
            f"OBX|2|NM|6690-2^Leukocytes^LN||{leukocytes:.2f}|giga.l-1|4-11|LL|||F|||{at}",
        ]
    )
    taken = Hl7Intake(clinic).take(message.encode())
    assert taken.answer.code == "AA", taken.answer.problems
    assert {alert.condition: f"{alert.first_value:.2f}" for alert in raised()} == {
        "haemoglobin:low": "6.13",
        "leukocytes:low": "0.56",
    }


def test_the_shared_normal_report_raises_nothing(watching, raised, clinic, system):
    """Its haemoglobin of 13.4 “g/l-1” is meant per decilitre: as g/L it would be a false alarm."""
    path = _DATA / "hl7v2/LAB-ORU-2.hl7"
    if not path.is_file():
        pytest.skip("the sample data is not on this machine (SAMPLE_DATA names its folder)")
    with system():
        Patient.objects.create(
            organization=clinic, mrn="10006579", name="Donald Duck", birth_on=date(1924, 10, 10)
        )
    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y%m%d}".encode()
    taken = Hl7Intake(clinic).take(re.sub(rb"2014100\d", yesterday, path.read_bytes()))
    (problem,) = taken.answer.problems
    assert "cannot be converted from “g/l-1”" in problem.reason
    assert taken.fates["new"] == 9
    assert raised() == []
