"""Moving rows from the inbox into the log: positions, the fence, and rows the log will not take."""

from contextlib import contextmanager

import psycopg
import pytest
from django.conf import settings

from realtime.quoting import identifier
from tests.waiting import wait_until


def move(engine, epoch, most=1000):
    return engine.execute("SELECT * FROM realtime_move(%s, %s)", [epoch, most]).fetchall()


@pytest.fixture
def epoch(engine):
    """The epoch of a leader: this test is it."""
    taken = "SELECT realtime_try_to_lead('1 hour') AS epoch"
    return wait_until(lambda: engine.execute(taken).fetchone()["epoch"])


def test_positions_follow_one_another_over_batches(notes, log, engine, epoch):
    for number in range(25):
        notes.insert(number=number)
    batches = [move(engine, epoch, 10) for _ in range(4)]

    assert [len(batch) for batch in batches] == [10, 10, 5, 0]
    told = [event for batch in batches for event in batch]
    assert [event["seq"] for event in told] == list(range(log.start + 1, log.start + 26))
    assert [event["record"]["number"] for event in log.events()] == list(range(25))
    assert log.relay()["last_seq"] == log.start + 25


def test_what_a_burst_left_behind_is_not_read_again(notes, log, engine, epoch, app):
    """The planner would read every dead page of an inbox that was full a moment ago."""

    def scans():
        engine.execute("SELECT pg_stat_force_next_flush()")
        engine.execute("SELECT pg_stat_clear_snapshot()")
        return engine.execute(
            "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'realtime_inbox'"
        ).fetchone()["seq_scan"]

    app.execute(
        "INSERT INTO notes (id, organization_id, patient_id)"
        " SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid()"
        " FROM generate_series(1, 5000)"
    )
    while move(engine, epoch):
        pass
    before = scans()
    for _ in range(10):
        assert move(engine, epoch) == []
    notes.insert()
    assert len(move(engine, epoch)) == 1
    assert scans() == before


def test_a_failed_move_leaves_no_hole(notes, log, connect, engine, epoch):
    notes.insert()
    with engine.transaction(force_rollback=True):
        assert len(move(engine, epoch)) == 1
    notes.insert()

    assert [event["seq"] for event in move(engine, epoch)] == [log.start + 1, log.start + 2]


@pytest.mark.parametrize("written", [0, 1])
def test_who_is_deposed_moves_nothing(written, notes, log, engine, epoch):
    for _ in range(written):
        notes.insert()
    engine.execute("UPDATE realtime_relay SET leader_epoch = leader_epoch + 1")

    with pytest.raises(psycopg.DatabaseError) as raised:
        move(engine, epoch)
    assert raised.value.sqlstate == "VG001"
    assert len(log.inbox()) == written
    assert log.events() == []


@contextmanager
def move_that_waits(connect, engine, epoch):
    """A move that waits for the fence while the block runs; what it moved is there afterwards."""
    moved = []
    other, waiting = connect("engine"), engine.pgconn
    with other.transaction():
        other.execute("SELECT FROM realtime_relay FOR UPDATE")
        waiting.send_query(f"SELECT seq FROM realtime_move({epoch}, 1000)".encode())
        locked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pid = %s"
        watching = connect("superuser")
        wait_until(lambda: watching.execute(locked, [engine.info.backend_pid]).fetchone()["count"])
        yield moved
    result = waiting.get_result()
    moved.extend(int(result.get_value(row, 0)) for row in range(result.ntuples))
    while waiting.get_result() is not None:
        pass


def test_a_move_that_waited_for_the_fence_sees_what_came_meanwhile(
    notes, log, connect, engine, epoch
):
    """Fence and move in one statement would keep the snapshot from before the wait."""
    notes.insert(number=1)
    with move_that_waits(connect, engine, epoch) as moved:
        notes.insert(number=2)
    assert moved == [log.start + 1, log.start + 2]


