"""The engine on the test's own event loop, and sockets to it without a network.

A near socket is the consumer's ASGI application called directly: everything behind it is the
product's own (hub, authority, relay, PostgreSQL), and a thousand of them cost a second.
"""

import asyncio
import itertools
import json
import time
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from urllib.parse import urlencode

import psycopg
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import connections
from django.test import RequestFactory
from django.utils import timezone

from portal.middleware.sessions import IDLE_KEY
from portal.models import Session
from portal.sessions import ORGANIZATION_KEY, SessionStore, digest_of
from realtime import companions, polling, process, protocol
from realtime.bus import Bus
from realtime.consumer import consumer
from realtime.relay import Relay
from tests.cast import BACKEND
from tests.realtime.reading.wire import PAGE
from tests.waiting import pause_after

# Nobody waits longer for what has to come.
PATIENCE_SECONDS = 60.0


async def until(condition, seconds=PATIENCE_SECONDS):
    """Wait for a condition and return what it answered; fail when it does not come in time."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not (answer := condition()):
            await asyncio.sleep(pause_after(time.monotonic() - began))
    return answer


@asynccontextmanager
async def engine_here(engine_url):
    """Relay, bus and hub on this event loop, as one web process has them; yields the hub."""
    hub = await process.hub_of_this_process()
    relay = Relay()
    relaying = asyncio.create_task(relay.run())
    try:
        async with await psycopg.AsyncConnection.connect(engine_url, autocommit=True) as connection:
            # A database copied from a template is given a log of its own by its first leader.
            query = "SELECT log_epoch FROM realtime_relay WHERE log_epoch = realtime_log_epoch()"
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (row := await (await connection.execute(query)).fetchone()) is None:
                    await asyncio.sleep(0.01)
        await until(lambda: hub.is_ready.is_set() and hub.core.epoch == row[0])
        yield hub
    finally:
        relay.stop()
        threads = hub.threads
        await process.stop_hub_of_this_process()
        await asyncio.wait([relaying])
        await Bus.from_settings().close()
        # What a thread was in the middle of may still hold a connection.
        for pool in (threads._rights, threads._history):
            await asyncio.to_thread(pool.shutdown, wait=True)


@contextmanager
def pooled(monkeypatch, size=8):
    """Keep the application's connections, as production does: a new one costs more than a look.

    What runs beside a leading relay stays away: it has connections and threads of its own.
    """
    monkeypatch.setattr(companions, "_registered", {})
    options = connections.settings["default"]["OPTIONS"]
    connections["default"].close()
    del connections["default"]
    options["pool"] = {"min_size": 0, "max_size": size, "timeout": 5}
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"].close_pool()
        del connections["default"]
        del options["pool"]


def session_row(key, user, organization):
    """The row of a session that this cookie opens; not written yet."""
    data = {
        SESSION_KEY: str(user.pk),
        BACKEND_SESSION_KEY: BACKEND,
        HASH_SESSION_KEY: user.get_session_auth_hash(),
        ORGANIZATION_KEY: str(organization.pk),
        IDLE_KEY: 900,
    }
    return Session(
        digest=digest_of(key),
        session_data=SessionStore().encode(data),
        expire_date=timezone.now() + timedelta(hours=1),
        user=user,
        organization=organization,
    )


def header(cookie):
    """The headers of a browser that has this session cookie."""
    return [
        (b"host", b"testserver"),
        (b"origin", b"http://testserver"),
        (b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode()),
    ]


class NearSocket:
    """One socket, speaking 2.0.0. Frames that arrive are kept as they came."""

    def __init__(self, cookie, **query):
        self.scope = {
            "type": "websocket",
            "scheme": "ws",
            "path": "/realtime/v1/websocket",
            "query_string": urlencode({"vsn": "2.0.0", **query}).encode(),
            "headers": header(cookie),
            "extensions": {},
        }
        self._refs = itertools.count(1)
        self._in = asyncio.Queue()
        self._in.put_nowait({"type": "websocket.connect"})
        self.texts = []
        self.closed_with = None
        self.is_accepted = self.is_live = False
        self.serving = asyncio.get_running_loop().create_task(
            consumer(self.scope, self._in.get, self._send)
        )

    async def _send(self, message):
        if message["type"] == "websocket.send":
            text = message["text"]
            self.texts.append(text)
            # Said when the channel has told everything that was missed.
            self.is_live = self.is_live or protocol.SUBSCRIBED in text
            self.arrived(text)
        elif message["type"] == "websocket.accept":
            self.is_accepted = True
        elif self.closed_with is None:
            self.closed_with = message["code"]
            self.ended()
            self._in.put_nowait({"type": "websocket.disconnect", "code": message["code"]})

    def arrived(self, text):
        """Hook: a frame has come."""

    def ended(self):
        """Hook: the server said goodbye, or never let us in."""

    def join(self, *bindings, topic=PAGE):
        """Ask for a channel; the answer is among the frames."""
        ref = str(next(self._refs))
        requests = [{"event": "*", "schema": "public", **each} for each in bindings]
        frame = [ref, ref, topic, "phx_join", {"config": {"postgres_changes": requests}}]
        self._in.put_nowait({"type": "websocket.receive", "text": json.dumps(frame)})

    @property
    def frames(self):
        """What has come, as [join_ref, ref, topic, event, payload]."""
        return [json.loads(text) for text in self.texts]

    async def until(self, condition, seconds=PATIENCE_SECONDS):
        """Wait until a condition holds or the socket has ended. Raises TimeoutError."""
        await until(lambda: self.closed_with is not None or condition(), seconds)

    def changes(self):
        """The `data` of every change that came, in order."""
        return [
            frame[4]["data"]
            for frame in map(json.loads, (each for each in self.texts if "postgres_ch" in each))
            if frame[3] == "postgres_changes"
        ]

    async def close(self):
        """Go, as a browser does that is closed."""
        self._in.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await asyncio.wait_for(self.serving, PATIENCE_SECONDS)


def polled(cookie, cursor, *bindings):
    """(status, answer) of one poll; blocking. Closes what it opened on this thread."""
    body = {
        "cursor": cursor,
        "bindings": [{"event": "*", "schema": "public", **b} for b in bindings],
    }
    request = RequestFactory().post("/realtime/changes", body, content_type="application/json")
    request.META["HTTP_COOKIE"] = f"{settings.SESSION_COOKIE_NAME}={cookie}"
    request._dont_enforce_csrf_checks = True
    try:
        response = polling.changes(request)
    finally:
        connections.close_all()
    return response.status_code, json.loads(response.content)
