"""Alive, ready, and what is said when the database or the bus goes away and comes back."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.db import OperationalError, connection

from portal.embedded import processes
from portal.embedded.postgres import EmbeddedPostgres
from portal.embedded.valkey import EmbeddedValkey
from portal.operations import views, wellbeing
from portal.operations.outage import is_outage
from tests.copies import copy_database

ROOT = Path(__file__).resolve().parents[2]

as_every_role = pytest.mark.django_db(databases=["default", "owner", "engine"])


def ready(client):
    answer = client.get("/readyz")
    return answer.status_code, answer.json()


def test_alive_says_so_without_a_look_at_anything(client):
    # No `db` fixture: a query would fail this test.
    assert client.get("/healthz").content == b"alive\n"


def test_only_reading_is_answered(client):
    assert client.post("/healthz").status_code == 405
    assert client.post("/readyz").status_code == 405


@as_every_role
def test_ready_names_every_part(client):
    _, parts = ready(client)
    for part in ["application", "owner", "engine"]:
        assert parts[f"database, {part} role"] == "ok"
    assert parts["migrations"] == "ok"
    assert parts["bus"] == "ok, inside this process"


@as_every_role
def test_a_silent_relay_is_degraded_and_said_once(client, monkeypatch, caplog):
    monkeypatch.setattr(wellbeing, "RELAY_SILENCE_SECONDS", -1)
    monkeypatch.setattr(views, "_said", {})
    for _ in range(3):
        status, parts = ready(client)
        assert (status, parts["status"]) == (200, "degraded")
    assert caplog.text.count("Not well: relay") == 1


@as_every_role
def test_a_missing_migration_is_not_ready(client, monkeypatch):
    monkeypatch.setattr(wellbeing, "missing_migrations", lambda: ["portal.9999_tomorrow"])
    status, parts = ready(client)
    assert (status, parts["status"], parts["migrations"]) == (503, "not ready", "1 missing")


@as_every_role
def test_a_bus_that_is_down_is_degraded(client, settings):
    valkey = EmbeddedValkey()
    valkey.start()
    settings.REDIS_URL = valkey.url
    assert ready(client)[1]["bus"] == "ok"
    valkey.kill()
    status, parts = ready(client)
    assert (status, parts["status"], parts["bus"]) == (200, "degraded", "down")


@as_every_role
def test_a_bus_that_hangs_is_down(client, settings):
    valkey = EmbeddedValkey()
    valkey.start()
    settings.REDIS_URL = valkey.url
    os.kill(valkey.pid, signal.SIGSTOP)
    try:
        assert ready(client)[1]["bus"] == "down"
    finally:
        valkey.kill()


def test_a_query_that_fails_is_no_outage(db):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 1")
        with pytest.raises(OperationalError) as raised:
            cursor.execute("SELECT pg_sleep(1)")
    assert not is_outage(raised.value)


class Site:
    """A web server of its own on a database of its own."""

    def __init__(self, folder, template):
        self.template = template
        self.database = EmbeddedPostgres(folder / "postgres", durable=False)
        self.log = folder / "web.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def start(self):
        self.database.start()
        self.urls = self.database.provision("site")
        settings = self.urls.environment() | {"DATABASE_POOL": "4"}
        copy_database(self.template, self.urls.superuser)
        server = ["portal.serving", "--port", str(self.port)]
        with self.log.open("wb") as log:
            self.server = subprocess.Popen(
                [sys.executable, "-m", *server, "--log-level", "warning"],
                cwd=ROOT,
                env=os.environ | settings,
                stdout=log,
                stderr=log,
            )
        assert processes.wait_until(lambda: self.answers(200), seconds=60), self.log.read_text()

    def stop(self):
        self.server.terminate()
        try:
            self.server.wait(60)
        finally:
            self.server.kill()
            self.server.wait()
            self.database.discard()

    def get(self, path="/sign-in/", *, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers={"Accept": "text/html"} | (headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def answers(self, status):
        try:
            return self.get()[0] == status
        except OSError:
            return False


@pytest.fixture
def site(tmp_path, migrated):
    site = Site(tmp_path, migrated)
    try:
        site.start()
        yield site
    finally:
        site.stop()


def test_a_hub_is_not_called_behind_before_it_has_looked(site):
    """The first look stands for ten seconds: each restart was red on administrators' pages."""
    with psycopg.connect(site.urls.superuser, autocommit=True) as database:

        def first_look():
            found = database.execute(
                "SELECT is_fresh FROM operation_hub_samples ORDER BY at LIMIT 1"
            )
            return found.fetchone()

        assert processes.wait_until(lambda: first_look() is not None, seconds=60)
        assert first_look() == (True,)


def test_a_database_that_goes_away_is_waited_for(site):
    """Pages say so calmly, try again by themselves, and are there again when it is."""
    site.database.kill()
    status, headers, page = site.get()
    assert (status, headers["Retry-After"], headers["Cache-Control"]) == (503, "5", "no-store")
    assert '<meta http-equiv="refresh" content="5">' in page
    assert "Please wait a moment" in page
    assert site.get("/healthz")[0] == 200
    assert site.get("/readyz")[0] == 503
    assert site.get(headers={"HX-Request": "true"})[1]["Content-Type"] == "text/plain"
    assert site.get(headers={"Accept": "application/json"})[2] == '{"error": "database_away"}'
    assert site.get("/static/css/tokens.css")[0] == 200

    site.database.start()
    assert processes.wait_until(lambda: site.answers(200), seconds=60, every=0.2)
    assert processes.wait_until(lambda: "The database is back." in site.log.read_text(), seconds=60)
    assert site.log.read_text().count("The database is away") == 1
