"""What the engine's tests stand on: real commits, a published table of their own, a real relay.

`notes` is a plain table that the owner publishes, so that these tests need no clinic. Everything
is read and written through psycopg, past Django, as the role that each test names.
"""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from realtime.quoting import array, identifier, literal
from tests.job_worker import GONE, sign_of_life
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def connect(database_urls):
    """`connect("owner")`: in autocommit, as application, owner, engine or superuser."""
    opened = []

    def connect(role, **options):
        url = getattr(database_urls, role)
        connection = psycopg.connect(url, autocommit=True, row_factory=dict_row, **options)
        opened.append(connection)
        return connection

    yield connect
    for connection in opened:
        connection.close()


@pytest.fixture
def superuser(connect):
    return connect("superuser")


@pytest.fixture
def owner(connect):
    return connect("owner")


@pytest.fixture
def app(connect):
    return connect("application")


@pytest.fixture
def engine(connect):
    return connect("engine")


class Log:
    """The inbox and the log, as the engine sees them, from where the log stood at first."""

    def __init__(self, connection):
        self._connection = connection
        self.start = self.head()

    def head(self):
        return self._one("SELECT last_seq FROM realtime_relay")["last_seq"]

    def inbox(self):
        return self._all("SELECT * FROM realtime_inbox ORDER BY id")

    def events(self):
        """The events since the test began."""
        return self._all("SELECT * FROM realtime_events WHERE seq > %s ORDER BY seq", self.start)

    def relay(self):
        # `beat` is left out: before the first leader it is -infinity, which Python has not.
        return self._one(
            "SELECT last_seq, oldest_seq, leader_epoch, partitioned_to, resync_after"
            " FROM realtime_relay"
        )

    def bury_list(self):
        return self._all("SELECT * FROM realtime_dead_letters WHERE seq > %s", self.start)

    def is_settled(self):
        """Nothing waits in the inbox."""
        return not self._one("SELECT count(*) FROM realtime_inbox")["count"]

    def _all(self, query, *values):
        return self._connection.execute(query, values).fetchall()

    def _one(self, query, *values):
        return self._connection.execute(query, values).fetchone()


@pytest.fixture
def log(connect, superuser):
    """The log, with an empty inbox before the test and after it."""
    # What an earlier test broke on purpose is made good now, and not in the middle of this one.
    connect("engine").execute("SELECT realtime_reconcile()")
    superuser.execute("DELETE FROM realtime_inbox")
    superuser.execute(
        "UPDATE realtime_relay SET resync_after = NULL,"
        " missed_seen = (SELECT last_value FROM realtime_missed)"
    )
    # A job worker lives, as far as the auditor beside the relay can see: its alarm is an event too.
    superuser.execute(sign_of_life())
    yield Log(connect("engine"))
    superuser.execute(GONE)
    superuser.execute("DELETE FROM realtime_inbox")


class Notes:
    """A published table: write to it as the application does."""

    topics = ("patient:{patient_id}", "provider:{provider_id}")
    columns = ("id", "patient_id", "number", "at")
    trigger = "pgtrigger_publish_notes"

    def __init__(self, owner, connection):
        self.owner = owner
        self.connection = connection

    def create(self):
        self.owner.execute(
            "CREATE TABLE notes (id uuid PRIMARY KEY, organization_id uuid, patient_id uuid,"
            " provider_id uuid, number bigint, at timestamptz, body text, extra json)"
        )
        app = self.connection.info.user
        self.owner.execute(f"GRANT ALL ON notes TO {identifier(app)}")
        self.publish()

    def publish(self, columns=columns, topics=topics, organization="organization_id"):
        self.owner.execute(
            f"SELECT realtime_install_publish({literal(self.trigger)}, 'notes', 'id',"
            f" {array(topics)}, {array(columns)}, {literal(organization)}, true)"
        )

    def drop(self):
        self.owner.execute("SELECT realtime_uninstall(%s, 'notes')", [self.trigger])
        self.owner.execute("DROP TABLE notes")

    def insert(self, connection=None, **values):
        """Insert a row; unless said otherwise about some patient of some organization."""
        values = {
            "id": uuid.uuid4(),
            "organization_id": uuid.uuid4(),
            "patient_id": uuid.uuid4(),
        } | values
        columns = ", ".join(values)
        marks = ", ".join(["%s"] * len(values))
        (connection or self.connection).execute(
            f"INSERT INTO notes ({columns}) VALUES ({marks})", list(values.values())
        )
        return values


@pytest.fixture
def notes(log, owner, app):
    notes = Notes(owner, app)
    notes.create()
    yield notes
    notes.drop()


class RelayThread:
    """A relay inside this process, with an event loop of its own."""

    def __init__(self):
        from realtime.bus import Bus
        from realtime.relay import Relay

        self.messages = []
        self.bus = Bus()
        self.bus.subscribe(self.messages.append)
        self.relay = Relay(self.bus)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, name="relay")

    def start(self, until_leading=True):
        self.thread.start()
        if until_leading:
            wait_until(lambda: self.relay.is_leading)
        return self

    def stop(self):
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.relay.stop)
            self.thread.join(60)
            assert not self.thread.is_alive()

    @property
    def told(self):
        """Every event that went over the bus, in order."""
        return [event for message in list(self.messages) for event in message["events"]]

    def _run(self):
        try:
            self.loop.run_until_complete(self.relay.run())
        finally:
            self.loop.close()


@pytest.fixture
def relays():
    """`relays()` starts a relay in this process; all of them end with the test."""
    started = []

    def start(**options):
        relay = RelayThread()
        started.append(relay)
        return relay.start(**options)

    yield start
    for relay in started:
        relay.stop()


@pytest.fixture
def relay(log, relays):
    """The leading relay."""
    return relays()


@pytest.fixture
def relay_processes(database_urls):
    """`relay_processes()` starts `manage.py relay`; whatever still runs is killed at the end."""
    started = []

    def start():
        process = subprocess.Popen(
            [sys.executable, "manage.py", "relay"],
            cwd=ROOT,
            env=os.environ | database_urls.environment(),
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            # A stopped process does not end before it is woken.
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait(60)
