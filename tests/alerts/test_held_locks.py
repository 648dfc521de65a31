"""Somebody holds an alert and does not let go: nobody else's alert waits for that.

As when a web machine vanishes in the middle of an acknowledgement. The server ends such a session
(tests/faults/test_vanished_client.py); here it does not, and the sweep does its work all the same.
"""

import logging
from datetime import timedelta

import psycopg
import pytest
from django.db import connection

from alerts import jobs, silence
from alerts.actions import acknowledge
from alerts.judge import judge_waiting
from alerts.models import Alert, AlertStep, Judgement
from alerts.queue import pass_history
from notifications.models import Delivery
from notifications.sending import release_abandoned
from portal.models import Membership, Role
from tests.alerts.conftest import POTASSIUM

# What waits for a lock here waits for ever: it would be ended by the run's own limit.
pytestmark = [pytest.mark.usefixtures("committed", "for_ever"), pytest.mark.timeout(180)]

SODIUM = {"what": "Sodium", "codes": ["2951-2"], "high": "155"}


@pytest.fixture
def for_ever(committed):
    """The role's own limit would end a wait too, and late."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 0")


@pytest.fixture
def holder(database_urls):
    """Somebody with a transaction open, and what they have locked in it."""
    with psycopg.connect(database_urls.superuser) as held:
        yield held


def hold(holder, alert):
    holder.execute("SELECT FROM assessment_critical_alerts WHERE id = %s FOR UPDATE", [alert.pk])


@pytest.fixture
def raised(rule, arrives, alerts_of):
    """`raised(ana, "6.4")`: a critical alert about them, in their own clinic."""

    def raised(person, value="6.4", *, code=POTASSIUM):
        known = {alert.pk for alert in alerts_of(person)}
        arrives(person, value, code=code)
        judge_waiting(person.organization.pk)
        (new,) = [alert for alert in alerts_of(person) if alert.pk not in known]
        return new

    return raised


@pytest.fixture
def three(rule, raised, ana, ben, carla, clinic, other_clinic):
    """Alerts of Ana and Ben, of one clinic, and of Carla, of another."""
    rule(high="6.0")
    rule(high="6.0", organization=other_clinic)
    return raised(ana), raised(ben), raised(carla)


def step_of(alert, system):
    with system(alert.organization):
        return AlertStep.objects.get(alert=alert, done_at=None, cancelled_at=None)


def test_a_step_whose_alert_is_held_waits_alone(three, pass_minutes, holder, system, caplog):
    anas, bens, carlas = three
    for alert in three:
        pass_minutes(alert, 6)
    before = [step_of(alert, system) for alert in three]
    hold(holder, anas)
    with caplog.at_level(logging.ERROR):
        jobs.sweep(0)
    assert step_of(anas, system) == before[0]
    assert step_of(bens, system) != before[1]
    assert step_of(carlas, system) != before[2]
    # It is somebody's, and no fault.
    assert caplog.text == ""

    holder.rollback()
    jobs.sweep(0)
    assert step_of(anas, system) != before[0]


def test_an_acknowledgement_that_is_held_keeps_no_other_from_expiring(
    three, holder, system, acting, ada, boris
):
    anas, bens, _ = three
    for alert, who in ((anas, ada), (bens, boris)):
        with acting(who):
            acknowledge(alert.pk, by=who.reader)
    with system():
        Membership.objects.filter(user__in=[ada.user, boris.user]).update(role=Role.ADMIN)

    def phases():
        with system():
            return [Alert.objects.get(pk=alert.pk).phase for alert in (anas, bens)]

    hold(holder, anas)
    jobs.sweep(0)
    assert phases() == ["acknowledged", "open"]
    holder.rollback()
    jobs.sweep(0)
    assert phases() == ["open", "open"]


def test_a_value_whose_alert_is_held_is_judged_later(
    three, arrives, holder, system, rule, alerts_of, ana, ben, carla, other_clinic
):
    rule(**SODIUM)
    rule(**SODIUM, organization=other_clinic)
    hold(holder, three[0])
    rows = [arrives(ana, value) for value in ("6.5", "6.6")]
    for person in (ben, carla):
        arrives(person, "160", code="2951-2")
    jobs.sweep(0)
    assert [len(alerts_of(person)) for person in (ana, ben, carla)] == [1, 2, 2]
    with system():
        waiting = Judgement.objects.filter(source_id__in=[row.pk for row in rows], judged_at=None)
        # The second is of the same patient: it was not even tried.
        assert sorted(waiting.values_list("attempts", flat=True)) == [0, 1]

    holder.rollback()
    jobs.sweep(0)
    assert alerts_of(ana)[0].count == 3


def test_whoever_is_being_judged_keeps_nobody_waiting(
    rule, arrives, holder, alerts_of, system, ana, ben
):
    rule(high="6.0")
    holder.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('alerts ' || %s, 0))", [str(ana.patient.pk)]
    )
    rows = [arrives(ana, "6.5"), arrives(ana, "6.6"), arrives(ben, "6.5")]
    judge_waiting(ben.organization.pk)
    assert [len(alerts_of(person)) for person in (ana, ben)] == [0, 1]
    with system():
        waiting = Judgement.objects.filter(source_id__in=[row.pk for row in rows], judged_at=None)
        # Nobody waited, and nothing was put back.
        assert [row.attempts for row in waiting] == [0, 0]

    holder.rollback()
    judge_waiting(ana.organization.pk)
    assert alerts_of(ana)[0].count == 2


def test_history_that_somebody_corrects_just_now_is_passed_later(arrives, holder, clinic, ana, ben):
    held, _ = (arrives(each, "4", minutes=60 * 24 * 90) for each in (ana, ben))
    holder.execute("SELECT FROM alert_judgements WHERE source_id = %s FOR UPDATE", [held.pk])
    assert pass_history(clinic.pk, timedelta(hours=72)) == 1
    holder.rollback()
    assert pass_history(clinic.pk, timedelta(hours=72)) == 1


def test_one_silence_that_cannot_be_told_keeps_no_other_waiting(
    rule, arrives, holder, clinic, alerts_of, ana, ben
):
    rule(kind="silence", hours="4")
    for each in (ana, ben):
        arrives(each, "4", minutes=60 * 5)
    holder.execute("SELECT FROM patients WHERE id = %s FOR UPDATE", [ana.patient.pk])
    assert silence.look(clinic.pk) == 1
    assert [len(alerts_of(each)) for each in (ana, ben)] == [0, 1]
    holder.rollback()
    assert silence.look(clinic.pk) == 1


def test_a_message_that_somebody_cancels_just_now_is_taken_up_later(three, holder, clinic, system):
    with system():
        rows = Delivery.objects.exclude(channel="in_app")
        rows.update(status="sending", claimed_at="2026-01-01T00:00Z")
        first, *others = rows.values_list("pk", flat=True)
    holder.execute("SELECT FROM notification_logs WHERE id = %s FOR UPDATE", [first])
    assert release_abandoned(clinic.pk) == len(others)
    holder.rollback()
    assert release_abandoned(clinic.pk) == 1
