"""The demo clinic watches: somebody is always on call, and what comes in raises alerts."""

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from alerts.judge import judge_waiting
from alerts.models import Alert, Rota, Rule, Severity
from alerts.on_call import roster_of
from portal.management.demo.watch import FINDINGS, LATEST, MOST_WAITING, Findings, begin_to_watch


@pytest.fixture
def watching(clinic, system, ada, noor):
    with system():
        begin_to_watch(clinic, by_day=ada.user, by_night=noor.user)


@pytest.fixture
def findings(clinic, ana):
    return Findings(clinic, [ana.patient.mrn], random.Random(7))


def test_somebody_is_on_call_at_every_hour(watching, clinic, system):
    now = timezone.now()
    with system():
        roster = roster_of(Rota.objects.get(organization=clinic))
        assert len(roster.on_call(now)) == 1
        assert roster.gaps(now, now + timedelta(days=28)) == []


def test_every_default_rule_is_on(watching, clinic, system):
    with system():
        assert Rule.objects.filter(organization=clinic, is_on=True).count() > 30
        assert not Rule.objects.filter(organization=clinic, is_on=False).exists()


def test_each_finding_raises_an_alert_and_the_first_is_critical(
    watching, findings, clinic, system, ana
):
    now = timezone.now()
    assert findings.report_when_due(now) is None
    raised = []
    for _ in FINDINGS:
        now += LATEST
        with system():
            # As if somebody had answered: the demo reports no more while many wait.
            Alert.objects.waiting().update(phase="snoozed", phase_until=now)
        assert findings.report_when_due(now) == "finding"
        judge_waiting(clinic.pk)
        with system():
            raised.append(list(Alert.objects.waiting().values_list("severity", flat=True)))
    assert raised[0] == [Severity.CRITICAL]
    assert all(raised)


def test_a_demo_that_nobody_looks_at_stops_at_a_few(watching, findings, clinic, system):
    now = timezone.now()
    for _ in range(3 * MOST_WAITING):
        now += LATEST
        findings.report_when_due(now)
        judge_waiting(clinic.pk)
    with system():
        assert 1 <= Alert.objects.waiting().count() <= MOST_WAITING
