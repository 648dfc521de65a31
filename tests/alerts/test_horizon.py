"""How old a value may be when it reaches us, and still call somebody.

What counts is its age when it came, not when we got round to it; and a result comes when the
laboratory has it, days after its specimen was taken.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from alerts.models import Judgement
from care.models import Result, Status

CULTURE = "600-7"
HOUR, DAY = 60, 24 * 60


@pytest.fixture
def culture_rule(rule):
    return rule(what="Blood culture", codes=[CULTURE], unit="", words=["positive"])


@pytest.fixture
def culture(arrives, ana):
    """`culture("Positive", minutes=…)`: the laboratory reports on a bottle taken so long ago."""

    def culture(words, minutes, **fields):
        said = {"code": CULTURE, "unit": "", "text_value": words, "source": "hl7"} | fields
        return arrives(ana, None, minutes=minutes, **said)

    return culture


@pytest.fixture
def nothing_waits(system):
    def nothing_waits():
        with system():
            return not Judgement.objects.filter(judged_at=None).exists()

    return nothing_waits


@pytest.mark.parametrize("age", [74 * HOUR, 14 * DAY, 41 * DAY])
def test_a_result_that_takes_days_is_news_when_it_comes(
    culture_rule, culture, judged, alerts_of, ana, age
):
    culture("Positive: cocci in clusters", age, status=Status.PRELIMINARY)
    judged()
    assert len(alerts_of(ana)) == 1


def test_what_a_later_report_says_for_the_first_time_is_news(
    culture_rule, culture, judged, alerts_of, ana, system
):
    row = culture("No growth so far", 5 * DAY, status=Status.PRELIMINARY)
    with system():
        before = timezone.now() - timedelta(days=4)
        Judgement.objects.update(available_at=before, queued_at=before)
    judged()
    assert alerts_of(ana) == []
    with system():
        Result.objects.filter(pk=row.pk).update(text_value="Positive: S. aureus", status="final")
    judged()
    (alert,) = alerts_of(ana)
    # The clock of whoever has to answer begins with this report, and not with the first.
    assert timezone.now() - alert.available_at < timedelta(hours=1)


@pytest.mark.parametrize(
    ("age", "fields"),
    [
        (74 * HOUR, {"source": "import"}),  # a record that is brought in as a whole
        (43 * DAY, {}),  # no culture grows for so long: somebody sends the past
        (800 * DAY, {}),
    ],
)
def test_history_pages_nobody(
    culture_rule, culture, judged, alerts_of, nothing_waits, ana, age, fields
):
    culture("Positive: S. aureus", age, **fields)
    assert judged() == 0  # passed, and not looked at one by one
    assert alerts_of(ana) == []
    assert nothing_waits()


def test_a_vital_sign_is_history_after_three_days(
    rule, arrives, judged, alerts_of, nothing_waits, ana
):
    rule(what="Pulse", codes=["8867-4"], unit="/min", high="120")
    arrives(ana, "150", code="8867-4", unit="/min", vital=True, minutes=73 * HOUR, source="api")
    judged()
    assert alerts_of(ana) == []
    assert nothing_waits()


def test_what_came_in_time_is_judged_however_long_it_waited_for_us(
    rule, arrives, judged, alerts_of, ana, system
):
    rule(high="6.0")
    rule(what="Pulse", codes=["8867-4"], unit="/min", high="120")
    arrives(ana, "6.4", minutes=81 * HOUR)
    arrives(ana, "150", code="8867-4", unit="/min", vital=True, minutes=81 * HOUR)
    with system():
        Judgement.objects.update(queued_at=timezone.now() - timedelta(hours=80))
    judged()
    assert [alert.condition for alert in alerts_of(ana)] == ["potassium:high", "heart-rate:high"]
