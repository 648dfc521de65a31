"""One relay leads: who takes over when it is killed, stopped, cut off or deposed."""

import signal
import time

import psycopg
import pytest

from realtime.failpoints import armed
from realtime.quoting import identifier
from tests.waiting import wait_until

# So many attempts in vain, and the absence is said once.
FAILED_ATTEMPTS = 3


@pytest.fixture
def leader(superuser):
    """The server process that holds the lead, or None."""

    def leader():
        row = superuser.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = 4"
            " AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [0x76696769],
        ).fetchone()
        return row and row["pid"]

    return leader


def is_told(log, number):
    return any((event["record"] or {}).get("number") == number for event in log.events())


def seqs(log):
    return [event["seq"] - log.start for event in log.events()]


def test_a_killed_relay_is_replaced_and_nothing_is_lost(notes, log, leader, relay_processes):
    first = relay_processes()
    wait_until(leader)
    second = relay_processes()
    notes.insert(number=1)
    wait_until(lambda: is_told(log, 1))

    first.kill()
    notes.insert(number=2)
    wait_until(lambda: is_told(log, 2))

    assert second.poll() is None
    assert seqs(log) == [1, 2]


def test_a_relay_whose_server_process_is_ended_comes_back(notes, log, leader, relay, superuser):
    notes.insert(number=1)
    wait_until(lambda: is_told(log, 1))
    epoch = log.relay()["leader_epoch"]
    superuser.execute("SELECT pg_terminate_backend(%s)", [leader()])
    notes.insert(number=2)
    wait_until(lambda: is_told(log, 2))

    assert log.relay()["leader_epoch"] > epoch
    assert seqs(log) == [1, 2]


def test_a_stopped_leader_is_replaced_and_writes_nothing_when_woken(
    notes, log, leader, relay_processes, relays
):
    first = relay_processes()
    wait_until(leader)
    relays(until_leading=False)
    notes.insert(number=1)
    wait_until(lambda: is_told(log, 1))

    epoch, backend = log.relay()["leader_epoch"], leader()
    first.send_signal(signal.SIGSTOP)
    notes.insert(number=2)
    wait_until(lambda: is_told(log, 2))
    assert leader() not in (None, backend)
    after = log.relay()["leader_epoch"]
    assert after > epoch

    first.send_signal(signal.SIGCONT)
    for number in range(3, 40):
        notes.insert(number=number)
    wait_until(lambda: is_told(log, 39))

    assert log.relay()["leader_epoch"] == after
    assert seqs(log) == list(range(1, 40))


def test_a_leader_that_was_deposed_in_its_sleep_gives_way(log, relay, superuser, caplog):
    superuser.execute("UPDATE realtime_relay SET leader_epoch = leader_epoch + 1")

    # The empty look of its sweep notices; it stands by, and is elected again.
    wait_until(lambda: "was deposed" in caplog.text)
    wait_until(lambda: relay.relay.is_leading)


def test_a_busy_leader_is_left_alone(notes, log, relays, leader):
    relays()
    backend = leader()
    relays(until_leading=False)
    deadline = time.monotonic() + 2.5
    while time.monotonic() < deadline:
        notes.insert()

    assert leader() == backend


def test_an_idle_leader_is_left_alone(log, relays, leader):
    relays()
    backend = leader()
    relays(until_leading=False)
    deadline = time.monotonic() + 2.6
    while time.monotonic() < deadline:
        assert leader() == backend
        time.sleep(0.1)


def test_the_relay_outlives_an_absence_of_the_database(
    notes, log, relays, superuser, settings, caplog
):
    settings.REALTIME_FAILPOINTS = True
    relay = relays()
    attempts = []

    async def count():
        attempts.append(relay)

    database = identifier(superuser.info.dbname)
    notes.insert(number=1)
    wait_until(lambda: is_told(log, 1))
    superuser.execute(f"ALTER DATABASE {database} CONNECTION LIMIT 0")
    try:
        superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'vigil relay' AND datname = current_database()"
        )
        with armed("relay.connect", count):
            wait_until(lambda: len(attempts) > FAILED_ATTEMPTS)
        assert not relay.relay.is_leading
        assert caplog.text.count("lost the database") == 1
        notes.insert(number=2)
    finally:
        superuser.execute(f"ALTER DATABASE {database} CONNECTION LIMIT -1")
    wait_until(lambda: is_told(log, 2))

    assert "reaches the database again" in caplog.text
    assert seqs(log) == [1, 2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_ends_on_a_signal(number, log, leader, relay_processes):
    process = relay_processes()
    wait_until(leader)
    process.send_signal(number)

    assert process.wait(60) == 0
    wait_until(lambda: leader() is None)


def test_a_mistake_in_the_relay_does_not_end_it(notes, log, relays, settings, caplog):
    settings.REALTIME_FAILPOINTS = True
    failures = iter([True])

    async def fail_once():
        if next(failures, False):
            raise ZeroDivisionError

    relay = relays()
    with armed("relay.publish", fail_once):
        notes.insert(number=1)
        notes.insert(number=2)
        wait_until(lambda: "begins anew" in caplog.text)
        wait_until(lambda: is_told(log, 2) and relay.relay.is_leading)

    assert seqs(log) == [1, 2]


@pytest.mark.parametrize(("patience", "stays"), [("1 minute", True), ("0 seconds", False)])
def test_whoever_has_just_taken_the_lead_is_left_alone(
    log, superuser, database_urls, patience, stays
):
    """The old leader has been silent for long, the new one's first sign of life under way."""
    superuser.execute("UPDATE realtime_relay SET beat = clock_timestamp() - interval '1 hour'")
    with (
        psycopg.connect(database_urls.engine, autocommit=True) as new,
        psycopg.connect(database_urls.engine, autocommit=True) as other,
    ):
        new.execute("SELECT pg_advisory_lock(1986619241, 4)")
        answer = other.execute("SELECT realtime_try_to_lead(%s::interval)", [patience]).fetchone()
        assert answer == (None,)
        if stays:
            new.execute("SELECT 1")
        else:
            with pytest.raises(psycopg.OperationalError):
                new.execute("SELECT 1")
