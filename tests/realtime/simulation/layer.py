"""The bus, as each process sees it through the Channels layer: nothing it says has to be true.

Messages are lost, doubled, late and out of order; the whole bus may be away or stand still; and
somebody else may write to it.
"""

import asyncio
from random import Random
from typing import Any

from tests.realtime.simulation.database import REFUSED, STILL, WELL

_LOOK_SECONDS = 0.25


class Exchange:
    """What Valkey is: the channels of all processes, and who is in which group."""

    def __init__(self, dice: Random, pace: float) -> None:
        self.dice, self.pace = dice, pace
        self.state = WELL
        # The share of messages that is lost, and that comes twice.
        self.loses = self.doubles = 0.0
        self.queues: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        self.groups: dict[str, list[str]] = {}

    async def reach(self) -> None:
        """The way there. Raises ConnectionError."""
        dice = self.dice
        await asyncio.sleep(dice.choice((0.0, 0.0005, dice.uniform(0, 0.01))))
        while self.state == STILL:
            await asyncio.sleep(_LOOK_SECONDS)
        if self.state == REFUSED:
            raise ConnectionError("the bus is away")

    def hand_on(self, channel: str, message: dict[str, Any]) -> None:
        """On the way to one process; each message takes its own time."""
        dice = self.dice
        times = 1 if dice.random() >= self.loses else 0
        times += dice.random() < self.doubles
        for _ in range(times):
            delay = dice.choice((0.0, 0.001, dice.uniform(0, 0.01), dice.uniform(0, self.pace)))
            asyncio.get_running_loop().call_later(delay, self._arrive, channel, message)

    def _arrive(self, channel: str, message: dict[str, Any]) -> None:
        queue = self.queues.get(channel)
        if queue is not None and self.state == WELL:
            queue.put_nowait(message)


class Layer:
    """The Channels layer of one process."""

    def __init__(self, exchange: Exchange, name: str) -> None:
        self._exchange, self._name = exchange, name
        self._channels = 0

    async def new_channel(self) -> str:
        self._channels += 1
        name = f"{self._name}.{self._channels}"
        self._exchange.queues[name] = asyncio.Queue()
        return name

    async def group_add(self, group: str, channel: str) -> None:
        await self._exchange.reach()
        self._exchange.groups.setdefault(group, []).append(channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        await self._exchange.reach()
        for channel in self._exchange.groups.get(group, ()):
            self._exchange.hand_on(channel, message)

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        await self._exchange.reach()
        self._exchange.hand_on(channel, message)

    async def receive(self, channel: str) -> dict[str, Any]:
        # Reconnects by itself: whoever waits while the bus is away waits on.
        return await self._exchange.queues[channel].get()

    async def flush(self) -> None:
        for name in [each for each in self._exchange.queues if each.startswith(f"{self._name}.")]:
            del self._exchange.queues[name]
            for channels in self._exchange.groups.values():
                if name in channels:
                    channels.remove(name)
