"""The auditor at work, in the relay that leads: it looks on, whatever hangs beside it."""

import time

import pytest

from alerts import auditor
from alerts.auditor import look
from tests.notifications.servers import holding_server
from tests.realtime.conftest import RelayThread
from tests.waiting import wait_until


@pytest.fixture
def relay():
    relay = RelayThread()
    yield relay
    relay.stop()


def test_the_auditor_looks_on_while_its_own_mail_hangs(
    committed, kinds, relay, settings, works, monkeypatch
):
    settings.EMAIL_BACKEND, settings.EMAIL_USE_TLS = "portal.mail.BoundedBackend", False
    # For longer than anybody here waits.
    settings.EMAIL_TIMEOUT = 600
    monkeypatch.setattr(auditor, "LOOK_EVERY_SECONDS", 0.2)
    looked_by = []

    async def seen(connection):
        looked_by.append(connection)
        return await look(connection)

    monkeypatch.setattr(auditor, "look", seen)
    with holding_server() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.host, server.port
        relay.start()
        wait_until(lambda: kinds() == ["worker_silent"])
        wait_until(lambda: server.lines)
        already = len(looked_by)
        wait_until(lambda: len(looked_by) > already + 2)
        works(-3600)
        wait_until(lambda: kinds() == [])
        # One by one: of each leader, should this one lose the lead on a busy machine.
        assert len(server.lines) <= len(set(map(id, looked_by)))


def test_the_auditor_looks_on_while_the_dead_mans_switch_hangs(
    committed, kinds, relay, settings, works, monkeypatch
):
    monkeypatch.setattr(auditor, "HEARTBEAT_SECONDS", 600)
    monkeypatch.setattr(auditor, "LOOK_EVERY_SECONDS", 0.2)
    with holding_server() as switch:
        settings.HEARTBEAT_URL = f"http://{switch.host}:{switch.port}/vigil"
        relay.start()
        wait_until(lambda: kinds() == ["worker_silent"])
        wait_until(lambda: switch.lines)
        works(-3600)
        wait_until(lambda: kinds() == [])


def test_the_auditor_runs_where_the_relay_leads(committed, works, kinds, relay):
    """And not in the worker: here there is none, which is what it finds."""
    relay.start()
    wait_until(lambda: kinds() == ["worker_silent"])


def test_whoever_takes_the_lead_looks_at_once(committed, kinds, relay, monkeypatch):
    monkeypatch.setattr(auditor, "LOOK_EVERY_SECONDS", 600)
    monkeypatch.setattr(auditor, "_process_began", time.monotonic() - 600)
    relay.start()
    wait_until(lambda: kinds() == ["worker_silent"])


def test_a_process_that_has_just_begun_gives_the_worker_time_to_begin(
    committed, works, kinds, relay, monkeypatch
):
    looks = []

    async def seen(connection):
        looks.append(time.monotonic())
        return await look(connection)

    monkeypatch.setattr(auditor, "look", seen)
    monkeypatch.setattr(auditor, "LOOK_EVERY_SECONDS", 2)
    began = time.monotonic()
    monkeypatch.setattr(auditor, "_process_began", began)
    relay.start()
    wait_until(lambda: looks)
    assert looks[0] >= began + 2
