"""Processes whose clocks are a day off: order and lead are the database's business alone."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from tests.realtime.conftest import ROOT
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(not shutil.which("faketime"), reason="faketime is not installed")

WRITTEN = 40
LEAD = (
    "SELECT leader_epoch FROM realtime_relay WHERE leader_epoch > %s"
    " AND beat > clock_timestamp() - interval '2 seconds'"
)


@pytest.fixture
def relay_at(database_urls):
    """`relay_at("+1d")`: a relay whose clock says so."""
    started = []

    def start(offset):
        # A group of its own: faketime is the parent of what it runs.
        process = subprocess.Popen(
            ["faketime", "-f", offset, sys.executable, "manage.py", "relay"],
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


def test_relays_a_day_apart_take_turns_and_lose_nothing(notes, log, engine, relay_at):
    def leads(after):
        return wait_until(lambda: engine.execute(LEAD, [after]).fetchone(), 60)["leader_epoch"]

    def written():
        # Those who watch from another day say things of their own.
        return [event for event in log.events() if event["table_name"] == "notes"]

    before = log.relay()["leader_epoch"]
    ahead = relay_at("+1d")
    first = leads(before)
    behind = relay_at("-1d")
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
