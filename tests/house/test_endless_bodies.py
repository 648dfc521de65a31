"""A body that does not end is not kept on the disk until it does."""

import asyncio

import httpx
import pytest
from django.conf import settings

from portal.asgi_handler import Handler
from tests.browser.server import Server
from tests.faults.clients import NOBODY

PIECE = b"x" * 65_536
POST = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "POST",
    "scheme": "http",
    "path": "/sign-in/",
    "raw_path": b"/sign-in/",
    "query_string": b"",
    "root_path": "",
    "server": ("127.0.0.1", 80),
    "client": ("127.0.0.1", 50_000),
}


@pytest.mark.parametrize("declared", [[], [(b"content-length", b"1099511627776")]])
def test_no_more_is_taken_in_than_a_body_may_have(declared):
    taken, said = [], []

    async def receive():
        taken.append(PIECE)
        assert len(taken) < 100, "It takes in whatever comes."
        return {"type": "http.request", "body": PIECE, "more_body": True}

    async def send(message):
        said.append(message)

    scope = POST | {"headers": [(b"host", b"127.0.0.1"), *declared]}
    asyncio.run(Handler()(scope, receive, send))

    assert said[0]["status"] == 413
    assert len(taken) * len(PIECE) <= settings.MAX_BODY_BYTES + len(PIECE)


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("address", ["/sign-in/", "/api/fhir/Observation", "/realtime/changes"])
def test_a_body_of_unsaid_length_is_refused_like_any_other(tmp_path, address):
    server = Server(tmp_path / "web.log")
    server.start()
    try:
        pieces = (PIECE for _ in range(2 * settings.MAX_BODY_BYTES // len(PIECE)))
        answer = httpx.post(f"{server.url}{address}", content=pieces, verify=NOBODY, timeout=30)
    finally:
        server.stop()
    assert answer.status_code == 413
    assert "Traceback" not in server.last_words()
