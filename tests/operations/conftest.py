"""What the tests of operating stand on: the engine's own fixtures, and things broken on purpose."""

from contextlib import contextmanager

import pytest

from tests.proxied import caddy, certificate, nginx  # noqa: F401 - what a site is made of

# The relay of those tests is the one that a web process runs.
from tests.realtime.conftest import (  # noqa: F401
    connect,
    engine,
    log,
    owner,
    relay_processes,
    relays,
    superuser,
)


@pytest.fixture
def broken(superuser):  # noqa: F811 - a fixture is named where it is asked for
    """`with broken(sql, mended=sql):` changes the database past the application, and back."""

    @contextmanager
    def broken(sql, mended):
        superuser.execute(sql)
        try:
            yield
        finally:
            superuser.execute(mended)

    return broken
