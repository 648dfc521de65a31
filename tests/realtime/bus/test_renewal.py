"""A process that is connected to the bus and hears nothing any more begins to listen anew."""

import pytest
from redis import asyncio as redis

from portal.embedded.valkey import EmbeddedValkey
from realtime import bus as realtime_bus
from tests.faults.network import Stretch
from tests.realtime.bus.conftest import arrives, soon


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """The echo of a bus that is there takes a millisecond."""
    monkeypatch.setattr(realtime_bus, "ECHO_PATIENCE_SECONDS", 1.0)


@pytest.fixture
async def listening(processes):
    """A process that has heard another one, and what it has heard."""
    sender, listener, heard = processes(), processes(), []
    listener.subscribe(heard.append)
    await arrives(sender, heard, 1)
    return sender, listener, heard


@pytest.fixture
def another_valkey():
    valkey = EmbeddedValkey()
    valkey.start()
    yield valkey
    valkey.stop()


def wire_of(bus):
    """The connection on which a process listens."""
    (shard,) = bus._layer()._get_layer()._shards
    return shard._pubsub.connection


async def test_what_was_unsubscribed_is_subscribed_again(listening, caplog):
    sender, listener, heard = listening
    # Past the client library, which believes that it still listens.
    await wire_of(listener).send_command("UNSUBSCRIBE")

    await soon(lambda: listener.is_down)
    await soon(lambda: not listener.is_down)
    assert listener.renewed == 1
    await arrives(sender, heard, 2)
    # Who was not cut off has noticed nothing.
    assert (sender.is_down, sender.renewed) == (False, 0)
    assert caplog.text.count("The bus is down") == caplog.text.count("The bus is back") == 1


async def test_who_was_refused_when_they_came_back_tries_again(listening, valkey):
    """As by a server that has not read its users yet, or is still loading."""
    sender, listener, heard = listening
    async with redis.from_url(valkey.url) as administrator:
        await administrator.execute_command("ACL", "SETUSER", "default", "-subscribe")
        await administrator.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await soon(lambda: listener.is_down and sender.is_down)
        await administrator.execute_command("ACL", "SETUSER", "default", "+subscribe")

    await soon(lambda: not listener.is_down and not sender.is_down)
    assert (listener.renewed, sender.renewed) == (1, 1)
    await arrives(sender, heard, 2)


async def test_a_listener_left_behind_at_another_server_follows(another_valkey, processes, valkey):
    """After a failover that left the old server running, and connections to it open."""
    way = Stretch(valkey.port)
    await way.open()
    sender, heard = processes(another_valkey.url), []
    listener = processes(f"redis://127.0.0.1:{way.port}/0")
    listener.subscribe(heard.append)
    await soon(lambda: len(way.connections) > 1)

    way.target = another_valkey.port
    async with redis.from_url(valkey.url) as administrator:
        # What it says goes to the new one from now on.
        await administrator.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await arrives(sender, heard, 1)
    await soon(lambda: listener.renewed == 1)
    await listener.close()
    await way.close()
