"""A stretch of network between clients and one web process, in which things go wrong.

Nothing is altered that TLS would not notice: damage is done to the head of a client's frame, so
that the server has to hang up, and never to what an event says.
"""

import asyncio
import contextlib
from random import Random, random

HOST = "127.0.0.1"


class Connection:
    """One connection through the stretch, and what is wrong with it."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.ends = (near, far)
        self.delay = self.jitter = 0.0  # of each piece; up to so much more
        self.lost: set[str] = set()  # directions in which nothing arrives any more: "up", "down"
        self.is_damaged = False

    def cut(self) -> None:
        """Reset, in the middle of whatever was under way."""
        for end in self.ends:
            end.transport.abort()


class Stretch:
    """Carries bytes between its own port and a web process."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.connections: set[Connection] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self._server.close()
        for connection in list(self.connections):
            connection.cut()
        await asyncio.sleep(0)

    def break_some(self, dice: Random, kind: str, share: float = 0.5) -> int:
        """Do something to a share of the connections that are open now; return to how many."""
        victims = [each for each in self.connections if dice.random() < share]
        for connection in victims:
            match kind:
                case "latency":
                    connection.delay = dice.uniform(0.05, 0.4)
                case "half-open":
                    connection.lost.add(dice.choice(["up", "down"]))
                case "blackhole":
                    connection.lost |= {"up", "down"}
                case "damage":
                    connection.is_damaged = True
                case "reset":
                    connection.cut()
        return len(victims)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(HOST, self.target)
        except OSError:
            writer.transport.abort()
            return
        connection = Connection(writer, far_writer)
        self.connections.add(connection)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry("up", connection, reader, far_writer))
                both.create_task(self._carry("down", connection, far_reader, writer))
        finally:
            self.connections.discard(connection)
            connection.cut()

    async def _carry(
        self,
        direction: str,
        connection: Connection,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                if delay := connection.delay + connection.jitter * random():
                    await asyncio.sleep(delay)
                if direction in connection.lost:
                    continue
                if direction == "up" and connection.is_damaged:
                    # The reserved bits of the next frame, which nobody may set.
                    data = bytes([data[0] | 0x70]) + data[1:]
                    connection.is_damaged = False
                target.write(data)
                await target.drain()
        with contextlib.suppress(OSError, RuntimeError):
            target.close()
