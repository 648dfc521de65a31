"""The bus: between parts of one process, between processes, and while it is away."""

import asyncio
import errno
import logging
import os
import signal

import pytest
from redis import asyncio as redis
from redis.exceptions import ConnectionError as Gone

from realtime import bus as realtime_bus
from realtime.bus import GROUP, NOT_OURS, WAITING, Bus
from realtime.bus_connection import WaryConnection, WaryTlsConnection, bus_at
from realtime.envelope import packed
from realtime.event import Event
from realtime.failpoints import armed
from tests.realtime.bus.conftest import arrives, soon
from tests.realtime.bus_messages import ANOTHER_KEY, message

# Within one process ---------------------------------------------------------------------------


def test_every_listener_is_called_at_once():
    bus, first, second = Bus(), [], []
    bus.subscribe(first.append)
    end = bus.subscribe(second.append)
    bus.offer({"last": 1})
    end()
    bus.offer({"last": 2})

    assert first == [{"last": 1}, {"last": 2}]
    assert second == [{"last": 1}]


def test_a_listener_that_fails_costs_the_others_nothing(caplog):
    bus, heard = Bus(), []
    bus.subscribe(lambda message: message["nothing"])
    bus.subscribe(heard.append)
    bus.offer({"last": 1})

    assert heard == [{"last": 1}]
    assert "A listener of the bus failed" in caplog.text


async def test_messages_can_be_read_in_a_loop():
    bus = Bus()
    messages = bus.messages()
    reading = asyncio.create_task(anext(messages))
    await asyncio.sleep(0)
    await bus.publish({"last": 1})

    assert await reading == {"last": 1}
    await messages.aclose()


# Between processes ----------------------------------------------------------------------------


async def test_another_process_hears(processes):
    sender, receiver, heard = processes(), processes(), []
    receiver.subscribe(heard.append)
    await arrives(sender, heard, 1)

    event = Event.from_row(heard[0]["events"][0])
    assert (event.seq, event.topics) == (1, ("patient:1",))


async def test_order_is_kept(processes):
    sender, receiver, heard = processes(), processes(), []
    receiver.subscribe(heard.append)
    await arrives(sender, heard, 1)
    for last in range(2, 52):
        sender.offer(message(first=last))
    await soon(lambda: heard[-1]["last"] == 51)

    seqs = [message["last"] for message in heard if message["last"] > 1]
    assert seqs == list(range(2, 52))


@pytest.fixture
def said_by_layer(monkeypatch):
    """What the layer wants to log, before anybody drops it."""
    said = []

    def note(record):
        said.append(record.getMessage())
        return True

    logger = logging.getLogger("channels_redis.pubsub")
    monkeypatch.setattr(logger, "filters", [note, *logger.filters])
    return said


async def test_a_dead_bus_is_said_once_and_its_return_once_by_each(
    processes, valkey, said_by_layer, caplog
):
    sender, receiver, heard = processes(), processes(), []
    receiver.subscribe(heard.append)
    await arrives(sender, heard, 1)

    valkey.stop()
    for _ in range(3):
        await sender.publish(message(first=2))
    await soon(lambda: any("Unexpected exception" in words for words in said_by_layer))
    assert sender.is_down
    await soon(lambda: receiver.is_down)
    assert "Unexpected exception" not in caplog.text
    assert caplog.text.count("The bus is down") == 2

    valkey.start()
    await arrives(sender, heard, 3)
    await soon(lambda: not sender.is_down and not receiver.is_down)
    assert caplog.text.count("The bus is back") == 2


async def test_a_process_that_only_listens_knows_whether_the_bus_is_there(
    processes, valkey, caplog
):
    """As a standby does, which publishes nothing until it leads."""
    valkey.kill()
    standby, heard = processes(), []
    standby.subscribe(heard.append)
    await soon(lambda: standby.is_down)
    for _ in range(2):
        valkey.start()
        await soon(lambda: not standby.is_down)
        valkey.kill()
        await soon(lambda: standby.is_down)
    valkey.start()
    await soon(lambda: not standby.is_down)
    assert caplog.text.count("The bus is down") == caplog.text.count("The bus is back") == 3
    # What it says to itself is nothing to those who listen.
    assert heard == []


async def test_a_bus_that_is_away_for_long_fills_no_memory(processes, valkey, settings):
    settings.REALTIME_FAILPOINTS = True
    valkey.kill()
    tries = []

    async def count():
        tries.append(1)

    standby, heard = processes(), []
    with armed("bus.listen", count):
        standby.subscribe(heard.append)
        await soon(lambda: len(tries) == 5)
    layer = standby._layer()._get_layer()
    assert len(layer.channels) <= 2
    valkey.start()
    await arrives(standby, heard, 1)
    assert len(layer.channels) == 1


