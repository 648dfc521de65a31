"""WebSockets that send what no page sends: frames without end, none that anybody understands."""

import pytest
from websockets.sync.client import connect

from realtime.limits import Limits
from tests.waiting import wait_until

HANDSHAKE = {
    b"Host": b"test",
    b"Connection": b"Upgrade",
    b"Upgrade": b"websocket",
    b"Sec-WebSocket-Version": b"13",
    b"Sec-WebSocket-Key": b"AAAAAAAAAAAAAAAAAAAAAA==",
}
MASK = b"\0\0\0\0"
PING, PONG, PIECE = (bytes([first, 0x80]) + MASK for first in (0x89, 0x8A, 0x00))
NOT_FINAL = b"\x01\x80" + MASK


def request(headers=HANDSHAKE, path=b"/"):
    lines = [b"GET %s HTTP/1.1" % path, *(b"%s: %s" % each for each in headers.items())]
    return b"\r\n".join(lines) + b"\r\n\r\n"


@pytest.fixture
def errors(caplog):
    return lambda: [each for each in caplog.records if each.levelname in ("ERROR", "CRITICAL")]


def opened(served):
    line = served.dial()
    line.sendall(request())
    said = b""
    while not said.endswith(b"\r\n\r\n"):
        said += line.recv(1)
    assert said.startswith(b"HTTP/1.1 101")
    return line


def flood(line, data):
    try:
        for _ in range(32):
            line.sendall(data)
    except OSError:
        pass


@pytest.mark.parametrize(
    "frames", [PING, PONG, NOT_FINAL + PIECE * 40_000], ids=["pings", "pongs", "pieces"]
)
def test_a_flood_of_frames_is_the_end_of_the_socket(served, frames, errors):
    line = opened(served)
    flood(line, (frames * (240_000 // len(frames) + 1))[:240_000])
    wait_until(lambda: served.app.heard)
    (end,) = served.app.heard
    assert (end["type"], end["code"]) == ("websocket.disconnect", 4429)
    wait_until(lambda: served.connections() == 0)
    assert errors() == []


def test_no_more_pings_are_answered_than_may_come(served, read_to_end):
    line = opened(served)
    most = Limits.configured().frames_burst
    line.sendall(PING * 10_000)
    said = read_to_end(line)
    # The library answers those of one piece before anybody counts them.
    assert most <= said.count(b"\x8a\x00") < most + 800
    assert b"too many frames" in said


def test_who_sends_what_a_page_sends_stays(served):
    with connect(f"ws://127.0.0.1:{served.port}/") as socket:
        for number in range(100):
            socket.ping()
            socket.send(str(number))
            assert socket.recv() == str(number)
        socket.send("a" * 15_000)
        assert len(socket.recv()) == 15_000


def test_who_speaks_before_the_answer_is_not_heard(served, read_to_end):
    served.app.waits = True
    line = served.dial()
    line.sendall(request())
    wait_until(lambda: served.connections() == 1)
    line.sendall(PING)
    assert read_to_end(line) == b""
    wait_until(lambda: served.connections() == 0)


def test_a_message_that_is_no_text_is_the_end(served, read_to_end, errors):
    line = opened(served)
    line.sendall(b"\x81\x81" + MASK + b"\xff")
    assert read_to_end(line)[:4] == b"\x88\x02\x03\xef"  # 1007
    assert errors() == []


ODD = [
    {**HANDSHAKE, b"Connection": b"Upgrade, \xff"},
    *(
        {**HANDSHAKE, b"Sec-WebSocket-%s" % name: b"\xff"}
        for name in (b"Key", b"Version", b"Protocol", b"Extensions")
    ),
    {**HANDSHAKE, b"Origin": b"\xff"},
    {**HANDSHAKE, b"Host": b"\xff"},
]
LONG = {**HANDSHAKE, b"Cookie": b"a" * 20_000}
MANY = {**HANDSHAKE, **{b"a%d" % number: b"" for number in range(90)}}


@pytest.mark.parametrize(
    ("headers", "path"), [*((each, b"/") for each in (*ODD, LONG)), (HANDSHAKE, b"/\xff")]
)
def test_a_handshake_that_nobody_understands_is_refused(served, read_to_end, errors, headers, path):
    line = served.dial()
    line.sendall(request(headers, path))
    assert read_to_end(line).startswith(b"HTTP/1.1 4")
    wait_until(lambda: served.connections() == 0)
    assert errors() == []


def test_bytes_that_are_no_text_in_another_header_are_no_matter(served):
    line = served.dial()
    line.sendall(request({**MANY, b"Cookie": b"name=\xff"}))
    assert line.recv(100).startswith(b"HTTP/1.1 101")
