"""What the leader sees to beside the stream: room ahead, old history, and what slipped through.

On a connection of its own, so that nothing here delays an event.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Any

import psycopg
from django.conf import settings

from realtime.engine_connection import connect
from realtime.failpoints import failpoint

logger = logging.getLogger(__name__)

ROUND_SECONDS = 10.0

# A full notify queue (8 GB for the whole cluster) would make commits fail; the bell falls silent
# at half. Above this share somebody listens and does not read: a person should look.
QUEUE_ALARM = 0.01


class Upkeep:
    """The rounds of one leader."""

    def __init__(self) -> None:
        self._is_failing = False
        self._queue_fills = False

    async def run(self) -> None:
        """Do a round every ROUND_SECONDS, until cancelled."""
        while True:
            try:
                async with await connect("upkeep") as connection:
                    while True:
                        await self.do_round(connection)
                        self._is_failing = False
                        await asyncio.sleep(ROUND_SECONDS)
            except (psycopg.Error, OSError) as error:
                if not self._is_failing:
                    code = getattr(error, "sqlstate", None) or type(error).__name__
                    logger.error("The relay's upkeep failed (%s); it tries on.", code)
                self._is_failing = True
            except Exception:
                # A mistake of ours: without rounds the log is never pruned and nothing reconciled.
                logger.exception("The relay's upkeep failed; it tries on.")
            await asyncio.sleep(ROUND_SECONDS)

    async def do_round(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Everything once. Raises psycopg.Error."""
        await failpoint("upkeep.make_ahead")
        await connection.execute("SELECT realtime_make_ahead()")
        await failpoint("upkeep.reconcile")
        cursor = await connection.execute("SELECT source, reason FROM realtime_reconcile()")
        async for source, reason in cursor:
            logger.error(
                "Changes of %s may have gone unpublished (%s); a resync was ordered.",
                source or "some table",
                reason,
            )
        await failpoint("upkeep.prune")
        cursor = await connection.execute("SELECT realtime_prune(%s)", [retention()])
        row = await cursor.fetchone()
        if row and row[0]:
            logger.info("Dropped %s old partitions of the log.", row[0])
        # Asking also advances the queue's tail, which nothing else may do for a long time.
        await failpoint("upkeep.queue")
        cursor = await connection.execute("SELECT pg_notification_queue_usage()")
        row = await cursor.fetchone()
        self._watch_queue(row[0] if row else 0.0)

    def _watch_queue(self, usage: float) -> None:
        if usage > QUEUE_ALARM and not self._queue_fills:
            logger.error("The notify queue is %.0f %% full: a listener does not read.", usage * 100)
        self._queue_fills = usage > QUEUE_ALARM


def retention() -> timedelta:
    """How long history is kept at least."""
    return timedelta(hours=getattr(settings, "REALTIME_RETENTION_HOURS", 72))
