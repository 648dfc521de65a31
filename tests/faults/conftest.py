"""What fault tests start from."""

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
