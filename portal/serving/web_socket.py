"""A WebSocket whose peer cannot hold up the process.

uvicorn reads all that has arrived in one go, and the engine counts messages: a peer that sends
nothing but pings, six bytes each, had the event loop for itself. Here what arrives is read in small
pieces, each frame is counted whatever it is, and the socket ends at the one that is too many.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Close, Frame
from websockets.protocol import State

from realtime import close_codes
from realtime.limits import Bucket, Limits

# No more than 700 frames, 15 ms, are read before somebody counts them.
_PIECE_BYTES = 4_096
# How long a peer that is sent away may take to hear why.
_GOODBYE_SECONDS = 1.0
_INVALID_TEXT = 1007
_REFUSAL = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: 19\r\nconnection: close\r\n\r\nNot a WebSocket's.\n"
)


@lru_cache(maxsize=1)
def _limits() -> Limits:
    return Limits.configured()


class WebSocketConnection(WebSocketsSansIOProtocol):
    """uvicorn's, with bounds."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limits = _limits()
        self._frames_allowed = Bucket(limits.frames_per_second, limits.frames_burst)

    def data_received(self, data: bytes) -> None:
        """Read what arrived, until it is too much."""
        if not self.handshake_initiated:
            self._shake_hands(data)
        elif not self.handshake_complete:
            # RFC 6455, 4.1: a client waits for the answer before it says anything.
            self.transport.abort()
        else:
            for start in range(0, len(data), _PIECE_BYTES):
                if self.transport.is_closing():
                    return
                super().data_received(data[start : start + _PIECE_BYTES])

    def handle_events(self) -> None:
        """Hear the frames that were read, as many as may come.

        Like uvicorn's; there each is heard, whatever became of the socket at the one before it.
        """
        events = self.conn.events_received()
        for event in events:
            if isinstance(event, Frame) and not self._frames_allowed.take():
                self._send_away(close_codes.LIMITED, "too many frames per second")
            if self.transport.is_closing():
                return
            # What it asks for next is this one alone.
            self.conn.events = [event]
            super().handle_events()

    def send_receive_event_to_app(self) -> None:
        """Hand a message on. One that is no text is the end, and no news for the log."""
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self._send_away(_INVALID_TEXT, "")
                return
        super().send_receive_event_to_app()

    def _shake_hands(self, request: bytes) -> None:
        """Answer the handshake, which comes as a whole: what is not understood is refused."""
        super().data_received(request)
        if not self.handshake_initiated:
            self.transport.write(_REFUSAL)
            self.transport.close()

    def _send_away(self, code: int, reason: str) -> None:
        if self.conn.state is State.OPEN:
            self.conn.send_close(code, reason)
        said = self.conn.close_sent or Close(code, reason)
        self.queue.put_nowait(
            {"type": "websocket.disconnect", "code": said.code, "reason": said.reason}
        )
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()
        # Whoever reads nothing would keep it open.
        self.loop.call_later(_GOODBYE_SECONDS, self.transport.abort)
