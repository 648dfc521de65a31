"""A server, sockets to it, and an inbox to write into; all commits are real."""

import pytest
from django.conf import settings

from tests.realtime.reading.wire import Inbox, Wire, served, wait_until


@pytest.fixture
def server(committed, log, engine):
    """The portal's sockets, its relay and its hub."""
    with served() as server:
        # A database copied from a template is given a log of its own when the first relay leads.
        query = "SELECT log_epoch FROM realtime_relay WHERE log_epoch = realtime_log_epoch()"
        epoch = wait_until(lambda: engine.execute(query).fetchone())["log_epoch"]
        wait_until(lambda: server.hub.core.epoch == epoch)
        yield server


@pytest.fixture
def inbox(superuser, server):
    """Where events begin."""
    return Inbox(superuser)


@pytest.fixture
def cookie_of(client_for):
    """`cookie_of(ana)`: the session cookie of a browser in which Ana has just signed in."""

    def cookie_of(person):
        return client_for(person).cookies[settings.SESSION_COOKIE_NAME].value

    return cookie_of


@pytest.fixture
def wire(server, cookie_of):
    """`wire(ana)`: a socket of somebody who is signed in, `wire()` one of nobody."""
    opened = []

    def wire(person=None, *, cookie=None, **options):
        if person is not None:
            cookie = cookie_of(person)
        opened.append(Wire(server, cookie, **options))
        return opened[-1]

    yield wire
    for each in opened:
        each.close()
