"""When NEWS2 is scored and from what: values that arrive apart, late, corrected or not at all."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from care import oxygen_target, vital_signs
from care.early_warning import rescore, scale_at
from care.early_warning_state import WINDOW, state_at, states_at
from care.models import Condition, EarlyWarningScore, Status, VitalSign
from care.news2 import Consciousness, Scale
from portal.models import AuditEntry

TEN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
WELL = {
    vital_signs.BREATHING: 16,
    vital_signs.OXYGEN: 97,
    vital_signs.BLOOD_PRESSURE: 120,
    vital_signs.PULSE: 70,
    vital_signs.TEMPERATURE: "37.0",
    vital_signs.OXYGEN_FLOW: 0,
    vital_signs.CONSCIOUSNESS: "Alert",
}


@pytest.fixture
def measure(ana, system):
    """`measure("8867-4", 78, minute=5)`: a row at 10:05, as whoever wrote it would leave it."""

    def measure(code, value, *, minute=0, seconds=0, patient=None, **fields):
        kind = vital_signs.kind_of(code)
        if code == vital_signs.BLOOD_PRESSURE:
            parts = ((vital_signs.SYSTOLIC, value), (vital_signs.DIASTOLIC, 70))
            fields["components"] = [
                {"code": part, "value": str(number), "unit": "mm[Hg]"} for part, number in parts
            ]
        elif code == vital_signs.CONSCIOUSNESS:
            fields["text_value"] = value
        else:
            fields["value"] = Decimal(str(value))
        with system():
            return VitalSign.objects.create(
                organization=ana.organization,
                patient=patient or ana.patient,
                category="vital-signs",
                code=code,
                display="words",
                **{"unit": kind.unit, **fields},
                measured_at=TEN + timedelta(minutes=minute, seconds=seconds),
            )

    return measure


@pytest.fixture
def score(ana, system):
    """`score(5)`: Ana's scores brought up to date for a reading of 10:05."""

    def score(minute=0, patient=None):
        with system():
            return rescore(patient or ana.patient, TEN + timedelta(minutes=minute))

    return score


@pytest.fixture
def scores(ana, system):
    """Every score that holds, oldest first."""

    def scores():
        with system():
            return list(EarlyWarningScore.objects.valid().order_by("scored_at"))

    return scores


def at(minute):
    return TEN + timedelta(minutes=minute)


def test_a_whole_set_has_a_total(measure, score):
    for code, value in WELL.items():
        measure(code, value)
    scored = score()
    assert (scored.total, scored.band, scored.missing) == (0, "zero", [])


def test_values_that_arrive_apart_make_one_score_that_grows(measure, score, scores):
    for minute, (code, value) in enumerate(WELL.items()):
        measure(code, value, minute=4 * minute)
        scored = score(4 * minute)
        assert len(scored.parts) == minute + 1
    assert [each.pk for each in scores()] == [scored.pk]
    assert (scored.begins_at, scored.scored_at, scored.total) == (TEN, at(24), 0)


def test_what_is_older_than_30_minutes_is_not_of_the_set(measure, score, scores):
    measure(vital_signs.PULSE, 135)
    score()
    measure(vital_signs.TEMPERATURE, 37, minute=30)
    assert set(score(30).parts) == {"pulse", "temperature"}
    measure(vital_signs.BREATHING, 16, minute=31)
    assert set(score(31).parts) == {"temperature", "respiration"}
    assert len(scores()) == 2


def test_a_value_measured_again_begins_the_next_score_and_leaves_the_first(measure, score, scores):
    measure(vital_signs.PULSE, 135)
    measure(vital_signs.BREATHING, 30)
    score()
    measure(vital_signs.PULSE, 80, minute=10)
    score(10)
    first, second = scores()
    assert first.parts == {"pulse": 3, "respiration": 3}
    assert second.parts == {"pulse": 0, "respiration": 3}
    # The next round replaces what was carried over, in the same row.
    measure(vital_signs.BREATHING, 18, minute=12)
    assert score(12).pk == second.pk
    assert scores()[1].parts == {"pulse": 0, "respiration": 0}


