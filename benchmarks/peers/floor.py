"""The floor: the least that Python can do. LISTEN, and one prebuilt frame written to each socket.

No sign-in, no rights, no log, no replay, no protocol: what ours costs more is the price of those.
"""

import asyncio
import sys
from typing import Any

import uvloop

from benchmarks.ear import HOST
from benchmarks.peers.listening import listen

# RFC 6455 section 1.3: the answer to the key that the load client sends.
_ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
_SWITCH = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Accept: {_ACCEPT}\r\n\r\n"
).encode()

topics: dict[str, set[Any]] = {}


class Socket(asyncio.Protocol):
    """A socket that listens to the topic in its address."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.topic = ""

    def data_received(self, data: bytes) -> None:
        if not self.topic and data.startswith(b"GET /"):
            self.topic = data[5 : data.index(b" ", 5)].decode()
            topics.setdefault(self.topic, set()).add(self.transport)
            self.transport.write(_SWITCH)

    def connection_lost(self, error: Exception | None) -> None:
        topics.get(self.topic, set()).discard(self.transport)


def heard(topic: str, body: str) -> None:
    """Write the change to every socket of the topic."""
    data = body.encode()
    frame = bytes((0x81, 126)) + len(data).to_bytes(2) + data
    for transport in topics.get(topic, ()):
        transport.write(frame)


async def main() -> None:
    """Serve until ended."""
    loop = asyncio.get_running_loop()
    listening = listen(heard)
    server = await loop.create_server(Socket, HOST, int(sys.argv[1]), backlog=4096)
    try:
        await server.serve_forever()
    finally:
        listening.close()


if __name__ == "__main__":
    uvloop.run(main())
