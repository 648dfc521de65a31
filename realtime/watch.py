"""What the hub does by the clock: positions told, dead peers and ended sessions found.

The stream needs none of it. Positions drive the badge of quiet pages; the rest is the net below
the control events, for what did not announce itself.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from typing import TYPE_CHECKING

from realtime import close_codes
from realtime.failpoints import failpoint
from realtime.line import Encoded

if TYPE_CHECKING:
    from realtime.hub import Hub

logger = logging.getLogger(__name__)

ROUND_SECONDS = 1.0

# All live sessions are validated by one question, this often.
NET_SECONDS = 30.0
_NET_PATIENCE_SECONDS = 10.0


class Watch:
    """The rounds over the sockets of one hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._rounds = 0
        # Not all processes of a machine in the same second.
        self._net_at = time.monotonic() + NET_SECONDS * (0.5 + random.random() / 2)
        self._net: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Make the rounds until cancelled."""
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            try:
                self._round()
            except Exception:
                # One odd socket must not end the watch over all others.
                logger.exception("A round over the sockets failed.")

    def _round(self) -> None:
        hub, now = self._hub, time.monotonic()
        self._rounds += 1
        hub.core.expire(time.time())
        self._tell_positions()
        for connection in list(hub.connections):
            if connection.deadline.is_over(connection.line, now):
                hub.core.drop(connection, close_codes.OVERFLOW, "resync")
            elif now - connection.heard_at > hub.limits.idle_seconds:
                hub.core.drop(connection, close_codes.IDLE, "idle")
        if now >= self._net_at and (self._net is None or self._net.done()):
            self._net_at = now + NET_SECONDS
            self._net = hub.keep(self._cast_net(), "hub: net")

    def _tell_positions(self) -> None:
        """Tell a share of the sockets, so that each hears it once in `position_seconds`."""
        hub, at = self._hub, self._hub.fresh_moment
        if at is None:
            return
        shares = max(1, math.floor(hub.limits.position_seconds / ROUND_SECONDS))
        pressed: dict[object, Encoded] = {}
        for connection in list(hub.connections):
            if (connection.number + self._rounds) % shares:
                continue
            if not connection.tell_position(hub.core, at.isoformat(), pressed):
                hub.core.drop(connection, close_codes.OVERFLOW, "resync")

    async def _cast_net(self) -> None:
        """Close the sockets whose session, user or membership ended without a word."""
        hub = self._hub
        asked = list(hub.connections)
        if not asked:
            return
        await failpoint("hub.net")
        try:
            valid = await hub.threads.rights(
                _NET_PATIENCE_SECONDS,
                hub.authority.still_valid,
                {connection.identity for connection in asked},
            )
        except Exception as error:  # noqa: BLE001 - control events go on; the next net may hold
            logger.warning("Sessions could not be validated: %s.", type(error).__name__)
            return
        for connection in asked:
            if connection.identity not in valid and not connection.is_closed:
                hub.core.drop(connection, close_codes.SIGNED_OUT, "signed out")
