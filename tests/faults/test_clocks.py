"""Processes whose clocks are off: order, lead and what is due are the database's business alone."""

import os
import shutil
import signal
import subprocess
import sys
from datetime import timedelta

import pytest

from alerts.models import Alert
from tests.realtime.conftest import ROOT
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(not shutil.which("faketime"), reason="faketime is not installed")

WRITTEN = 40
LEAD = (
    "SELECT leader_epoch FROM realtime_relay WHERE leader_epoch > %s"
    " AND beat > clock_timestamp() - interval '2 seconds'"
)

WAITING = (
    "SELECT alert_id, due_at - clock_timestamp() AS left FROM alert_steps"
    " WHERE done_at IS NULL AND cancelled_at IS NULL"
)
# A message is due when its notification is made.
OFF = "SELECT max(abs(extract(epoch FROM clock_timestamp() - created_at))) AS off FROM {}"
STEPS = [
    {"wait": 0, "tell": "care_team"},
    {"wait": 5, "tell": "role", "who": "clinician"},
    {"wait": 5, "tell": "role", "who": "nurse"},
]


@pytest.fixture
def process_at(database_urls):
    """`process_at("+1d", "relay")`: a process of ours whose clock says so."""
    started = []

    def start(offset, command):
        # A group of its own: faketime is the parent of what it runs.
        process = subprocess.Popen(
            ["faketime", "-f", offset, sys.executable, "manage.py", command],
            cwd=ROOT,
            env=os.environ | database_urls.environment(),
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)


def test_relays_a_day_apart_take_turns_and_lose_nothing(notes, log, engine, process_at):
    def leads(after):
        return wait_until(lambda: engine.execute(LEAD, [after]).fetchone(), 60)["leader_epoch"]

    def written():
        # Those who watch from another day say things of their own.
        return [event for event in log.events() if event["table_name"] == "notes"]

    before = log.relay()["leader_epoch"]
    ahead = process_at("+1d", "relay")
    first = leads(before)
    behind = process_at("-1d", "relay")
    for number in range(WRITTEN):
        notes.insert(number=number)
    wait_until(lambda: len(written()) == WRITTEN, 60)
    # A standby that lives in yesterday, or a leader in tomorrow, does not look silent to anyone.
    assert log.relay()["leader_epoch"] == first

    os.killpg(ahead.pid, signal.SIGKILL)
    for number in range(WRITTEN, 2 * WRITTEN):
        notes.insert(number=number)
    assert leads(first) == first + 1
    wait_until(lambda: len(written()) == 2 * WRITTEN, 60)

    assert behind.poll() is None
    assert [event["record"]["number"] for event in written()] == list(range(2 * WRITTEN))
    every = log.events()
    assert [event["seq"] - log.start for event in every] == list(range(1, len(every) + 1))


@pytest.mark.parametrize("offset", ["-1h", "+1h"])
def test_a_worker_an_hour_off_raises_and_escalates_on_time(
    offset, committed, policy, rule, arrives, superuser, process_at, system, ana, told, pass_minutes
):
    def rows(query):
        return superuser.execute(query).fetchall()

    rule(high="6.0", policy_of=policy(steps=STEPS))
    arrives(ana, "6.4")
    process_at(offset, "worker")
    # Judged at once, and the next of the policy is told in five minutes, neither sooner nor later.
    (step,) = wait_until(lambda: rows(WAITING))
    assert timedelta() < step["left"] <= timedelta(minutes=5)
    with system():
        alert = Alert.objects.select_related("organization").get(pk=step["alert_id"])
    for table in ("portal_notifications", "notification_logs"):
        assert rows(OFF.format(table))[0]["off"] < 1800
    before = len(told(alert))

    pass_minutes(alert, 5)
    wait_until(lambda: len(told(alert)) > before)
    (following,) = rows(WAITING)
    assert timedelta() < following["left"] <= timedelta(minutes=5)
