"""A connection for requests whose peer cannot keep it, or fill the memory, without end.

uvicorn leaves this to the proxy before it. Whoever reaches the port itself, from within the clinic
or through a proxy that hands everything on, would hold a connection with a byte a minute.
"""

from __future__ import annotations

from asyncio import TimerHandle
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# As nginx has it, with room for the cookies of other applications of the same name.
MOST_HEAD_BYTES = 65_536
MOST_HEADERS = 100
# Browsers send the next request when the answer to the one before it is there.
MOST_WAITING = 16
HEAD_SECONDS = 10.0
BODY_SECONDS = 60.0
# How long a peer may take nothing of an answer.
UNREAD_SECONDS = 30.0
_LOOK_SECONDS = 5.0
# What the handshake of a WebSocket is understood by; elsewhere anything may stand.
_OF_HANDSHAKE = (b"connection", b"upgrade", b"host", b"origin")


class TooMuch(Exception):
    """A request is more than we read; the parser makes a refusal of it."""


class RequestConnection(HttpToolsProtocol):
    """uvicorn's, with bounds."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Of the request that is being read.
        self._is_in_head = True
        self._heads_read = 0
        self._head_bytes = 0
        self._header_bytes = 0
        self._asked_at = self.loop.time()
        # Of the answers that are being written.
        self._unsent = 0
        self._read_at = 0.0
        self._look: TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to look after it."""
        super().connection_made(transport)
        self._look = self.loop.call_later(_LOOK_SECONDS, self._look_after)

    def connection_lost(self, exc: Exception | None) -> None:
        """Look after it no more."""
        self._look_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what arrived. Refuses a head without end before the parser has it in memory."""
        if self.transport.is_closing():
            return
        was_in_head, heads_read = self._is_in_head, self._heads_read
        super().data_received(data)
        # Else a head came to its end, or a body.
        if was_in_head and self._is_in_head and self._heads_read == heads_read:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self.send_400_response("Too large.")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._begin_head()
        self._asked_at = self.loop.time()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One more header. Raises TooMuch."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MOST_HEAD_BYTES or len(self.headers) >= MOST_HEADERS:
            raise TooMuch
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is read. Raises TooMuch when many requests wait for their turn."""
        if len(self.pipeline) >= MOST_WAITING:
            raise TooMuch
        self._is_in_head = False
        self._heads_read += 1
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is read; the next one may come."""
        super().on_message_complete()
        self._begin_head()

    def on_response_complete(self) -> None:
        """An answer was written; whatever is asked next has its own time."""
        self._asked_at = self.loop.time()
        super().on_response_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand over to the WebSocket, which reads only what it can understand."""
        self._look_no_more()
        understood = [self.url]
        for name, value in self.headers:
            if name in _OF_HANDSHAKE or name.startswith(b"sec-websocket-"):
                understood.append(value)
        if all(each.isascii() for each in understood):
            super().handle_websocket_upgrade()
        else:
            self.send_400_response("Not a WebSocket's.")

    def _begin_head(self) -> None:
        self._is_in_head = True
        self._head_bytes = self._header_bytes = 0

    def _look_no_more(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def _look_after(self) -> None:
        """End it when the peer lets us wait for too long, with a request or for it to be read."""
        now = self.loop.time()
        if self._is_read_too_slowly(now) or self._is_asked_too_slowly(now):
            self.transport.abort()
        else:
            self._look = self.loop.call_later(_LOOK_SECONDS, self._look_after)

    def _is_asked_too_slowly(self, now: float) -> bool:
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if self._is_in_head:
            # Whoever waits for an answer need not ask the next one.
            return not is_answering and now - self._asked_at > HEAD_SECONDS
        return now - self._asked_at > BODY_SECONDS

    def _is_read_too_slowly(self, now: float) -> bool:
        unsent = self.transport.get_write_buffer_size()
        if unsent == 0 or unsent != self._unsent:
            self._unsent, self._read_at = unsent, now
        return now - self._read_at > UNREAD_SECONDS
