"""A line between a page and a web process: slow, stalled, broken off or silently gone.

To the server it is uvicorn's sans-IO protocol, as far as the engine looks at it, or a bare ASGI
`send`; to the page it is what `websockets` gives.
"""

import asyncio
from collections import deque
from random import Random
from types import SimpleNamespace
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

# More bytes than this wait, and whoever sends is made to wait too.
HIGH_WATER = 2_000


class Closed(ConnectionError):
    """The line has ended; `code` says why."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class Transport:
    """The transport below uvicorn's protocol."""

    def __init__(self, socket: "Socket") -> None:
        self._socket = socket

    def write(self, data: bytes) -> None:
        for text in texts(data):
            self._socket.push("text", text)

    def get_write_buffer_size(self) -> int:
        return self._socket.unsent

    def is_closing(self) -> bool:
        return self._socket.is_gone

    def get_extra_info(self, name: str) -> None:
        """There is no system below that keeps anything."""

    def abort(self) -> None:
        self._socket.break_off()


class Socket(WebSocketsSansIOProtocol):
    """One socket, both ends of it."""

    def __init__(self, dice: Random, pace: float) -> None:
        # There is no server behind: what uvicorn would make of one is not made.
        self._dice, self._pace = dice, pace
        self.conn = SimpleNamespace(extensions=[], max_size=0)
        self.transport = Transport(self)
        self.close_sent = False
        self.close_timeout = 10.0
        self.writable = asyncio.Event()
        self.writable.set()
        self.to_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.to_page: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.to_server.put_nowait({"type": "websocket.connect"})
        self.unsent = 0
        self.is_gone = False  # as the server knows
        self.is_vanished = False  # which nobody knows
        self.stalled_until = 0.0
        self._outgoing: deque[tuple[str, Any]] = deque()
        self._incoming: deque[dict[str, Any]] = deque()
        self._is_flushing = False

    # The server's end ------------------------------------------------------------------------

    async def receive(self) -> dict[str, Any]:
        return await self.to_server.get()

    async def send(self, message: dict[str, Any]) -> None:
        """ASGI's. Raises OSError when the peer is known to be gone."""
        await self.writable.wait()
        if self.is_gone:
            raise OSError("the peer is gone")
        kind = message["type"]
        if kind == "websocket.accept":
            self.push("accepted", None)
        elif kind == "websocket.http.response.start":
            self.push("refused", message["status"])
            self.to_server.put_nowait({"type": "websocket.disconnect", "code": 1006})
        elif kind == "websocket.send":
            self.push("text", message["text"])
        elif kind == "websocket.close" and not self.close_sent:
            self.push("closed", message["code"])
            self.close_sent = True
            self.to_server.put_nowait({"type": "websocket.disconnect", "code": message["code"]})

    def push(self, kind: str, value: Any) -> None:
        """On the way to the page."""
        if self.is_gone or self.close_sent:
            return
        self._outgoing.append((kind, value))
        self.unsent += len(value) if kind == "text" else 1
        if self.unsent > HIGH_WATER:
            self.writable.clear()
        if not self._is_flushing:
            self._is_flushing = True
            asyncio.get_running_loop().call_later(self._delay(), self._flush)

    def finish(self) -> None:
        """The server is done with it; what was on its way arrives."""
        self.push("closed", 1006)
        self.close_sent = True

    def break_off(self) -> None:
        """The connection is no more, and both ends are told."""
        if not self.is_gone:
            self._end(1006)
            if not self.is_vanished:
                self.to_page.put_nowait(("closed", 1006))

    # The page's end --------------------------------------------------------------------------

    async def recv(self) -> str:
        """The next frame. Raises Closed."""
        kind, value = await self.to_page.get()
        if kind == "closed":
            raise Closed(value)
        return value

    async def say(self, text: str) -> None:
        """A frame for the server."""
        self._incoming.append({"type": "websocket.receive", "text": text})
        asyncio.get_running_loop().call_later(self._delay(), self._arrive)

    def leave(self) -> None:
        """The page goes; the server hears of it, unless the line has vanished."""
        asyncio.get_running_loop().call_later(self._delay(), self._left)

    def stall(self, seconds: float) -> None:
        """The page does not read for so long."""
        self.stalled_until = asyncio.get_running_loop().time() + seconds

    # In between ------------------------------------------------------------------------------

    def _delay(self) -> float:
        dice = self._dice
        return dice.choice((0.0, 0.001, dice.uniform(0, 0.01), dice.uniform(0, self._pace)))

    def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        if self.is_vanished or self.is_gone:
            return
        if loop.time() < self.stalled_until:
            loop.call_at(self.stalled_until, self._flush)
            return
        self._is_flushing = False
        while self._outgoing:
            self.to_page.put_nowait(self._outgoing.popleft())
        self.unsent = 0
        self.writable.set()

    def _arrive(self) -> None:
        message = self._incoming.popleft()
        if not self.is_vanished and not self.is_gone:
            self.to_server.put_nowait(message)

    def _left(self) -> None:
        if not self.is_vanished and not self.is_gone:
            self._end(1001)

    def _end(self, code: int) -> None:
        self.is_gone = True
        self._outgoing.clear()
        self.unsent = 0
        self.writable.set()
        self.to_server.put_nowait({"type": "websocket.disconnect", "code": code})


def texts(data: bytes) -> list[str]:
    """The text frames that a server has written, as RFC 6455 has them."""
    found = []
    while data:
        size, start = data[1], 2
        if size == 126:
            size, start = int.from_bytes(data[2:4]), 4
        elif size == 127:
            size, start = int.from_bytes(data[2:10]), 10
        found.append(data[start : start + size].decode())
        data = data[start + size :]
    return found
