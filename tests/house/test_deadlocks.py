"""The server ends a transaction because of another one: who asked is told so, and nothing is saved.

Real ones, in the middle of real requests: somebody holds what the request wants next, and wants
what it already has.
"""

import json
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import OperationalError, connection
from procrastinate.contrib.django import app

from alerts.models import Alert, AlertStep
from care.models import VitalSign
from notifications.models import Delivery
from portal.patience import StillHeld, acting_in_turn
from tests.alerts.conftest import (  # noqa: F401 - alerts, as their own tests raise them
    alert,
    alerts_of,
    arrives,
    judged,
    policy,
    rule,
)
from tests.api.conftest import gateway, program_for  # noqa: F401 - programs with keys
from tests.api.fhir import PATH, SYSTEM, bundle, heart_rate
from tests.waiting import wait_until

pytestmark = [pytest.mark.usefixtures("committed"), pytest.mark.timeout(120)]

SENTENCE = "Somebody else is just changing this."
HOLD_ALERT = "SELECT FROM assessment_critical_alerts WHERE id = %s FOR UPDATE"
HOLD_STEP = "SELECT FROM alert_steps WHERE alert_id = %s FOR UPDATE"
HOLD_SENDS = "SELECT FROM notification_logs FOR UPDATE"
HOLD_SIGN = "SELECT FROM vital_signs FOR UPDATE"
HOLD_NAME = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


@pytest.fixture
def crossed(database_urls):
    """`crossed(ask, held=…, between=…, wanted=…)`: the answer to a request that deadlocks.

    Each a query and its values. Somebody has `held`. The request comes as far as `between`, which
    is kept from it until the other one waits for `wanted`, which the request has by then; then it
    goes on, to what is `held`. The other one is patient, so it is the request that is ended.
    """

    def crossed(ask, *, held, between, wanted):
        with (
            psycopg.connect(database_urls.superuser) as other,
            psycopg.connect(database_urls.superuser) as gate,
            psycopg.connect(database_urls.superuser, autocommit=True) as looking,
            ThreadPoolExecutor(2) as aside,
        ):

            def somebody_waits_for(pid):
                found = looking.execute(
                    "SELECT FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))", [pid]
                )
                return found.rowcount

            def is_waiting(pid):
                (row,) = looking.execute("SELECT cardinality(pg_blocking_pids(%s))", [pid])
                return row[0]

            other.execute("SET deadlock_timeout = '1min'")
            other.execute(*held)
            gate.execute(*between)

            def cross():
                wait_until(lambda: somebody_waits_for(gate.info.backend_pid))
                waiting = aside.submit(other.execute, *wanted)
                wait_until(lambda: is_waiting(other.info.backend_pid))
                gate.rollback()
                # Whoever is left goes on.
                waiting.result(60)
                other.rollback()

            crossing = aside.submit(cross)
            answer = ask()
            crossing.result(60)
            return answer

    return crossed


@pytest.fixture
def acknowledge(crossed, client_for, ada, alert):  # noqa: F811 - a fixture is named where it is asked for
    """`acknowledge(Accept=…)`: Ada's answer, in a deadlock with somebody who has the alert's step.

    It takes the alert, then cancels what was to be sent, then ends the step.
    """
    client = client_for(ada)
    client.raise_request_exception = False
    path = f"/alerts/{alert.pk}/acknowledgement/"
    return lambda **headers: crossed(
        lambda: client.post(path, headers=headers),
        held=(HOLD_STEP, [alert.pk]),
        between=(HOLD_SENDS, []),
        wanted=(HOLD_ALERT, [alert.pk]),
    )


def as_before(alert, system):  # noqa: F811
    """Nobody has it, what comes next still does, and what is to be sent still is."""
    with system():
        return (
            Alert.objects.get(pk=alert.pk).owner is None
            and AlertStep.objects.filter(alert=alert, done_at=None, cancelled_at=None).exists()
            and not Delivery.objects.filter(status="cancelled").exists()
        )


