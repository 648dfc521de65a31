"""Connections for requests that want to be kept, or to be remembered, without end."""

import pytest

from portal.serving import requests
from tests.waiting import wait_until

HOST = b"GET / HTTP/1.1\r\nHost: test\r\n"


def ask(line, body=b""):
    line.sendall(b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def answer(line, ending):
    said = b""
    while not said.endswith(ending):
        part = line.recv(65_536)
        assert part, said
        said += part
    return said


@pytest.fixture
def hurried(monkeypatch):
    """The same bounds, sooner."""
    monkeypatch.setattr(requests, "_LOOK_SECONDS", 0.05)
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "UNREAD_SECONDS"):
        monkeypatch.setattr(requests, name, 0.5)


def send_all(line, parts):
    """How many of the parts went out before the server hung up."""
    count = 0
    try:
        for each in parts:
            line.sendall(each)
            count += 1
    except OSError:
        pass
    return count


@pytest.mark.parametrize("start", [HOST + b"x: ", b"GET /", b"GET / HTTP/1.1\r\nx"])
def test_a_head_without_end_is_cut_off(served, start):
    line = served.dial()
    line.sendall(start)
    assert send_all(line, [b"a" * 10_000] * 10_000) < 10_000
    wait_until(lambda: served.connections() == 0)


@pytest.mark.parametrize("count", [99, 100, 50_000])
def test_so_many_headers_and_no_more(served, read_to_end, count):
    line = served.dial()
    # Host and Connection are two of them.
    headers = b"".join(b"a: b\r\n" for _ in range(count - 2))
    line.sendall(HOST + b"Connection: close\r\n" + headers + b"\r\n")
    expected = b"200" if count <= requests.MOST_HEADERS else b"400"
    assert read_to_end(line).split()[1] == expected


def test_a_large_head_at_once_is_refused(served, read_to_end):
    line = served.dial()
    line.sendall(HOST + b"cookie: " + b"a" * 70_000 + b"\r\n\r\n")
    assert read_to_end(line).split()[1] == b"400"


def test_large_bodies_one_after_the_other_are_read(served):
    line = served.dial()
    for _ in range(5):
        ask(line, b"a" * 200_000)
        assert b"200 OK" in answer(line, b"200000 bytes")


def test_large_bodies_that_come_after_their_heads_are_read(served):
    line = served.dial()
    for _ in range(5):
        line.sendall(
            b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 200000\r\nExpect: 100-continue\r\n\r\n"
        )
        answer(line, b"100 Continue\r\n\r\n")
        line.sendall(b"a" * 200_000)
        assert b"200 OK" in answer(line, b"200000 bytes")


def test_a_few_requests_ahead_are_answered_and_hundreds_are_not(served, read_to_end):
    line = served.dial()
    for size in range(4):
        ask(line, b"a" * size)
    said = answer(line, b"3 bytes")
    assert [b"%d bytes" % size in said for size in range(4)] == [True] * 4

    served.app.waits = True
    send_all(line, [HOST + b"\r\n"] * 500)
    assert b"400" in read_to_end(line)


def test_who_hangs_up_with_requests_ahead_leaves_nothing(served, caplog):
    for _ in range(20):
        line = served.dial()
        line.sendall((HOST + b"\r\n") * 6)
        line.close()
    wait_until(lambda: served.connections() == 0)
    assert [each for each in caplog.records if each.levelname in ("ERROR", "CRITICAL")] == []


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\r\n",
        HOST,
        b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nhalf",
        b"POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nha",
    ],
)
def test_who_does_not_finish_a_request_is_hung_up_on(hurried, served, read_to_end, said):
    line = served.dial()
    line.sendall(said)
    assert read_to_end(line) == b""


def test_who_does_not_read_is_hung_up_on(hurried, served):
    line = served.dial()
    line.sendall(b"GET /long HTTP/1.1\r\nHost: test\r\n\r\n")
    wait_until(lambda: served.connections() == 1)
    wait_until(lambda: served.connections() == 0)


def test_an_answer_may_take_long(hurried, served):
    served.app.waits = True
    patient, hasty = served.dial(), served.dial()
    ask(patient, b"abc")
    # When this one was hung up on, the other has waited as long.
    hasty.sendall(HOST)
    assert hasty.recv(1) == b""
    served.let_go()
    assert b"200 OK" in answer(patient, b"3 bytes")
