"""The closed loop in numbers: what is in time, what is late, and why. Pure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from alerts.closed_loop import Loop, Stage, Standing, levels, measure, misses
from alerts.models import Severity
from alerts.templatetags.alert_parts import how_long

RESULT = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)
ALLOWED = {
    Stage.TOLD: timedelta(minutes=5),
    Stage.ACKNOWLEDGED: timedelta(minutes=30),
    Stage.ACTED: timedelta(minutes=60),
}


def after(minutes):
    return None if minutes is None else RESULT + timedelta(minutes=minutes)


def loop(told=None, seen=None, acknowledged=None, acted=None, *, number=1, **fields):
    reached = dict(zip(Stage, map(after, (told, seen, acknowledged, acted)), strict=True))
    fields = {name: after(at) if name.endswith("_at") else at for name, at in fields.items()}
    fields = {"raised_at": RESULT, "severity": Severity.CRITICAL, "allowed": ALLOWED} | fields
    return Loop(
        UUID(int=number),
        available_at=RESULT,
        reached={stage: at for stage, at in reached.items() if at},
        **fields,
    )


@pytest.mark.parametrize(
    ("one", "minutes_later", "standing"),
    [
        (loop(1, 2, 30), 90, Standing.IN_TIME),  # the target itself is still in time
        (loop(1, 2, 30.1), 90, Standing.LATE),
        (loop(1, 2), 29, Standing.OPEN),
        (loop(1, 2), 31, Standing.LATE),  # nobody has it, and somebody should
        (loop(1, 2, closed_at=20), 90, Standing.OPEN),  # over before it was due
        (loop(1, 2, closed_at=40), 90, Standing.LATE),
        (loop(1, 2, allowed={}), 90, Standing.FREE),
    ],
)
def test_how_an_alert_stands_to_its_target(one, minutes_later, standing):
    assert one.standing(Stage.ACKNOWLEDGED, after(minutes_later)) is standing


@pytest.mark.parametrize(
    ("one", "stage", "reason"),
    [
        (loop(9, raised_at=8), Stage.TOLD, "The result was judged late"),
        (loop(9, unreached_at=1), Stage.TOLD, "Nobody there to tell"),
        (loop(9), Stage.TOLD, "Told late"),
        (loop(), Stage.TOLD, "Nobody was told"),
        (loop(31, 32, 33), Stage.ACKNOWLEDGED, "Told too late"),
        (loop(1, 2, 40, snoozed_at=3), Stage.ACKNOWLEDGED, "Snoozed"),
        (loop(1, 2, 40, handed_on_at=3), Stage.ACKNOWLEDGED, "Handed on, and not taken in time"),
        (loop(1, 2, 40), Stage.ACKNOWLEDGED, "Seen, and not acknowledged in time"),
        (loop(1, 40, 40), Stage.ACKNOWLEDGED, "Told, and not looked at in time"),
        (
            loop(1, 40, 40, unreached_at=5),
            Stage.ACKNOWLEDGED,
            "Nobody there to tell at one of the steps",
        ),
        # What was in the way later was not why it was late.
        (loop(1, 2, 90, snoozed_at=45), Stage.ACKNOWLEDGED, "Seen, and not acknowledged in time"),
        (loop(1, 2, 61, 62), Stage.ACTED, "Acknowledged too late"),
        (
            loop(1, 2, 3, 62, expired_at=33),
            Stage.ACTED,
            "The acknowledgement ended without a result",
        ),
        (loop(1, 2, 3), Stage.ACTED, "Acknowledged, and nothing on record in time"),
    ],
)
def test_a_miss_says_why(one, stage, reason):
    assert one.reason(stage) == reason


def test_a_measure_counts_what_was_due_and_times_what_was_reached():
    loops = [loop(1, 2, 10), loop(1, 2, 20), loop(1, 2, 50), loop(1, 2), loop(1, 2, closed_at=3)]
    found = measure(loops, Stage.ACKNOWLEDGED, after(29))
    assert (found.in_time, found.late, found.share) == (2, 1, 66)
    assert (found.median, found.worst) == (timedelta(minutes=20), timedelta(minutes=50))
    assert found.allowed == (timedelta(minutes=30),)


def test_a_hundred_per_cent_is_said_only_of_all():
    loops = [loop(1)] * 299 + [loop(9)]
    assert measure(loops, Stage.TOLD, after(90)).share == 99


def test_nothing_to_measure_has_no_share():
    found = measure([], Stage.TOLD, after(0))
    assert (found.share, found.median, found.worst) == (None, None, None)


def test_levels_stand_apart_the_worst_first():
    notice = replace(loop(1), severity=Severity.NOTICE)
    found = levels([notice, loop(1), loop(2)], after(1))
    assert [(level.severity, level.number) for level in found] == [
        (Severity.CRITICAL, 2),
        (Severity.URGENT, 0),
        (Severity.NOTICE, 1),
    ]


def test_misses_are_of_each_stage_and_run_on_while_it_is_not_reached():
    found = misses([loop(8, 9, 40), loop(1, 2, 3, 4, number=2)], after(70))
    assert [(miss.stage, miss.late_by, miss.loop.alert_id.int) for miss in found] == [
        (Stage.TOLD, timedelta(minutes=3), 1),
        (Stage.ACKNOWLEDGED, timedelta(minutes=10), 1),
        (Stage.ACTED, timedelta(minutes=10), 1),
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (59, "59 s"),
        (61, "1 min"),
        (3600, "1 h"),
        (4320, "1 h 12 min"),
        (183_600, "2 d 3 h"),
        (172_800, "2 d"),
    ],
)
def test_a_span_is_told_as_people_say_it(seconds, words):
    assert how_long(timedelta(seconds=seconds)) == words
