"""The ASGI application: pages over HTTP, the engine over WebSocket, begun by the lifespan."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
from portal.environment import said_plainly

with said_plainly():
    django.setup(set_prefix=False)

from channels.routing import ProtocolTypeRouter  # type: ignore[import-untyped]

from portal import garbage, giving_way
from portal.asgi_handler import Handler
from portal.operations.sampling import SampledLifespan
from portal.operations.startup import CheckedLifespan
from realtime.lifespan import Lifespan
from realtime.routing import websocket_application

application = ProtocolTypeRouter(
    {
        "http": Handler(),
        "websocket": websocket_application,
        "lifespan": CheckedLifespan(SampledLifespan(Lifespan())),
    }
)

garbage.spare_what_stays()
giving_way.give_way()
