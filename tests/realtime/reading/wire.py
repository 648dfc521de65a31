"""A real server in this process and real sockets to it, for the tests of the reading side.

The server is uvicorn with the portal's own application: relay, bus, hub and authority are those of
the product. Events are put into the inbox as a trigger would, so that a test chooses topics and
columns; changes of rights are made through the models.
"""

import asyncio
import contextlib
import itertools
import json
import socket
import struct
import threading
import time
import uuid
from contextlib import contextmanager
from urllib.parse import urlencode

import uvicorn
from django.conf import settings
from django.db import connections
from psycopg.types.json import Jsonb
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from portal.serving.requests import RequestConnection
from portal.serving.web_socket import WebSocketConnection
from tests.waiting import PATIENCE_SECONDS, wait_until

PAGE = "realtime:page"


class Server:
    """uvicorn with an ASGI application, on a thread and an event loop of its own."""

    def __init__(self, app, **options):
        config = uvicorn.Config(
            app,
            host="127.0.0.1",
            port=0,
            http=RequestConnection,
            ws=WebSocketConnection,
            lifespan="on",
            log_level="warning",
            ws_per_message_deflate=False,
            **options,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="server")
        self.loop = None

    def _run(self):
        async def serve():
            self.loop = asyncio.get_running_loop()
            await self._server.serve()

        with asyncio.Runner(loop_factory=self._server.config.get_loop_factory()) as runner:
            runner.run(serve())

    def start(self, wait):
        self._thread.start()
        wait_until(lambda: self._server.started or not self._thread.is_alive())
        assert self._server.started
        if wait:
            wait_until(self.hub.is_ready.is_set)
        return self

    def stop(self):
        self._server.should_exit = True
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()

    @property
    def port(self):
        return self._server.servers[0].sockets[0].getsockname()[1]

    @property
    def hub(self):
        from realtime import process

        return process._hub

    def run(self, coroutine):
        """Run something on the server's event loop and return what it answers."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE_SECONDS)

    def call(self, function, *args):
        """Call something on the server's event loop."""

        async def work():
            return function(*args)

        return self.run(work())


class Wire:
    """One socket, speaking 2.0.0 unless told otherwise."""

    def __init__(self, server, cookie=None, *, vsn="2.0.0", origin=True, path=None, **query):
        self.vsn = vsn
        self._refs = itertools.count(1)
        host = f"127.0.0.1:{server.port}"
        path = path or "/realtime/v1/websocket"
        headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}"} if cookie else {}
        self.socket = connect(
            f"ws://{host}{path}?{urlencode({'vsn': vsn, **query})}",
            origin=f"http://{host}" if origin is True else origin,
            additional_headers=headers,
            compression=None,
            max_size=None,
            ping_interval=None,
            close_timeout=1,
        )
        self.seen = []

    def send(self, topic, event, payload, *, ref=None, join_ref=None):
        ref = ref or str(next(self._refs))
        if self.vsn == "1.0.0":
            frame = {
                "topic": topic,
                "event": event,
                "payload": payload,
                "ref": ref,
                "join_ref": join_ref,
            }
        else:
            frame = [join_ref, ref, topic, event, payload]
        self.socket.send(json.dumps(frame))
        return ref

    def receive(self, seconds=PATIENCE_SECONDS):
        """The next frame, as [join_ref, ref, topic, event, payload]."""
        frame = json.loads(self.socket.recv(timeout=seconds))
        if isinstance(frame, dict):
            assert set(frame) == {"topic", "event", "payload", "ref"}
            frame = [None, frame["ref"], frame["topic"], frame["event"], frame["payload"]]
        self.seen.append(frame)
        return frame

    def until(self, condition, seconds=PATIENCE_SECONDS):
        """Frames up to and with the first that meets the condition."""
        deadline = time.monotonic() + seconds
        frames = []
        while True:
            frames.append(self.receive(max(0.01, deadline - time.monotonic())))
            if condition(frames[-1]):
                return frames

    def join(self, *bindings, topic=PAGE, expect="ok", **config):
        """Join and wait until the channel is live; returns the reply's payload."""
        requests = [{"event": "*", "schema": "public", **each} for each in bindings]
        payload = {"config": {"postgres_changes": requests, **config}}
        ref = str(next(self._refs))
        self.send(topic, "phx_join", payload, ref=ref, join_ref=ref)
        reply = self.until(lambda frame: frame[3] == "phx_reply" and frame[1] == ref)[-1][4]
        assert reply["status"] == expect, reply
        return reply["response"]

    def live(self, *bindings, **config):
        """Join, and wait until what was missed has been told; returns those frames."""
        self.join(*bindings, **config)
        return self.until(lambda frame: is_system(frame, "position"))

    def changes(self, count=1, seconds=PATIENCE_SECONDS):
        """The next `count` changes: their `data`."""
        found = []
        while len(found) < count:
            frame = self.receive(seconds)
            if frame[3] == "postgres_changes":
                found.append(frame[4]["data"])
        return found

    def heartbeat(self):
        """Everything that was sent before the answer to a heartbeat, and the answer."""
        ref = self.send("phoenix", "heartbeat", {})
        return self.until(lambda frame: frame[2] == "phoenix" and frame[1] == ref)

    def up_to_date(self):
        """Frames up to and with a heartbeat's answer that tells a position.

        A hub that had no sockets looks at its log seldom, and tells none until it has looked anew.
        """
        frames = []
        wait_until(lambda: frames.extend(self.heartbeat()) or "position" in reply_of(frames[-1]))
        return frames

    def closed(self, seconds=PATIENCE_SECONDS):
        """Wait for the end and return its (code, reason)."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.receive(max(0.01, deadline - time.monotonic()))
            except ConnectionClosed as closed:
                # Cut off without a word counts as 1006, as in a browser.
                return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")

    def close(self):
        with contextlib.suppress(Exception):
            self.socket.close()


class Deaf:
    """A socket that joins, and from then on reads nothing: its receive buffer fills and stays."""

    def __init__(self, server, cookie, payload, seconds=None):
        self.socket = socket.socket()
        self.socket.settimeout(seconds)
        try:
            self._join(server, cookie, payload)
        except BaseException:
            self.socket.close()
            raise

    def _join(self, server, cookie, payload):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self.socket.connect(("127.0.0.1", server.port))
        host = f"127.0.0.1:{server.port}"
        self.socket.sendall(
            "GET /realtime/v1/websocket?vsn=2.0.0 HTTP/1.1\r\n"
            f"Host: {host}\r\nOrigin: http://{host}\r\n"
            f"Cookie: {settings.SESSION_COOKIE_NAME}={cookie}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
            "\r\n".encode()
        )
        assert b" 101 " in self.socket.recv(1_024)
        text = json.dumps(["1", "1", PAGE, "phx_join", payload]).encode()
        assert 126 <= len(text) < 65_536
        # A client's frame: final, text, masked with zeros.
        self.socket.sendall(struct.pack("!BBH4x", 0x81, 0x80 | 126, len(text)) + text)

    def close(self):
        self.socket.close()


def lift_limits(connection):
    """Let a socket ask as often as it likes."""
    frames = connection.line._protocol._frames_allowed
    for bucket in (connection.joins, connection.messages, frames):
        bucket.rate = bucket.burst = 1e9


def is_system(frame, extension):
    return frame[3] == "system" and frame[4]["extension"] == extension


def reply_of(frame):
    """What a reply answers."""
    return frame[4]["response"]


def number(cursor):
    """The position within the log."""
    return int(cursor.rpartition(":")[2])


def ids(changes):
    """The `id` of each change's row."""
    return [(each.get("record") or each["old_record"])["id"] for each in changes]


