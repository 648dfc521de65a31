"""Who is measured: the portal, and what somebody would take instead, behind one interface.

Each serves sockets that listen to a topic of their own (`each`) or to one they share (`all_of`),
and each is told of changes by rows that are inserted.
"""

import json
import os
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import psycopg
from django.apps import apps
from django.db import models

from benchmarks.ear import Seat, stamp
from benchmarks.population import Visitor
from benchmarks.servers import Server, cpu_of, free_port, uvicorn, vigil
from benchmarks.stage import PADDING, Stage
from benchmarks.writing import Insert

HEARTBEAT = '[null,"h","phoenix","heartbeat",{}]'
EACH, SHARED = "medications", "rooms"


def medication(organization_id: str) -> models.Model:
    """A row of `medications`, told on the topic of its patient."""
    return apps.get_model("care", "Medication")(
        organization_id=organization_id,
        code="1191",
        code_system="rxnorm",
        display="Aspirin 81 mg",
        status="active",
        dosage="1 tablet each morning",
    )


def room(organization_id: str) -> models.Model:
    """A row of `rooms`, told to everybody of the clinic."""
    return apps.get_model("appointments", "Room")(organization_id=organization_id)


class Contestant(ABC):
    """What all have in common: server processes on one core, and a connection that writes."""

    name: str
    url: str

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.servers: list[Server] = []
        self.beside: list[Any] = []
        self._opened: psycopg.Connection[Any] | None = None

    @abstractmethod
    def start(self, core: int | None = None) -> None:
        """Start the servers, bound to a core."""

    def begin(self) -> None:
        """Open the connection that writes."""
        self._opened = psycopg.connect(self.url, autocommit=True)

    @property
    def _connection(self) -> psycopg.Connection[Any]:
        assert self._opened is not None
        return self._opened

    def stop(self) -> None:
        """End them."""
        for server in self.servers:
            server.stop()
        self.servers = []
        if self._opened is not None:
            self._opened.close()

    def cpu(self) -> float:
        """Seconds of processor used by all that serves, the bus too; not PostgreSQL."""
        return sum(each.cpu() for each in self.servers) + sum(cpu_of(each) for each in self.beside)

    @abstractmethod
    def each(self, count: int) -> list[Seat]:
        """Sockets that each listen to a topic of their own."""

    @abstractmethod
    def all_of(self, count: int) -> list[Seat]:
        """Sockets that listen to the topic that all share."""

    @abstractmethod
    def change_each(self, numbers: Sequence[int]) -> None:
        """One INSERT of a change for each of these topics."""

    @abstractmethod
    def change_all(self, count: int = 1) -> None:
        """One INSERT of changes to the topic that all share."""


class Portal(Contestant):
    """Ours: the whole application under uvicorn, the relay in it."""

    name = "Vigil"

    def __init__(self, stage: Stage, visitors: list[Visitor]) -> None:
        super().__init__(stage)
        self.url = stage.portal.owner
        self.visitors = visitors
        self._rooms: dict[str, Insert] = {}
        self._medications: dict[str, Insert] = {}

    def start(self, core: int | None = None) -> None:
        self.servers = [self.serve(core)]
        self.begin()

    def serve(self, core: int | None = None, **environment: str) -> Server:
        """One more web process."""
        port = free_port()
        return Server(
            vigil(port),
            self.stage.folder / "web.log",
            port=port,
            environment=environment,
            core=core,
            ready_path="/readyz",
        )

    def each(self, count: int) -> list[Seat]:
        return [self.seat(visitor, EACH) for visitor in self.visitors[:count]]

    def all_of(self, count: int) -> list[Seat]:
        return [self.seat(visitor, SHARED) for visitor in self.visitors[:count]]

    def seat(
        self, visitor: Visitor, table: str, *, since: str = "", again: str = "", first: int = 0
    ) -> Seat:
        """The open page of a visitor, which listens to one table; `first` is the web process."""
        servers = self.servers[first:] + self.servers[:first]
        return Seat(
            ports=tuple(server.port for server in servers),
            path=f"/realtime/v1/websocket?vsn=2.0.0&organization={visitor.organization_id}",
            headers=f"Cookie: {visitor.cookie}\r\n",
            hello=_join(table, since),
            hello_again=_join(table, again),
            ready=b'"phx_reply",{"status":"ok"',
            heartbeat=HEARTBEAT,
        )

    def change_each(self, numbers: Sequence[int]) -> None:
        of = [self.visitors[number] for number in numbers]
        self.change_patients(of[0].organization_id, [str(each.patient_id) for each in of])

    def change_all(self, count: int = 1) -> None:
        self.change_all_of(self.visitors[0].organization_id, count)

    def change_all_of(self, organization_id: str, count: int = 1) -> None:
        """As `change_all`, in a clinic that is not the first."""
        if organization_id not in self._rooms:
            columns = {"id": "uuid", "name": "text"}
            self._rooms[organization_id] = Insert(room(organization_id), columns)
        ids = [stamp() for _ in range(count)]
        self._rooms[organization_id].run(self._connection, ids, [str(each) for each in ids])

    def change_patients(self, organization_id: str, patients: Sequence[str]) -> None:
        """One INSERT of a change for each of these patients."""
        if organization_id not in self._medications:
            columns = {"id": "uuid", "patient_id": "uuid"}
            self._medications[organization_id] = Insert(medication(organization_id), columns)
        ids = [stamp() for _ in patients]
        self._medications[organization_id].run(self._connection, ids, list(patients))

    def position(self) -> str:
        """Where the log stands, as a cursor."""
        row = self._connection.execute("SELECT epoch, last_seq FROM realtime_position()").fetchone()
        return "{}:{}".format(*row or ("", 0))


