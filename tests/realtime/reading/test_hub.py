"""The hub in a running process: a bus that lies, a log that is away, peers that do not read."""

import asyncio
import time
import uuid
from dataclasses import replace

import psycopg
import pytest

from realtime import watch
from realtime.bus import NOT_OURS
from realtime.failpoints import armed
from tests.realtime.reading.wire import PAGE, changed_ids, is_system, lift_limits, number
from tests.waiting import wait_until

VITALS = {"table": "vital_signs"}


@pytest.fixture
def page(wire, ana):
    page = wire(ana)
    page.live(VITALS)
    return page


@pytest.fixture
def silence(server, monkeypatch):
    """`silence()`: from here on the bus tells nobody anything."""
    return lambda: monkeypatch.setattr(server.hub.bus, "_listeners", [])


def test_with_the_bus_dead_the_hub_lives_on_from_the_log(page, put, silence):
    silence()
    expected = [put() for _ in range(5)]
    page.changes(5)
    assert changed_ids(page) == expected


def test_the_loss_of_a_last_message_is_found(page, put, server, monkeypatch):
    first = put()
    page.changes()
    with monkeypatch.context() as patch:
        patch.setattr(server.hub.bus, "_listeners", [])
        last = put()
        page.changes()
    assert changed_ids(page) == [first, last]


def test_nothing_on_the_bus_can_be_told_twice_or_made_up(page, put, inbox, server, ana, clinic):
    hub, heard = server.hub, []
    server.call(hub.bus._listeners.append, heard.append)
    expected = [put() for _ in range(3)]
    page.changes(3)
    inbox.head()
    server.call(hub.bus._listeners.remove, heard.append)
    (message, *_) = [each for each in heard if each["events"]]
    made_up = {
        **message["events"][0],
        "kind": "change",
        "organization_id": str(clinic.pk),
        "topics": [f"patient:{ana.patient.pk}"],
        "table_name": "vital_signs",
        "operation": "INSERT",
        "record": {"id": "made up"},
    }
    epoch, far = message["epoch"], server.hub.core.seq + 1_000
    for lie in (
        *heard,
        {"epoch": epoch, "first": far, "last": far, "events": [made_up | {"seq": far}]},
        {"epoch": epoch, "first": far, "last": far},
        {"epoch": "another", "first": 1, "last": 1, "events": [made_up | {"seq": 1}]},
        {"epoch": epoch, "first": 0, "last": -1, "events": []},
        {"epoch": epoch, "first": "x", "last": None},
        {"epoch": epoch, "first": 1, "last": 1, "events": [{}]},
        {"epoch": epoch, "first": 1, "last": 1, "events": 5},
        {},
    ):
        server.call(hub.heard, lie)
    expected.append(put())
    page.changes()
    page.heartbeat()
    assert changed_ids(page) == expected


def test_what_is_not_ours_has_the_log_asked_at_once(page, put, server, silence, monkeypatch):
    """It may be another version's word of what is in the log."""
    hub, heard = server.hub, []
    monkeypatch.setattr("realtime.hub.LOOK_SECONDS", 600.0)
    silence()
    before = hub.tally.totals.not_ours

    async def strangers():
        while not heard:
            # Not for its silence, then: nothing else has the log asked.
            hub._heard_at = time.monotonic() + 600.0
            hub.heard(NOT_OURS)
            await asyncio.sleep(0.02)
        hub._heard_at = time.monotonic()

    telling = asyncio.run_coroutine_threadsafe(strangers(), server.loop)
    try:
        expected = put()
        page.changes()
    finally:
        heard.append(True)
        telling.result(60)
    assert changed_ids(page) == [expected]
    assert hub.tally.totals.not_ours > before


def test_any_number_of_strangers_cost_the_database_little(page, server, monkeypatch):
    hub = server.hub
    monkeypatch.setattr("realtime.hub.DOUBT_SECONDS", 600.0)
    server.call(setattr, hub, "_doubted_at", -600.0)
    before = hub.tally.totals.not_ours

    def flood():
        tasks = len(hub._tasks)
        for _ in range(10_000):
            hub.heard(NOT_OURS)
        return len(hub._tasks) - tasks

    assert server.call(flood) == 1
    page.heartbeat()
    assert hub.tally.totals.not_ours == before + 10_000


