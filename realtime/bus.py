"""The bus: how a process learns, within a millisecond, that the log has grown.

One message says "the log reached seq `last`", usually with the events:

    {"epoch": "f728…", "first": 7, "last": 8, "events": [{"seq": 7, …}, {"seq": 8, …}]}

The events are rows of the log as `Event.from_row` takes them, record and old_record as JSON text.
They are left out of a message that would be long. Within one process messages are handed over
directly; between processes they go through the Channels layer (Valkey or Redis), each signed
(`realtime.envelope`). Messages get lost and nobody minds: who listens finds holes by their numbers
and fills them from the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from functools import lru_cache
from typing import Any

from channels import DEFAULT_CHANNEL_LAYER  # type: ignore[import-untyped]
from channels.layers import get_channel_layer  # type: ignore[import-untyped]
from django.conf import settings

from realtime.envelope import Message, packed, unpacked
from realtime.errors import NotOurs
from realtime.failpoints import failpoint

logger = logging.getLogger(__name__)

GROUP = "realtime.log"

# How long a publication may take before the bus counts as down, and how many may wait for it.
PUBLISH_SECONDS = 1.0
WAITING = 64

# How often a process says something to itself alone, and how long that may take to come back: a
# process that never publishes knows the bus by nothing else.
ECHO_SECONDS = 1.0
ECHO_PATIENCE_SECONDS = 5.0
_ECHO: Message = {"echo": True}

# Handed over in place of what is not ours. It says nothing, and whoever listens asks the log.
NOT_OURS: Message = {}
# What is not ours is said again after so long without any.
NOT_OURS_QUIET_SECONDS = 60.0

# A listener this far behind is better served by the log.
_QUEUE = 1000

Listener = Callable[[Message], None]


class Bus:
    """The bus within one process: every listener is called at once."""

    is_down = False
    # How often this process has begun to listen anew, and heard.
    renewed = 0

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

    def __init__(self, alias: str = DEFAULT_CHANNEL_LAYER) -> None:
        """`alias` names the layer, which is this bus's alone."""
        super().__init__()
        self._alias = alias
        logging.getLogger("channels_redis.pubsub").addFilter(_is_not_repetition)
        self._waiting: asyncio.Queue[Message] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        # What this process says to itself has come back.
        self._echoed = asyncio.Event()
        self._not_ours_at = -NOT_OURS_QUIET_SECONDS

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
            layer = self._layer()
            await failpoint("bus.publish")
            async with asyncio.timeout(PUBLISH_SECONDS):
                await layer.group_send(GROUP, {"type": GROUP, **packed(message)})
        except Exception as error:  # noqa: BLE001 - whatever the layer raises, the stream goes on
            self._say_down(error)

    async def close(self) -> None:
        tasks, self._tasks, self._waiting, self._loop = self._tasks, [], None, None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self) -> asyncio.Queue[Message]:
        """Have both tasks run in this event loop; return what waits to be published."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._waiting is None:
            self._loop = loop
            self._waiting = asyncio.Queue(WAITING)
            self._echoed = asyncio.Event()
            self._tasks = [
                loop.create_task(self._publish_waiting(self._waiting), name="bus: publish"),
                loop.create_task(self._listen(), name="bus: listen"),
            ]
        return self._waiting

    async def _publish_waiting(self, waiting: asyncio.Queue[Message]) -> None:
        while True:
            await self.publish(await waiting.get())

    async def _listen(self) -> None:
        """Hand over what arrives, for ever; begin anew when an echo is missing."""
        is_anew = False
        while True:
            layer = self._layer()
            try:
                await failpoint("bus.listen")
                async with asyncio.timeout(PUBLISH_SECONDS):
                    channel = await layer.new_channel()
                    await failpoint("bus.join")
                    await layer.group_add(GROUP, channel)
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._receive(layer, channel), name="bus: receive")
                    both.create_task(self._echo(layer, channel, is_anew), name="bus: echo")
            except* Exception as errors:  # noqa: BLE001 - whatever it is, there is the log meanwhile
                self._say_down(errors.exceptions[0])
            is_anew = True
            await self._forget(layer)
            await asyncio.sleep(PUBLISH_SECONDS)

    async def _receive(self, layer: Any, channel: str) -> None:
        while True:
            await failpoint("bus.receive")
            try:
                self._heard(unpacked(await layer.receive(channel)))
            except (NotOurs, ValueError):
                # ValueError: bytes that the layer itself cannot read.
                self._say_not_ours()
                self._hand_over(NOT_OURS)

    def _heard(self, message: Message) -> None:
        if message == _ECHO:
            self._echoed.set()
        else:
            self._hand_over(message)

    async def _echo(self, layer: Any, channel: str, is_anew: bool) -> None:
        """See that the bus takes what this process says and brings it back; raise when it does not.

        Only that tells a bus that is away from a quiet one, and from a connection on which nothing
        is subscribed any more: the layer reconnects by itself, and whoever waits waits on. It is
        the connection of the group as well: what ends the one subscription ends the other.
        """
        while True:
            await asyncio.sleep(ECHO_SECONDS)
            try:
                self._echoed.clear()
                await failpoint("bus.echo")
                async with asyncio.timeout(ECHO_PATIENCE_SECONDS):
                    await layer.send(channel, {"type": GROUP, **packed(_ECHO)})
                    await self._echoed.wait()
            except Exception:
                # Before the waiting for messages is cancelled: the layer would take leave of a
                # bus that may never answer.
                await self._forget(layer)
                raise
            self._say_up()
            self.renewed += is_anew
            is_anew = False

    async def _forget(self, layer: Any) -> None:
        """Have the layer let go of connections and channels, which it would keep for ever."""
        with contextlib.suppress(Exception):
            await failpoint("bus.forget")
            async with asyncio.timeout(PUBLISH_SECONDS):
                await layer.flush()

    def _layer(self) -> Any:
        return get_channel_layer(self._alias)

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

    def _say_not_ours(self) -> None:
        before, self._not_ours_at = self._not_ours_at, time.monotonic()
        if self._not_ours_at - before >= NOT_OURS_QUIET_SECONDS:
            logger.error(
                "The bus brings messages that are not ours: another SECRET_KEY, another version or"
                " a stranger. They are not believed; delivery goes on from the log."
            )


@lru_cache(maxsize=2)
def _bus_for(between_processes: bool) -> Bus:
    return LayerBus() if between_processes else Bus()
