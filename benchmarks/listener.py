"""One process of the load client: thousands of sockets on one event loop, and what they heard.

Made not to be in the way. When it falls behind, one read brings many frames, so that it catches up
instead of holding the server back; how busy it was is part of every report.
"""

import asyncio
import gc
import random
import time
from array import array
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import uvloop

from benchmarks.ear import HOST, Ear, Seat

HEARTBEAT_SECONDS = 20
SINCE = "@since"
_PATIENCE_SECONDS = 60.0
_ATTEMPTS = 5
_LONGEST_BACKOFF_SECONDS = 10.0  # as static/js/realtime/backoff.js


@dataclass(slots=True)
class Heard:
    """What the sockets of a process heard since `begin`."""

    count: int = 0
    waits: array = field(default_factory=lambda: array("q"))  # nanoseconds
    ready_at: array = field(default_factory=lambda: array("q"))  # of sockets that came back
    refused: int = 0
    lost: int = 0
    open: int = 0
    busy: float = 0.0  # of one core


class Listener:
    """All sockets of one process; obeys what comes over `orders`."""

    def __init__(self, orders: Connection, ticks: Connection) -> None:
        self.loop = asyncio.get_running_loop()
        self.heard = Heard()
        self.next_tick = 0
        self._orders = orders
        self._ticks = ticks
        self._step = 0
        self._ears: set[Ear] = set()
        self._came = 0
        self._comes_back = False
        self._since = ""
        self._began = (0.0, 0.0)
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Obey until the other end is closed."""
        beating = self.loop.create_task(self._beat())
        with suppress(EOFError, OSError):
            while True:
                # In a thread: the loop would make the pipe one that does not block.
                name, *values = await self.loop.run_in_executor(None, self._orders.recv)
                self._orders.send(await getattr(self, name)(*values))
        beating.cancel()

    async def open(self, seats: list[Seat], at_once: int, every: int) -> list[str]:
        """Open sockets; the reasons of those that could not be. Each `every`th is measured."""
        gate = asyncio.Semaphore(at_once)
        failures: list[str] = []

        async def come(seat: Seat) -> None:
            for attempt in range(_ATTEMPTS):
                try:
                    async with gate:
                        await self._come(seat, seat.hello, every)
                    return
                except (OSError, TimeoutError) as error:
                    reason = str(error) or type(error).__name__
                # As a page does: a server that has too many at its door says so.
                await asyncio.sleep(random.random() * 2**attempt)
            failures.append(reason)

        await asyncio.gather(*(come(seat) for seat in seats))
        return failures

    async def begin(self, step: int, comes_back: bool, since: str) -> None:
        """Count from nothing; tick after each `step` changes; come back when a socket is lost."""
        self.heard = Heard()
        self._step = self.next_tick = step
        self._comes_back = comes_back
        self._since = since
        self._began = (time.monotonic(), time.process_time())

    async def report(self) -> Heard:
        """What was heard since `begin`."""
        wall, busy = self._began
        self.heard.open = len(self._ears)
        self.heard.busy = (time.process_time() - busy) / max(1e-9, time.monotonic() - wall)
        return self.heard

    async def count(self) -> int:
        """How many changes were heard since `begin`."""
        return self.heard.count

    async def close(self) -> None:
        """Close all sockets."""
        self._comes_back = False
        ears, self._ears = self._ears, set()
        for ear in ears:
            ear.close()
        # What was closed is told to the server by the system, in the next turns of the loop.
        await asyncio.sleep(0.05)

    def tick(self) -> None:
        self.next_tick += self._step
        self._ticks.send_bytes(b".")

    def lost(self, ear: Ear) -> None:
        if ear not in self._ears:
            return
        self._ears.discard(ear)
        self.heard.lost += 1
        if self._comes_back:
            task = self.loop.create_task(self._return(ear))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _return(self, ear: Ear) -> None:
        """Come back as a page does: after a moment of its own, longer after each refusal."""
        failures = 0
        while self._comes_back:
            pause = random.random() * min(_LONGEST_BACKOFF_SECONDS, 2.0 ** min(failures, 16))
            await asyncio.sleep(pause)
            hello = ear.seat.hello_again.replace(SINCE, self._since)
            try:
                await self._come(ear.seat, hello, 1 if ear.is_measured else 0)
            except (OSError, TimeoutError):
                failures += 1
                self.heard.refused += 1
            else:
                self.heard.ready_at.append(time.monotonic_ns())
                return

    async def _come(self, seat: Seat, hello: str, every: int) -> None:
        self._came += 1
        is_measured = every > 0 and self._came % every == 0
        for port in seat.ports:
            try:
                _, ear = await self.loop.create_connection(
                    lambda port=port: Ear(self, seat, port, hello, is_measured), HOST, port
                )
                break
            except ConnectionRefusedError:
                # Nobody lives there: whoever stands before the processes asks the next.
                continue
        else:
            raise ConnectionError("nobody answers")
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await ear.ready
        self._ears.add(ear)

    async def _beat(self) -> None:
        while True:
            # A share each second, so that no moment differs from the others.
            for share in range(HEARTBEAT_SECONDS):
                await asyncio.sleep(1)
                for number, ear in enumerate(list(self._ears)):
                    if number % HEARTBEAT_SECONDS == share:
                        ear.beat()


def run(orders: Connection, ticks: Connection) -> None:
    """The process."""
    gc.disable()
    uvloop.run(_serve(orders, ticks))


async def _serve(orders: Connection, ticks: Connection) -> None:
    await Listener(orders, ticks).serve()
