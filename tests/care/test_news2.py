"""NEWS2, pure: every boundary of every band, what is missing, and 812 real sets of vital signs."""

import csv
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.news2 import RESPONSES, Band, Consciousness, Inputs, Parameter, Scale, score
from tests.care.conftest import samples

WELL = {
    "respiration": Decimal(16),
    "saturation": Decimal(97),
    "on_oxygen": False,
    "systolic": Decimal(120),
    "pulse": Decimal(70),
    "consciousness": Consciousness.ALERT,
    "temperature": Decimal("37.0"),
}

# The chart as it is printed (clinical.md 6.1): for each points, the first and the last value that
# has them. Read independently of care.news2, which has only where a band starts.
END = {"respiration": 80, "saturation": 100, "systolic": 300, "pulse": 300, "temperature": 45}
CHART = {
    ("respiration", Scale.ONE, False): [
        (3, 0, 8), (1, 9, 11), (0, 12, 20), (2, 21, 24), (3, 25, 80)
    ],
    ("saturation", Scale.ONE, False): [(3, 0, 91), (2, 92, 93), (1, 94, 95), (0, 96, 100)],
    ("saturation", Scale.ONE, True): [(3, 0, 91), (2, 92, 93), (1, 94, 95), (0, 96, 100)],
    ("saturation", Scale.TWO, False): [(3, 0, 83), (2, 84, 85), (1, 86, 87), (0, 88, 100)],
    ("saturation", Scale.TWO, True): [
        (3, 0, 83), (2, 84, 85), (1, 86, 87), (0, 88, 92), (1, 93, 94), (2, 95, 96), (3, 97, 100)
    ],
    ("systolic", Scale.ONE, False): [
        (3, 0, 90), (2, 91, 100), (1, 101, 110), (0, 111, 219), (3, 220, 300)
    ],
    ("pulse", Scale.ONE, False): [
        (3, 0, 40), (1, 41, 50), (0, 51, 90), (1, 91, 110), (2, 111, 130), (3, 131, 300)
    ],
    ("temperature", Scale.ONE, False): [
        (3, "0", "35.0"), (1, "35.1", "36.0"), (0, "36.1", "38.0"), (1, "38.1", "39.0"),
        (2, "39.1", "45"),
    ],
}  # fmt: skip
BOUNDARIES = [
    (name, scale, on_oxygen, Decimal(value), points)
    for (name, scale, on_oxygen), bands in CHART.items()
    for points, first, last in bands
    for value in (first, last)
]


def expected(name, value, scale=Scale.ONE, on_oxygen=False):
    """What the printed chart gives for a value."""
    step = Decimal("0.1") if name == "temperature" else Decimal(1)
    shown = value.quantize(step, ROUND_HALF_UP)
    key = (name, scale if name == "saturation" else Scale.ONE)
    bands = CHART[(*key, on_oxygen if name == "saturation" else False)]
    (points,) = {
        points for points, first, last in bands if Decimal(first) <= shown <= Decimal(last)
    }
    return points


@pytest.mark.parametrize(("name", "scale", "on_oxygen", "value", "points"), BOUNDARIES)
def test_each_band_begins_and_ends_where_the_chart_says(name, scale, on_oxygen, value, points):
    inputs = Inputs(**(WELL | {"on_oxygen": on_oxygen, name: value}))
    assert score(inputs, scale).parts[Parameter(name)] == points


def test_oxygen_itself_is_two_points():
    assert score(Inputs(**WELL)).parts[Parameter.OXYGEN] == 0
    assert score(Inputs(**(WELL | {"on_oxygen": True}))).parts[Parameter.OXYGEN] == 2


@pytest.mark.parametrize("level", Consciousness)
def test_whoever_is_not_alert_has_three_points(level):
    points = score(Inputs(**(WELL | {"consciousness": level}))).parts[Parameter.CONSCIOUSNESS]
    assert points == (0 if level == Consciousness.ALERT else 3)


