"""What the leader finds beside the stream: changes that slipped past their triggers."""

import asyncio

import pytest

from realtime import engine_connection
from realtime.failpoints import armed
from realtime.upkeep import Upkeep
from tests.waiting import wait_until


@pytest.fixture
def reconcile(engine, notes, log, superuser):
    """`reconcile()`: what it found about notes, as (source, reason)."""

    def reconcile():
        found = engine.execute("SELECT * FROM realtime_reconcile()").fetchall()
        return [(row["source"], row["reason"]) for row in found if row["source"] in ("notes", None)]

    # What earlier tests left behind is answered first.
    settle(log, reconcile)
    superuser.execute("DELETE FROM realtime_inbox")
    return reconcile


def resyncs(log):
    return [
        (event["table_name"], event["record"]["reason"])
        for event in log.inbox()
        if event["kind"] == "resync"
    ]


def settle(log, reconcile):
    """Look until every transaction of that moment has ended, in any database of the server."""
    wait_until(lambda: reconcile() == [] and log.relay()["resync_after"] is None)


def test_all_is_well(notes, log, reconcile):
    notes.insert()

    assert reconcile() == []
    assert resyncs(log) == []


@pytest.mark.parametrize(
    ("fault", "repair", "reason"),
    [
        ("DISABLE TRIGGER USER", "ENABLE ALWAYS TRIGGER pgtrigger_publish_notes", "disabled"),
        ("ENABLE TRIGGER USER", "ENABLE ALWAYS TRIGGER USER", "disabled"),
    ],
)
def test_a_disabled_trigger_orders_a_resync_each_round(
    fault, repair, reason, notes, log, reconcile, owner
):
    owner.execute(f"ALTER TABLE notes {fault.replace('USER', notes.trigger)}")
    notes.insert()

    assert reconcile() == [("notes", reason)]
    assert reconcile() == [("notes", reason)]
    assert ("notes", reason) in resyncs(log)


def test_a_load_between_two_looks_with_triggers_off_is_found(notes, log, reconcile, owner):
    owner.execute("ALTER TABLE notes DISABLE TRIGGER USER")
    notes.insert()
    for (name,) in [
        (row["tgname"],)
        for row in owner.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = 'notes'::regclass"
        ).fetchall()
    ]:
        owner.execute(f"ALTER TABLE notes ENABLE ALWAYS TRIGGER {name}")

    assert reconcile() == [("notes", "touched")]
    assert reconcile() == []


def test_a_missing_trigger_is_found(notes, log, reconcile, owner):
    owner.execute(f"DROP TRIGGER {notes.trigger} ON notes")

    assert reconcile() == [("notes", "missing")]


def test_what_the_trigger_could_not_say_is_made_good(notes, log, reconcile, owner):
    owner.execute("ALTER TABLE realtime_inbox RENAME TO realtime_lost")
    notes.insert()
    owner.execute("ALTER TABLE realtime_lost RENAME TO realtime_inbox")

    assert reconcile() == [(None, "missed")]
    settle(log, reconcile)
    reconcile()
    assert resyncs(log) == [(None, "missed"), (None, "settled")]


def test_the_second_resync_waits_for_the_change_to_be_visible(
    notes, log, reconcile, owner, connect
):
    writer = connect("application")
    with writer.transaction():
        owner.execute("ALTER TABLE realtime_inbox RENAME TO realtime_lost")
        notes.insert(writer)
        owner.execute("ALTER TABLE realtime_lost RENAME TO realtime_inbox")
        assert reconcile() == [(None, "missed")]
        reconcile()
        assert resyncs(log) == [(None, "missed")]
    settle(log, reconcile)
    assert resyncs(log) == [(None, "missed"), (None, "settled")]


async def test_a_round_says_what_it_found(notes, log, reconcile, owner, caplog):
    owner.execute(f"DROP TRIGGER {notes.trigger} ON notes")
    async with await engine_connection.connect("test") as connection:
        await Upkeep().do_round(connection)

    assert "Changes of notes may have gone unpublished (missing)" in caplog.text


async def test_a_mistake_in_a_round_does_not_end_the_rounds(log, settings, monkeypatch, caplog):
    settings.REALTIME_FAILPOINTS = True
    monkeypatch.setattr("realtime.upkeep.ROUND_SECONDS", 0.01)
    began, went_on = [], asyncio.Event()

    async def err():
        began.append(1)
        if len(began) == 1:
            raise ZeroDivisionError
        went_on.set()

    with armed("upkeep.make_ahead", err):
        rounds = asyncio.create_task(Upkeep().run())
        await asyncio.wait_for(went_on.wait(), 60)
        rounds.cancel()
        await asyncio.gather(rounds, return_exceptions=True)
    assert caplog.text.count("The relay's upkeep failed; it tries on.") == 1


def test_a_filling_notify_queue_is_said_once(caplog):
    upkeep = Upkeep()
    for usage in (0.0, 0.2, 0.3, 0.0, 0.02):
        upkeep._watch_queue(usage)

    assert caplog.text.count("notify queue") == 2
