"""An application that vanishes, or stands still, in the middle of a transaction: it is ended.

What it has locked is free again, and an escalation that waited for it goes on. (That nobody else's
waits is shown in tests/alerts/test_held_locks.py.)
"""

import os
import shutil
import signal
import socket
import subprocess
import sys

import psycopg
import pytest
from django.db import connections

from alerts import jobs
from alerts.models import AlertStep
from portal.embedded.roles import APPLICATION_SETTINGS
from tests.realtime.conftest import ROOT
from tests.waiting import wait_until

# Thirty seconds are the limit that is tried, ten the network's; the rest is a busy machine.
PATIENCE_SECONDS = 120
CONTEXT = (
    "SELECT set_config('portal.organization', '{}', true), set_config('portal.system', 'on', true)"
)


@pytest.fixture
def stands_still(database_urls):
    """`stands_still(alert)`: an application process that has locked an alert, and is stopped."""
    started = []

    def stands_still(alert):
        locked = [
            CONTEXT.format(alert.organization_id),
            f"SELECT FROM assessment_critical_alerts WHERE id = '{alert.pk}' FOR UPDATE",
        ]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.holder", database_urls.application, *locked],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        started.append(process)
        assert process.stdout.readline() == b"held\n"
        process.send_signal(signal.SIGSTOP)

    yield stands_still
    for process in started:
        process.kill()
        process.wait(60)
        process.stdin.close()
        process.stdout.close()


@pytest.mark.timeout(PATIENCE_SECONDS + 180)
def test_an_application_that_stands_still_is_ended_and_the_step_taken(
    committed, alert, pass_minutes, stands_still, system
):
    pass_minutes(alert, 6)
    with system():
        due = AlertStep.objects.get(alert=alert, done_at=None, cancelled_at=None)
    stands_still(alert)

    def is_taken():
        jobs.sweep(0)
        with system():
            return AlertStep.objects.filter(pk=due.pk).exclude(done_at=None).exists()

    assert not is_taken()
    wait_until(is_taken, PATIENCE_SECONDS)


@pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ("ip", "nft"))),
    reason="needs root, iproute2 and nftables",
)
@pytest.mark.timeout(PATIENCE_SECONDS + 180)
@pytest.mark.parametrize("statement", [[], ["SELECT pg_sleep(600)"]], ids=["idle", "in a query"])
def test_a_machine_that_is_gone_holds_nothing(namespace, tmp_path, statement):
    machine = [sys.executable, "-m", "tests.faults.gone_machine", tmp_path / "server", *statement]
    answer = subprocess.run(
        [*namespace, *machine],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    assert answer.stdout == b"free\n"


def test_each_session_of_the_application_has_these_limits(database_urls):
    with psycopg.connect(database_urls.application) as application:
        held = {
            # Those of TCP are read back from the socket.
            name: application.execute("SELECT current_setting(%s)", [name]).fetchone()[0]
            for name in APPLICATION_SETTINGS
        }
    assert held == APPLICATION_SETTINGS


def test_the_application_notices_a_database_that_is_gone():
    with (
        psycopg.connect(**connections["default"].get_connection_params()) as application,
        socket.socket(fileno=os.dup(application.fileno())) as line,
    ):
        asked = [socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT]
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert [line.getsockopt(socket.IPPROTO_TCP, each) for each in asked] == [5, 2, 3]
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
