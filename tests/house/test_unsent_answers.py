"""An answer that cannot be sent costs nobody else anything: over a real server, with its pool."""

import asyncio

import httpx
import pytest
from django.core.signals import request_finished

from portal.asgi_handler import Handler
from tests.browser.server import Server
from tests.faults.clients import NOBODY

POOL = 2
GET = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/healthz",
    "raw_path": b"/healthz",
    "query_string": b"",
    "root_path": "",
    "headers": [(b"host", b"127.0.0.1")],
    "server": ("127.0.0.1", 80),
    "client": ("127.0.0.1", 50_000),
}


@pytest.mark.usefixtures("committed")
def test_wrong_methods_use_up_nothing(tmp_path):
    server = Server(tmp_path / "web.log", pool=POOL)
    server.start()
    try:
        with httpx.Client(base_url=server.url, verify=NOBODY, timeout=30) as line:
            for _ in range(3 * POOL):
                refused = line.get("/sign-out/")
                assert refused.status_code == 405
                assert int(refused.headers["Content-Length"]) == len(refused.content) > 0
            assert line.get("/sign-in/").status_code == 200
    finally:
        server.stop()
    assert "Traceback" not in server.last_words()


def test_a_request_ends_when_its_answer_is_refused():
    """By the server, or because a header cannot be written: what the request held goes back."""
    ended, asked = [], []

    def end(**_):
        ended.append(1)

    async def receive():
        if asked:
            # Whoever asked is still there.
            await asyncio.Event().wait()
        asked.append(1)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def refuse(message):
        raise RuntimeError("Response content longer than Content-Length")

    request_finished.connect(end)
    try:
        with pytest.raises(RuntimeError, match="longer"):
            asyncio.run(Handler()(GET, receive, refuse))
    finally:
        request_finished.disconnect(end)
    assert ended == [1]
