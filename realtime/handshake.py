"""Before a socket is opened: is it one of our pages, who is it, and is there room?

A refusal is an HTTP status where the server can send one. Browsers hide status and body from the
page, which falls back to polling and learns there what is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from realtime.errors import HandshakeRefused
from realtime.protocol import Codec, codec_for

Scope = Mapping[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_DEFAULT_PORTS = {"http": 80, "https": 443}


def query_of(scope: Scope) -> dict[str, str]:
    """The parameters of the URL; unknown ones are nobody's business, of repeated ones the first.

    Raises HandshakeRefused when there are absurdly many.
    """
    text = scope.get("query_string", b"").decode("latin-1")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=50)
    except ValueError:
        raise HandshakeRefused(400, "Too many parameters") from None
    query: dict[str, str] = {}
    for name, value in pairs:
        query.setdefault(name, value)
    return query


def codec_of(query: Mapping[str, str]) -> Codec:
    """The version of the wire that was asked for. Raises HandshakeRefused."""
    codec = codec_for(query.get("vsn"))
    if codec is None:
        raise HandshakeRefused(400, "Unknown vsn: 1.0.0 and 2.0.0 are spoken here")
    return codec


def check_origin(scope: Scope) -> None:
    """Let only our own pages in. Raises HandshakeRefused.

    A cookie comes with every request to us, also with one that a foreign page makes (cross-site
    WebSocket hijacking). So Origin must name the very host that was asked, or one of
    `settings.REALTIME_ALLOWED_ORIGINS`; without one, or with "null", nobody is let in.
    """
    headers = {name: value.decode("latin-1") for name, value in scope.get("headers", ())}
    origin = headers.get(b"origin", "").lower()
    if origin and origin in {
        each.lower().rstrip("/") for each in settings.REALTIME_ALLOWED_ORIGINS
    }:
        return
    host, scheme = headers.get(b"host", "").lower(), scope.get("scheme", "ws")
    if not _is_same_host(origin, host, scheme, tuple(settings.ALLOWED_HOSTS)):
        raise HandshakeRefused(403, "Origin not allowed")


# All pages of a portal come from one origin or a few, and thousands of them at once.
@lru_cache(maxsize=100)
def _is_same_host(origin: str, host: str, scheme: str, allowed: tuple[str, ...]) -> bool:
    try:
        asked, named = urlsplit(origin), urlsplit(f"//{host}")
        default = _DEFAULT_PORTS.get(asked.scheme)
        if default is None or asked.hostname is None or asked.hostname != named.hostname:
            return False
        # Behind a proxy that ends TLS the host may come without the port and the scheme as ws.
        if (asked.port or default) != (named.port or default):
            return False
    except ValueError:
        return False
    if scheme == "wss" and asked.scheme != "https":
        return False
    return validate_host(split_domain_port(host)[0], allowed)


async def refuse(scope: Scope, send: Send, refusal: HandshakeRefused) -> None:
    """Answer the handshake with a status and {"error": text}."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 4000 + refusal.status % 1000})
        return
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    if refusal.retry_after is not None:
        headers.append((b"retry-after", str(refusal.retry_after).encode()))
    await send(
        {"type": "websocket.http.response.start", "status": refusal.status, "headers": headers}
    )
    body = json.dumps({"error": refusal.text}).encode()
    await send({"type": "websocket.http.response.body", "body": body})
