"""200 alerts while everything is killed at random: none is silent, and nobody is told twice.

Real processes on a database server of their own: two workers, the web server with a relay in it and
a second relay, each with the auditor, a writer, and a nurse whose browser acknowledges; a nemesis
kills any of them, the bus and PostgreSQL, with SIGKILL.
"""

import os
import random
import subprocess
import sys
import time

import psycopg
import pytest
from psycopg.rows import dict_row

from portal.embedded.postgres import EmbeddedPostgres
from portal.embedded.valkey import EmbeddedValkey
from tests.alerts.ward import PATIENTS
from tests.browser.server import free_port
from tests.copies import copy_database
from tests.realtime.conftest import ROOT
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(900)

KILLS = 8
PATIENCE_SECONDS = 240
# Twice what the auditor calls late: the other tests, and every process that comes back, have the
# machine to themselves at times.
LATE_SECONDS = 120
PROCESSES = {
    "worker 1": ["manage.py", "worker"],
    "worker 2": ["manage.py", "worker"],
    "relay": ["manage.py", "relay"],
    "web": ["-m", "portal.serving", "--log-level", "warning", "--port"],
    "writer": ["-m", "tests.alerts.ward", "write"],
    "answer": ["-m", "tests.alerts.ward", "answer"],
}


SERVICES = [name for name in PROCESSES if name not in {"writer", "answer"}]


class Ward:
    """The server and the processes."""

    def __init__(self, folder, template):
        self.server = EmbeddedPostgres(folder / "server", durable=False)
        self.server.start()
        self.urls = self.server.provision("kills")
        self.bus = EmbeddedValkey()
        self.bus.start()
        self.port = str(free_port())
        self.environment = os.environ | self.urls.environment()
        self.environment |= {"REDIS_URL": self.bus.url, "WARD_PORT": self.port}
        self.log = (folder / "processes.log").open("wb")
        self.running = {}
        copy_database(template, self.urls.superuser)
        session = self.call("-m", "tests.alerts.ward", "arrange")
        self.environment["WARD_SESSION"] = session.strip()

    def call(self, *arguments):
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    def start(self, name):
        port = [self.port] if name == "web" else []
        self.running[name] = subprocess.Popen(
            [sys.executable, *PROCESSES[name], *port],
            cwd=ROOT,
            env=self.environment,
            stdout=self.log,
            stderr=self.log,
        )

    def kill(self, name):
        if name == "postgres":
            self.server.kill()
            self.server.start()
            return
        if name == "bus":
            self.bus.kill()
            self.bus.start()
            return
        self.running[name].kill()
        self.running[name].wait(60)
        self.start(name)

    def is_done(self, name):
        status = self.running[name].poll()
        assert status in {None, 0}, f"{name} gave up"
        return status == 0

    def supervise(self):
        """Start a service again that ended itself, as systemd does: it began without a database."""
        for name in SERVICES:
            if self.running[name].poll() is not None:
                self.start(name)

    def end(self):
        for process in self.running.values():
            process.kill()
            process.wait(60)
        self.log.close()
        self.bus.kill()
        self.server.discard()

    def rows(self, query):
        with psycopg.connect(self.urls.superuser, row_factory=dict_row) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def ward(tmp_path, migrated):
    ward = Ward(tmp_path, migrated)
    yield ward
    ward.end()


def test_two_hundred_alerts_survive_whatever_is_killed(ward):
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    for name in PROCESSES:
        ward.start(name)
    for _ in range(KILLS):
        # The nemesis' own rhythm, not a wait for something.
        time.sleep(dice.uniform(1, 3))
        ward.supervise()
        victims = ["postgres", "bus", *(name for name in PROCESSES if not ward.is_done(name))]
        ward.kill(dice.choice(victims))

    def is_done(name):
        ward.supervise()
        return ward.is_done(name)

    # A hundred buttons are pressed one after the other: a second each on a busy machine.
    wait_until(lambda: is_done("writer"), PATIENCE_SECONDS)
    wait_until(lambda: is_done("answer"), PATIENCE_SECONDS)

    def is_told_through():
        return not ward.rows(
            "SELECT 1 FROM assessment_critical_alerts AS alert WHERE phase = 'open' AND 3 >"
            " (SELECT count(*) FROM alert_steps WHERE alert_id = alert.id AND done_at IS NOT NULL)"
        )

    wait_until(is_told_through, PATIENCE_SECONDS)
    alerts = ward.rows("SELECT * FROM assessment_critical_alerts")
    assert len(alerts) == PATIENTS, f"seed {seed}"
    assert {alert["count"] for alert in alerts} == {1}
    assert sum(alert["phase"] == "acknowledged" for alert in alerts) == PATIENTS // 2
    # Each has exactly one next step.
    assert (
        len(
            ward.rows(
                "SELECT 1 FROM alert_steps WHERE done_at IS NULL AND cancelled_at IS NULL"
                " GROUP BY alert_id HAVING count(*) = 1"
            )
        )
        == PATIENTS
    )
    # Each telling once: of one step, nobody twice; in the bell too.
    tellings = ward.rows(
        "SELECT step_id, user_id, count(*) AS times FROM alert_records WHERE kind = 'told'"
        " GROUP BY step_id, user_id"
    )
    assert {telling["times"] for telling in tellings} == {1}
    rung = ward.rows("SELECT count(*) AS n FROM portal_notifications WHERE kind = 'alert'")
    assert rung[0]["n"] == len(tellings)
    # In order, and on time: the nurse, the clinicians, the nurse.
    steps = ward.rows(
        "SELECT alert_id, position, due_at, done_at FROM alert_steps"
        " WHERE done_at IS NOT NULL ORDER BY alert_id, done_at"
    )
    assert max((step["done_at"] - step["due_at"]).total_seconds() for step in steps) < LATE_SECONDS
    for alert in alerts:
        own = [step["position"] for step in steps if step["alert_id"] == alert["id"]]
        assert own == sorted(own)
        assert len(own) == 3 if alert["phase"] == "open" else len(own) <= 3
    # After an acknowledgement nobody was told any more.
    assert not ward.rows(
        "SELECT 1 FROM alert_records AS told JOIN alert_records AS taken USING (alert_id)"
        " WHERE told.kind = 'told' AND taken.kind = 'acknowledged' AND told.at > taken.at"
    )