def test_scoring_twice_changes_nothing_and_tells_nobody(measure, score, scores):
    for code, value in WELL.items():
        measure(code, value)
    first = score()
    again = score()
    assert (again.pk, again.updated_at) == (first.pk, first.updated_at)
    assert len(scores()) == 1


def test_a_corrected_value_is_scored_anew(measure, score, system, scores):
    row = measure(vital_signs.PULSE, 135)
    assert score().has_three
    with system():
        VitalSign.objects.filter(pk=row.pk).update(value=85, status=Status.CORRECTED)
    corrected = score()
    assert (corrected.at_least, corrected.status) == (0, Status.CORRECTED)
    assert len(scores()) == 1


def test_a_withdrawn_value_leaves_the_score(measure, score, system, scores):
    measure(vital_signs.BREATHING, 16)
    row = measure(vital_signs.PULSE, 135, minute=2)
    score(), score(2)
    with system():
        VitalSign.objects.filter(pk=row.pk).update(status=Status.ENTERED_IN_ERROR)
    assert score(2).parts == {"respiration": 0}


def test_a_score_of_which_nothing_is_left_leaves_the_list(measure, score, system, scores):
    row = measure(vital_signs.PULSE, 135)
    score()
    with system():
        VitalSign.objects.filter(pk=row.pk).update(status=Status.ENTERED_IN_ERROR)
    withdrawn = score()
    assert withdrawn.status == Status.ENTERED_IN_ERROR
    assert scores() == []


def test_a_late_value_raises_the_score_that_it_belongs_to(measure, score, scores):
    measure(vital_signs.PULSE, 135, minute=10)
    later = score(10)
    measure(vital_signs.BREATHING, 30, minute=2)
    assert score(2).pk == later.pk
    (only,) = scores()
    assert only.parts == {"pulse": 3, "respiration": 3}
    assert (only.begins_at, only.scored_at) == (at(2), at(10))


def test_a_late_value_that_was_measured_again_has_a_score_of_its_own(measure, score, scores):
    measure(vital_signs.PULSE, 80, minute=10)
    score(10)
    measure(vital_signs.PULSE, 135, minute=2)
    assert score(2).scored_at == at(2)
    assert [each.at_least for each in scores()] == [3, 0]


def test_a_reading_moved_to_another_time_leaves_the_set_it_was_in(measure, score, system, scores):
    measure(vital_signs.BREATHING, 16)
    row = measure(vital_signs.PULSE, 135)
    score()
    with system():
        VitalSign.objects.filter(pk=row.pk).update(measured_at=at(120))
    score(120)
    assert [(each.scored_at, set(each.parts)) for each in scores()] == [
        (TEN, {"respiration"}),
        (at(120), {"pulse"}),
    ]


def test_what_is_implausible_is_not_scored(measure, score):
    measure(vital_signs.TEMPERATURE, 98)
    measure(vital_signs.PULSE, 210, is_implausible=True)
    assert score() is None


def test_a_reading_that_knows_only_its_day_is_not_scored(measure, score):
    measure(vital_signs.PULSE, 135, time_is_known=False)
    assert score() is None


def test_a_temperature_in_fahrenheit_is_converted_and_a_senseless_unit_is_missing(measure, score):
    measure(vital_signs.TEMPERATURE, "104", unit="[degF]")
    measure(vital_signs.PULSE, 80, unit="kg")
    assert score().parts == {"temperature": 2}


@pytest.mark.parametrize(
    ("code", "value", "points"),
    [
        (vital_signs.OXYGEN_FLOW, 0, 0),
        (vital_signs.OXYGEN_FLOW, 2, 2),
        (vital_signs.INHALED_OXYGEN, 21, 0),
        (vital_signs.INHALED_OXYGEN, 28, 2),
    ],
)
def test_air_or_oxygen_is_what_was_recorded(measure, score, code, value, points):
    measure(code, value)
    assert score().parts == {"oxygen": points}


