"""Units: everything that comes is made the analyte's own, or refused with the reason."""

import json
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.analytes import ANALYTES, LABORATORY, analyte_called, analyte_of
from care.errors import UnitRefused
from care.ucum import UnknownUnit, measure_of
from care.units import converted, expressed
from care.vital_signs import BLOOD_PRESSURE, KINDS, SYSTOLIC
from tests.care.conftest import samples

# Whatever a laboratory of the world writes beside each of these.
WRITTEN = {
    "potassium": "mmol/L meq/L mEq/L umol/L mmol.l-1",
    "sodium": "mmol/L mEq/L",
    "glucose": "mg/dL mmol/L g/L mg/L umol/L",
    "calcium": "mg/dL mmol/L meq/L mg/L",
    "ionised-calcium": "mmol/L mg/dL meq/L",
    "magnesium": "mg/dL mmol/L meq/L",
    "phosphate": "mg/dL mmol/L",
    "urea-nitrogen": "mg/dL mmol/L",
    "creatinine": "mg/dL umol/L µmol/L mmol/L",
    "lactate": "mmol/L mg/dL",
    "troponin-t": "ng/L ng/mL pg/mL ug/L",
    "haemoglobin": "g/dL g/L mmol/L g.l-1",
    "haematocrit": "% 1 L/L",
    "leukocytes": "10*3/uL 10*9/L 10^9/L K/uL /uL x10E3/uL giga.l-1 G/L 10*3/mm3",
    "platelets": "10*3/uL 10*9/L K/uL /mm3",
    "inr": "{INR} 1 INR",
    "aptt": "s sec",
    "arterial-ph": "[pH] pH",
    "pco2": "mm[Hg] mmHg kPa",
    "digoxin": "ng/mL ug/L nmol/L mcg/L",
    "heart-rate": "/min {beats}/min bpm beats/min",
    "temperature": "Cel °C [degF] °F",
    "weight": "kg g [lb_av] lb",
    "height": "cm m [in_i]",
    "oxygen-saturation": "% 1",
    "oxygen-flow": "L/min mL/min",
    "systolic-pressure": "mm[Hg] mmHg kPa cm[H2O]",
    "pain": "{score} score (score) 1",
}
PAIRS = [(key, unit) for key, units in WRITTEN.items() for unit in units.split()]


@pytest.mark.parametrize(
    ("key", "value", "unit", "kept"),
    [
        ("glucose", "5.55", "mmol/L", "99.98658"),
        ("glucose", "25", "mmol/L", "450.39"),
        ("creatinine", "88.4", "umol/L", "0.999981"),
        ("calcium", "2.5", "mmol/L", "10.0195"),
        ("calcium", "5", "meq/L", "10.0195"),
        ("potassium", "6.4", "mEq/L", "6.4"),
        ("urea-nitrogen", "10", "mmol/L", "28.0134"),
        ("haemoglobin", "70", "g/L", "7"),
        ("haemoglobin", "4.5", "mmol/L", "7.2513"),
        ("haematocrit", "0.42", "L/L", "42"),
        ("leukocytes", "0.9", "giga.l-1", "0.9"),
        ("leukocytes", "12400", "/uL", "12.4"),
        ("leukocytes", "16.4", "K/uL", "16.4"),
        ("pco2", "5.3", "kPa", "39.753379"),
        ("troponin-t", "0.014", "ng/mL", "14"),
        ("temperature", "98.6", "[degF]", "37"),
        ("temperature", "-40", "°F", "-40"),
        ("weight", "180", "lb", "81.646627"),
        ("height", "70", "[in_i]", "177.8"),
        ("oxygen-saturation", "0.97", "1", "97"),
    ],
)
def test_what_laboratories_write_is_made_the_analytes_own(key, value, unit, kept):
    assert converted(Decimal(value), unit, analyte_called(key)) == Decimal(kept)


@pytest.mark.parametrize(
    ("key", "unit"),
    [
        ("potassium", ""),
        ("potassium", "units"),
        ("potassium", "mg/dL"),  # nobody reports it so: no molar mass, no conversion
        ("glucose", "%"),
        ("glucose", "mg"),
        ("glucose", "Mmol/L"),
        ("inr", "%"),
        ("inr", "s"),
        ("arterial-ph", "mol/L"),
        ("leukocytes", "%"),
        ("leukocytes", "10*3"),
        ("temperature", "kg"),
        ("heart-rate", "/min/min"),
        ("weight", "kg/m2"),
        ("haemoglobin", "g/dL/L"),
        ("troponin-i", "U/L"),
    ],
)
def test_what_measures_something_else_is_refused(key, unit):
    with pytest.raises(UnitRefused) as raised:
        converted(Decimal("4.2"), unit, analyte_called(key))
    assert analyte_called(key).name in str(raised.value)
    assert "4.2" not in str(raised.value)


