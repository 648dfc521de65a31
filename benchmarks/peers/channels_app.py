"""The usual way in Django Channels: a consumer for each socket, one `group_send` for each change.

The layer is named by LAYER: memory, pubsub or core. Capacities are raised, so that nothing is
dropped; otherwise it is what the documentation of Channels shows.
"""

import asyncio
import os
from typing import Any

import django
from django.conf import settings

_REDIS = {"hosts": [os.environ.get("REDIS_URL", "")], "capacity": 1_000_000}
_LAYERS: dict[str, dict[str, Any]] = {
    "memory": {
        "BACKEND": "channels.layers.InMemoryChannelLayer",
        "CONFIG": {"capacity": 1_000_000},
    },
    "pubsub": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": _REDIS},
    "core": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": _REDIS},
}
settings.configure(
    SECRET_KEY="peer",  # noqa: S106 - it signs nothing
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["channels"],
    CHANNEL_LAYERS={"default": _LAYERS[os.environ["LAYER"]]},
)
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402 - after the settings
from channels.layers import get_channel_layer  # noqa: E402
from channels.routing import ProtocolTypeRouter  # noqa: E402

from benchmarks.peers.listening import listen  # noqa: E402

_kept: list[Any] = []


class Changes(AsyncWebsocketConsumer):
    """A socket that listens to the topic in its address."""

    async def connect(self) -> None:
        if not _kept:
            # With the first socket and not in a lifespan, which daphne does not have.
            _begin()
        self.topic = self.scope["path"].strip("/")
        await self.channel_layer.group_add(self.topic, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.topic, self.channel_name)

    async def change(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["body"])


def _begin() -> None:
    changes: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    _kept.append(listen(lambda topic, body: changes.put_nowait((topic, body))))
    _kept.append(asyncio.get_running_loop().create_task(_tell(changes)))


async def _tell(changes: asyncio.Queue[tuple[str, str]]) -> None:
    layer = get_channel_layer()
    while True:
        topic, body = await changes.get()
        await layer.group_send(topic, {"type": "change", "body": body})


application = ProtocolTypeRouter({"websocket": Changes.as_asgi()})