def test_nothing_recorded_about_oxygen_is_missing_and_not_air(measure, score):
    measure(vital_signs.OXYGEN, 97)
    assert "oxygen" in score().missing


def test_a_pulse_oximetry_may_bring_its_oxygen(measure, score):
    flow = {"code": vital_signs.OXYGEN_FLOW, "value": "4", "unit": "L/min"}
    measure(vital_signs.OXYGEN, 97, components=[flow])
    assert score().parts == {"saturation": 0, "oxygen": 2}


@pytest.mark.parametrize(
    ("words", "value"), [("New confusion", "New confusion"), ("V", "Responds to voice")]
)
def test_consciousness_is_read_from_its_words(measure, score, words, value):
    measure(vital_signs.CONSCIOUSNESS, words)
    scored = score()
    assert scored.parts == {"consciousness": 3}
    assert scored.inputs["consciousness"]["value"] == Consciousness(value)


def test_words_that_nobody_can_read_are_missing(measure, score):
    measure(vital_signs.CONSCIOUSNESS, "fine I think")
    assert score() is None


def test_inputs_say_which_reading_and_when(measure, score):
    row = measure(vital_signs.PULSE, 135, minute=3)
    scored = score(3)
    assert scored.inputs == {
        "pulse": {"value": "135", "reading_id": str(row.pk), "at": row.measured_at.isoformat()}
    }
    assert scored.reading_ids == [row.pk]
    assert scored.scale == 1


# For whom ---------------------------------------------------------------------------------------


@pytest.fixture
def born(ana):
    """`born(day)`: Ana, born on another day."""
    before = ana.patient.birth_on
    yield lambda on: setattr(ana.patient, "birth_on", on)
    ana.patient.birth_on = before


@pytest.mark.parametrize(
    ("birth", "is_scored"), [(date(2010, 11, 20), True), (date(2010, 11, 21), False)]
)
def test_it_is_for_people_of_16_and_over(measure, score, born, birth, is_scored):
    born(birth)
    measure(vital_signs.PULSE, 135)
    assert (score() is not None) == is_scored


def test_it_is_not_for_pregnancy(ana, measure, score, system):
    with system():
        Condition.objects.create(
            organization=ana.organization, patient=ana.patient, code="72892002",
            display="Normal pregnancy", status="active",
        )  # fmt: skip
    measure(vital_signs.PULSE, 135)
    assert score() is None


# Scale 2 ----------------------------------------------------------------------------------------


def test_scale_2_holds_when_a_clinician_has_prescribed_it(ana, ada, acting, measure, score, system):
    measure(vital_signs.OXYGEN, 90)
    assert score().parts == {"saturation": 3}
    with acting(ada):
        target = oxygen_target.prescribe(ana.patient.pk, reason="COPD", by=ada.reader)
    with system():
        # What was scored before keeps the scale that held then.
        assert scale_at(ana.patient, TEN) == Scale.ONE
        now = timezone.now()
        assert scale_at(ana.patient, now) == Scale.TWO
        entry = AuditEntry.objects.get(action="oxygen_target.prescribed")
        assert (entry.actor_id, entry.subject_id) == (ada.user.pk, target.pk)
        row = VitalSign.objects.create(
            organization=ana.organization, patient=ana.patient, category="vital-signs",
            code=vital_signs.OXYGEN, display="words", value=90, unit="%", measured_at=now,
        )  # fmt: skip
        scored = rescore(ana.patient, row.measured_at)
    assert (scored.scale, scored.parts) == (2, {"saturation": 0})


# Row-level security -----------------------------------------------------------------------------