@pytest.mark.parametrize(
    ("measured", "points"),
    [("35.04", 3), ("35.05", 1), ("36.04", 1), ("36.05", 0), ("38.04", 0), ("38.05", 1),
     ("39.04", 1), ("39.05", 2)],
)  # fmt: skip
def test_temperature_is_rounded_before_it_is_judged(measured, points):
    scored = score(Inputs(**(WELL | {"temperature": Decimal(measured)})))
    assert scored.parts[Parameter.TEMPERATURE] == points


def test_a_saturation_between_two_bands_is_what_a_page_prints():
    low = score(Inputs(**(WELL | {"saturation": Decimal("91.4")})))
    high = score(Inputs(**(WELL | {"saturation": Decimal("91.5")})))
    assert (low.parts[Parameter.SATURATION], high.parts[Parameter.SATURATION]) == (3, 2)


def test_who_is_well_scores_nothing():
    scored = score(Inputs(**WELL))
    assert (scored.total, scored.band, scored.words) == (0, Band.ZERO, "0")


def test_the_worst_is_twenty():
    scored = score(
        Inputs(
            respiration=Decimal(30),
            saturation=Decimal(80),
            on_oxygen=True,
            systolic=Decimal(80),
            pulse=Decimal(140),
            consciousness=Consciousness.UNRESPONSIVE,
            temperature=Decimal(34),
        )
    )
    assert scored.total == 20
    assert scored.band == Band.HIGH


@pytest.mark.parametrize(
    ("changed", "total", "band"),
    [
        ({"pulse": 100}, 1, Band.LOW),
        ({"pulse": 115, "respiration": 22}, 4, Band.LOW),
        ({"pulse": 35}, 3, Band.SINGLE),
        ({"pulse": 35, "respiration": 10}, 4, Band.SINGLE),
        ({"pulse": 35, "respiration": 22}, 5, Band.MEDIUM),
        ({"pulse": 35, "respiration": 7}, 6, Band.MEDIUM),
        ({"pulse": 35, "respiration": 7, "systolic": 105}, 7, Band.HIGH),
    ],
)
def test_the_answer_follows_from_the_total_and_from_a_single_three(changed, total, band):
    numbers = {name: Decimal(value) for name, value in changed.items()}
    scored = score(Inputs(**(WELL | numbers)))
    assert (scored.total, scored.band) == (total, band)


def test_each_band_has_its_answer():
    assert RESPONSES[Band.ZERO].monitoring == "At least every 12 hours"
    assert RESPONSES[Band.LOW].action == "A nurse assesses"
    assert RESPONSES[Band.SINGLE].action == "Urgent ward review"
    assert RESPONSES[Band.MEDIUM].action == "Urgent response"
    assert RESPONSES[Band.HIGH].monitoring == "Continuous"
    assert set(RESPONSES) == set(Band)


def test_what_is_missing_is_not_guessed():
    scored = score(Inputs(pulse=Decimal(115), temperature=Decimal(37), systolic=Decimal(105)))
    assert scored.total is None
    assert scored.words == "incomplete (3 of 7), at least 3"
    assert scored.missing == (
        Parameter.RESPIRATION, Parameter.SATURATION, Parameter.OXYGEN, Parameter.CONSCIOUSNESS,
    )  # fmt: skip
    # “At least 3” of several small parts is no reason for calm, nor yet for haste.
    assert scored.band is None


def test_a_single_three_is_urgent_also_while_the_rest_is_missing():
    assert score(Inputs(pulse=Decimal(135))).band == Band.SINGLE


def test_nothing_at_all_is_incomplete_and_no_zero():
    scored = score(Inputs())
    assert (scored.total, scored.words, scored.band) == (None, "incomplete (0 of 7)", None)


def test_on_scale_two_a_high_saturation_needs_to_know_about_oxygen():
    unknown = WELL | {"on_oxygen": None}
    good = score(Inputs(**(unknown | {"saturation": Decimal(90)})), Scale.TWO)
    assert good.missing == (Parameter.OXYGEN,)
    high = score(Inputs(**(unknown | {"saturation": Decimal(95)})), Scale.TWO)
    assert high.missing == (Parameter.SATURATION, Parameter.OXYGEN)