def changed_ids(page):
    """The `id` of each row whose change a page has heard of, in order."""
    return ids([frame[4]["data"] for frame in page.seen if frame[3] == "postgres_changes"])


class Inbox:
    """Writes events as a trigger would."""

    def __init__(self, connection):
        self._connection = connection

    def put(self, topics, *, table="vital_signs", organization=None, operation="INSERT", **record):
        """One committed change; returns the id of its row."""
        record = {"id": str(uuid.uuid4()), **record}
        values = {"record": Jsonb(record), "old_record": None}
        if operation == "DELETE":
            values = {"record": None, "old_record": Jsonb(record)}
        elif operation == "UPDATE":
            values = {"record": Jsonb(record), "old_record": Jsonb(record)}
        self._connection.execute(
            "INSERT INTO realtime_inbox"
            " (organization_id, kind, topics, table_name, row_id, operation, record, old_record)"
            " VALUES (%s, 'change', %s, %s, %s, %s, %s, %s)",
            [organization, topics, table, record["id"], operation, *values.values()],
        )
        return record["id"]

    def resync(self, table, organization=None):
        """An order to read a table again."""
        self._connection.execute(
            "INSERT INTO realtime_inbox (organization_id, kind, topics, table_name, operation)"
            " VALUES (%s, 'resync', '{}', %s, 'RESYNC')",
            [organization, table],
        )

    def head(self):
        """Where the log stands once the inbox is empty: a cursor."""
        wait_until(lambda: not self._one("SELECT count(*) AS n FROM realtime_inbox")["n"])
        row = self._one("SELECT log_epoch, last_seq FROM realtime_relay")
        return f"{row['log_epoch']}:{row['last_seq']}"

    def _one(self, query):
        return self._connection.execute(query).fetchone()


@contextmanager
def served(wait=True, **options):
    """A server of sockets for the length of a block, with everything behind them."""
    from channels.routing import ProtocolTypeRouter

    from realtime.lifespan import Lifespan
    from realtime.routing import websocket_application

    app = ProtocolTypeRouter({"websocket": websocket_application, "lifespan": Lifespan()})
    server = Server(app, **options)
    try:
        yield server.start(wait)
    finally:
        server.stop()


async def in_a_thread(function):
    """Run something that uses the database beside the server, leaving no connection behind."""

    def work():
        try:
            function()
        finally:
            connections.close_all()

    await asyncio.to_thread(work)
