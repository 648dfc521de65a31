"""What fault tests start from."""

import gc
import subprocess
import uuid

import pytest

from tests.alerts.conftest import (  # noqa: F401 - alerts, as their own tests raise them
    alert,
    alerts_of,
    arrives,
    judged,
    pass_minutes,
    policy,
    rule,
    told,
)
from tests.api.conftest import program_for  # noqa: F401 - programs with keys
from tests.proxied import certificate, nginx  # noqa: F401 - what a site is made of
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


@pytest.fixture(autouse=True)
def collected(request):
    """What a fault cut off says so when it is collected: to the test that may ignore it, and not
    to whichever comes after."""
    yield
    if request.node.get_closest_marker("filterwarnings"):
        gc.collect()


@pytest.fixture
def namespace():
    """A network namespace with nothing but a loopback, whose packets are as large as a wire's.

    It is what a command begins with to run there. Needs root and iproute2.
    """
    name = f"vigil-{uuid.uuid4().hex[:8]}"
    within = ["ip", "netns", "exec", name]
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run([*within, "ip", "link", "set", "lo", "mtu", "1500", "up"], check=True)
        yield within
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)
