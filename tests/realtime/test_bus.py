"""The bus: between parts of one process, between processes, and while it is away."""

import asyncio
import errno
import json
import logging
from datetime import UTC, datetime

import pytest
from channels.layers import get_channel_layer
from redis.exceptions import ConnectionError as Gone

from portal.embedded.valkey import EmbeddedValkey
from realtime.bus import GROUP, LONGEST_MESSAGE, WAITING, Bus, LayerBus, encoded
from realtime.bus_connection import WaryConnection, WaryTlsConnection, bus_at
from realtime.event import Event


def message(first=1, count=1, filler=""):
    events = [
        {
            "seq": first + number,
            "organization_id": None,
            "kind": "change",
            "topics": ["patient:1"],
            "table_name": "notes",
            "row_id": "7",
            "operation": "INSERT",
            "record": json.dumps({"id": "7", "filler": filler}),
            "old_record": None,
            "actor": None,
            "created_at": datetime(2026, 3, 1, tzinfo=UTC),
        }
        for number in range(count)
    ]
    return {"epoch": "e", "first": first, "last": first + count - 1, "events": events}


async def soon(condition, seconds=60.0):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


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


def test_a_long_message_travels_without_its_events():
    short, long = message(count=3), message(count=3, filler="x" * LONGEST_MESSAGE)

    assert len(json.loads(encoded(short))["events"]) == 3
    assert json.loads(encoded(long)) == {"epoch": "e", "first": 1, "last": 3}


def test_an_event_is_the_same_off_the_bus_as_from_the_log():
    sent = message()["events"][0]
    received = json.loads(encoded(message()))["events"][0]
    first, second = Event.from_row(sent), Event.from_row(received)

    assert first.commit_timestamp == second.commit_timestamp == "2026-03-01T00:00:00.000Z"
    assert first.record == second.record


# Between processes ----------------------------------------------------------------------------


@pytest.fixture
def valkey():
    valkey = EmbeddedValkey()
    valkey.start()
    yield valkey
    valkey.stop()


@pytest.fixture
async def processes(valkey, settings):
    """`processes()`: the bus as another process sees it. Each has a layer of its own."""
    from channels.layers import channel_layers

    settings.REDIS_URL = valkey.url
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [bus_at(valkey.url)], "prefix": "vigil"},
        }
    }
    channel_layers.backends.clear()
    started = []

    def start():
        bus = LayerBus()
        started.append(bus)
        return bus

    yield start
    for bus in started:
        await bus.close()
    for layer in channel_layers.backends.values():
        await layer.flush()
    channel_layers.backends.clear()


async def arrives(sender, heard, last):
    """Publish until it is heard: a bus loses what is said before somebody listens."""
    async with asyncio.timeout(60):
        while not any(message["last"] == last for message in heard):
            sender.offer(message(first=last))
            await asyncio.sleep(0.05)


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


async def test_a_dead_bus_is_said_once_and_its_return_once(
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
    assert "Unexpected exception" not in caplog.text
    assert caplog.text.count("The bus is down") == 1

    valkey.start()
    await arrives(sender, heard, 3)
    assert not sender.is_down
    assert caplog.text.count("The bus is back") == 1


async def test_a_stuck_bus_delays_nobody(processes, valkey):
    import os
    import signal

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
    import os
    import signal

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


async def test_what_is_no_message_is_passed_over(processes, caplog):
    sender, receiver, heard = processes(), processes(), []
    receiver.subscribe(heard.append)
    await arrives(sender, heard, 1)
    layer = get_channel_layer()._get_layer()
    before = len(layer.channels)
    for text in ("[", ""):
        await get_channel_layer().group_send(GROUP, {"type": GROUP, "text": text})
    await get_channel_layer().group_send(GROUP, {"type": GROUP})
    await arrives(sender, heard, 2)
    assert "is no message" in caplog.text
    # To begin anew would leave a channel that is filled and never emptied.
    assert len(layer.channels) == before


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
