"""A server, sockets to it, and an inbox to write into; all commits are real."""

import asyncio

import psycopg
import pytest
from django.conf import settings

from tests.realtime.reading.wire import Inbox, Wire, served
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def rights_have_their_time(monkeypatch):
    """A busy machine reads them late; a page that has to try again would hide all the rest."""
    from realtime import asking  # once Django is set up

    monkeypatch.setattr(asking, "RIGHTS_SECONDS", 10.0)


@pytest.fixture(scope="module")
def running(django_db_setup, django_db_blocker, database_urls):
    """One server for the tests of a module: hub, relay and bus live through what each leaves."""
    with django_db_blocker.unblock(), served() as server:
        settle(server, database_urls)
        yield server


@pytest.fixture
def server(committed, running, superuser):
    """The portal's sockets, its relay and its hub."""
    yield running
    wait_until(lambda: not running.hub.connections)
    # What is left of a join in the server's threads would stand in the way of emptying the tables.
    busy = (
        "SELECT count(*) AS busy FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid()"
    )
    wait_until(lambda: not superuser.execute(busy).fetchone()["busy"])


@pytest.fixture
def own_server(committed, database_urls):
    """A server for this test alone: it may be broken, or have settings of its own."""
    with served() as server:
        settle(server, database_urls)
        yield server


def settle(server, database_urls):
    """A database copied from a template is given a log of its own when the first relay leads."""
    query = "SELECT log_epoch FROM realtime_relay WHERE log_epoch = realtime_log_epoch()"
    with psycopg.connect(database_urls.engine, autocommit=True) as connection:
        (epoch,) = wait_until(lambda: connection.execute(query).fetchone())
    wait_until(lambda: server.hub.core.epoch == epoch)


@pytest.fixture
def inbox(superuser, log):
    """Where events begin."""
    return Inbox(superuser)


@pytest.fixture
def put(inbox, ana, clinic):
    """`put()`: a change about Ana; its id."""
    return lambda: inbox.put([f"patient:{ana.patient.pk}"], organization=clinic.pk)


@pytest.fixture
def forgetful(server):
    """A hub that remembers nothing: history comes from the database."""

    def forget():
        server.call(lambda: server.hub.core.ring.restart(server.hub.core.seq))

    forget()
    return forget


@pytest.fixture
def gate(server):
    """Where the engine waits until it is set: at the latest here, for the hub has other tests."""
    gate = asyncio.Event()
    yield gate
    server.call(gate.set)


@pytest.fixture
def cookie_of(client_for):
    """`cookie_of(ana)`: the session cookie of a browser in which Ana has just signed in."""

    def cookie_of(person):
        return client_for(person).cookies[settings.SESSION_COOKIE_NAME].value

    return cookie_of


@pytest.fixture
def wire(request, cookie_of):
    """`wire(ana)`: a socket of somebody who is signed in, `wire()` one of nobody."""
    own = "own_server" in request.fixturenames
    server = request.getfixturevalue("own_server" if own else "server")
    opened = []

    def wire(person=None, *, cookie=None, **options):
        if person is not None:
            cookie = cookie_of(person)
        opened.append(Wire(server, cookie, **options))
        return opened[-1]

    yield wire
    for each in opened:
        each.close()
