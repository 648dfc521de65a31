"""The one hub of this process, and where the process is."""

from __future__ import annotations

import asyncio
import os
import socket

from realtime.hub import Hub

# Where this process is, for people who look for it: host and process id.
PLACE = f"{socket.gethostname()[:60]} {os.getpid()}"

_hub: Hub | None = None
_loop: asyncio.AbstractEventLoop | None = None


async def hub_of_this_process() -> Hub:
    """The hub, started on the running event loop when there is none yet.

    The lifespan starts it with the server; a server without lifespan starts it with the first
    socket.
    """
    global _hub, _loop
    loop = asyncio.get_running_loop()
    if _hub is None or _loop is not loop:
        _hub, _loop = Hub(), loop
        await _hub.start()
    return _hub


def running() -> tuple[Hub, asyncio.AbstractEventLoop] | None:
    """The hub and its event loop, for a look from another thread; None when there is none yet."""
    hub, loop = _hub, _loop
    return None if hub is None or loop is None else (hub, loop)


async def stop_hub_of_this_process() -> None:
    """Close its sockets and forget it."""
    global _hub, _loop
    hub, _hub, _loop = _hub, None, None
    if hub is not None:
        await hub.stop()
