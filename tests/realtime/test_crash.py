"""kill -9 of the relay's server process: PostgreSQL ends every connection and recovers.

On a server of its own, because that also ends the connections of every other test.
"""

import os
import signal
import subprocess
import sys

import psycopg
import pytest

from portal.embedded.postgres import EmbeddedPostgres
from tests.copies import engine_alone
from tests.realtime.conftest import ROOT, Log, Notes
from tests.waiting import wait_until

WRITTEN = 300


@pytest.fixture
def urls(tmp_path):
    with engine_alone(EmbeddedPostgres(tmp_path / "server", durable=False)) as urls:
        yield urls


def connected(url):
    try:
        return psycopg.connect(url, autocommit=True, row_factory=psycopg.rows.dict_row)
    except psycopg.OperationalError:
        return None


def is_ended(connection):
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def test_a_crash_in_mid_stream_loses_nothing(urls, request):
    relay = subprocess.Popen(
        [sys.executable, "manage.py", "relay"], cwd=ROOT, env=os.environ | urls.environment()
    )
    request.addfinalizer(relay.wait)
    request.addfinalizer(relay.kill)
    with connected(urls.owner) as owner, connected(urls.application) as app:
        notes = Notes(owner, app)
        notes.create()
        holder = wait_until(
            lambda: owner.execute("SELECT pid FROM pg_locks WHERE objid = 4").fetchone(), 20
        )
        for number in range(WRITTEN):
            notes.insert(number=number)
        # The relay is somewhere in these by now.
        os.kill(holder["pid"], signal.SIGKILL)
        # Until the server has noticed it goes on letting people in, only to end them with the rest.
        wait_until(lambda: is_ended(owner))

    with wait_until(lambda: connected(urls.engine)) as engine:
        log = Log(engine)
        log.start = 0
        wait_until(lambda: len(log.events()) >= WRITTEN)

        assert log.is_settled()
        assert [event["seq"] for event in log.events()] == list(range(1, WRITTEN + 1))
        assert [event["record"]["number"] for event in log.events()] == list(range(WRITTEN))
