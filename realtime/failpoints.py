"""Named places where a test may stop, delay or break the running engine.

Every await of the engine that waits for something outside (a database, the bus, a thread, a
companion) is preceded by `await failpoint("area.step")`; tests/house/test_failpoints.py holds the
modules to it. With `settings.REALTIME_FAILPOINTS` unset, which is every production process, that
is one look at an empty dictionary. There are two ways to arm one:

    with armed("hub.read", gate.wait): …              in the process of a test
    REALTIME_FAILPOINTS="hub.read=delay:0.05,relay.publish=exit@3"     in a process of its own

    delay:SECONDS   wait there                 @3    the third time it is passed, and only then
    raise           as if what follows failed  %10   each time with a chance of ten in a hundred
    exit            the process is gone, as by kill -9
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

Action = Callable[[], Awaitable[None]]

# Words that a boolean setting may hold: whether tests may arm, with nothing armed from outside.
_SWITCHES = {"", "0", "1", "true", "false", "yes", "no", "on", "off"}
_ORDER = re.compile(
    r"(?P<name>[a-z_.]+)=(?P<what>delay:(?P<seconds>\d+(\.\d+)?)|raise|exit)"
    r"(@(?P<turn>\d+)|%(?P<chance>\d+))?"
)

_armed: dict[str, Action] = {}


class Reached(OSError):
    """Raised at a failpoint, as a connection would that breaks there."""


async def failpoint(name: str) -> None:
    """Run what was armed under this name, if anything."""
    if _armed and (action := _armed.get(name)) is not None:
        await action()


@contextmanager
def armed(name: str, action: Action) -> Iterator[None]:
    """Run `action` whenever the engine passes `name`, for as long as the block lasts.

    Raises RuntimeError unless `settings.REALTIME_FAILPOINTS` is on, so that nothing can arm a
    production process by accident.
    """
    if not getattr(settings, "REALTIME_FAILPOINTS", False):
        raise RuntimeError("Failpoints are off: set REALTIME_FAILPOINTS to arm one.")
    _armed[name] = action
    try:
        yield
    finally:
        del _armed[name]


def arm_as_told(orders: object) -> None:
    """Arm what the setting names, for the life of the process. Raises ImproperlyConfigured."""
    text = str(orders or "").strip()
    if isinstance(orders, bool) or text.lower() in _SWITCHES:
        return
    for order in text.split(","):
        told = _ORDER.fullmatch(order.strip())
        if told is None:
            raise ImproperlyConfigured(
                f"REALTIME_FAILPOINTS cannot be read at “{order.strip()}”:"
                " it wants name=delay:SECONDS, name=raise or name=exit, with @TURN or %CHANCE."
            )
        _armed[told["name"]] = _action(told)


def _action(told: re.Match[str]) -> Action:
    passed = 0
    turn = int(told["turn"] or 0)
    chance = int(told["chance"] or 100) / 100

    async def act() -> None:
        nonlocal passed
        passed += 1
        if (turn and passed != turn) or random.random() >= chance:
            return
        if told["seconds"] is not None:
            await asyncio.sleep(float(told["seconds"]))
        elif told["what"] == "exit":
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            raise Reached(f"failpoint {told['name']}")

    return act
