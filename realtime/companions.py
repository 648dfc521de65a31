"""What else runs where the relay leads: one of each in the whole installation.

An app registers a coroutine function when it is ready; the leader starts it with its own upkeep and
cancels it when it is deposed. The engine knows nothing of what it does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from realtime.failpoints import failpoint

logger = logging.getLogger(__name__)

Companion = Callable[[], Coroutine[Any, Any, None]]

# A companion that fails is begun again after this long.
AGAIN_SECONDS = 5.0

_registered: dict[str, Companion] = {}


def register(name: str, companion: Companion) -> None:
    """Have `companion` run beside the leading relay; a second one of a name takes its place."""
    _registered[name] = companion


def start() -> list[asyncio.Task[None]]:
    """Start every companion on the running event loop; the caller cancels the tasks."""
    return [
        asyncio.create_task(_run(name, companion), name=f"relay: {name}")
        for name, companion in _registered.items()
    ]


async def _run(name: str, companion: Companion) -> None:
    while True:
        try:
            await failpoint("companions.begin")
            await companion()
        except Exception:
            logger.exception("The relay's %s failed; it begins anew.", name)
        await asyncio.sleep(AGAIN_SECONDS)