def test_scores_are_seen_by_those_around_the_patient_and_written_by_nobody(
    cast, acting, measure, score
):
    measure(vital_signs.PULSE, 135)
    score()
    for name in ("ana", "sam", "ada", "noor", "ben", "boris", "carla", "olga", "admin"):
        with acting(getattr(cast, name)):
            seen = EarlyWarningScore.objects.count()
            changed = EarlyWarningScore.objects.update(at_least=0, total=None)
        assert seen == (1 if name in ("ana", "sam", "ada", "noor") else 0), name
        assert changed == 0, name


def test_a_total_without_all_seven_cannot_be_stored(measure, score, system):
    measure(vital_signs.PULSE, 135)
    row = score()
    with system(), pytest.raises(IntegrityError), transaction.atomic():
        EarlyWarningScore.objects.filter(pk=row.pk).update(total=3)


# In any order -----------------------------------------------------------------------------------

CODES = [
    (vital_signs.PULSE, "pulse", st.integers(30, 150)),
    (vital_signs.BREATHING, "respiration", st.integers(5, 35)),
    (vital_signs.TEMPERATURE, "temperature", st.integers(34, 40)),
]
reading = st.sampled_from(CODES).flatmap(
    lambda each: st.tuples(st.just(each[0]), st.just(each[1]), each[2], st.integers(0, 90))
)


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(readings=st.lists(reading, min_size=1, max_size=9, unique_by=lambda one: one[1::2]))
def test_in_whatever_order_values_arrive_each_score_says_what_held_then(
    readings, measure, score, scores, system
):
    # Undone after each example.
    with system(), transaction.atomic():
        for code, _, value, minute in readings:
            measure(code, value, minute=minute)
            score(minute)
        found = scores()
        for each in found:
            newest = {}
            for _, name, value, minute in sorted(readings, key=lambda one: one[3]):
                if each.scored_at - WINDOW <= at(minute) <= each.scored_at:
                    newest[name] = str(value)
            assert {name: kept["value"] for name, kept in each.inputs.items()} == newest
        # The latest holds the latest; and no worst value went by without a score.
        assert max(each.scored_at for each in found) == at(max(one[3] for one in readings))
        held = {(name, kept["at"]) for each in found for name, kept in each.inputs.items()}
        assert {(name, at(minute).isoformat()) for _, name, _, minute in readings} <= held
        transaction.set_rollback(True)


READ = st.tuples(
    st.integers(0, 60),
    st.sampled_from(
        [vital_signs.PULSE, vital_signs.OXYGEN, vital_signs.OXYGEN_FLOW, vital_signs.INHALED_OXYGEN]
    ),
    st.sampled_from([0, 21, 40, 97]),
)


@settings(max_examples=300)
@given(st.lists(READ, max_size=30), st.lists(st.integers(0, 90), max_size=10))
def test_many_instants_at_once_say_what_each_says(readings, minutes):
    rows = [
        VitalSign(
            code=code,
            value=Decimal(value),
            unit=vital_signs.kind_of(code).unit,
            measured_at=TEN + timedelta(minutes=minute),
        )
        for minute, code, value in sorted(readings, key=lambda read: read[0])
    ]
    instants = [TEN + timedelta(minutes=minute) for minute in sorted(minutes)]

    def looked_at(at):
        """What those of its own half hour say."""
        return state_at([row for row in rows if at - WINDOW <= row.measured_at <= at], at)

    assert list(states_at(rows, instants)) == [looked_at(at) for at in instants]


def test_a_reading_among_hundreds_asks_for_no_more_than_among_few(
    measure, ana, system, django_assert_max_num_queries
):
    for second in range(0, 600, 5):
        measure(vital_signs.PULSE, 60 + second % 40, seconds=second)
    with system():
        for second in range(0, 600, 5):
            rescore(ana.patient, TEN + timedelta(seconds=second))
    late = measure(vital_signs.PULSE, 72, seconds=1)
    with system(), django_assert_max_num_queries(25):
        assert rescore(ana.patient, late.measured_at).scored_at == late.measured_at