def test_a_message_without_its_events_is_filled_from_the_log(page, put, server, monkeypatch):
    hub = server.hub

    def bare(message):
        hub.heard({name: value for name, value in message.items() if name != "events"})

    monkeypatch.setattr(hub.bus, "_listeners", [bare])
    expected = [put() for _ in range(3)]
    page.changes(3)
    assert changed_ids(page) == expected


def test_a_batch_reaches_each_socket_whole_and_in_order(wire, page, superuser, ana, ada, clinic):
    other = wire(ada)
    other.live(VITALS)
    superuser.execute(
        "INSERT INTO realtime_inbox"
        " (organization_id, kind, topics, table_name, row_id, operation, record)"
        " SELECT %s, 'change', %s, 'vital_signs', n::text, 'INSERT', jsonb_build_object('id', n)"
        " FROM generate_series(1, 3000) AS n",
        [clinic.pk, [f"patient:{ana.patient.pk}"]],
    )
    for each in (page, other):
        each.changes(3_000)
        assert changed_ids(each) == list(range(1, 3_001))


def test_a_log_that_is_away_is_said_to_be_by_silence(page, put, server, silence, settings, caplog):
    """No position is told that the hub does not know; when the log is back, all that was missed."""
    settings.REALTIME_FAILPOINTS = True
    silence()

    async def away():
        raise OSError("the log is away")

    with armed("log.read", away):
        wait_until(lambda: server.hub.fresh_moment is None)
        missed = put()
        assert page.heartbeat()[-1][4]["response"] == {}
        assert changed_ids(page) == []
    page.changes()
    assert changed_ids(page) == [missed]
    page.up_to_date()
    complaints = [each for each in caplog.records if "cannot read the log" in each.getMessage()]
    assert len(complaints) == 1


def test_a_connection_that_died_is_opened_anew(page, put, silence, superuser):
    silence()
    superuser.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'vigil hub' AND datname = current_database()"
    )
    missed = put()
    page.changes()
    assert changed_ids(page) == [missed]


def test_a_log_that_is_another_one_closes_every_page(page, wire, ana, owner, put, inbox):
    since = inbox.head()
    (epoch,) = owner.execute("SELECT log_epoch FROM realtime_relay").fetchone().values()
    owner.execute("UPDATE realtime_relay SET log_epoch = 'restored'")
    try:
        assert page.closed() == (4009, "resync")
        again = wire(ana)
        again.live({**VITALS, "since": since})
        (resync,) = [frame for frame in again.seen if frame[4].get("extension") == "resync"]
        assert resync[4]["message"] == "the log is another one"
    finally:
        owner.execute("UPDATE realtime_relay SET log_epoch = %s", [epoch])
    again.closed()


def test_positions_are_told_to_quiet_pages(page, inbox, server, monkeypatch):
    head = inbox.head()
    monkeypatch.setattr(server.hub, "limits", replace(server.hub.limits, position_seconds=1))
    frame = page.until(lambda frame: frame[3] == "system")[-1]
    assert frame[:2] == [None, None]
    assert number(frame[4]["message"]) >= number(head)


def test_a_round_in_parts_comes_to_every_socket_whatever_an_odd_one_does(
    wire, ana, server, monkeypatch
):
    monkeypatch.setattr(watch, "_FEW", 2)
    monkeypatch.setattr(server.hub, "limits", replace(server.hub.limits, position_seconds=1))
    pages = [wire(ana) for _ in range(5)]
    for page in pages:
        page.live(VITALS)
    odd = min(server.hub.connections, key=lambda each: each.number)
    server.call(setattr, odd, "deadline", None)
    for page in pages[1:]:
        for _ in range(2):
            # Sooner than the others are closed as idle, which would leave fewer parts.
            page.until(lambda frame: is_system(frame, "position"), seconds=30)


def test_a_page_that_is_gone_leaves_nothing_behind(wire, ana, server):
    hub = server.hub
    for _ in range(5):
        page = wire(ana)
        page.live(VITALS, {"table": "goals", "filter": f"id=eq.{uuid.uuid4()}"})
        page.join(VITALS, topic="realtime:second")
        page.close()
    wait_until(lambda: not hub.connections)
    wait_until(lambda: not len(hub.core.readers))
    assert hub.core.readers.topics == 0
    assert not hub.core.readers.held
    assert hub.sockets.total == 0
    assert len(hub.press) == 0


