"""The few statements that the relay repeats, straight through libpq.

A change is told after a wait and one of them, two more follow, and psycopg's own part of each is
longer than the server's. So these go by libpq itself; to connect, to read types and to name errors
remains psycopg's. While a wire is in use its connection does nothing else.
"""

from __future__ import annotations

import asyncio
from typing import Any, LiteralString

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer

# The server ends a statement after five (`engine_connection`); one that is frozen ends nothing.
_SECONDS = 8.0


class Wire:
    """An open connection in autocommit, on the running event loop."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._libpq = connection.pgconn
        self._loop = asyncio.get_running_loop()
        self._reading = Transformer(connection)
        self._prepared: dict[str, bytes] = {}

    async def ask(self, statement: LiteralString, *values: int | bool) -> list[dict[str, Any]]:
        """The rows of a statement with `$1`, `$2` … for the values.

        Raises psycopg.Error, and TimeoutError, after which the connection has to be closed.
        """
        async with asyncio.timeout(_SECONDS):
            name = self._prepared.get(statement)
            if name is None:
                name = f"wire_{len(self._prepared)}".encode()
                self._libpq.send_prepare(name, statement.encode())
                await self._result()
                self._prepared[statement] = name
            self._libpq.send_query_prepared(name, [str(value).encode() for value in values])
            result = await self._result()
        names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
        self._reading.set_pgresult(result)
        rows = self._reading.load_rows(0, result.ntuples, tuple)
        return [dict(zip(names, row, strict=True)) for row in rows]

    async def rang(self, seconds: float) -> bool:
        """Wait for a notification; False when none came in time. Raises psycopg.Error.

        One that came during an earlier statement counts: libpq keeps it.
        """
        until = self._loop.time() + seconds
        while not self._take_notifications():
            left = until - self._loop.time()
            if left <= 0 or not await self._readable(left):
                return False
            self._libpq.consume_input()
        return True

    def _take_notifications(self) -> bool:
        found = False
        while self._libpq.notifies() is not None:
            found = True
        return found

    async def _result(self) -> pq.abc.PGresult:
        while self._libpq.flush():
            await self._writable()
        result = None
        while True:
            # Up to the end of the answer: the commit comes after the rows.
            while self._libpq.is_busy():
                await self._readable()
                self._libpq.consume_input()
            following = self._libpq.get_result()
            if following is None:
                break
            result = following
        if result is None:
            raise psycopg.OperationalError("the connection is lost")
        if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            raise psycopg.errors.error_from_result(result)
        return result

    async def _readable(self, seconds: float | None = None) -> bool:
        ready = self._loop.create_future()
        timer = None if seconds is None else self._loop.call_later(seconds, _settle, ready, False)
        socket = self._libpq.socket
        self._loop.add_reader(socket, _settle, ready, True)
        try:
            return bool(await ready)
        finally:
            self._loop.remove_reader(socket)
            if timer is not None:
                timer.cancel()

    async def _writable(self) -> None:
        ready = self._loop.create_future()
        socket = self._libpq.socket
        self._loop.add_writer(socket, _settle, ready, True)
        try:
            await ready
        finally:
            self._loop.remove_writer(socket)


def _settle(ready: asyncio.Future[bool], value: bool) -> None:
    if not ready.done():
        ready.set_result(value)
