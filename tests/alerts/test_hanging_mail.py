"""A mail server that hangs keeps no alert waiting: the worker's lanes, in a real worker."""

import os
import subprocess
import sys

import pytest
from django.db import connections

from alerts.models import AlertStep
from notifications.actions import notify
from notifications.models import Kind
from portal.embedded.processes import dies_with_parent
from portal.lanes import LANES
from tests.notifications.servers import holding_server
from tests.realtime.conftest import ROOT
from tests.waiting import PATIENCE_SECONDS, wait_until

# More than the threads that an event loop has of its own on a small machine, and as many as the
# pool has connections.
SLOTS = 8


@pytest.fixture
def worker(committed, tmp_path):
    """`worker(EMAIL_HOST="127.0.0.1")`: a job worker as a process, ended with the test."""
    started = []

    def worker(**environment):
        with (tmp_path / "worker.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "worker", "--jobs", str(SLOTS)],
                cwd=ROOT,
                env=os.environ | {"DATABASE_POOL": str(SLOTS)} | environment,
                stdout=log,
                stderr=log,
                preexec_fn=dies_with_parent(),
            )
        started.append(process)
        return process

    yield worker
    for process in started:
        process.kill()
        process.wait(60)
    with connections["owner"].cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")


@pytest.fixture
def steps_of(system):
    """`steps_of(alert)`: how many of its steps were taken."""

    def steps_of(alert):
        with system():
            return AlertStep.objects.filter(alert=alert).exclude(done_at=None).count()

    return steps_of


def test_an_alert_is_judged_and_its_step_taken_while_every_mail_hangs(
    worker, rule, arrives, alerts_of, pass_minutes, steps_of, system, ana, ada
):
    rule(high="6.0")
    with holding_server() as server:
        for _ in range(5 * SLOTS):
            with system():
                notify([ada.user.pk], Kind.ALERT, patient=ana.patient, is_important=True)
        worker(EMAIL_HOST=server.host, EMAIL_PORT=str(server.port), EMAIL_USE_TLS="0")
        wait_until(lambda: len(server.lines) >= SLOTS)

        arrives(ana, "6.4")
        (alert,) = wait_until(lambda: alerts_of(ana))
        taken = steps_of(alert)
        pass_minutes(alert, 6)
        wait_until(lambda: steps_of(alert) > taken)


def test_every_lane_ends_when_the_worker_is_asked_to(worker):
    def lanes():
        with connections["owner"].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM procrastinate_workers")
            return cursor.fetchone()[0]

    process = worker()
    wait_until(lambda: lanes() == len(LANES))
    process.terminate()
    assert process.wait(PATIENCE_SECONDS) == 0
    assert lanes() == 0


def test_what_was_queued_under_an_older_or_a_newer_name_is_done(
    worker, rule, arrives, alerts_of, ana
):
    rule(high="6.0")
    arrives(ana, "6.4")
    with connections["owner"].cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET queue_name = 'default'")
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES"
            """ ('of another version', 'portal.record_refused_sign_in', '{"user_id": ""}')"""
        )
    worker()
    wait_until(lambda: alerts_of(ana))

    def waits():
        with connections["owner"].cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'portal.record_refused_sign_in'"
                " OR queue_name = 'default' AND task_name = 'alerts.judge'"
            )
            return cursor.fetchall()

    wait_until(lambda: not waits())