def test_a_form_is_answered_with_a_page_that_says_so(acknowledge, alert, system):  # noqa: F811
    answer = acknowledge(accept="text/html")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    page = answer.content.decode()
    assert SENTENCE in page
    assert "What you sent was not saved" in page
    assert as_before(alert, system)


def test_a_fragment_is_answered_with_a_line_for_its_page(
    acknowledge,
    alert,  # noqa: F811
    system,
    client_for,
    ada,
):
    answer = acknowledge(hx_request="true")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"] == "text/plain"
    assert answer.content.decode() == f"{SENTENCE} Nothing was saved. Please try again."
    assert as_before(alert, system)
    again = client_for(ada).post(
        f"/alerts/{alert.pk}/acknowledgement/", headers={"hx-request": "true"}
    )
    assert again.status_code == 200
    assert not as_before(alert, system)


def test_the_api_answers_as_fhir_says_it_and_stores_nothing(gateway, crossed, clinic, ana, system):  # noqa: F811
    assert gateway.post(PATH, heart_rate()).status_code == 201
    name = f"care.observation {clinic.pk} {SYSTEM}|"
    batch = bundle(heart_rate(value=80), heart_rate(number="2"))
    answer = crossed(
        lambda: gateway.post(PATH, batch),
        held=(HOLD_NAME, [f"{name}2"]),
        between=(HOLD_SIGN, []),
        wanted=(HOLD_NAME, [f"{name}1"]),
    )
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    (issue,) = json.loads(answer.content)["issue"]
    assert (issue["code"], issue["severity"]) == ("lock-error", "error")
    with system():
        (only,) = VitalSign.objects.all()
    assert only.value == 72
    assert gateway.post(PATH, batch).status_code == 200


def test_a_row_that_is_another_one_by_now_is_told_the_same(
    client_for,
    ada,
    alert,  # noqa: F811
    system,
    database_urls,
):
    """As where a clinic's server was set to keep transactions further apart than ours is."""
    client = client_for(ada)
    client.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_isolation = 'repeatable read'")
    with (
        psycopg.connect(database_urls.superuser) as other,
        psycopg.connect(database_urls.superuser, autocommit=True) as looking,
        ThreadPoolExecutor(1) as aside,
    ):
        other.execute(
            "UPDATE assessment_critical_alerts SET count = count WHERE id = %s", [alert.pk]
        )

        def somebody_waits():
            return looking.execute(
                "SELECT FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))",
                [other.info.backend_pid],
            ).rowcount

        def commit():
            wait_until(somebody_waits)
            other.commit()

        committing = aside.submit(commit)
        answer = client.post(f"/alerts/{alert.pk}/acknowledgement/", headers={"hx-request": "true"})
        committing.result(60)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert as_before(alert, system)


def test_what_serves_all_clinics_takes_it_for_held(crossed, alert, clinic):  # noqa: F811
    """It is tried again with the next round, and keeps nothing else waiting."""

    def work():
        try:
            with acting_in_turn(clinic.pk):
                Alert.objects.select_for_update(of=["self"]).get(pk=alert.pk)
                list(Delivery.objects.select_for_update(of=["self"]))
                list(AlertStep.objects.select_for_update(of=["self"]))
        except (StillHeld, OperationalError) as error:
            return error
        return None

    found = crossed(
        work,
        held=(HOLD_STEP, [alert.pk]),
        between=(HOLD_SENDS, []),
        wanted=(HOLD_ALERT, [alert.pk]),
    )
    assert isinstance(found, StillHeld)


def test_every_job_is_done_again():
    """What a deadlock undid is done at the next stroke of the clock, or when the job is retried."""
    by_the_clock = {each.task.name for each in app.periodic_registry.periodic_tasks.values()}
    assert by_the_clock
    others = [task for name, task in app.tasks.items() if name not in by_the_clock]
    ours = [task for task in others if not task.name.startswith(("builtin", "procrastinate"))]
    assert ours
    assert [task.name for task in ours if task.retry_strategy is None] == []
