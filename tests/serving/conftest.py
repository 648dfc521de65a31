"""A server with our connections and an application of a few lines behind them."""

import asyncio
import socket
from types import SimpleNamespace

import pytest

from tests.realtime.reading.wire import Server
from tests.waiting import PATIENCE_SECONDS


class Application:
    """Echoes: a request's body, and a socket's messages. Waits for `lets_go` when told to."""

    def __init__(self):
        self.waits = False
        self.lets_go = None
        self.heard = []

    async def __call__(self, scope, receive, send):
        await getattr(self, scope["type"])(scope, receive, send)

    async def lifespan(self, scope, receive, send):
        self.lets_go = asyncio.Event()
        for said in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{said}.complete"})

    async def http(self, scope, receive, send):
        body, is_more = b"", True
        while is_more:
            message = await receive()
            body += message.get("body", b"")
            is_more = message.get("more_body", False)
        if self.waits:
            await self.lets_go.wait()
        answer = b"x" * 50_000_000 if scope["path"] == "/long" else b"%d bytes" % len(body)
        length = (b"content-length", b"%d" % len(answer))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": answer})

    async def websocket(self, scope, receive, send):
        await receive()
        if self.waits:
            await self.lets_go.wait()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            self.heard.append(message)
            await send({"type": "websocket.send", "text": message["text"]})
        self.heard.append(message)


@pytest.fixture
def served():
    """The application, how to reach it, and the connections that its server knows of."""
    app = Application()
    server = Server(app).start(wait=False)
    sockets = []

    def dial():
        sockets.append(socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS))
        return sockets[-1]

    yield SimpleNamespace(
        app=app,
        dial=dial,
        port=server.port,
        connections=lambda: len(server._server.server_state.connections),
        let_go=lambda: server.loop.call_soon_threadsafe(app.lets_go.set),
    )
    for each in sockets:
        each.close()
    server.loop.call_soon_threadsafe(app.lets_go.set)
    server.stop()


@pytest.fixture
def read_to_end():
    """All that the server still says, until it hangs up; fails when it does not."""

    def read(line):
        said = b""
        try:
            while part := line.recv(65_536):
                said += part
        except ConnectionResetError:
            pass
        return said

    return read
