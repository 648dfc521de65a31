"""A small stage for the benchmark: this worker's database, and a crowd of a dozen."""

import os
import uuid

import psycopg
import pytest

from benchmarks.stage import Stage
from portal.embedded.postgres import drop_database_on, provision_on
from tests.conftest import SUPERUSER_VARIABLE


class SmallStage(Stage):
    """As the real one, on the server of the test run."""

    def __init__(self, folder, urls):
        from portal.embedded.valkey import EmbeddedValkey

        self.folder = folder
        self.portal = urls
        self.valkey = EmbeddedValkey()
        self.peers = provision_on(os.environ[SUPERUSER_VARIABLE], f"peers_{uuid.uuid4().hex[:8]}")
        self.make_peers()

    def pin_postgres(self, core):
        """The server is that of other tests too: it stays where it is."""

    def tear_down(self):
        self.valkey.stop()
        drop_database_on(os.environ[SUPERUSER_VARIABLE], self.peers.name)


@pytest.fixture
def stage(committed, database_urls, tmp_path, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "")
    stage = SmallStage(tmp_path, database_urls)
    stage.valkey.start()
    yield stage
    stage.tear_down()


@pytest.fixture
def clinic(stage):
    """A clinic of twelve patients, each with a page open."""
    from benchmarks.population import Clinic

    clinic = Clinic(f"clinic-{uuid.uuid4().hex[:8]}")
    clinic.admit(12, with_page=True)
    return clinic


@pytest.fixture
def portal(stage, clinic):
    from benchmarks.contestants import Portal

    return Portal(stage, clinic.visitors)


@pytest.fixture
def superuser(database_urls):
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
        yield connection
