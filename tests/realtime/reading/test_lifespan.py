"""The engine begins and ends with its server, and several servers share one log."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import httpx
import msgpack
import pytest
import redis

from portal.embedded.valkey import EmbeddedValkey
from realtime.bus import GROUP
from realtime.envelope import packed
from tests.realtime.bus_messages import ANOTHER_KEY
from tests.realtime.reading.wire import Inbox, Wire, changed_ids, ids, served
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]
VITALS = {"table": "vital_signs"}


def test_a_server_that_stops_says_goodbye(committed, log, cookie_of, ana):
    with served() as server:
        pages = [Wire(server, cookie_of(ana)) for _ in range(5)]
        for page in pages:
            page.live(VITALS)
    assert {page.closed()[0] for page in pages} == {1012}


def test_a_hub_that_stops_by_itself_says_the_same(committed, log, cookie_of, ana):
    with served() as server:
        page = Wire(server, cookie_of(ana))
        page.live(VITALS)
        server.run(server.hub.stop())
        assert page.closed() == (1012, "restarting")


def test_a_server_starts_while_the_database_is_away(committed, log, settings, cookie_of, ana):
    """It waits for the log beside the pages; sockets are refused until then, and not for good."""
    from realtime.failpoints import armed

    settings.REALTIME_FAILPOINTS = True
    away = [True]

    async def refuse():
        if away:
            raise OSError("no database")

    with armed("log.read", refuse), served(wait=False) as server:
        assert not server.hub.is_ready.is_set()
        away.clear()
        wait_until(server.hub.is_ready.is_set)
        page = Wire(server, cookie_of(ana))
        page.live(VITALS)
        page.close()


# Several processes and a bus between them -----------------------------------------------------


@pytest.fixture
def valkey():
    valkey = EmbeddedValkey()
    valkey.start()
    yield valkey
    valkey.stop()


@pytest.fixture
def processes(committed, log, database_urls, valkey):
    """Two web processes as in production: one log, one leading relay, Valkey between them."""
    started = []
    for _ in range(2):
        port = free_port()
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "portal.serving"),
                *("--port", str(port), "--log-level", "warning"),
            ],
            cwd=ROOT,
            env=os.environ
            | database_urls.environment()
            | {"REDIS_URL": valkey.url, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"},
        )
        started.append(SimpleNamespace(port=port, process=process))
    try:
        for each in started:
            wait_until(lambda each=each: is_up(each.port), 60)
        yield started
        for each in started:
            each.process.send_signal(signal.SIGINT)
        for each in started:
            assert each.process.wait(60) in (0, 130, -signal.SIGINT)
    finally:
        # One that goes on would lead the relay of every test that follows.
        for each in started:
            each.process.kill()
            each.process.wait()


def free_port():
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def is_up(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def test_two_processes_tell_the_same_through_valkey_and_without_it(
    processes, valkey, cookie_of, superuser, ana, ada, clinic
):
    inbox = Inbox(superuser)
    pages = [Wire(processes[0], cookie_of(ana)), Wire(processes[1], cookie_of(ada))]
    for page in pages:
        page.live(VITALS)
    put = lambda: inbox.put([f"patient:{ana.patient.pk}"], organization=clinic.pk)  # noqa: E731
    expected = [put() for _ in range(20)]
    for page in pages:
        assert ids(page.changes(20)) == expected
    valkey.stop()
    more = [put() for _ in range(20)]
    for page in pages:
        assert ids(page.changes(20)) == more
    # One of the two ends; whichever leads, the other goes on.
    processes[0].process.kill()
    processes[0].process.wait(60)
    last = put()
    assert ids(pages[1].changes(1)) == [last]
    again = Wire(processes[1], cookie_of(ana))
    again.live(VITALS)
    for page in (*pages, again):
        page.close()
    processes.pop(0)


def test_a_forged_next_event_is_told_to_nobody_and_hides_nothing(
    processes, valkey, cookie_of, superuser, ana, ada, clinic, settings
):
    """The right log, exactly the next number, and topics that both pages hear."""
    inbox = Inbox(superuser)
    pages = [Wire(processes[0], cookie_of(ana)), Wire(processes[1], cookie_of(ada))]
    for page in pages:
        page.live(VITALS)
    topics = [f"patient:{ana.patient.pk}"]
    with redis.Redis.from_url(valkey.url) as stranger, stranger.pubsub() as listening:
        listening.subscribe(f"vigil__group__{GROUP}")
        true = [inbox.put(topics, organization=clinic.pk)]
        for page in pages:
            assert ids(page.changes(1)) == true
        envelope = heard(listening)
        for forged in (unsigned, with_the_signature_of_another, of_another_key):
            epoch, _, head = inbox.head().rpartition(":")
            seq = int(head) + 1
            made_up = json.loads(envelope["text"])["events"][0] | {
                "seq": seq,
                "row_id": "made up",
                "record": json.dumps({"id": "made up"}),
            }
            lie = {"epoch": epoch, "first": seq, "last": seq, "events": [made_up]}
            body = msgpack.packb({"type": GROUP} | forged(envelope, lie, settings))
            assert stranger.publish(f"vigil__group__{GROUP}", body) >= 2
            true.append(inbox.put(topics, organization=clinic.pk))
            for page in pages:
                assert ids(page.changes(1)) == true[-1:]
    for page in pages:
        page.heartbeat()
        assert changed_ids(page) == true
        page.close()


def heard(listening):
    """The first message of ours, as it stands on the bus."""
    while True:
        message = listening.get_message(ignore_subscribe_messages=True, timeout=60)
        if message is not None:
            envelope = msgpack.unpackb(message["data"])
            if "first" in json.loads(envelope["text"]):
                return envelope


def unsigned(envelope, lie, settings):
    return {"text": json.dumps(lie)}


def with_the_signature_of_another(envelope, lie, settings):
    return envelope | {"text": json.dumps(lie)}


def of_another_key(envelope, lie, settings):
    settings.SECRET_KEY = ANOTHER_KEY
    return packed(lie)
