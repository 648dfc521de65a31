"""A notify queue that is really full, because somebody listens and never ends a transaction.

PostgreSQL then fails every commit that notifies. Ours go on, and are told a little later.
"""

import os
import subprocess
import sys

import psycopg
import pytest

from portal.embedded.postgres import EmbeddedPostgres
from tests.copies import engine_alone
from tests.realtime.conftest import ROOT, Log, Notes
from tests.waiting import wait_until

WRITTEN = 200
# The lock of realtime_lie_down(), which a sleeping relay holds and writers only share.
ASLEEP = """
    SELECT pid FROM pg_locks
    WHERE locktype = 'advisory' AND classid = 1986619241 AND objid = 1
        AND mode = 'ExclusiveLock' AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class SmallQueue(EmbeddedPostgres):
    """The queue holds half a megabyte instead of eight gigabytes."""

    def _options(self, port):
        return [*super()._options(port), "--max_notify_queue_pages=64"]


@pytest.fixture
def urls(tmp_path):
    with engine_alone(SmallQueue(tmp_path / "server", durable=False)) as urls:
        yield urls


def test_a_full_queue_fails_no_write_and_loses_no_event(urls, request):
    relay = subprocess.Popen(
        [sys.executable, "manage.py", "relay"], cwd=ROOT, env=os.environ | urls.environment()
    )
    request.addfinalizer(relay.wait)
    request.addfinalizer(relay.kill)
    opened = [
        psycopg.connect(url, autocommit=True, row_factory=psycopg.rows.dict_row)
        for url in (urls.owner, urls.application, urls.engine, urls.superuser, urls.superuser)
    ]
    for each in opened:
        request.addfinalizer(each.close)
    owner, application, engine, stuck, noisy = opened
    notes, log = Notes(owner, application), Log(engine)
    notes.create()
    wait_until(lambda: log.relay()["leader_epoch"] > 0, 30)

    stuck.execute("LISTEN anything")
    stuck.execute("BEGIN")
    stuck.execute("SELECT 1")
    with pytest.raises(psycopg.errors.ProgramLimitExceeded):
        fill(noisy)

    # Only a writer who finds the relay asleep would ring.
    for number in range(WRITTEN):
        if number % 20 == 0:
            wait_until(lambda: noisy.execute(ASLEEP).fetchone())
        notes.insert(number=number)
    wait_until(log.is_settled, 30)
    assert [event["record"]["number"] for event in log.events()] == list(range(WRITTEN))

    stuck.execute("COMMIT")
    usage = "SELECT pg_notification_queue_usage() AS usage"
    wait_until(lambda: noisy.execute(usage).fetchone()["usage"] < 0.5)
    notes.insert(number=WRITTEN)
    wait_until(lambda: len(log.events()) == WRITTEN + 1)


def fill(connection):
    """Notify until the database refuses to."""
    for number in range(1_000):
        connection.execute(
            "SELECT pg_notify('anything', repeat(%s, 7000) || n) FROM generate_series(1, 20) AS n",
            [str(number % 10)],
        )
