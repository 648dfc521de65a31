"""The sweep: what one alert cannot do must not keep the others waiting."""

import logging

import pytest
from django.db import connections

from alerts import jobs
from alerts.models import AlertStep
from alerts.progress import plan_for
from alerts.steps import take_due
from tests.triggers import switched_off


@pytest.fixture
def unreadable():
    """`unreadable(alert)`: its policy is kept in a form that nobody can read any more."""

    def unreadable(alert):
        with (
            connections["owner"].cursor() as owner,
            switched_off(owner, "escalation_policy_versions"),
        ):
            owner.execute(
                "UPDATE escalation_policy_versions SET steps = '[]' WHERE id = %s",
                [alert.policy_version_id],
            )

    return unreadable


@pytest.fixture
def two_alerts(committed, rule, arrives, judged, alerts_of, ana, ben):
    """Ana's, whose step is due first, and Ben's, each with a policy of its own."""
    rule(high="6.0")
    arrives(ana, "6.4")
    judged()
    rule(what="Sodium", codes=["2951-2"], high="155")
    arrives(ben, "160", code="2951-2")
    judged()
    return alerts_of(ana)[0], alerts_of(ben)[0]


def test_a_step_that_cannot_be_taken_keeps_no_other_waiting(
    two_alerts, unreadable, pass_minutes, told, clinic, system, caplog
):
    anas, bens = two_alerts
    unreadable(anas)
    pass_minutes(anas, 6)
    pass_minutes(bens, 5)
    before = told(bens)
    with caplog.at_level(logging.ERROR):
        assert take_due(clinic.pk) == 1
    assert len(told(bens)) > len(before)
    assert "PolicyUnusable" in caplog.text
    # It is still there for the next sweep, and for the auditor.
    with system():
        assert AlertStep.objects.filter(alert=anas, done_at=None, cancelled_at=None).count() == 1


def test_it_keeps_no_value_from_being_judged(
    two_alerts, unreadable, pass_minutes, rule, arrives, alerts_of, ben
):
    anas, _ = two_alerts
    unreadable(anas)
    pass_minutes(anas, 6)
    rule(what="Calcium", codes=["17861-6"], unit="mg/dL", high="13")
    arrives(ben, "14", code="17861-6", unit="mg/dL")
    jobs.sweep(0)
    assert [alert.condition for alert in alerts_of(ben)] == ["sodium:high", "calcium:high"]


def test_a_policy_from_before_there_was_a_bound_is_read_with_it(policy, system):
    with system():
        old = policy(every=32_000, acknowledged_for=32_000).current
        assert plan_for(old).every == plan_for(old).acknowledged_for
        assert plan_for(old).every.total_seconds() == 24 * 3600
