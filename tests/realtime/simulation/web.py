"""One web process of a world: a hub, its bus, its way to the database, and who reaches it."""

import asyncio
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import httpx
from django.db import OperationalError

from realtime import bindings, cursor, polling
from realtime.bus import LayerBus
from realtime.consumer import consumer
from realtime.errors import SignedOut
from realtime.hub import Hub
from realtime.limits import Limits
from realtime.ring import Ring
from tests.faults import clients
from tests.realtime.simulation.database import Authority, ManyAtOnce, Way
from tests.realtime.simulation.edges import HERE
from tests.realtime.simulation.layer import Layer
from tests.realtime.simulation.pages import TABLES
from tests.realtime.simulation.sockets import Socket

if TYPE_CHECKING:
    from tests.realtime.simulation.world import World

LIMITS = Limits(
    sockets_per_session=1_000,
    sockets_per_user=1_000,
    handshakes_per_second=1_000,
    user_handshakes_burst=1_000,
    joins_burst=1_000,
    messages_burst=10_000,
    unsent_bytes=8_000,
    unread_seconds=3.0,
    idle_seconds=20.0,
    position_seconds=2.0,
)


class Web:
    """One web process: a hub, its bus, its way to the database."""

    def __init__(self, world: "World", port: int) -> None:
        self.port, self._world = port, world
        self.way = Way(world.truth, world.dice, world.pace, world.passed)
        kind = ManyAtOnce if world.plan.answers_many else Authority
        self.authority = kind(self.way, world.plan.has_policies)
        self.layer = Layer(world.exchange, f"web{port}")
        self.is_up = False
        # A day ahead, or behind: what time it is, is the database's business.
        self.clock_is_off = 86_400.0 if port % 2 else -86_400.0
        self._served: list[Socket] = []
        self._context = copy_context()
        self._context.run(HERE.set, self)  # type: ignore[arg-type]

    def start(self) -> None:
        """Begin to serve."""
        self.run(self._start(), "start")

    async def _start(self) -> None:
        self.hub = Hub(authority=self.authority, bus=LayerBus(), limits=LIMITS)
        self.hub.core.ring = Ring(size=self._world.plan.ring)
        await self.hub.start()
        self.is_up = True

    async def stop(self) -> None:
        """End as the server does on SIGTERM."""
        self.is_up = False
        self._world.say(f"web {self.port} ends")
        await self.hub.stop()
        await self.hub.bus.close()
        for socket in list(self._served):
            socket.break_off()  # as the system does when a process ends
        await asyncio.sleep(5)  # who was held in the handshake notices now
        hub = self.hub
        left = (len(hub.connections), hub.sockets.total, len(hub.core.readers))
        if left != (0, 0, 0):
            self._world.complain(f"web {self.port} keeps sockets, places or readers: {left}")

    def run(self, work: Any, name: str) -> asyncio.Task[Any]:
        """Have a coroutine run in this process."""
        return self._world.loop.create_task(work, name=name, context=self._context.copy())

    def serve(self, socket: Socket, cookie: str) -> None:
        """Serve a socket, on one kind of line or the other."""
        self._served.append(socket)
        is_uvicorn = self._world.dice.random() < 0.5
        scope = {
            "type": "websocket",
            "scheme": "ws",
            "path": "/realtime/v1/websocket",
            "query_string": b"vsn=2.0.0",
            "headers": [
                (b"host", b"127.0.0.1"),
                (b"origin", b"http://127.0.0.1"),
                (b"cookie", cookie.encode()),
            ],
            "extensions": {"websocket.http.response": {}},
        }

        async def bare(message: dict[str, Any]) -> None:
            await socket.send(message)

        self.run(self._serve(scope, socket, socket.send if is_uvicorn else bare), "consumer")

    async def _serve(self, scope: dict[str, Any], socket: Socket, send: Any) -> None:
        try:
            await consumer(scope, socket.receive, send)
        except OSError:
            # The peer left in the middle of the handshake; servers take that.
            pass
        finally:
            socket.finish()
            self._served.remove(socket)

    async def poll(self, session: str, since: str) -> dict[str, Any] | None:
        """What the view of polling answers; None when it says 401. Raises httpx.HTTPError."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(None, self._poll, session, since)
        except SignedOut:
            return None
        except OperationalError as error:
            raise httpx.RemoteProtocolError("500") from error

    def _poll(self, session: str, since: str) -> dict[str, Any]:
        HERE.set(self)
        identity = self.authority.identify(
            {"headers": [(b"cookie", b"session=" + session.encode())]}
        )
        if identity is None:
            raise SignedOut
        asked = bindings.parse([clients.BINDING], TABLES)
        return polling._answer(identity, asked, cursor.parse(since), LIMITS.polled_positions)
