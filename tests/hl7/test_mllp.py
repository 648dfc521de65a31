"""manage.py mllp, a real process: an answer only for what is committed, and none for the rest."""

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import closing

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from portal.management.hl7.framing import END, START
from portal.management.hl7.intake import Hl7Intake
from tests.hl7.samples import frame, oru, result, siu
from tests.realtime.conftest import ROOT
from tests.waiting import wait_until

SODIUM = "2951-2^Sodium^LN"


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
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def end(self, number=signal.SIGTERM):
        """End it by a signal; returns its status and what it wrote besides."""
        self.process.send_signal(number)
        return self.finished()

    def finished(self):
        out, err = self.process.communicate(timeout=60)
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


def test_a_visit_comes_over_the_wire(listening, database_urls):
    with listening().connect() as connection:
        connection.sendall(frame(siu(control_id="V1")))
        assert answer_on(connection) == ["AA", "V1"]
    with psycopg.connect(database_urls.superuser) as seen:
        visits = seen.execute("SELECT filler_id, status FROM appointments").fetchall()
    assert visits == [("F1^LAB|HILL", "booked")]


def test_a_process_takes_messages_and_ends_when_asked(listening, results):
    listener = listening()
    assert listener.told.startswith("Listening for harbour at 127.0.0.1:")
    with listener.connect() as connection:
        connection.sendall(frame(oru(control_id="A1")))
        assert answer_on(connection) == ["AA", "A1"]
        assert results() == [("2823-3", "4.1")]
        status, told = listener.end()
        assert connection.recv(1) == b""
    assert status == 0
    # Its own address, and moments, may hold any digits.
    said = re.sub(r"127\.0\.0\.1|[\d-]+T[\d:.]+Z", "", told)
    for secret in ("4471", "A1", "4.1", "Ruiz"):
        assert secret not in said


def test_killed_before_the_commit_it_has_not_answered(
    listening, results, held, database_urls, clinic
):
    message = oru()
    listener = listening()
    with listener.connect() as connection:
        with held(message):
            connection.sendall(frame(message))
            wait_until(lambda: is_waiting(database_urls))
            listener.end(signal.SIGKILL)
        assert answer_on(connection) == []
    assert results() == []
    # Sent again, as senders do that have no answer, it is new.
    taken = Hl7Intake(clinic).take(message)
    assert (taken.answer.code, taken.was_known) == ("AA", False)
    assert results() == [("2823-3", "4.1")]


def test_asked_to_stop_it_answers_what_it_is_storing(listening, results, held, database_urls):
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
    assert results() == [("2823-3", "4.1")]


def test_a_database_that_ends_the_connection_leaves_no_answer(
    listening, results, held, database_urls
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
    assert results() == [("2823-3", "4.1")]


@pytest.mark.parametrize(
    ("options", "words"),
    [({"organization": "nobody"}, "no organization"), ({"host": "192.0.2.1"}, "Cannot listen at")],
)
def test_what_cannot_be_begun_says_why(cast, options, words):
    with pytest.raises(CommandError, match=words):
        call_command("mllp", **({"organization": "harbour", "port": 0} | options))
