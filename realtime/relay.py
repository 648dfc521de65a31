"""The relay: from the inbox into the log, one leader at a time, and on to the bus.

Every web process may run one (`Relay().run()`), or `manage.py relay` runs it alone. One of them
leads; the others stand by and try every quarter of a second. What the leader does next is decided
by `relay_core`, what a move is by `sql/realtime_move.v1.sql`; here is only their coming together.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from typing import Any

import psycopg

from realtime import companions
from realtime.bus import Bus
from realtime.engine_connection import connect
from realtime.failpoints import failpoint
from realtime.relay_core import BATCH, Command, LieDown, Look, Pause, RelayCore, Wait
from realtime.settled import Settled
from realtime.upkeep import Upkeep
from realtime.wire import Wire

logger = logging.getLogger(__name__)

# How often a standby asks for the lead, and how old a leader's last sign of life may be.
STANDBY_SECONDS = 0.25
PATIENCE = "2 seconds"

# Between attempts to reach a database that is away: doubling, with full jitter.
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 0.1, 2.0

DEPOSED = "VG001"

# The moment as text: that is how it travels, and psycopg would take long to read it.
_EVENT = (
    "seq, organization_id, kind, topics, table_name, row_id, operation, record, old_record,"
    " created_at::text"
)
_MOVE = f"SELECT {_EVENT} FROM realtime_move($1, $2, $3, $4)"  # noqa: S608 - names of ours
_MOVE_SINGLY = f"SELECT {_EVENT}, buried FROM realtime_move_singly($1, $2)"  # noqa: S608 - as above

# A batch that the log refuses is moved one row at a time, this many in one transaction.
SINGLY = 100


class Deposed(Exception):
    """Another relay leads: this one may move nothing any more."""


class Relay:
    """One process's relay. `run` it once; `stop` ends it from the same event loop."""

    def __init__(self, bus: Bus | None = None) -> None:
        self.bus = bus or Bus.from_settings()
        self.is_leading = False
        # The id up to which the inbox is settled, as far as this leader knows.
        self.settled_upto = 0
        self._serving: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._log_epoch = ""

    async def run(self) -> None:
        """Lead or stand by until `stop`, through every absence of the database."""
        self._serving = asyncio.create_task(self._serve_for_ever(), name="relay")
        try:
            await self._serving
        except asyncio.CancelledError:
            if not self._is_stopping:
                self._serving.cancel()
                raise
        finally:
            self.is_leading = False

    def stop(self) -> None:
        """End `run`. What was moved is in the log; the rest waits in the inbox."""
        self._is_stopping = True
        if self._serving is not None:
            self._serving.cancel()

    async def _serve_for_ever(self) -> None:
        retry = FIRST_RETRY_SECONDS
        is_away = False
        # A cancelled query may end as an error of the database, which would swallow `stop`.
        while not self._is_stopping:
            try:
                await failpoint("relay.connect")
                connection = await connect("relay")
                try:
                    if is_away:
                        logger.warning("The relay reaches the database again.")
                    retry, is_away = FIRST_RETRY_SECONDS, False
                    await self._serve(connection)
                finally:
                    await connection.close()
            except Deposed:
                logger.warning("The relay was deposed; it stands by.")
            except (psycopg.Error, OSError) as error:
                # Said once for each absence. The code and never the text, which may quote a row.
                if not is_away:
                    code = getattr(error, "sqlstate", None) or type(error).__name__
                    logger.error("The relay lost the database (%s); it tries on.", code)
                is_away = True
            except Exception:
                # A mistake of ours: events wait in the inbox, and waiting for ever would lose them.
                logger.exception("The relay failed; it begins anew.")
                is_away = True
            finally:
                self.is_leading = False
            if is_away:
                await asyncio.sleep(random.uniform(0, retry))
                retry = min(retry * 2, LAST_RETRY_SECONDS)

    async def _serve(self, connection: psycopg.AsyncConnection[Any]) -> None:
        epoch = await self._stand_by(connection)
        await failpoint("relay.listen")
        await connection.execute("LISTEN realtime")
        beside = [
            asyncio.create_task(Upkeep().run(), name="relay: upkeep"),
            *companions.start(),
        ]
        self.is_leading = True
        logger.info("The relay leads, in epoch %s.", epoch)
        try:
            await self._lead(Wire(connection), epoch)
        finally:
            self.is_leading = False
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def _stand_by(self, connection: psycopg.AsyncConnection[Any]) -> int:
        """Wait until this relay leads; return the epoch it leads in."""
        while True:
            await failpoint("relay.stand_by")
            cursor = await connection.execute(
                "SELECT realtime_try_to_lead(%s::interval)", [PATIENCE]
            )
            async for (epoch,) in cursor:
                if epoch is not None:
                    await failpoint("relay.lead")
                    cursor = await connection.execute("SELECT epoch FROM realtime_position()")
                    async for (self._log_epoch,) in cursor:
                        return int(epoch)
            await asyncio.sleep(STANDBY_SECONDS)

    async def _lead(self, wire: Wire, epoch: int) -> None:
        core, settled = RelayCore(BATCH), Settled(time.monotonic())
        command: Command = Look()
        while True:
            match command:
                case Look(getting_up):
                    events = await self._move(wire, epoch, getting_up, settled)
                    if events:
                        await failpoint("relay.publish")
                        self._tell(events)
                    command = core.looked(len(events))
                case LieDown():
                    await failpoint("relay.lie_down")
                    (answer,) = await wire.ask("SELECT realtime_lie_down() AS answer")
                    command = core.lay_down(asleep=answer["answer"] == "asleep")
                case Pause(seconds):
                    await asyncio.sleep(seconds)
                    command = core.paused()
                case Wait(seconds):
                    await failpoint("relay.wait")
                    command = core.waited(rang=await wire.rang(seconds))

    async def _move(
        self, wire: Wire, epoch: int, getting_up: bool, settled: Settled
    ) -> list[dict[str, Any]]:
        """Move a batch; return the events in order. Raises Deposed, or what the database raises."""
        if settled.is_due(time.monotonic()):
            await failpoint("relay.settle")
            (answer,) = await wire.ask("SELECT drawn, writers FROM realtime_undecided()")
            settled.hear(**answer, now=time.monotonic())
        await failpoint("relay.look")
        beyond = settled.beyond(time.monotonic())
        try:
            events = await wire.ask(_MOVE, epoch, BATCH, getting_up, beyond)
        except psycopg.OperationalError:
            # The connection, a lock, the disk: nothing that one row is to blame for.
            raise
        except psycopg.Error as error:
            if error.sqlstate == DEPOSED:
                raise Deposed from None
            logger.error("The log refuses a batch (%s).", error.sqlstate)
            return await self._move_singly(wire, epoch)
        settled.looked(len(events), is_all=len(events) < BATCH)
        self.settled_upto = settled.upto
        return events

    async def _move_singly(self, wire: Wire, epoch: int) -> list[dict[str, Any]]:
        """Move rows one by one, so that a poisonous one goes to the dead letters alone."""
        await failpoint("relay.move_singly")
        try:
            events = await wire.ask(_MOVE_SINGLY, epoch, SINGLY)
        except psycopg.Error as error:
            if error.sqlstate == DEPOSED:
                raise Deposed from None
            raise
        for event in events:
            if reason := event.pop("buried"):
                logger.error("Event %s went to the dead letters: %s.", event["seq"], reason)
        return events

    def _tell(self, events: list[dict[str, Any]]) -> None:
        self.bus.offer(
            {
                "epoch": self._log_epoch,
                "first": events[0]["seq"],
                "last": events[-1]["seq"],
                "events": events,
            }
        )
