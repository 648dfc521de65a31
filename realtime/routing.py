"""Where sockets are answered: the two addresses that the official clients know."""

from __future__ import annotations

from typing import Any

from channels.routing import URLRouter  # type: ignore[import-untyped]
from django.urls import re_path

from realtime.consumer import Receive, consumer
from realtime.errors import HandshakeRefused
from realtime.handshake import Scope, Send, refuse


async def _not_here(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await refuse(scope, send, HandshakeRefused(404, "Not found"))


# Channels puts ASGI applications where Django's types expect views.
_socket: Any = consumer
_elsewhere: Any = _not_here

websocket_application = URLRouter(
    [
        re_path(r"^realtime/v1/websocket/?$", _socket),
        re_path(r"^socket/websocket/?$", _socket),
        re_path(r"", _elsewhere),
    ]
)
