"""The order of the worklist: who needs me now, and what waits to be shown. Pure."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from types import SimpleNamespace
from uuid import UUID

import pytest

from alerts.forms import bounded
from alerts.models import Phase, Severity
from alerts.templatetags.alert_parts import left
from alerts.worklist import Band, band_of, in_order

NOW = datetime(2026, 11, 21, 14, 3, tzinfo=UTC)
LATE, EARLY = NOW - timedelta(minutes=40), NOW - timedelta(minutes=3)


@pytest.mark.parametrize(
    ("severity", "phase", "due_at", "band"),
    [
        (Severity.CRITICAL, Phase.OPEN, NOW + timedelta(minutes=27), Band.CRITICAL),
        # Late or not: a critical alert that nobody has is at the top already.
        (Severity.CRITICAL, Phase.OPEN, LATE, Band.CRITICAL),
        (Severity.CRITICAL, Phase.ACKNOWLEDGED, LATE, Band.URGENT),
        (Severity.CRITICAL, Phase.SNOOZED, LATE, Band.ROUTINE),
        (Severity.URGENT, Phase.OPEN, LATE, Band.OVERDUE),
        (Severity.URGENT, Phase.OPEN, NOW, Band.URGENT),
        (Severity.URGENT, Phase.OPEN, None, Band.URGENT),
        (Severity.URGENT, Phase.ACKNOWLEDGED, LATE, Band.URGENT),
        (Severity.URGENT, Phase.SNOOZED, LATE, Band.ROUTINE),
        # Nobody is waited for to acknowledge a notice.
        (Severity.NOTICE, Phase.OPEN, LATE, Band.ROUTINE),
    ],
)
def test_where_an_alert_stands(severity, phase, due_at, band):
    assert band_of(severity, phase, due_at, NOW) == band


def alert(number, severity, phase, minutes_old):
    raised_at = NOW - timedelta(minutes=minutes_old)
    return SimpleNamespace(
        pk=UUID(int=number),
        severity=severity,
        phase=phase,
        raised_at=raised_at,
        available_at=raised_at,
        policy_version=SimpleNamespace(acknowledged_within=30),
    )


def test_unacknowledged_critical_then_overdue_then_urgent_then_the_rest_the_oldest_first():
    expected = [
        alert(1, "critical", "open", 9),
        alert(2, "critical", "open", 2),
        alert(3, "urgent", "open", 50),
        alert(4, "urgent", "open", 31),
        alert(5, "critical", "acknowledged", 60),
        alert(6, "urgent", "open", 30),
        alert(7, "notice", "open", 300),
        alert(8, "urgent", "snoozed", 100),
    ]
    for shuffled in list(permutations(expected))[::977]:
        assert in_order(shuffled, NOW) == expected


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (192, "03:12"),
        (59.6, "01:00"),
        (1, "00:01"),
        (0, "now"),
        (-70, "now"),
        (3600, "1:00:00"),
        (86399, "23:59:59"),
    ],
)
def test_the_time_left_is_told_in_digits(seconds, words):
    assert left(NOW + timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("severity", "direction", "longest"),
    [
        ("critical", "high", 60),
        ("critical", "low", 45),
        ("urgent", "low", 1440),
        ("notice", "", 1440),
    ],
)
def test_a_snooze_is_bounded_and_a_low_value_sooner(severity, direction, longest):
    minutes = bounded(SimpleNamespace(severity=severity, direction=direction))
    assert minutes[0] == 15
    assert minutes[-1] == longest
