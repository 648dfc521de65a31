"""The listener, over a real socket: every message its answer, nobody in the way of others."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest

from portal.management.hl7.framing import END, START, framed
from portal.management.hl7.intake import Hl7Intake
from portal.management.hl7.listener import Limits, Listener
from tests.hl7.samples import frame, header, oru, result

SODIUM = "2951-2^Sodium^LN"


@pytest.fixture
def at_port(committed, cast, clinic):
    """`async with at_port(idle_seconds=0.1) as port:` a listener with such limits."""

    @asynccontextmanager
    async def at_port(**limits):
        listener = Listener(Hl7Intake(clinic), Limits(**limits))
        ((_, port),) = await listener.start("127.0.0.1", 0)
        try:
            yield port
        finally:
            await listener.stop()

    return at_port


async def spoken(port, *parts):
    """Send some bytes on one connection and return all that came back until it was closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(60):
        for part in parts:
            writer.write(part)
            await writer.drain()
        writer.write_eof()
        received = await reader.read()
    writer.close()
    return [each.split("\r") for each in received.decode().split(START.decode())[1:]]


def codes(answers):
    return [line.split("|")[1:3] for answer in answers for line in answer if line[:3] == "MSA"]


async def test_every_message_has_its_answer_in_order(at_port, results):
    async with at_port() as port:
        answers = await spoken(
            port,
            frame(oru(control_id="1")) + frame(oru(result(SODIUM, "high"), control_id="2")),
            frame(f"{header('ADT^A08', '3')}\rPID|1".encode()),
            frame(b"PID|1"),
            frame(oru(control_id="1"))[:20],
        )
    assert codes(answers) == [["AA", "1"], ["AE", "2"], ["AR", "3"], ["AR", ""]]
    assert "OBX^1^5" in "\r".join(answers[1])
    assert results() == [("2823-3", "4.1")]


async def test_the_same_message_on_two_connections_is_one(at_port, results):
    async with at_port() as port:
        both = await asyncio.gather(*(spoken(port, frame(oru())) for _ in range(2)))
    assert [codes(answers) for answers in both] == [[["AA", "1"]]] * 2
    assert results() == [("2823-3", "4.1")]


async def test_a_message_that_was_cut_off_is_not_mixed_with_the_next(at_port, results, ben):
    cut = oru(control_id="1", number="4471").rstrip(b"\r")
    whole = oru(
        result(SODIUM, "140"), control_id="2", number=ben.patient.mrn,
        birth=f"{ben.patient.birth_on:%Y%m%d}",
    )  # fmt: skip
    async with at_port() as port:
        assert codes(await spoken(port, START + cut, frame(whole))) == [["AA", "2"]]
    assert results() == [("2951-2", "140")]


async def test_a_huge_message_is_rejected_and_the_connection_closed(at_port, results):
    async with at_port(message_bytes=100_000) as port:
        answers = await spoken(port, START + b"MSH|^~\\&|" + b"x" * 3_000_000)
        assert codes(answers) == [["AR", ""]]
        assert "larger than 100,000 bytes" in "\r".join(answers[0])
        # Whoever comes next is served.
        assert codes(await spoken(port, frame(oru()))) == [["AA", "1"]]


async def left_alone(port, first, *, every=None):
    """Say something, then nothing, or a byte now and then; wait for the listener to hang up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(first)

    async def trickle():
        while every:
            await asyncio.sleep(every)
            writer.write(b"x")

    task = asyncio.create_task(trickle())
    try:
        async with asyncio.timeout(60):
            return await reader.read()
    except ConnectionResetError:
        # How it looks when the last byte was still on its way.
        return b""
    finally:
        task.cancel()
        writer.close()


@pytest.mark.parametrize("first", [b"", b"junk", START + b"MSH|", START + b"x" * 50_000])
@pytest.mark.parametrize("every", [None, 0.02])
async def test_who_is_too_slow_is_hung_up_on(at_port, first, every):
    async with at_port(idle_seconds=0.2, message_seconds=0.2) as port:
        assert await left_alone(port, first, every=every) == b""


async def test_who_reads_no_answers_is_hung_up_on(at_port):
    # An answer repeats the sender's name.
    refused = frame(header("ADT^A08").replace("LAB", "x" * 50_000).encode())

    async def keep_sending(connection):
        while True:
            await asyncio.get_running_loop().sock_sendall(connection, refused)

    async with at_port(message_seconds=0.2) as port:
        with socket.socket() as connection:
            # The less the network keeps for it, the sooner it shows.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", port))
            connection.setblocking(False)
            with pytest.raises(ConnectionError):
                await asyncio.wait_for(keep_sending(connection), 60)


async def test_more_connections_than_there_may_be_are_closed(at_port, results):
    async with at_port(connections=1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(frame(oru()))
        assert (await reader.readuntil(END)).startswith(START)
        assert await left_alone(port, b"") == b""
        writer.close()
        await writer.wait_closed()


async def test_a_fault_of_ours_is_an_answer_and_not_the_end(at_port, results, monkeypatch):
    from portal.management.hl7 import intake

    def broken(*arguments):
        raise RuntimeError("CANARY")

    handlers = {"ORU^R01": broken}
    async with at_port() as port:
        with monkeypatch.context() as patch:
            patch.setattr(intake, "HANDLERS", handlers)
            answers = await spoken(port, frame(oru()))
        assert codes(answers) == [["AE", "1"]]
        assert "CANARY" not in str(answers)
        assert codes(await spoken(port, frame(oru()))) == [["AA", "1"]]


def test_answers_are_framed():
    assert framed("MSH|\r") == b"\x0bMSH|\r\x1c\r"
