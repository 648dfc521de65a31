"""Who does not read what they asked for keeps nothing from anybody: over a real server."""

import socket
from contextlib import ExitStack, suppress

import httpx
import pytest

from tests.browser.server import HOST, Server
from tests.faults.clients import NOBODY

POOL = 2
GET = b"GET /sign-in/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
# Of answers more than any buffer between the server and a reader takes.
MANY = 1_000_000
FULL_SECONDS = 3


@pytest.fixture
def server(tmp_path, committed):
    server = Server(tmp_path / "web.log", pool=POOL)
    server.start()
    yield server
    server.stop()


def ask_and_not_read(line, port):
    """Ask for so many pages over a line that the server waits for its reader."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    line.connect((HOST, port))
    line.settimeout(FULL_SECONDS)
    # When it takes no more requests, it has an answer that it cannot send.
    with suppress(TimeoutError):
        line.sendall(GET * MANY)
        pytest.fail("The server took them all.")


def test_answers_that_nobody_reads_hold_no_connection(server):
    with ExitStack() as lines:
        for _ in range(2 * POOL):
            ask_and_not_read(lines.enter_context(socket.socket()), server.port)
        with httpx.Client(base_url=server.url, verify=NOBODY, timeout=30) as line:
            assert [line.get("/sign-in/").status_code for _ in range(3)] == [200, 200, 200]
    assert "Traceback" not in server.last_words()
