"""Writing to a socket: order, bounds, and finding out that nobody reads."""

import asyncio
import struct

from realtime.line import Deadline, Encoded, SendLine, TransportLine


class Server:
    """ASGI's `send`, which waits while its gate is closed."""

    def __init__(self):
        self.gate = asyncio.Event()
        self.gate.set()
        self.sent = []

    async def send(self, message):
        await self.gate.wait()
        self.sent.append(message.get("text", message["type"]))


def frames(*texts):
    return [Encoded(text) for text in texts]


def test_a_frame_is_framed_as_a_server_frames_it():
    for size, head in (
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e" + struct.pack("!H", 126)),
        (65_536, b"\x81\x7f" + struct.pack("!Q", 65_536)),
    ):
        assert Encoded("x" * size).wire == head + b"x" * size
    assert Encoded("é").wire == b"\x81\x02" + "é".encode()


async def test_a_plain_server_gets_the_frames_in_order():
    server = Server()
    line = SendLine(server.send, most=1_000)
    assert line.write(frames("a", "b"))
    assert line.write(frames("c"))
    assert line.unsent() == 3
    await line.drained()
    assert server.sent == ["a", "b", "c"]
    assert (line.unsent(), line.sent()) == (0, 3)
    assert line.write(frames("d"))
    await line.close(4401, "signed out")
    assert server.sent == ["a", "b", "c", "d", "websocket.close"]
    assert line.write(frames("e"))
    assert len(server.sent) == 5


async def test_a_plain_server_whose_peer_does_not_read_is_found_and_let_go():
    server = Server()
    server.gate.clear()
    line = SendLine(server.send, most=10)
    assert line.write(frames("x" * 11))
    assert not line.write(frames("y"))
    deadline = Deadline(5)
    assert [deadline.is_over(line, now) for now in (0.0, 4.9, 5.0)] == [False, False, True]
    await asyncio.wait_for(line.close(4008, "resync"), 3)


async def test_a_peer_that_is_gone_ends_the_writing_quietly():
    async def gone(message):
        raise OSError("gone")

    line = SendLine(gone, most=10)
    line.write(frames("a", "b"))
    await line.drained()
    assert line.unsent() == 0
    await line.close(1000, "")


async def test_a_peer_that_reads_slowly_is_not_one_that_does_not_read():
    server = Server()
    line = SendLine(server.send, most=1_000)
    deadline = Deadline(5)
    for now in range(0, 60, 4):
        server.gate.clear()
        line.write(frames("a"))
        assert not deadline.is_over(line, now)
        server.gate.set()
        await line.drained()


def test_only_a_server_we_know_is_written_to_past_its_send():
    async def send(message):
        """Somebody else's."""

    assert TransportLine.of(send, 10) is None
    assert TransportLine.of(Server().send, 10) is None
