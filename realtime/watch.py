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
    from realtime.connection import Connection
    from realtime.hub import Hub

logger = logging.getLogger(__name__)

ROUND_SECONDS = 1.0

# All live sessions are validated by one question, this often.
NET_SECONDS = 30.0
_NET_PATIENCE_SECONDS = 10.0

# Sessions that are silent too long by the clock are asked about in the same second. A socket is
# closed within 5 s of its session's end (clinical.md 4.1), also when there is no answer.
_IDLE_PATIENCE_SECONDS = 3.0


class Watch:
    """The rounds over the sockets of one hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._rounds = 0
        # Not all processes of a machine in the same second.
        self._net_at = time.monotonic() + NET_SECONDS * (0.5 + random.random() / 2)
        self._net: asyncio.Task[None] | None = None
        self._silent: asyncio.Task[None] | None = None

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
        hub, now, clock = self._hub, time.monotonic(), time.time()
        silent = []
        self._rounds += 1
        hub.tally.second(clock, len(hub.connections), is_fresh=hub.fresh_moment is not None)
        hub.core.keep_time(clock)
        self._tell_positions()
        for connection in list(hub.connections):
            if connection.deadline.is_over(connection.line, now):
                hub.core.drop(connection, close_codes.OVERFLOW, "resync")
            elif now - connection.heard_at > hub.limits.idle_seconds:
                hub.core.drop(connection, close_codes.IDLE, "idle")
            elif connection.idle_at <= clock:
                silent.append(connection)
        if silent and (self._silent is None or self._silent.done()):
            self._silent = hub.keep(self._ask_about(silent), "hub: silent sessions")
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
        asked = list(self._hub.connections)
        if not asked:
            return
        await failpoint("hub.net")
        try:
            await self._validate(asked, _NET_PATIENCE_SECONDS)
        except Exception as error:  # noqa: BLE001 - control events go on; the next net may hold
            logger.warning("Sessions could not be validated: %s.", type(error).__name__)

    async def _ask_about(self, silent: list[Connection]) -> None:
        """Close the sockets whose session has ended by silence.

        Somebody may have touched it in another tab since the moment was set: only the store knows.
        """
        await failpoint("hub.silent")
        try:
            await self._validate(silent, _IDLE_PATIENCE_SECONDS)
        except Exception as error:  # noqa: BLE001 - whatever it is: what is not known to live ends
            logger.warning("Silent sessions were closed unasked: %s.", type(error).__name__)
            for connection in silent:
                if not connection.is_closed:
                    self._hub.core.drop(connection, close_codes.TRY_AGAIN, "try again")

    async def _validate(self, asked: list[Connection], patience: float) -> None:
        hub = self._hub
        valid = await hub.threads.rights(
            patience, hub.authority.still_valid, {connection.identity for connection in asked}
        )
        for connection in asked:
            if connection.is_closed:
                continue
            if connection.identity in valid:
                connection.sign_of_life(valid[connection.identity])
            else:
                hub.core.drop(connection, close_codes.SIGNED_OUT, "signed out")
