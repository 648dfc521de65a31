"""What fault tests start from."""

import os
from urllib.parse import urlsplit

import pytest

from tests.conftest import RUN_VARIABLE, SUPERUSER_VARIABLE
from tests.realtime.conftest import (  # noqa: F401 - fixtures of the engine's own tests
    app,
    connect,
    engine,
    log,
    notes,
    owner,
    superuser,
)
from tests.realtime.reading.conftest import cookie_of, inbox  # noqa: F401 - as above


@pytest.fixture
def migrated():
    """The superuser's URL of this run's template, which no test writes to: to be copied."""
    url = urlsplit(os.environ[SUPERUSER_VARIABLE])
    return url._replace(path=f"/vigil_{os.environ[RUN_VARIABLE]}_template").geturl()