async def test_a_frozen_bus_is_noticed_by_who_only_listens(processes, valkey, monkeypatch):
    monkeypatch.setattr(realtime_bus, "ECHO_PATIENCE_SECONDS", 1.0)
    sender, standby, heard = processes(), processes(), []
    standby.subscribe(heard.append)
    while not heard:
        await sender.publish(message())
        await asyncio.sleep(0.05)
    os.kill(valkey.pid, signal.SIGSTOP)
    try:
        await soon(lambda: standby.is_down)
    finally:
        os.kill(valkey.pid, signal.SIGCONT)
    await soon(lambda: not standby.is_down)


async def test_who_can_publish_and_not_hear_says_that_the_bus_is_down(
    processes, valkey, monkeypatch
):
    monkeypatch.setattr(realtime_bus, "ECHO_PATIENCE_SECONDS", 1.0)
    sender, heard = processes(), []
    sender.subscribe(heard.append)
    await arrives(sender, heard, 1)
    async with redis.from_url(valkey.url) as administrator:
        await administrator.execute_command("ACL", "SETUSER", "default", "-subscribe")
        await administrator.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    await soon(lambda: sender.is_down)
    for _ in range(3):
        await sender.publish(message(first=2))
    assert sender.is_down


async def test_a_stuck_bus_delays_nobody(processes, valkey):
    sender = processes()
    await sender.publish(message())
    os.kill(valkey.pid, signal.SIGSTOP)
    try:
        # Waiting for the bus in each of these would take minutes.
        async with asyncio.timeout(60):
            for number in range(200):
                sender.offer(message(first=number))
            await sender.publish(message(first=2))
    finally:
        os.kill(valkey.pid, signal.SIGCONT)


async def test_of_what_waits_for_a_slow_bus_the_newest_arrives(processes, valkey):
    sender, receiver, heard = processes(), processes(), []
    receiver.subscribe(heard.append)
    await arrives(sender, heard, 1)
    os.kill(valkey.pid, signal.SIGSTOP)
    try:
        for last in range(2, 3 * WAITING):
            sender.offer(message(first=last))
    finally:
        os.kill(valkey.pid, signal.SIGCONT)
    await soon(lambda: heard[-1]["last"] == 3 * WAITING - 1)


async def test_what_is_not_ours_is_told_as_nothing_at_all(processes, settings, caplog):
    sender, receiver, heard = processes(), processes(), []
    receiver.subscribe(heard.append)
    await arrives(sender, heard, 1)
    layer = receiver._layer()
    channels = set(layer._get_layer().channels)
    true, key = packed(message(first=2)), settings.SECRET_KEY
    settings.SECRET_KEY = ANOTHER_KEY
    theirs = packed(message(first=2))
    settings.SECRET_KEY = key
    forged = [
        {"text": true["text"]},
        true | {"text": packed(message(first=3))["text"]},
        theirs,
        {"text": "["},
        {"text": ""},
        {},
    ]
    before = len(heard)
    for each in forged:
        await layer.group_send(GROUP, {"type": GROUP, **each})
    async with redis.from_url(settings.REDIS_URL) as stranger:
        for body in (b"", b"\xc1", b"\x93\x01\x02\x03", b"\x07"):
            await stranger.publish(f"vigil__group__{GROUP}", body)
    await arrives(sender, heard, 4)

    told = heard[before:]
    assert [each for each in told if each is NOT_OURS] == [NOT_OURS] * (len(forged) + 4)
    assert {each["last"] for each in told if each is not NOT_OURS} <= {1, 4}
    # Once by each of the two, however many there were.
    assert caplog.text.count("messages that are not ours") == 2
    # Nobody begins anew for it, which would cost what comes meanwhile.
    assert set(layer._get_layer().channels) == channels


async def test_what_is_not_ours_is_said_again_after_it_was_quiet(processes, monkeypatch, caplog):
    sender, receiver, heard = processes(), processes(), []
    receiver.subscribe(heard.append)
    await arrives(sender, heard, 1)
    for quiet in (60.0, 60.0, 0.0):
        monkeypatch.setattr(realtime_bus, "NOT_OURS_QUIET_SECONDS", quiet)
        before = heard.count(NOT_OURS)
        await receiver._layer().group_send(GROUP, {"type": GROUP})
        await soon(lambda before=before: heard.count(NOT_OURS) > before)
    assert [record.name for record in caplog.records].count("realtime.bus") == 4


async def test_a_host_that_vanished_is_not_taken_for_a_quiet_one(valkey):
    options = bus_at(valkey.url)
    connection = options.pop("connection_class")(**options)
    await connection.connect()
    assert await connection.read_response(timeout=0.1) is None
    # What the kernel says when its keepalive probes went unanswered.
    connection._reader.set_exception(TimeoutError(errno.ETIMEDOUT, "Connection timed out"))
    with pytest.raises(Gone):
        await connection.read_response(timeout=60)
    assert not connection.is_connected


def test_every_way_to_the_bus_over_a_network_is_watched():
    assert bus_at("redis://bus/1")["connection_class"] is WaryConnection
    assert bus_at("rediss://bus:6380")["connection_class"] is WaryTlsConnection
