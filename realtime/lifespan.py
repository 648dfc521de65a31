"""The engine begins and ends with the server.

In portal/asgi.py:

    application = ProtocolTypeRouter(
        {"http": pages, "websocket": websocket_application, "lifespan": Lifespan()}
    )

Starting never fails for the sake of a database or a bus that is away: both are waited for beside
the pages. Stopping closes the sockets with 1012 (their pages come back to whoever answers next) and
takes at most three seconds.
"""

from __future__ import annotations

import asyncio
import logging

from django.conf import settings

from realtime.bus import Bus
from realtime.consumer import Receive
from realtime.handshake import Scope, Send
from realtime.process import hub_of_this_process, stop_hub_of_this_process
from realtime.relay import Relay

logger = logging.getLogger(__name__)

_STOP_SECONDS = 3.0


class Lifespan:
    """Answers the server's `lifespan`: the hub, and the relay if REALTIME_RELAY_IN_WEB says so."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        relay: Relay | None = None
        relaying: asyncio.Task[None] | None = None
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await hub_of_this_process()
                if getattr(settings, "REALTIME_RELAY_IN_WEB", True):
                    relay = Relay()
                    relaying = asyncio.create_task(relay.run(), name="relay")
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                if relay is not None:
                    relay.stop()
                try:
                    async with asyncio.timeout(_STOP_SECONDS):
                        await stop_hub_of_this_process()
                        await _ended(relaying)
                        await Bus.from_settings().close()
                except TimeoutError:
                    logger.warning("The engine did not end within %s s.", _STOP_SECONDS)
                await send({"type": "lifespan.shutdown.complete"})
                return


async def _ended(relaying: asyncio.Task[None] | None) -> None:
    if relaying is not None:
        await asyncio.wait([relaying])
