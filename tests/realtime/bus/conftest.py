"""A real Valkey, and the bus as several processes see it."""

import asyncio

import pytest
from channels.layers import channel_layers

from portal.embedded.valkey import EmbeddedValkey
from realtime.bus import LayerBus
from realtime.bus_connection import bus_at
from tests.realtime.bus_messages import message


async def soon(condition, seconds=60.0):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def arrives(sender, heard, last):
    """Publish until it is heard: a bus loses what is said before somebody listens."""
    async with asyncio.timeout(60):
        while not any(message.get("last") == last for message in heard):
            sender.offer(message(first=last))
            await asyncio.sleep(0.05)


@pytest.fixture
def valkey():
    valkey = EmbeddedValkey()
    valkey.start()
    yield valkey
    valkey.stop()


@pytest.fixture
async def processes(valkey, settings):
    """`processes()`: the bus as another process sees it, with a layer and connections of its own.

    `processes(url)`: one that knows the bus by another address.
    """
    settings.REDIS_URL = valkey.url
    settings.CHANNEL_LAYERS = {}
    channel_layers.backends.clear()
    started = []

    def start(url=valkey.url):
        alias = f"process {len(started)}"
        # Changed in place: a setting that is set anew lets go of all layers.
        settings.CHANNEL_LAYERS[alias] = {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [bus_at(url)], "prefix": "vigil"},
        }
        bus = LayerBus(alias)
        started.append(bus)
        return bus

    yield start
    for bus in started:
        await bus.close()
    for layer in channel_layers.backends.values():
        await layer.flush()
    channel_layers.backends.clear()
