"""The bus: how a process learns, within a millisecond, that the log has grown.

One message says "the log reached seq `last`", usually with the events:

    {"epoch": "f728…", "first": 7, "last": 8, "events": [{"seq": 7, …}, {"seq": 8, …}]}

The events are rows of the log as `Event.from_row` takes them, record and old_record as JSON text.
They are left out of a message that would be long. Within one process messages are handed over
directly; between processes they go through the Channels layer (Valkey or Redis). Messages get lost
and nobody minds: who listens finds holes by their numbers and fills them from the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

from channels.layers import get_channel_layer  # type: ignore[import-untyped]
from django.conf import settings

from realtime.failpoints import failpoint

logger = logging.getLogger(__name__)

GROUP = "realtime.log"

# Events of a longer message are left out: the log has them, and the bus should not swell.
LONGEST_MESSAGE = 64 * 1024

# How long a publication may take before the bus counts as down, and how many may wait for it.
PUBLISH_SECONDS = 1.0
WAITING = 64

# A listener this far behind is better served by the log.
_QUEUE = 1000

Message = dict[str, Any]
Listener = Callable[[Message], None]


class Bus:
    """The bus within one process: every listener is called at once."""

    is_down = False

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    @staticmethod
    def from_settings() -> Bus:
        """The bus of this process: local without REDIS_URL, else through the Channels layer."""
        return _bus_for(bool(getattr(settings, "REDIS_URL", "")))

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with each message from now on; returns what ends it. Must not block."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def messages(self) -> AsyncIterator[Message]:
        """The messages from the first `await` on. Lossy, like the bus: a slow reader loses some."""
        queue: asyncio.Queue[Message] = asyncio.Queue(_QUEUE)

        def keep(message: Message) -> None:
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(message)

        end = self.subscribe(keep)
        try:
            while True:
                yield await queue.get()
        finally:
            end()

    def offer(self, message: Message) -> None:
        """Publish without ever waiting; what the relay uses."""
        self._hand_over(message)

    async def publish(self, message: Message) -> None:
        """Publish; never raises, and returns within PUBLISH_SECONDS."""
        self._hand_over(message)

    async def close(self) -> None:
        """End what runs behind the bus."""

    def _hand_over(self, message: Message) -> None:
        for listener in list(self._listeners):
            try:
                listener(message)
            except Exception:
                logger.exception("A listener of the bus failed.")


def _is_not_repetition(record: logging.LogRecord) -> bool:
    """Drop what the layer logs with a traceback, each second, while its server is away."""
    return not record.getMessage().startswith("Unexpected exception in receive task")


class LayerBus(Bus):
    """The bus between processes. Each process gets each message once, however many listen there."""

    def __init__(self) -> None:
        super().__init__()
        logging.getLogger("channels_redis.pubsub").addFilter(_is_not_repetition)
        self._waiting: asyncio.Queue[Message] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        self._start()
        return super().subscribe(listener)

    def offer(self, message: Message) -> None:
        waiting = self._start()
        if waiting.full():
            # The bus is slow or away; listeners find the hole and ask the log. The newest stays: it
            # says how far the log has grown.
            waiting.get_nowait()
        waiting.put_nowait(message)

    async def publish(self, message: Message) -> None:
        try:
            layer = get_channel_layer()
            await failpoint("bus.publish")
            async with asyncio.timeout(PUBLISH_SECONDS):
                await layer.group_send(GROUP, {"type": GROUP, "text": encoded(message)})
        except Exception as error:  # noqa: BLE001 - whatever the layer raises, the stream goes on
            self._say_down(error)
        else:
            self._say_up()

    async def close(self) -> None:
        tasks, self._tasks, self._waiting, self._loop = self._tasks, [], None, None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self) -> asyncio.Queue[Message]:
        """Have the two tasks run in this event loop; return what waits to be published."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._waiting is None:
            self._loop = loop
            self._waiting = asyncio.Queue(WAITING)
            self._tasks = [
                loop.create_task(self._publish_waiting(self._waiting), name="bus: publish"),
                loop.create_task(self._listen(), name="bus: listen"),
            ]
        return self._waiting

    async def _publish_waiting(self, waiting: asyncio.Queue[Message]) -> None:
        while True:
            await self.publish(await waiting.get())

    async def _listen(self) -> None:
        """Hand over what arrives, for ever; begin anew when the layer fails."""
        while True:
            try:
                layer = get_channel_layer()
                await failpoint("bus.listen")
                async with asyncio.timeout(PUBLISH_SECONDS):
                    channel = await layer.new_channel()
                    await failpoint("bus.join")
                    await layer.group_add(GROUP, channel)
                while True:
                    await failpoint("bus.receive")
                    try:
                        message = await layer.receive(channel)
                        self._hand_over(json.loads(message["text"]))
                    except (ValueError, KeyError, TypeError) as error:
                        # To begin anew for it would leave a channel behind that nobody empties.
                        logger.warning("The bus brought something that is no message: %r.", error)
            except Exception as error:  # noqa: BLE001 - whatever it is, there is the log meanwhile
                self._say_down(error)
                await asyncio.sleep(PUBLISH_SECONDS)

    def _say_down(self, error: BaseException) -> None:
        if not self.is_down:
            self.is_down = True
            logger.error(
                "The bus is down (%s). Delivery goes on from the log.", type(error).__name__
            )

    def _say_up(self) -> None:
        if self.is_down:
            self.is_down = False
            logger.warning("The bus is back.")


def encoded(message: Message) -> str:
    """A message as it travels between processes: without its events when they make it long."""
    text = json.dumps(message, default=_isoformat, separators=(",", ":"))
    if len(text) > LONGEST_MESSAGE:
        bare = {name: value for name, value in message.items() if name != "events"}
        text = json.dumps(bare, separators=(",", ":"))
    return text


def _isoformat(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} does not travel on the bus")


@lru_cache(maxsize=2)
def _bus_for(between_processes: bool) -> Bus:
    return LayerBus() if between_processes else Bus()
