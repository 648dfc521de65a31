"""A leader that was deposed while it slept tries two hundred times to write, and never does."""

import psycopg
import pytest

from tests.waiting import wait_until

TRIES = 200


def test_nothing_is_ever_moved_by_a_deposed_leader(notes, log, engine):
    lead = "SELECT realtime_try_to_lead('1 hour') AS epoch"
    stale = wait_until(lambda: engine.execute(lead).fetchone()["epoch"])
    present = engine.execute(lead).fetchone()["epoch"]
    move = "SELECT * FROM realtime_move(%s, 3, %s)"
    for number in range(TRIES):
        notes.insert(number=number)
        # Awake or asleep, with something in the inbox or with nothing.
        with pytest.raises(psycopg.DatabaseError) as refused:
            engine.execute(move, [stale, number % 2 == 0])
        assert refused.value.sqlstate == "VG001"
        if number % 4 == 0:
            while engine.execute(move, [present, False]).fetchall():
                pass
    while engine.execute(move, [present, False]).fetchall():
        pass

    assert [event["record"]["number"] for event in log.events()] == list(range(TRIES))
    assert log.relay()["leader_epoch"] == present
