"""Reading the log as the engine: all organizations, headers and published columns, nothing else.

One connection per process, opened when first needed and again after a failure. Each answer is one
statement, hence one snapshot: epoch, oldest position, head and the events between them agree.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import psycopg
from psycopg.rows import DictRow, dict_row

from realtime.engine_connection import connect
from realtime.errors import Unavailable
from realtime.event import Event
from realtime.failpoints import failpoint

PAGE = 500  # events in one answer

# A database that does not answer for so long is as good as gone; the next try opens anew.
_SECONDS = 5.0

_AFTER = """
    SELECT p.log_epoch AS epoch, p.oldest_seq AS oldest, p.last_seq AS head,
        extract(epoch FROM statement_timestamp())::float8 AS said,
        extract(epoch FROM clock_timestamp() - nullif(p.beat, '-infinity'))::float8 AS silence, e.*
    FROM realtime_relay AS p
    LEFT JOIN LATERAL (
        SELECT seq, organization_id::text, kind, topics, table_name, row_id, operation,
            record::text, old_record::text, created_at::text
        FROM realtime_events
        WHERE seq > greatest(%(after)s, p.last_seq - %(newest)s) AND seq <= p.last_seq
        ORDER BY seq
        LIMIT %(limit)s
    ) AS e ON true
"""
_EVERYTHING = 9_223_372_036_854_775_807


# A leader gives a sign of life twice a second, and after two without one another takes over. When
# nobody has for this long, the log stands still, and what is committed waits in the inbox unseen.
STILL_SECONDS = 3.0


def stands_still(silence: float | None) -> bool:
    """Whether nothing is moved into the log; `silence` as in `Snapshot`."""
    return silence is None or silence > STILL_SECONDS


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the log held at one moment."""

    epoch: str
    oldest: int
    head: int
    # When it was asked, by the database's clock (seconds since 1970): all of before is in it.
    said: float
    # Seconds since the leading relay's last sign of life; None when none ever led.
    silence: float | None
    events: list[Event]
    is_whole: bool  # the events reach up to `head`


class Log:
    """The log, over one connection of the engine's role."""

    def __init__(self) -> None:
        self._connection: psycopg.AsyncConnection[DictRow] | None = None
        self._turn = asyncio.Lock()

    async def after(self, seq: int, limit: int = PAGE) -> Snapshot:
        """The events that follow a position. Raises Unavailable."""
        return await self._ask({"after": seq, "newest": _EVERYTHING, "limit": limit})

    async def newest(self, count: int) -> Snapshot:
        """The head and the newest events up to it. Raises Unavailable."""
        return await self._ask({"after": 0, "newest": count, "limit": count})

    async def close(self) -> None:
        """Give the connection up; the next question opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _ask(self, parameters: dict[str, int]) -> Snapshot:
        async with self._turn:
            try:
                async with asyncio.timeout(_SECONDS):
                    await failpoint("log.read")
                    connection = await self._opened()
                    await failpoint("log.ask")
                    cursor = await connection.execute(_AFTER, parameters)
                    rows = await cursor.fetchall()
            except (psycopg.Error, OSError, TimeoutError) as error:
                await self.close()
                raise Unavailable(f"the log cannot be read: {type(error).__name__}") from error
        if not rows:
            raise Unavailable("the log has no relay row: are the migrations applied?")
        events = [Event.from_row(row) for row in rows if row["seq"] is not None]
        return Snapshot(
            epoch=rows[0]["epoch"],
            oldest=rows[0]["oldest"],
            head=rows[0]["head"],
            said=rows[0]["said"],
            silence=rows[0]["silence"],
            events=events,
            is_whole=len(events) < parameters["limit"] or events[-1].seq == rows[0]["head"],
        )

    async def _opened(self) -> psycopg.AsyncConnection[DictRow]:
        if self._connection is None or self._connection.closed:
            self._connection = await connect("hub")
            self._connection.row_factory = dict_row
        return self._connection