def _join(table: str, since: str) -> str:
    binding = {"event": "INSERT", "schema": "public", "table": table}
    if since:
        binding["since"] = since
    config = {"postgres_changes": [binding]}
    return json.dumps(["1", "1", "realtime:page", "phx_join", {"config": config}])


class Peer(Contestant):
    """Somebody else: rows of a plain table, a NOTIFY for each, no rights and no history."""

    hello = ""
    ready = b""
    path = "/{topic}"
    marker = b'"id": "'

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.url = stage.peers.superuser

    def start(self, core: int | None = None) -> None:
        port = free_port()
        self.servers = [
            Server(
                self.command(port),
                self.stage.folder / "peers.log",
                port=port,
                environment={
                    "PEERS_URL": self.stage.peers.superuser,
                    "PEER": self.name,
                    "REDIS_URL": self.stage.valkey.url,
                    **self.environment(),
                },
                core=core,
            )
        ]
        self.begin()

    @abstractmethod
    def command(self, port: int) -> list[str]:
        """What starts its server."""

    def environment(self) -> dict[str, str]:
        return {}

    def each(self, count: int) -> list[Seat]:
        return [self._seat(f"t{number}") for number in range(count)]

    def all_of(self, count: int) -> list[Seat]:
        return [self._seat("all")] * count

    def _seat(self, topic: str) -> Seat:
        ports = (self.servers[0].port,)
        path = self.path.format(topic=topic)
        return Seat(ports, path, hello=self.hello, ready=self.ready, marker=self.marker)

    def change_each(self, numbers: Sequence[int]) -> None:
        self._change([f"t{number}" for number in numbers])

    def change_all(self, count: int = 1) -> None:
        self._change(["all"] * count)

    def _change(self, topics: list[str]) -> None:
        self._connection.execute(
            "INSERT INTO changes (id, peer, topic, body) SELECT row.id, %s, row.topic, %s"
            " FROM unnest(%s::uuid[], %s::text[]) AS row (id, topic)",
            [self.name, PADDING, [stamp() for _ in topics], topics],
            prepare=True,
        )


class Floor(Peer):
    """The least that Python can do."""

    name = "floor"

    def command(self, port: int) -> list[str]:
        return [sys.executable, "-m", "benchmarks.peers.floor", str(port)]


class Channels(Peer):
    """A consumer for each socket and one `group_send` for each change."""

    def __init__(self, stage: Stage, server: str, layer: str) -> None:
        super().__init__(stage)
        self.server = server
        self.layer = layer
        self.name = f"Channels {server} {layer}"

    def start(self, core: int | None = None) -> None:
        super().start(core)
        self.beside = [] if self.layer == "memory" else [self.stage.valkey_process(core)]

    def command(self, port: int) -> list[str]:
        application = "benchmarks.peers.channels_app:application"
        if self.server == "uvicorn":
            return uvicorn(application, port, lifespan=False)
        return [
            *[sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port)],
            *["-v", "0", application],
        ]

    def environment(self) -> dict[str, str]:
        return {"LAYER": self.layer}


class Node(Peer):
    """A server in JavaScript, by the name of its file."""

    def __init__(self, stage: Stage, name: str, file: str) -> None:
        super().__init__(stage)
        self.name = name
        self.file = file
        if file == "socketio.js":
            # Engine.IO greets first; "40" opens the namespace, which is answered with its own.
            self.path, self.hello, self.ready = (
                "/socket.io/?EIO=4&transport=websocket&topic={topic}",
                "40",
                b'40{"sid"',
            )
            self.marker = b'"id":"'

    def command(self, port: int) -> list[str]:
        return [str(shutil.which("node")), str(self.stage.node_folder / self.file), str(port)]

    def environment(self) -> dict[str, str]:
        return {"NODE_ENV": "production", "PATH": os.environ["PATH"]}
