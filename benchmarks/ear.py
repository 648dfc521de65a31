"""One socket of the load client, and what it is told apart by.

Frames are told apart by their headers in the bytes as they arrive, and nothing is parsed that is
not measured. A change carries the moment before its INSERT was sent inside its id (`stamp`): both
ends run on one machine, so on one clock.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from benchmarks.listener import Listener

HOST = "127.0.0.1"
_TEXT, _PING = 1, 9
_STAMP_BITS = 60
_STAMP = 2**_STAMP_BITS - 1


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


class Ear(asyncio.Protocol):
    """One socket."""

    __slots__ = (
        "_hello",
        "_host",
        "_is_open",
        "_marker",
        "_rest",
        "_transport",
        "crowd",
        "is_measured",
        "ready",
        "seat",
    )

    def __init__(
        self, crowd: Listener, seat: Seat, port: int, hello: str, is_measured: bool
    ) -> None:
        self.crowd = crowd
        self.seat = seat
        # Asked of the transport it would be nobody's once the server has hung up.
        self._host = f"{HOST}:{port}"
        self.is_measured = is_measured
        self.ready: asyncio.Future[None] = crowd.loop.create_future()
        self._rest = b""
        self._is_open = False
        self._hello = hello
        self._marker = seat.marker

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(
            (
                f"GET {self.seat.path} HTTP/1.1\r\nHost: {self._host}\r\n"
                f"Origin: http://{self._host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
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