def test_what_becomes_visible_while_a_move_waits_goes_before_what_is_written_after_it(
    notes, log, connect, engine, epoch
):
    """The first may be a revocation, with a lower number than all that was visible before."""
    slow = connect("application")
    slow.execute("BEGIN")
    notes.insert(slow, number=1)
    notes.insert(number=2)
    with move_that_waits(connect, engine, epoch):
        slow.execute("COMMIT")
        notes.insert(number=3)
    move(engine, epoch)
    assert [event["record"]["number"] for event in log.events()] == [1, 2, 3]


def test_partitions_are_added_where_a_batch_would_overflow(notes, log, engine, epoch, owner):
    past = log.relay()["partitioned_to"]
    owner.execute("UPDATE realtime_relay SET last_seq = partitioned_to - 3")
    for number in range(5):
        notes.insert(number=number)
    moved = move(engine, epoch)

    assert [event["seq"] for event in moved] == list(range(past - 2, past + 3))
    assert log.relay()["partitioned_to"] > past + 3


# Rows the log refuses -------------------------------------------------------------------------


@pytest.fixture
def squeamish_log(owner):
    """A log that does not take the number 13."""
    owner.execute(
        "ALTER TABLE realtime_events ADD CONSTRAINT squeamish"
        " CHECK (record->>'number' IS DISTINCT FROM '13') NOT VALID"
    )
    yield
    owner.execute("ALTER TABLE realtime_events DROP CONSTRAINT squeamish")


def test_a_poisonous_row_does_not_stop_the_stream(squeamish_log, notes, log, relay, caplog):
    organization = notes.insert(number=12)["organization_id"]
    notes.insert(number=13, organization_id=organization)
    notes.insert(number=14)
    wait_until(lambda: len(relay.told) == 3)

    first, buried, last = log.events()
    assert (first["record"]["number"], last["record"]["number"]) == (12, 14)
    assert [event["seq"] for event in log.events()] == [log.start + n for n in (1, 2, 3)]
    # Readers of its organization are told to look for themselves.
    assert (buried["kind"], buried["table_name"]) == ("resync", "notes")
    assert buried["organization_id"] == organization
    assert buried["record"] is None

    [letter] = log.bury_list()
    assert letter["seq"] == buried["seq"]
    assert letter["reason"] == "23514 squeamish"
    assert letter["raw"]["record"]["number"] == 13
    assert f"Event {buried['seq']} went to the dead letters" in caplog.text
    assert [event["seq"] for event in relay.told] == [e["seq"] for e in log.events()]


def test_a_poisonous_control_event_still_reaches_the_hub(log, relay, owner, app):
    owner.execute(
        "ALTER TABLE realtime_events ADD CONSTRAINT squeamish"
        " CHECK (record->>'session' IS NULL) NOT VALID"
    )
    try:
        app.execute(
            "SELECT realtime_control(gen_random_uuid(), ARRAY[gen_random_uuid()],"
            " 'session_ended', '{\"session\": \"abc\"}')"
        )
        wait_until(log.events)
    finally:
        owner.execute("ALTER TABLE realtime_events DROP CONSTRAINT squeamish")

    [event] = log.events()
    assert (event["kind"], event["operation"]) == ("control", "session_ended")
    assert len(event["topics"]) == 1


def test_a_log_that_takes_nothing_buries_nothing(notes, log, relay, owner, caplog):
    engine = identifier(settings.ENGINE_ROLE)
    owner.execute(f"REVOKE INSERT ON realtime_events FROM {engine}")
    try:
        notes.insert(number=1)
        wait_until(lambda: "lost the database" in caplog.text)
        assert len(log.inbox()) == 1
        assert log.bury_list() == []
    finally:
        owner.execute(f"GRANT INSERT ON realtime_events TO {engine}")

    wait_until(log.events)
    assert log.events()[0]["record"]["number"] == 1