# Properties -------------------------------------------------------------------------------------

numbers = st.decimals(0, 400, places=3, allow_nan=False)
inputs = st.builds(
    Inputs,
    respiration=st.none() | numbers,
    saturation=st.none() | st.decimals(0, 100, places=3),
    on_oxygen=st.none() | st.booleans(),
    systolic=st.none() | numbers,
    pulse=st.none() | numbers,
    consciousness=st.none() | st.sampled_from(Consciousness),
    temperature=st.none() | st.decimals(20, 45, places=5),
)


@given(inputs, st.sampled_from(Scale))
def test_any_values_have_a_score_between_0_and_20_or_say_what_is_missing(values, scale):
    scored = score(values, scale)
    assert 0 <= scored.at_least <= 20
    assert set(scored.parts) | set(scored.missing) == set(Parameter)
    assert not set(scored.parts) & set(scored.missing)
    assert (scored.total is None) == bool(scored.missing)
    if scored.total is not None:
        assert scored.band is not None


@given(inputs, st.sampled_from(Scale), st.sampled_from(Parameter))
def test_a_value_more_never_lowers_what_is_certain(values, scale, parameter):
    known = {name: value for name, value in vars(values).items() if value is not None}
    name = "on_oxygen" if parameter == Parameter.OXYGEN else parameter.value
    fewer = Inputs(**{key: value for key, value in known.items() if key != name})
    assert score(fewer, scale).at_least <= score(values, scale).at_least
    if fewer_band := score(fewer, scale).band:
        order = [Band.ZERO, Band.LOW, Band.SINGLE, Band.MEDIUM, Band.HIGH]
        more = score(values, scale).band
        assert more is not None
        assert order.index(more) >= order.index(fewer_band)


@given(
    st.sampled_from(["respiration", "systolic", "pulse", "temperature"]),
    st.decimals(0, 45, places=4),
)
def test_a_measured_value_scores_as_the_printed_chart(name, value):
    assert score(Inputs(**{name: value})).parts[Parameter(name)] == expected(name, value)


# Real data --------------------------------------------------------------------------------------


def test_the_shared_vital_signs_of_adults_score_as_the_chart_says():
    sets = adult_sets(samples("smart-tsv"))
    assert len(sets) == 812
    for values in sets:
        scored = score(Inputs(**values))
        wanted = {name: expected(name, value) for name, value in values.items()}
        assert {part.value: points for part, points in scored.parts.items()} == wanted
        # Nobody wrote down whether they were awake, or on oxygen.
        assert scored.total is None
        assert scored.missing == (Parameter.OXYGEN, Parameter.CONSCIOUSNESS)
        # With both known, it is the sum.
        whole = score(Inputs(**values, on_oxygen=False, consciousness=Consciousness.ALERT))
        assert whole.total == sum(wanted.values())
        assert whole.has_three == (3 in wanted.values())


COLUMNS = {
    "HEART_RATE": "pulse",
    "RESPIRATORY_RATE": "respiration",
    "TEMPERATURE": "temperature",
    "SYSTOLIC": "systolic",
    "OXYGEN_SATURATION": "saturation",
}


def adult_sets(folder):
    """Every set in which all five numbers were measured, of somebody who turned 16 in that year or
    before: as the 812 are counted. Seven of them were still 15 on the day."""
    # Lines of this one end with a carriage return alone.
    people = csv.DictReader((folder / "patients.txt").read_text().splitlines(), delimiter="\t")
    born = {row["PID"]: int(row["dob"][:4]) for row in people}
    return [
        {name: Decimal(row[column]) for column, name in COLUMNS.items()}
        for row in csv.DictReader((folder / "vitals.txt").read_text().splitlines(), delimiter="\t")
        if all(row[column] for column in COLUMNS)
        and int(row["START_DATE"][:4]) - born[row["PID"]] >= 16
    ]
