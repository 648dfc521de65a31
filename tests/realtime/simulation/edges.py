"""Where the engine meets the outside: for as long as a world lasts, it meets the world instead.

Clocks and dice are found by looking, so that a module that begins to read one is not forgotten.
What stands in sets is numbered, because by its address it would stand elsewhere in each run.
"""

import datetime as dt
import itertools
import random as real_random
import sys
import time as real_time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from realtime import (
    authority,
    bus,
    connection,
    consumer,
    failpoints,
    history,
    hub,
    join,
    log,
    polling,
    readers,
    replay,
    subscription,
    threads,
)
from tests.faults import clients
from tests.realtime.simulation.database import Connections, EngineLine
from tests.realtime.simulation.pages import TABLES, opened
from tests.realtime.simulation.truth import STARTED

if TYPE_CHECKING:
    from tests.realtime.simulation.web import Web
    from tests.realtime.simulation.world import World

# A monotonic clock does not begin at nothing.
UP_SECONDS = 1_000.0

# The web process that runs.
HERE: "ContextVar[Web]" = ContextVar("HERE")


class Clock(ModuleType):
    """The module `time`, as the world has it."""

    def __init__(self, world: "World") -> None:
        super().__init__("time")
        self.monotonic = lambda: UP_SECONDS + world.loop.time()
        self.time = lambda: STARTED + world.loop.time() + HERE.get().clock_is_off


class Failpoints(dict[str, Any]):
    """Every failpoint is armed: some of the times it is passed, it takes a while."""

    def __init__(self, world: "World") -> None:
        super().__init__(all=None)
        self._world = world

    def get(self, name: str, _default: object = None) -> Any:
        return partial(self._world.hold, name)


@contextmanager
def engine_in(world: "World") -> Iterator[None]:
    """Have the engine live in a world, for the length of a block."""
    with pytest.MonkeyPatch.context() as patch:
        _give_time(patch, world)
        _number(patch)
        patch.setattr(failpoints, "_armed", Failpoints(world))
        patch.setattr(log, "connect", _connect)
        _make_pages_small(patch, world.plan.page)
        # What there is of Django's own connections belongs to the test that opened it.
        patch.setattr(threads, "close_old_connections", lambda: None)
        patch.setattr(bus, "get_channel_layer", lambda: HERE.get().layer)
        patch.setattr(consumer, "hub_of_this_process", _hub_of_this_process)
        patch.setattr(authority, "configured", lambda: HERE.get().authority)
        for module in (hub, polling):
            patch.setattr(module, "published", lambda: TABLES)
        connections = Connections(lambda: HERE.get().authority)
        # `realtime.position` is the function of that name, for those who import it from there.
        for module in (replay, polling, sys.modules["realtime.position"]):
            patch.setattr(module, "connections", connections)
        # What pages note is in seconds of the world, as the truth is.
        patch.setattr(clients, "time", SimpleNamespace(monotonic=world.loop.time))
        patch.setattr(
            clients,
            "connect",
            lambda url, additional_headers, **_: opened(world, url, additional_headers["Cookie"]),
        )
        yield


def _give_time(patch: pytest.MonkeyPatch, world: "World") -> None:
    clock = Clock(world)

    class Datetime(dt.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Datetime":
            return cls.fromtimestamp(clock.time(), tz or dt.UTC)

    named = [name for name in sys.modules if name.startswith("realtime.")]
    for module in [sys.modules[name] for name in sorted(named)]:
        for name, value in list(vars(module).items()):
            if value is real_time:
                patch.setattr(module, name, clock)
            elif value is real_random:
                patch.setattr(module, name, world.dice)
            elif value is dt.datetime:
                patch.setattr(module, name, Datetime)


def _make_pages_small(patch: pytest.MonkeyPatch, page: int) -> None:
    """Have little read and sent at once, so that more happens in between."""
    for module in (history, replay, polling):
        patch.setattr(module, "PAGE", page)
    for module in (history, join):
        patch.setattr(module, "AT_ONCE", max(1, page // 3))
    patch.setattr(log.Log.after, "__defaults__", (page,))


def _number(patch: pytest.MonkeyPatch) -> None:
    """Give sets an order: that of numbers and names."""
    patch.setattr(connection, "_numbers", itertools.count())
    patch.setattr(connection.Connection, "__hash__", lambda self: self.number)
    patch.setattr(subscription.Subscription, "__hash__", lambda self: self.peer.number)
    patch.setattr(
        readers.Reader, "__hash__", lambda self: zlib.crc32(":".join(self.rights.key).encode())
    )


async def _connect(_purpose: str) -> EngineLine:
    way = HERE.get().way
    await way.travel()
    return EngineLine(way)


async def _hub_of_this_process() -> hub.Hub:
    return HERE.get().hub
