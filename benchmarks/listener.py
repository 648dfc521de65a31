"""One process of the load client: thousands of sockets on one event loop, and what they heard.

Made not to be in the way: frames are told apart by their headers in the bytes as they arrive, and
nothing is parsed that is not measured. When it falls behind, one read brings many frames, so that
it catches up instead of holding the server back; how busy it was is part of every report.

A change carries the moment before its INSERT was sent inside its id (`stamp`): both ends run on one
machine, so on one clock.
"""

import asyncio
import gc
import random
import time
from array import array
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any
from uuid import UUID

import uvloop

HOST = "127.0.0.1"
_TEXT, _CLOSE, _PING = 1, 8, 9
_STAMP_BITS = 60
_STAMP = 2**_STAMP_BITS - 1

HEARTBEAT_SECONDS = 20
SINCE = "@since"
_PATIENCE_SECONDS = 60.0
_LONGEST_BACKOFF_SECONDS = 10.0  # as static/js/realtime/backoff.js


def stamp() -> UUID:
    """An id that says when it was made."""
    at = time.monotonic_ns() & _STAMP
    return UUID(int=random.getrandbits(32) << 96 | 4 << 76 | 8 << _STAMP_BITS | at)


def text_frame(text: str) -> bytes:
    """A client's text frame; the mask is all zeros, which leaves the text as it is."""
    data = text.encode()
    if len(data) < 126:
        head = bytes((0x81, 0x80 | len(data)))
    else:
        head = bytes((0x81, 0xFE)) + len(data).to_bytes(2)
    return head + bytes(4) + data


@dataclass(frozen=True, slots=True)
class Seat:
    """One socket to open: where, as whom, and what is said first."""

    ports: tuple[int, ...]
    path: str
    headers: str = ""
    hello: str = ""
    # In the first frame after which changes may be expected; empty: the handshake is enough.
    ready: bytes = b""
    heartbeat: str = ""
    # Instead of `hello`, when the socket comes back; SINCE stands for the position it had.
    hello_again: str = ""
    # What stands before the id of a change.
    marker: bytes = b'"id": "'


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


class Ear(asyncio.Protocol):
    """One socket."""

    __slots__ = (
        "_hello",
        "_is_open",
        "_marker",
        "_rest",
        "_transport",
        "crowd",
        "is_measured",
        "ready",
        "seat",
    )

    def __init__(self, crowd: "Listener", seat: Seat, hello: str, is_measured: bool) -> None:
        self.crowd = crowd
        self.seat = seat
        self.is_measured = is_measured
        self.ready: asyncio.Future[None] = crowd.loop.create_future()
        self._rest = b""
        self._is_open = False
        self._hello = hello
        self._marker = seat.marker

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        port = transport.get_extra_info("peername")[1]
        transport.write(
            (
                f"GET {self.seat.path} HTTP/1.1\r\nHost: {HOST}:{port}\r\n"
                f"Origin: http://{HOST}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                f"{self.seat.headers}\r\n"
            ).encode()
        )

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
            self._rest = b""
        at = 0 if self._is_open else self._greet(data)
        end = len(data)
        while end - at >= 2:
            size, start = data[at + 1], at + 2
            if size == 126:
                start += 2
                size = int.from_bytes(data[at + 2 : start]) if start <= end else end
            elif size == 127:
                start += 8
                size = int.from_bytes(data[at + 2 : start]) if start <= end else end
            stop = start + size
            if stop > end:
                break
            if data[at] & 15 == _TEXT:
                found = data.find(self._marker, start, stop)
                if found >= 0 and self.ready.done():
                    self._changed(data, found + len(self._marker))
                else:
                    self._told(data[start:stop])
            elif data[at] & 15 == _PING:
                self._transport.write(bytes((0x8A, 0x80 | size)) + bytes(4) + data[start:stop])
            at = stop
        if at < end:
            self._rest = data[at:]

    def _changed(self, data: bytes, found: int) -> None:
        crowd = self.crowd
        crowd.heard.count += 1
        if self.is_measured:
            digits = data[found : found + 36]
            sent = int(digits[19:23] + digits[24:], 16) & _STAMP
            crowd.heard.waits.append((time.monotonic_ns() - sent) & _STAMP)
        if crowd.heard.count == crowd.next_tick:
            crowd.tick()

    def _greet(self, data: bytes) -> int:
        """Read the answer to the handshake; where the frames begin."""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._rest = data
            return len(data)
        if not data.startswith(b"HTTP/1.1 101"):
            if not self.ready.done():
                self.ready.set_exception(ConnectionError(data[:60].decode(errors="replace")))
            self._transport.abort()
            return len(data)
        self._is_open = True
        if self._hello:
            self._transport.write(text_frame(self._hello))
        if not self.seat.ready:
            self.ready.set_result(None)
        return end + 4

    def _told(self, text: bytes) -> None:
        if not self.ready.done() and self.seat.ready in text:
            self.ready.set_result(None)
        elif text == b"2":  # Engine.IO asks whether we live
            self._transport.write(text_frame("3"))

    def beat(self) -> None:
        if self.seat.heartbeat and self._is_open:
            self._transport.write(text_frame(self.seat.heartbeat))

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("closed before it was ready"))
        elif self.ready.exception() is None:
            self.crowd.lost(self)
        self._is_open = False

    def close(self) -> None:
        self._transport.abort()


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
            async with gate:
                try:
                    await self._come(seat, seat.hello, every)
                except (OSError, TimeoutError) as error:
                    failures.append(str(error) or type(error).__name__)

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
                    lambda: Ear(self, seat, hello, is_measured), HOST, port
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
