"""Named places where a test may stop, delay or break the running engine.

Each await of the relay, hub, consumer and replay is preceded by `await failpoint("area.step")`.
With `settings.REALTIME_FAILPOINTS` unset, which is every production process, that is one look
at a boolean. With it set, a test arms a name with a coroutine function, which runs at that place:
it may wait for an event, or raise.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from django.conf import settings

_armed: dict[str, Callable[[], Awaitable[None]]] = {}


async def failpoint(name: str) -> None:
    """Run what a test armed under this name, if anything."""
    if _armed and (action := _armed.get(name)) is not None:
        await action()


@contextmanager
def armed(name: str, action: Callable[[], Awaitable[None]]) -> Iterator[None]:
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