def test_a_thousand_joins_and_leaves_leave_nothing_behind(page, server):
    """On one socket, without the limits that would stop such a client."""
    hub = server.hub
    (connection,) = hub.connections
    lift_limits(connection)
    page.heartbeat()
    tasks = len(hub._tasks)
    for n in range(1_000):
        page.send(f"realtime:{n % 7}", "phx_join", {"config": {"postgres_changes": []}})
        page.send(f"realtime:{n % 7}", "phx_leave", {})
        page.until(lambda frame: frame[3] in ("phx_close", "phx_reply"))
    page.heartbeat()
    wait_until(lambda: len(hub._tasks) <= tasks + 1)
    assert len(connection.subscriptions) == len(hub.press) == 1
    assert set(connection.channels) == {PAGE}


async def test_a_mistake_as_it_begins_does_not_keep_it_from_beginning(
    settings, committed, log, caplog
):
    from realtime.hub import Hub

    settings.REALTIME_FAILPOINTS = True
    mistakes = []

    async def err():
        if not mistakes:
            mistakes.append(True)
            raise ZeroDivisionError

    hub = Hub()
    with armed("hub.begin", err):
        await hub.start()
        await asyncio.wait_for(hub.is_ready.wait(), 60)
    await hub.stop()
    assert mistakes
    assert "The hub failed to begin" in caplog.text


async def test_whoever_asks_for_the_head_shares_the_reading(settings, committed, log):
    from realtime.hub import Hub

    settings.REALTIME_FAILPOINTS = True
    hub = Hub()
    await hub.start()
    await asyncio.wait_for(hub.is_ready.wait(), 60)
    readings = []

    async def count():
        readings.append(1)

    with armed("hub.read", count):
        await asyncio.gather(*(hub.catch_up() for _ in range(100)))
    await hub.stop()
    assert len(readings) <= 3


def test_a_mistake_in_the_hub_does_not_deafen_it(page, put, server, silence, settings, caplog):
    settings.REALTIME_FAILPOINTS = True
    silence()
    mistakes = []

    async def err():
        if not mistakes:
            mistakes.append(True)
            raise ZeroDivisionError

    with armed("hub.read", err):
        expected = [put() for _ in range(2)]
        page.changes(2)
    assert mistakes
    assert changed_ids(page) == expected


@pytest.mark.parametrize("bus", ["repeats itself", "is always late"])
def test_a_bus_that_brings_old_news_delays_nothing(page, put, server, monkeypatch, bus):
    """A slow bus tells what happened long ago, and never falls silent."""
    hub, heard = server.hub, []
    server.call(hub.bus._listeners.append, heard.append)
    put()
    page.changes()
    (message, *_) = [each for each in heard if each["events"]]

    async def go_on():
        while True:
            if bus == "repeats itself":
                hub.heard(message)
            else:
                hub._heard_at = time.monotonic()
            await asyncio.sleep(0.02)

    monkeypatch.setattr(hub.bus, "_listeners", [])
    going_on = asyncio.run_coroutine_threadsafe(go_on(), server.loop)
    try:
        expected = [put() for _ in range(2)]
        page.changes(2)
        assert changed_ids(page)[1:] == expected
    finally:
        going_on.cancel()


def test_a_log_that_stands_still_is_not_called_fresh(page, put, server, database_urls):
    """It can be read as ever, but what is committed does not get into it."""
    page.up_to_date()
    with psycopg.connect(database_urls.superuser) as connection:
        connection.execute("SELECT FROM realtime_relay FOR UPDATE")
        late = put()
        wait_until(lambda: server.hub.fresh_moment is None)
        assert "at" not in page.heartbeat()[-1][4]["response"]
        assert changed_ids(page) == []
    page.changes()
    assert changed_ids(page) == [late]
    wait_until(lambda: server.hub.fresh_moment is not None)


def test_a_page_that_joins_while_the_hub_is_not_fresh_is_told_where_it_stands(
    wire, ana, server, monkeypatch
):
    """As in the moment after a relay has begun to lead: nothing else would make the hub look."""
    monkeypatch.setattr("realtime.hub.LOOK_SECONDS", 600.0)
    page = wire(ana)

    def was_never_fresh():
        server.hub.fresh_at, server.hub._heard_at = None, time.monotonic() + 600.0

    server.call(was_never_fresh)
    page.join(VITALS)
    page.until(lambda frame: is_system(frame, "postgres_changes"))
    page.heartbeat()
    assert any(is_system(frame, "position") for frame in page.seen)