@pytest.mark.parametrize(("key", "unit"), PAIRS)
def test_there_and_back_is_the_same(key, unit):
    analyte = analyte_called(key)

    @given(st.decimals("0.5", "900", places=3))
    def round_trip(value):
        there = converted(expressed(value, analyte, unit), unit, analyte)
        # Six places of the other unit are kept: a litre of blood has 10**9 of what a µL has one of.
        step = abs(converted(Decimal(1), unit, analyte) - converted(Decimal(0), unit, analyte))
        assert abs(there - value) <= Decimal("0.000002") * max(step, 1)

    round_trip()


@given(st.sampled_from(PAIRS), st.decimals("0", "500", places=2), st.decimals("0", "500", places=2))
def test_what_is_more_stays_more(pair, one, other):
    analyte = analyte_called(pair[0])
    less, more = sorted([one, other])
    assert converted(less, pair[1], analyte) <= converted(more, pair[1], analyte)


@given(st.text(max_size=12))
def test_no_text_is_anything_but_a_unit_or_refused(text):
    for analyte in ANALYTES:
        with suppress(UnitRefused):
            assert converted(Decimal(4), text, analyte).is_finite()


@pytest.mark.parametrize("unit", ["", "nope", "//", "1/1/1", "10*", "{x}/{y}", "k", "mm[Fe]"])
def test_what_is_not_in_the_table_is_unknown(unit):
    with pytest.raises(UnknownUnit):
        measure_of(unit)


def test_each_code_belongs_to_one_analyte_and_each_unit_can_be_read():
    codes = [code for analyte in ANALYTES for code in analyte.codes]
    assert len(codes) == len(set(codes))
    assert len({analyte.key for analyte in ANALYTES}) == len(ANALYTES)
    for analyte in ANALYTES:
        assert analyte.code in analyte.codes
        assert analyte_of(analyte.code) is analyte
        if not analyte.is_arbitrary:
            assert measure_of(analyte.unit).factor > 0


def test_every_vital_sign_is_an_analyte_and_a_pressure_is_two():
    for kind in KINDS:
        for code in (part.code for part in kind.parts):
            analyte = analyte_of(code)
            assert analyte is not None
            assert (analyte.unit, analyte.is_vital_sign) == (kind.unit, True)
    assert analyte_of(BLOOD_PRESSURE) is None
    assert analyte_of(SYSTOLIC).plausible.high == 300


def test_each_plausible_range_has_room_for_what_is_critical():
    # The default limits of the clinic's first list must lie inside, or nothing would be critical.
    critical = {"potassium": ("2.8", "6.0"), "glucose": ("50", "450"), "platelets": ("20", "1000"),
                "arterial-ph": ("7.20", "7.60"), "haemoglobin": ("7.0", "20.0"),
                "creatinine": ("0.1", "6.0"), "lactate": ("0.5", "4.0")}  # fmt: skip
    for key, limits in critical.items():
        for limit in limits:
            assert not analyte_called(key).is_implausible(Decimal(limit))
    assert all(each.plausible for each in LABORATORY if not each.is_worded)


def test_every_unit_of_the_sample_data_is_made_the_analytes_own():
    seen = 0
    for path in [
        *samples("synthea-r4").glob("*.json"),
        *samples("uscore-examples").rglob("*.json"),
    ]:
        for code, quantity in _quantities(json.loads(path.read_text())):
            analyte = analyte_of(code)
            if analyte is not None:
                unit = quantity.get("code") or quantity.get("unit") or ""
                converted(Decimal(str(quantity["value"])), unit, analyte)
                seen += 1
    assert seen > 2000


def _quantities(node):
    if isinstance(node, list):
        for each in node:
            yield from _quantities(each)
    elif isinstance(node, dict):
        quantity = node.get("valueQuantity")
        if quantity and "value" in quantity and "code" in node:
            for coding in node["code"].get("coding", []):
                yield coding.get("code", ""), quantity
        for each in node.values():
            yield from _quantities(each)
