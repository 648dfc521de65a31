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
from collections.abc import Sequence
from typing import TYPE_CHECKING

from realtime import close_codes
from realtime.failpoints import failpoint
from realtime.line import Encoded

if TYPE_CHECKING:
    from realtime.connection import Connection
    from realtime.hub import Hub

logger = logging.getLogger(__name__)

ROUND_SECONDS = 1.0
# A round looks at the sockets in so many parts, unless they are few: to look at a thousand of them
# at once holds up a change that comes just then by half of what it takes to tell it to them all.
_PARTS, _FEW = 20, 50

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
            try:
                self._begin()
            except Exception:
                logger.exception("A round over the sockets failed.")
            parts = _parts(list(self._hub.connections))
            for part in parts:
                await asyncio.sleep(ROUND_SECONDS / len(parts))
                self._look_at(part)

    def _begin(self) -> None:
        """What must not be late, of all sockets at once: who has reached an end by the clock."""
        hub, now, clock = self._hub, time.monotonic(), self._hub.clock.time()
        self._rounds += 1
        hub.tally.second(now, len(hub.connections), is_fresh=hub.fresh_moment is not None)
        hub.core.keep_time(clock)
        silent = [each for each in hub.connections if each.idle_at <= clock]
        if silent and (self._silent is None or self._silent.done()):
            self._silent = hub.keep(self._ask_about(silent), "hub: silent sessions")
        if now >= self._net_at and (self._net is None or self._net.done()):
            self._net_at = now + NET_SECONDS
            self._net = hub.keep(self._cast_net(), "hub: net")

    def _look_at(self, part: Sequence[Connection]) -> None:
        pressed: dict[object, Encoded] = {}
        for connection in part:
            if connection.is_closed:
                continue
            try:
                self._look_at_one(connection, pressed)
            except Exception:
                # One odd socket must not end the watch over the others.
                logger.exception("A look at a socket failed.")

    def _look_at_one(self, connection: Connection, pressed: dict[object, Encoded]) -> None:
        hub, now = self._hub, time.monotonic()
        if connection.deadline.is_over(connection.line, now):
            hub.core.drop(connection, close_codes.OVERFLOW, "resync")
        elif now - connection.heard_at > hub.limits.idle_seconds:
            hub.core.drop(connection, close_codes.IDLE, "idle")
        elif not self._tell_position(connection, pressed):
            hub.core.drop(connection, close_codes.OVERFLOW, "resync")

    def _tell_position(self, connection: Connection, pressed: dict[object, Encoded]) -> bool:
        """Each socket hears it once in `position_seconds`. False when the peer cannot keep up."""
        hub = self._hub
        rounds = max(1, math.floor(hub.limits.position_seconds / ROUND_SECONDS))
        at = None if (connection.number + self._rounds) % rounds else hub.fresh_moment
        return at is None or connection.tell_position(hub.core, at.isoformat(), pressed)

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


def _parts(connections: Sequence[Connection]) -> list[Sequence[Connection]]:
    """The sockets in parts of about equal size: one at least, also of none."""
    count = min(_PARTS, max(1, len(connections) // _FEW))
    return [connections[first::count] for first in range(count)]
