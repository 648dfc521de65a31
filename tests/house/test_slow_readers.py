"""Who does not read what they asked for keeps nothing from anybody: over a real server."""

import fcntl
import socket
import sys
import termios
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from portal.serving.requests import MOST_WAITING
from tests.browser.server import HOST, Server
from tests.faults.clients import NOBODY
from tests.waiting import wait_until

POOL = 2
GET = b"GET /sign-in/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
# Of answers more than any buffer between the server and a reader takes.
MANY = 10_000
FULL_SECONDS = 2


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
    for _ in range(MANY):
        before = on_its_way(line, port)
        line.sendall(GET)
        try:
            wait_until(lambda before=before: on_its_way(line, port) > before, FULL_SECONDS)
        except AssertionError:
            # The system takes no more; with these the server has an answer that it cannot send.
            line.sendall(GET * MOST_WAITING)
            return
    pytest.fail("The server sent them all.")


def on_its_way(line, port):
    """Bytes that the system keeps for a reader, at either end."""
    arrived = int.from_bytes(fcntl.ioctl(line, termios.FIONREAD, bytes(4)), sys.byteorder)
    ends = (f":{port:04X}", f":{line.getsockname()[1]:04X}")
    for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, near, far, _, queues, *_ = row.split()
        if near.endswith(ends[0]) and far.endswith(ends[1]):
            arrived += int(queues.partition(":")[0], 16)
    return arrived


def test_answers_that_nobody_reads_hold_no_connection(server):
    with ExitStack() as lines:
        for _ in range(2 * POOL):
            ask_and_not_read(lines.enter_context(socket.socket()), server.port)
        with httpx.Client(base_url=server.url, verify=NOBODY, timeout=30) as line:
            assert [line.get("/sign-in/").status_code for _ in range(3)] == [200, 200, 200]
    assert "Traceback" not in server.last_words()
