"""Writing frames to a socket, and noticing that nobody reads them.

Two ways. Under uvicorn a frame that was framed once is written to the transport of every socket,
which costs half of an ASGI `send` for each. Under any other server it is `send`, from a task that
exists only while something waits. Either way a peer that does not read is found by its unsent
bytes: a socket is closed, never a frame left out.
"""

from __future__ import annotations

import asyncio
import fcntl
import sys
import termios
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

Send = Callable[[dict[str, Any]], Awaitable[None]]

# How long the closing handshake may take; a peer that is gone would keep it waiting.
_CLOSE_SECONDS = 0.5


class Encoded:
    """A text frame, and its bytes on the wire once somebody needed them."""

    __slots__ = ("_wire", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._wire: bytes | None = None

    @property
    def wire(self) -> bytes:
        """The frame as RFC 6455 has it from a server: final, text, not masked."""
        if self._wire is None:
            payload = self.text.encode()
            size = len(payload)
            if size < 126:
                head = b"\x81" + size.to_bytes(1)
            elif size < 65_536:
                head = b"\x81\x7e" + size.to_bytes(2)
            else:
                head = b"\x81\x7f" + size.to_bytes(8)
            self._wire = head + payload
        return self._wire


class Line(Protocol):
    """One socket's way out."""

    def write(self, frames: Sequence[Encoded]) -> bool:
        """Send frames, in order. False when too much waits already: close the socket."""

    def unsent(self) -> int:
        """Bytes that wait in this process for the peer."""

    def sent(self) -> int:
        """Bytes that the peer took so far, as far as we are told: the measure of progress."""

    async def drained(self) -> None:
        """Wait until little is left unsent; for ever, when the peer does not read."""

    def limit_frames(self, size: int) -> None:
        """Refuse larger frames from the peer while they arrive, where the server lets us."""

    async def close(self, code: int, reason: str) -> None:
        """Say why, and let go, also of a peer that does not listen."""


class TransportLine:
    """Straight to the transport of uvicorn's sans-IO protocol, which keeps no state about frames
    sent. Only without compression, which would have to be told."""

    # A thousand are written to one after the other: fewer objects, less of each.
    __slots__ = ("_most", "_protocol", "_send", "_transport", "_written")

    def __init__(self, protocol: WebSocketsSansIOProtocol, send: Send, most: int) -> None:
        self._protocol = protocol
        self._transport = protocol.transport
        self._send = send
        self._most = most
        self._written = 0
        protocol.close_timeout = _CLOSE_SECONDS

    @classmethod
    def of(cls, send: Send, most: int) -> TransportLine | None:
        """The line of an accepted socket; None when the server or the socket does not allow it."""
        protocol = getattr(send, "__self__", None)
        if not isinstance(protocol, WebSocketsSansIOProtocol) or protocol.conn.extensions:
            return None
        return cls(protocol, send, most)

    def write(self, frames: Sequence[Encoded]) -> bool:
        transport = self._transport
        # uvicorn closes it in the same breath in which it says goodbye; when we do, nobody writes
        # here any more (`Connection.close`).
        if transport.is_closing():
            return True
        if transport.get_write_buffer_size() > self._most:
            return False
        data = frames[0].wire if len(frames) == 1 else b"".join([each.wire for each in frames])
        self._written += len(data)
        transport.write(data)
        return True

    def unsent(self) -> int:
        return 0 if self._transport.is_closing() else self._transport.get_write_buffer_size()

    def sent(self) -> int:
        return self._written - self.unsent() - self._kept()

    def _kept(self) -> int:
        """Bytes that the system keeps for the peer, whose machine has not acknowledged them.

        It keeps megabytes, and lets us write again when a third of that is gone: a telephone at a
        slow link would seem to read nothing for half a minute. 0 where the system does not tell.
        """
        socket = self._transport.get_extra_info("socket")
        if socket is None:
            return 0
        # Closed meanwhile (-1), or there is no such question here.
        with suppress(ValueError, OSError):
            answer = fcntl.ioctl(socket.fileno(), termios.TIOCOUTQ, bytes(4))
            return int.from_bytes(answer, sys.byteorder)
        return 0

    async def drained(self) -> None:
        # Whoever waits here in a loop leaves the others their turn.
        await asyncio.sleep(0)
        await self._protocol.writable.wait()

    def limit_frames(self, size: int) -> None:
        self._protocol.conn.max_size = size

    async def close(self, code: int, reason: str) -> None:
        with suppress(Exception):
            async with asyncio.timeout(_CLOSE_SECONDS):
                # Waits for a peer that does not read.
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
        if self.unsent():
            await asyncio.sleep(_CLOSE_SECONDS)
            self._transport.abort()


class SendLine:
    """ASGI's `send`, for servers whose transport we do not know."""

    def __init__(self, send: Send, most: int) -> None:
        self._send = send
        self._most = most
        self._waiting: deque[Encoded] = deque()
        self._unsent = 0
        self._sent = 0
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    def write(self, frames: Sequence[Encoded]) -> bool:
        if self._is_closed:
            return True
        if self._unsent > self._most:
            return False
        self._waiting.extend(frames)
        self._unsent += sum(len(each.text) for each in frames)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work_off())
        return True

    def unsent(self) -> int:
        return self._unsent

    def sent(self) -> int:
        return self._sent

    async def drained(self) -> None:
        # Whoever waits here in a loop leaves the others their turn, also when nothing is unsent.
        await asyncio.sleep(0)
        if self._task is not None:
            await asyncio.wait([self._task])

    def limit_frames(self, size: int) -> None:
        """Nothing to set: the consumer looks at each frame's size."""

    async def close(self, code: int, reason: str) -> None:
        self._is_closed = True
        if self._task is not None:
            with suppress(Exception, asyncio.CancelledError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await self._task
        with suppress(Exception):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def _work_off(self) -> None:
        try:
            while self._waiting:
                frame = self._waiting.popleft()
                await self._send({"type": "websocket.send", "text": frame.text})
                self._unsent -= len(frame.text)
                self._sent += len(frame.text)
        except Exception:  # noqa: BLE001 - servers raise what they like for a peer that is gone
            # The peer is gone: `receive` tells the consumer, there is nobody left to write to.
            self._is_closed = True
            self._waiting.clear()
            self._unsent = 0
        finally:
            self._task = None


def line_of(send: Send, most: int) -> Line:
    """The best line for an accepted socket."""
    return TransportLine.of(send, most) or SendLine(send, most)


class Deadline:
    """Whether a peer has stopped reading: bytes wait, and it has taken none for too long."""

    __slots__ = ("_at", "_sent", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._sent = -1
        self._at = 0.0

    def is_over(self, line: Line, now: float | None = None) -> bool:
        """Look at the line; to be called about once a second."""
        now = time.monotonic() if now is None else now
        if not line.unsent():
            self._sent = -1
            return False
        sent = line.sent()
        if sent != self._sent:
            self._sent, self._at = sent, now
        return now - self._at >= self.seconds
