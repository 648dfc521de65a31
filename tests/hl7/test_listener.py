"""manage.py mllp: a real socket, a real process; an answer only for what is committed."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager, closing

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from portal.management.hl7.framing import END, START, framed
from portal.management.hl7.intake import Hl7Intake
from portal.management.hl7.listener import Limits, Listener
from tests.hl7.samples import header, oru, result
from tests.realtime.conftest import ROOT, wait_until

SODIUM = "2951-2^Sodium^LN"


def frame(data):
    return START + data + END


@pytest.fixture
def stored(committed, database_urls):
    """`stored()`: the codes and values of all results, committed."""

    def stored():
        with psycopg.connect(database_urls.superuser) as connection:
            rows = connection.execute("SELECT code, value FROM results ORDER BY code").fetchall()
            return [(code, f"{value.normalize():f}") for code, value in rows]

    return stored


# In a process of its own ---------------------------------------------------------------------


class Process:
    """`manage.py mllp` for Harbour Clinic."""

    def __init__(self, *options):
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "mllp", "--organization=harbour", "--port=0", *options],
            cwd=ROOT,
            env=os.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.told = self.process.stdout.readline()
        self.port = int(self.told.rpartition(":")[2])

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def end(self, number=signal.SIGTERM):
        """End it by a signal; returns its status and what it wrote besides."""
        self.process.send_signal(number)
        return self.finished()

    def finished(self):
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out + err


@pytest.fixture
def listening(committed, cast):
    """`listening()`: the address of a listener that has begun."""
    begun = []

    def listening(*options):
        begun.append(Process(*options))
        return begun[-1]

    yield listening
    for each in begun:
        if each.process.poll() is None:
            each.end(signal.SIGKILL)
        each.process.stdout.close()
        each.process.stderr.close()


def answer_on(connection):
    """The fields of MSA in the next answer; [] when the connection ends without one."""
    received = b""
    while not received.endswith(END):
        if not (data := connection.recv(4096)):
            return []
        received += data
    assert received.startswith(START)
    (line,) = (each for each in received.decode().split("\r") if each.startswith("MSA"))
    return line.split("|")[1:]


@pytest.fixture
def held(database_urls, clinic):
    """`with held(message):` whoever stores this message waits, with its transaction open."""
    import hashlib

    def held(message, control_id="1"):
        name = f"hl7 {clinic.pk}|LAB|HILL|{control_id}|{hashlib.sha256(message).hexdigest()}"
        connection = psycopg.connect(database_urls.superuser, autocommit=True)
        connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
        return closing(connection)

    return held


def is_waiting(database_urls):
    with psycopg.connect(database_urls.superuser) as connection:
        return connection.execute(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchone()


def test_a_process_takes_messages_and_ends_when_asked(listening, stored):
    listener = listening()
    assert listener.told.startswith("Listening for harbour at 127.0.0.1:")
    with listener.connect() as connection:
        connection.sendall(frame(oru(control_id="A1")))
        assert answer_on(connection) == ["AA", "A1"]
        assert stored() == [("2823-3", "4.1")]
        status, told = listener.end()
        assert connection.recv(1) == b""
    assert status == 0
    for secret in ("4471", "A1", "4.1", "Ruiz"):
        assert secret not in told.replace("127.0.0.1", "")


def test_killed_before_the_commit_it_has_not_answered(
    listening, stored, held, database_urls, clinic
):
    message = oru()
    listener = listening()
    with listener.connect() as connection:
        with held(message):
            connection.sendall(frame(message))
            wait_until(lambda: is_waiting(database_urls))
            listener.end(signal.SIGKILL)
        assert answer_on(connection) == []
    assert stored() == []
    # Sent again, as senders do that have no answer, it is new.
    taken = Hl7Intake(clinic).take(message)
    assert (taken.answer.code, taken.was_known) == ("AA", False)
    assert stored() == [("2823-3", "4.1")]


def test_asked_to_stop_it_answers_what_it_is_storing(listening, stored, held, database_urls):
    message = oru()
    listener = listening()
    with listener.connect() as connection, listener.connect() as idle:
        with held(message):
            connection.sendall(frame(message) + frame(oru(result(SODIUM, "140"), control_id="2")))
            wait_until(lambda: is_waiting(database_urls))
            listener.process.send_signal(signal.SIGTERM)
            # It has begun to stop: whoever only waits is let go.
            assert idle.recv(1) == b""
        assert answer_on(connection) == ["AA", "1"]
        assert answer_on(connection) == []
    assert listener.finished()[0] == 0
    # What waited behind it has no answer, and will come again.
    assert stored() == [("2823-3", "4.1")]


def test_a_database_that_ends_the_connection_leaves_no_answer(
    listening, stored, held, database_urls
):
    message = oru()
    listener = listening()
    with listener.connect() as connection:
        with held(message):
            connection.sendall(frame(message))
            wait_until(lambda: is_waiting(database_urls))
            with psycopg.connect(database_urls.superuser, autocommit=True) as owner:
                owner.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks"
                    " WHERE locktype = 'advisory' AND NOT granted"
                )
        assert answer_on(connection) == []
    with listener.connect() as connection:
        connection.sendall(frame(message))
        assert answer_on(connection) == ["AA", "1"]
    assert stored() == [("2823-3", "4.1")]


@pytest.mark.parametrize(
    ("options", "words"),
    [({"organization": "nobody"}, "no organization"), ({"host": "192.0.2.1"}, "Cannot listen at")],
)
def test_what_cannot_be_begun_says_why(cast, options, words):
    with pytest.raises(CommandError, match=words):
        call_command("mllp", **({"organization": "harbour", "port": 0} | options))


# In this process, with limits that a test can reach --------------------------------------------


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
    async with asyncio.timeout(10):
        for part in parts:
            writer.write(part)
            await writer.drain()
        writer.write_eof()
        received = await reader.read()
    writer.close()
    return [each.split("\r") for each in received.decode().split(START.decode())[1:]]


def codes(answers):
    return [line.split("|")[1:3] for answer in answers for line in answer if line[:3] == "MSA"]


async def test_every_message_has_its_answer_in_order(at_port, stored):
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
    assert stored() == [("2823-3", "4.1")]


async def test_the_same_message_on_two_connections_is_one(at_port, stored):
    async with at_port() as port:
        both = await asyncio.gather(*(spoken(port, frame(oru())) for _ in range(2)))
    assert [codes(answers) for answers in both] == [[["AA", "1"]]] * 2
    assert stored() == [("2823-3", "4.1")]


async def test_a_message_that_was_cut_off_is_not_mixed_with_the_next(at_port, stored, ben):
    cut = oru(control_id="1", number="4471").rstrip(b"\r")
    whole = oru(
        result(SODIUM, "140"), control_id="2", number=ben.patient.mrn,
        birth=f"{ben.patient.birth_on:%Y%m%d}",
    )  # fmt: skip
    async with at_port() as port:
        assert codes(await spoken(port, START + cut, frame(whole))) == [["AA", "2"]]
    assert stored() == [("2951-2", "140")]


async def test_a_huge_message_is_rejected_and_the_connection_closed(at_port, stored):
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
    async with asyncio.timeout(10):
        received = await reader.read()
    task.cancel()
    writer.close()
    return received


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
                await asyncio.wait_for(keep_sending(connection), 20)


async def test_more_connections_than_there_may_be_are_closed(at_port, stored):
    async with at_port(connections=1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(frame(oru()))
        assert (await reader.readuntil(END)).startswith(START)
        assert await left_alone(port, b"") == b""
        writer.close()
        await writer.wait_closed()


async def test_a_fault_of_ours_is_an_answer_and_not_the_end(at_port, stored, monkeypatch):
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
