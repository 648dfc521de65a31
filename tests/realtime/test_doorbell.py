"""Waking the relay: no bell is missed, and none rings while it is awake."""

import itertools
import threading
import time

import psycopg
import pytest

from realtime.sql_files import script
from tests.waiting import wait_until

# The advisory locks of realtime_bell.v1.sql, as pg_locks shows them.
CLASS = 0x76696769
ASLEEP, SILENT, RINGER = 1, 2, 3


@pytest.fixture
def is_asleep(superuser):
    """Whether a relay holds lock 1 exclusively."""

    def is_asleep():
        return superuser.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s"
            " AND objid = %s AND mode = 'ExclusiveLock' AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [CLASS, ASLEEP],
        ).fetchone()["count"]

    return is_asleep


class Ear:
    """Counts the bells that ring."""

    def __init__(self, connection, superuser):
        self.connection = connection
        self.superuser = superuser
        connection.execute("LISTEN realtime")

    def heard(self):
        """How many rang since last asked: they come in the order of their commits."""
        self.superuser.execute("NOTIFY realtime, 'asked'")
        bells = self.connection.notifies(timeout=60)
        return sum(1 for _ in itertools.takewhile(lambda bell: bell.payload != "asked", bells))


@pytest.fixture
def ear(connect, superuser):
    return Ear(connect("engine"), superuser)


def asleep_by_hand(engine):
    assert engine.execute("SELECT realtime_lie_down() AS answer").fetchone()["answer"] == "asleep"


def test_a_writer_rings_for_a_relay_that_sleeps(notes, log, engine, ear):
    asleep_by_hand(engine)
    notes.insert()

    assert ear.heard() == 1


def test_a_writer_does_not_ring_for_a_relay_that_is_awake(notes, log, ear):
    for _ in range(20):
        notes.insert()

    assert ear.heard() == 0


def test_only_one_of_the_writers_rings(notes, log, engine, ear, connect):
    asleep_by_hand(engine)
    first, second = connect("application"), connect("application")
    with first.transaction():
        notes.insert(first)
        first.execute("SET CONSTRAINTS ALL IMMEDIATE")  # the bell, before the commit
        with second.transaction():
            notes.insert(second)
            second.execute("SET CONSTRAINTS ALL IMMEDIATE")
        assert ear.heard() == 0  # the second left it to the first

    assert ear.heard() == 1


def test_the_relay_does_not_sleep_before_a_writer_that_saw_it_awake_is_visible(
    notes, log, engine, connect
):
    writer = connect("application")
    with writer.transaction():
        notes.insert(writer)
        writer.execute("SET CONSTRAINTS ALL IMMEDIATE")
        answer = engine.execute("SELECT realtime_lie_down() AS answer").fetchone()
        assert answer["answer"] == "refused"

    asleep_by_hand(engine)


def test_the_relay_does_not_sleep_before_a_silenced_writer_is_visible(notes, log, engine, connect):
    ringer, silenced = connect("application"), connect("application")
    asleep_by_hand(engine)
    with silenced.transaction():
        with ringer.transaction():
            notes.insert(ringer)
            ringer.execute("SET CONSTRAINTS ALL IMMEDIATE")
            notes.insert(silenced)
            silenced.execute("SET CONSTRAINTS ALL IMMEDIATE")
        engine.execute("SELECT pg_advisory_unlock(%s, %s)", [CLASS, ASLEEP])
        answer = engine.execute("SELECT realtime_lie_down() AS answer").fetchone()
        assert answer["answer"] == "silenced"

    asleep_by_hand(engine)


def test_no_bell_is_missed(notes, log, relay, database_urls, monkeypatch):
    """Thousands of commits that meet a relay falling asleep; with the sweep out of the way."""
    monkeypatch.setattr("realtime.relay_core.Wait.__init__.__defaults__", (30.0,))
    trials, writers = 700, 4
    lasts = []

    def write(seed):
        with psycopg.connect(database_urls.application, autocommit=True) as connection:
            connection.prepare_threshold = 0
            for number in range(trials):
                notes.insert(connection, number=number)
                # Now and then let the relay lie down, so that commits meet every moment of it.
                if (number * 7 + seed) % 5 == 0:
                    time.sleep(0.001 * ((number + seed) % 4))
            lasts.append(time.monotonic())

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    wait_until(lambda: len(log.events()) == trials * writers)

    assert log.is_settled()


def test_a_lone_commit_is_told_at_once(notes, log, relay, is_asleep, monkeypatch):
    """Each trial waits for the relay to sleep, so each needs its bell: no sweep comes to help."""
    monkeypatch.setattr("realtime.relay_core.Wait.__init__.__defaults__", (300.0,))
    for number in range(60):
        wait_until(is_asleep)
        notes.insert(number=number)
        wait_until(lambda seen=number + 1: len(relay.told) == seen)


def test_an_awake_relay_is_not_rung(notes, log, relay, ear, is_asleep, connect):
    """While one writer keeps it awake, the others' commits do not notify."""
    wait_until(is_asleep)
    writer = connect("application")
    notes.insert()  # wakes it
    assert ear.heard() == 1
    with writer.transaction():
        # Commits that come before the relay lies down again see it awake; hold it there.
        while True:
            writer.execute("SAVEPOINT before")
            notes.insert(writer)
            writer.execute("SET CONSTRAINTS ALL IMMEDIATE")
            if not is_asleep():
                break
            writer.execute("ROLLBACK TO before")
            notes.insert()
        ear.heard()
        for _ in range(200):
            notes.insert()
        assert ear.heard() == 0
        assert not is_asleep()
    wait_until(is_asleep)


def test_a_full_notify_queue_silences_the_bell_and_not_the_commit(
    notes, log, relay, ear, is_asleep, owner
):
    bell = script("realtime_bell", 1).split("CREATE FUNCTION", 1)[1].split("REVOKE", 1)[0]
    silent = bell.replace("pg_notification_queue_usage() < 0.5", "1.0 < 0.5")
    assert silent != bell
    wait_until(is_asleep)
    owner.execute(f"CREATE OR REPLACE FUNCTION {silent}")
    try:
        notes.insert()
        assert ear.heard() == 0
        wait_until(log.events)  # the sweep found it
    finally:
        owner.execute(f"CREATE OR REPLACE FUNCTION {bell}")


def test_a_ringer_that_aborts_is_covered_by_the_sweep(notes, log, relay, is_asleep, connect):
    wait_until(is_asleep)
    ringer, silenced = connect("application"), connect("application")
    with ringer.transaction(force_rollback=True):
        notes.insert(ringer)
        ringer.execute("SET CONSTRAINTS ALL IMMEDIATE")
        notes.insert(silenced)

    wait_until(log.events)


def test_an_idle_relay_stays_asleep(log, relay, is_asleep, superuser):
    """A sweep is a look and not an awakening: bells must not be missed for it."""
    wait_until(is_asleep)
    deadline = time.monotonic() + 1.3
    while time.monotonic() < deadline:
        assert is_asleep()
