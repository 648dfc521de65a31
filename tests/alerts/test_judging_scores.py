"""NEWS2 of a set that is not whole: it may alarm, and never reassures."""

import pytest

SET = (
    ("9279-1", "22", "/min"),  # 2
    ("59408-5", "96", "%"),
    ("3151-8", "0", "L/min"),
    ("8480-6", "105", "mm[Hg]"),  # 1
    ("8867-4", "115", "/min"),  # 2
    ("8310-5", "38.5", "Cel"),  # 1
)


@pytest.fixture
def measures(arrives, judged, ana):
    """`measures(SET, minutes=50)`: a set of Ana's vital signs, and she is awake."""

    def measures(values, *, minutes, awake=True):
        for code, value, unit in values:
            arrives(ana, value, code=code, unit=unit, vital=True, minutes=minutes)
        if awake:
            arrives(
                ana, None, code="80288-4", unit="", text_value="Alert", vital=True, minutes=minutes
            )
        judged()

    return measures


@pytest.fixture
def urgent(rule, measures, alerts_of, ana):
    """An urgent NEWS2 of 6, fifty minutes ago."""
    rule(
        kind="news2",
        what="NEWS2",
        codes=[],
        unit="",
        high="5",
        single_three=True,
        severity="urgent",
    )
    measures(SET, minutes=50)
    (alert,) = alerts_of(ana)
    assert alert.worst_value == 6
    return alert


def test_a_pulse_alone_is_no_recovery(urgent, measures, alerts_of, history, ana):
    measures([("8867-4", "80", "/min")], minutes=10, awake=False)
    (alert,) = alerts_of(ana)
    assert (alert.phase, alert.last_value) == ("open", 6)
    assert "in_range" not in history(alert)


def test_a_whole_set_in_range_is_one(urgent, measures, alerts_of, ana):
    better = [
        (code, {"9279-1": "16", "8867-4": "80"}.get(code, at), unit) for code, at, unit in SET
    ]
    measures(better, minutes=10)
    (alert,) = alerts_of(ana)
    assert (alert.phase, alert.outcome) == ("closed", "recovered")


def test_what_is_known_of_a_set_may_be_enough_to_alarm(urgent, measures, alerts_of, ana):
    measures([("8867-4", "135", "/min")], minutes=10, awake=False)
    (alert,) = alerts_of(ana)
    assert (alert.phase, alert.count, alert.last_value) == ("open", 2, 3)
