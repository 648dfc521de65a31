"""Connections to Valkey or Redis that notice that the other end has vanished.

A host that loses its power says no goodbye. After some keepalive probes the kernel ends the socket
with ETIMEDOUT, which Python raises as TimeoutError: the same that the client library takes for its
own patience running out. It would then answer "nothing yet" at once, for ever, to a loop that never
waits, and the process would do nothing else any more.
"""

from __future__ import annotations

import asyncio
from typing import Any

from redis.asyncio.connection import Connection, SSLConnection, parse_url
from redis.exceptions import ConnectionError as Gone


class _Wary(Connection):
    async def read_response(
        self,
        disable_decoding: bool = False,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's name
        **options: Any,
    ) -> Any:
        """As the library's. Raises ConnectionError when "nothing" came before its time."""
        now = asyncio.get_running_loop().time
        began = now()
        response = await super().read_response(disable_decoding, timeout, **options)
        if response is None and timeout and now() - began < timeout / 2:
            await self.disconnect(nowait=True)
            raise Gone("the socket has ended")
        return response


class WaryConnection(_Wary):
    """Over TCP."""


class WaryTlsConnection(_Wary, SSLConnection):
    """Over TLS."""


def bus_at(url: str) -> dict[str, Any]:
    """The address of the bus as the Channels layer takes it: what its connections are made with."""
    options = dict(parse_url(url))
    is_tls = options.get("connection_class") is SSLConnection
    if is_tls or "connection_class" not in options:
        options["connection_class"] = WaryTlsConnection if is_tls else WaryConnection
    return options
