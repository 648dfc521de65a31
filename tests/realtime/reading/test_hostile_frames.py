"""Frames of strangers: none ends the socket of anyone else, and never the process."""

import contextlib
import json
import logging
import socket
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from tests.realtime.reading.wire import PAGE, Wire, lift_limits
from tests.waiting import wait_until

VITALS = {"event": "*", "schema": "public", "table": "vital_signs"}

ATOMS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from([PAGE, "phoenix", "phx_join", "phx_leave", "heartbeat", "realtime:", "*"])
)
JSON = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
BINDINGS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "event": JSON,
            "schema": st.sampled_from(["public", "*"]) | JSON,
            "table": st.sampled_from(["vital_signs", "goals", "*"]) | JSON,
            "filter": st.text(alphabet='code=eqinlk.(),"\\%_ 1a', max_size=30) | JSON,
            "select": JSON,
            "since": JSON,
        },
    )
    | JSON,
    max_size=4,
)
JOINS = st.builds(
    lambda ref, bindings, config: json.dumps(
        [ref, ref, PAGE, "phx_join", {"config": {"postgres_changes": bindings, **config}}]
    ),
    st.none() | st.text(max_size=4) | st.integers(),
    BINDINGS,
    st.dictionaries(
        st.sampled_from(["private", "organization", "epoch", "broadcast", "presence"]), JSON
    ),
)
FRAMES = st.one_of(
    st.text(max_size=200),
    st.binary(max_size=200),
    JSON.map(json.dumps),
    st.lists(JSON, min_size=5, max_size=6).map(json.dumps),
    st.tuples(ATOMS, ATOMS, ATOMS, ATOMS, JSON).map(json.dumps),
    JOINS,
    st.integers(1, 9_000).map(lambda depth: "[" * depth),
    st.integers(1, 2_000).map(lambda depth: '["1","1","a","phx_join",' + '{"a":' * depth),
    st.integers(1, 800).map(
        lambda depth: (
            f'["1","1","{PAGE}","phx_join",{{"config":{{"postgres_changes":'
            f'[{{"table":"vital_signs","x":{"[" * depth}{"]" * depth}}}]}}}}]'
        )
    ),
    st.binary(max_size=60).map(lambda rest: b"\x03" + rest),
)


# The server in this process throws dice of its own while the frames are drawn.
@pytest.mark.filterwarnings(
    "ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning"
)
def test_no_frame_ends_a_socket_or_the_process(server, cookie_of, ana, inbox, clinic, caplog):
    cookie = cookie_of(ana)
    calm = Wire(server, cookie)
    calm.live(VITALS)
    hub = server.hub
    sockets = []

    def strange():
        """A socket for strange frames, which is still the same one unless it was closed."""
        if not sockets or sockets[-1].socket.close_code is not None:
            sockets.append(Wire(server, cookie))
            wait_until(lambda: len(hub.connections) == 2)
        for connection in hub.connections:
            lift_limits(connection)
        return sockets[-1]

    @settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], database=None)
    @given(st.lists(FRAMES, min_size=1, max_size=5))
    def attack(frames):
        wire = strange()
        for frame in frames:
            with contextlib.suppress(UnicodeEncodeError):
                wire.socket.send(frame)
        answers = wire.heartbeat()
        assert answers[-1][4]["status"] == "ok"

    try:
        attack()
        assert len(sockets) == 1, "a strange frame closed its socket"
        told = inbox.put([f"patient:{ana.patient.pk}"], organization=clinic.pk)
        assert calm.changes()[0]["record"]["id"] == told
    finally:
        for each in (calm, *sockets):
            each.close()
    wrong = [
        each
        for each in caplog.records
        if each.name.startswith("realtime.")
        and each.levelno >= logging.ERROR
        # No frame reaches the relay; a busy machine may.
        and "No relay gives a sign of life" not in each.getMessage()
    ]
    assert not wrong, [each.getMessage() for each in wrong]


def raw(server, cookie, *, upgrade=True):
    """A TCP connection with its handshake behind it."""
    from django.conf import settings as configured

    connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    host = f"127.0.0.1:{server.port}"
    connection.sendall(
        "GET /realtime/v1/websocket?vsn=2.0.0 HTTP/1.1\r\n"
        f"Host: {host}\r\nOrigin: http://{host}\r\n"
        f"Cookie: {configured.SESSION_COOKIE_NAME}={cookie}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n".encode()
    )
    assert b" 101 " in connection.recv(1_024)
    return connection


BYTES = {
    "an unmasked frame": b"\x81\x02hi",
    "a reserved opcode": b"\x8b\x80\0\0\0\0",
    "a reserved bit": b"\xf1\x80\0\0\0\0",
    "text that is not UTF-8": b"\x81\x82\0\0\0\0\xff\xfe",
    "a length of all the memory there is": b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",
    "a frame just above the limit": struct.pack("!BBH", 0x81, 0xFE, 16_385) + b"\0" * 16_389,
    "fragments without an end": (b"\x01\x82\0\0\0\0[[")
    + (b"\x00\xfe\x3f\xff" + b"\0" * 16_387) * 8,
    "a continuation of nothing": b"\x80\x80\0\0\0\0",
    "a ping that is too long": b"\x89\xfe\x00\x80\0\0\0\0" + b"x" * 128,
    "half a header": b"\x81",
    "half a frame": b"\x81\xfe\x10\x00\0\0\0\0[",
    "a close with half a code": b"\x88\x81\0\0\0\0\x03",
    "HTTP": b"GET / HTTP/1.1\r\n\r\n" * 20,
}


def test_no_bytes_reach_beyond_their_own_connection(wire, server, cookie_of, ana, inbox, clinic):
    cookie = cookie_of(ana)
    calm = wire(cookie=cookie)
    calm.live(VITALS)
    opened = []
    for data in BYTES.values():
        opened.append(raw(server, cookie))
        with contextlib.suppress(OSError):
            opened[-1].sendall(data)
    told = inbox.put([f"patient:{ana.patient.pk}"], organization=clinic.pk)
    assert calm.changes()[0]["record"]["id"] == told
    assert calm.heartbeat()[-1][4]["status"] == "ok"
    for connection in opened:
        connection.close()
    wait_until(lambda: len(server.hub.connections) == 1)


def test_joins_without_end_of_one_socket_cost_no_one_else(wire, cookie_of, ana, inbox, clinic):
    """As many as it can send before it is stopped, long before the two thousandth."""
    cookie = cookie_of(ana)
    calm, greedy = wire(cookie=cookie), wire(cookie=cookie)
    calm.live(VITALS)
    with contextlib.suppress(ConnectionClosed):
        for n in range(2_000):
            greedy.send(f"realtime:{n}", "phx_join", {"config": {"postgres_changes": [VITALS]}})
    assert greedy.closed()[0] in (4429, 1006)
    told = inbox.put([f"patient:{ana.patient.pk}"], organization=clinic.pk)
    assert calm.changes()[0]["record"]["id"] == told
